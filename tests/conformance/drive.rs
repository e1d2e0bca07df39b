//! Steps through the harness: gives the operator what a case says and compares what comes out.
//!
//! What is Flink's and not Tidegate's is bridged here, once for all areas:
//! - the final watermark is the end of the data, on the way in and on the way out;
//! - a watermark that does not advance is no event: Flink's recordings hand it to the operator past
//!   the valve, a channel of Tidegate's never carries it;
//! - a side output is a channel of its own: its records are in order with each other and with the
//!   watermarks, not with the main output.

use super::Way;
use super::case::{Count, Emission, Order, Step, Stepped, read};
use super::sheet::{Recorder, Sheet};
use crate::harness::life::{Blueprint, Life, Saved};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use tidegate_core::element::{Batch, Data, Element, Record};
use tidegate_core::gate::Port;
use tidegate_core::key::Key;
use tidegate_core::operator::{CoOperator, Context, Operator, OutputTag};
use tidegate_core::output::OutputEdge;
use tidegate_core::stage::{OperatorStage, SECOND, Stage};
use tidegate_core::time::Timestamp;

type KeyHash = Box<dyn Fn(usize, &Value) -> u64>;
type MakeStage = Box<dyn Fn(Option<usize>) -> Box<dyn Stage>>;
type MakeEdges = Box<dyn Fn(&Sheet, bool) -> Vec<Box<dyn OutputEdge>>>;
/// Gives the answer to the call for a record.
type Complete = Box<dyn Fn(&Value, &[Value])>;
/// The timestamps that a snapshot holds in a buffer.
type Kept = fn(&Saved, &str) -> Result<Vec<i64>, String>;

/// What the steps of a case happen to: an operator, its inputs and its outputs.
pub struct Subject {
    stage: MakeStage,
    edges: MakeEdges,
    /// The operator input that each channel feeds.
    inputs: Vec<Port>,
    /// The stable hash of a record's key, by input.
    key_hash: KeyHash,
    kept: Option<Kept>,
    complete: Option<Complete>,
    /// Whether what was begun before a restore may come out in another order after it.
    reorders: bool,
    /// Whether a restore in the midst of everything changes nothing but what the operator remembers.
    restorable: bool,
    /// Whether the cases tell the event time of what is emitted.
    tells_time: bool,
}

impl Subject {
    /// The operator that `make` makes, with one input; what it emits is shown by `show`, and `sides`
    /// are the names of its side outputs.
    pub fn new<O: Operator<In = Value>>(
        make: impl Fn() -> O + 'static,
        show: fn(&O::Out) -> Value,
        sides: &'static [&'static str],
    ) -> Self {
        let stage = move |capacity: Option<usize>| -> Box<dyn Stage> {
            let connect = |ctx: &mut _| connect(ctx, sides);
            Box::new(match capacity {
                Some(capacity) => OperatorStage::with_capacity(capacity, make(), connect),
                None => OperatorStage::new(make(), connect),
            })
        };
        Self::of_stage(Box::new(stage), show, sides)
    }

    /// As [`Subject::new`], with a second input.
    pub fn with_two_inputs<O: CoOperator<In = Value, Second = Value>>(
        make: impl Fn() -> O + 'static,
        show: fn(&O::Out) -> Value,
        sides: &'static [&'static str],
    ) -> Self {
        let stage = move |capacity: Option<usize>| -> Box<dyn Stage> {
            let connect = |ctx: &mut _| connect(ctx, sides);
            let stage = match capacity {
                Some(capacity) => OperatorStage::with_capacity(capacity, make(), connect),
                None => OperatorStage::new(make(), connect),
            };
            Box::new(stage.with_second_input())
        };
        Self::of_stage(Box::new(stage), show, sides).inputs(&[0, SECOND])
    }

    /// As [`Subject::new`], for what is no [`Operator`]: `stage` makes it with an output that is full
    /// at so many records, and with the side outputs connected.
    pub fn of_stage<Out: Data>(
        stage: MakeStage,
        show: fn(&Out) -> Value,
        sides: &'static [&'static str],
    ) -> Self {
        let edges = move |sheet: &Sheet, full: bool| {
            let main = Recorder::new(sheet, 0, None, full, show);
            let mut edges: Vec<Box<dyn OutputEdge>> = vec![Box::new(main)];
            for (at, &side) in (1..).zip(sides) {
                edges.push(Box::new(Recorder::new(sheet, at, Some(side), full, Value::clone)));
            }
            edges
        };
        let edges = Box::new(edges);
        let key_hash = Box::new(|_, _: &_| 0);
        Self {
            stage,
            edges,
            inputs: vec![0],
            key_hash,
            kept: None,
            complete: None,
            reorders: false,
            restorable: true,
            tells_time: true,
        }
    }

    /// The stream is keyed.
    #[must_use]
    pub fn keyed_by<K: Key>(self, key: impl Fn(&Value) -> K + 'static) -> Self {
        self.keyed_by_input(move |_, value| key(value))
    }

    /// The streams are keyed, each in its own way.
    #[must_use]
    pub fn keyed_by_input<K: Key>(mut self, key: impl Fn(usize, &Value) -> K + 'static) -> Self {
        self.key_hash = Box::new(move |input, value| key(input, value).stable_hash());
        self
    }

    /// How to find the timestamps of the records that a snapshot holds in a buffer.
    #[must_use]
    pub(crate) fn keeps(mut self, kept: Kept) -> Self {
        self.kept = Some(kept);
        self
    }

    /// How to answer the call for a record.
    #[must_use]
    pub(crate) fn completes(mut self, complete: impl Fn(&Value, &[Value]) + 'static) -> Self {
        self.complete = Some(Box::new(complete));
        self
    }

    /// What was begun before a restore may come out in another order after it.
    #[must_use]
    pub(crate) const fn restores_reorder(mut self) -> Self {
        self.reorders = true;
        self
    }

    /// A restore begins anew what is measured by the clock: it must not come in between.
    #[must_use]
    pub(crate) const fn restores_begin_anew(mut self) -> Self {
        self.restorable = false;
        self
    }

    /// The cases do not tell the event time of what is emitted.
    #[must_use]
    pub const fn without_time(mut self) -> Self {
        self.tells_time = false;
        self
    }

    /// The operator inputs that the case's inputs feed: `&[0, 0]` are two channels of one input,
    /// `&[0, 1]` one of each of two.
    #[must_use]
    pub fn inputs(mut self, inputs: &[Port]) -> Self {
        inputs.clone_into(&mut self.inputs);
        self
    }
}

fn connect<T: Data>(ctx: &mut Context<T>, sides: &[&'static str]) {
    sides.iter().for_each(|side| ctx.connect(&OutputTag::<Value>::new(side)));
}

/// Runs a case whose steps the drive understands; `subject` makes the operator of its parameters.
///
/// # Errors
/// The first difference, or why the case cannot be run.
pub fn run<P: DeserializeOwned>(
    content: &Value,
    way: Way,
    subject: impl FnOnce(&P) -> Result<Subject, String>,
) -> Result<(), String> {
    let case: Stepped<P> = read(content)?;
    let subject = subject(&case.operator)?;
    let reorders = way == Way::Restored && subject.reorders && case.order == Order::Exact;
    let order = if reorders { Order::RecordsUnordered } else { case.order };
    let mut drive = Drive::begin(&subject, way)?;
    for (at, step) in case.steps.iter().enumerate() {
        let told = |what: String| format!("step {} ({step}): {what}", at + 1);
        match (drive.step(step), step.expect_error()) {
            (Ok(()), None) => drive.compare(step.expect(), order).map_err(told)?,
            // The task is broken; a case has nothing left to say after that.
            (Err(_), Some(_)) => return end_of_case(&case.steps[at + 1..]),
            (Err(error), None) => return Err(told(error)),
            (Ok(()), Some(why)) => {
                return Err(told(format!("expected an error ({why}), got none")));
            }
        }
        drive.after_step().map_err(told)?;
    }
    Ok(())
}

fn end_of_case(rest: &[Step]) -> Result<(), String> {
    match rest.iter().find(|step| !matches!(step, Step::Close { .. })) {
        None => Ok(()),
        Some(step) => Err(format!("cannot be run: {step} follows an error")),
    }
}

/// An operator that is being driven.
pub struct Drive<'a> {
    subject: &'a Subject,
    way: Way,
    life: Option<Life>,
    sheet: Sheet,
    saved: HashMap<String, (Saved, Vec<bool>)>,
    /// Inputs that have ended.
    ended: Vec<bool>,
    /// The last watermark that was expected.
    expected: i64,
}

impl<'a> Drive<'a> {
    /// An operator before its first record; the wall clock shows the lowest time there is.
    ///
    /// # Errors
    /// The operator's.
    pub fn begin(subject: &'a Subject, way: Way) -> Result<Self, String> {
        let mut drive = Self {
            subject,
            way,
            life: None,
            sheet: Sheet::default(),
            saved: HashMap::new(),
            ended: vec![false; subject.inputs.len()],
            expected: i64::MIN,
        };
        drive.restart(&Saved::empty(Timestamp::MIN))?;
        Ok(drive)
    }

    fn restart(&mut self, saved: &Saved) -> Result<(), String> {
        let edges = |_| (self.subject.edges)(&self.sheet, self.way == Way::OutputFull);
        let blueprint = Blueprint {
            stage: &*self.subject.stage,
            edges: &edges,
            inputs: &self.subject.inputs,
            full: self.way == Way::OutputFull,
        };
        let mut life = Life::begin(&blueprint, saved, 1)?;
        life.wake()?;
        // The end is not in a snapshot: whoever sends says it again.
        for input in (0..self.ended.len()).filter(|&input| self.ended[input]) {
            life.feed(0, input, Element::EndOfData)?;
        }
        self.life = Some(life);
        Ok(())
    }

    fn life(&mut self) -> Result<&mut Life, String> {
        self.life.as_mut().ok_or_else(|| "cannot be run: the operator is closed".to_owned())
    }

    /// Does what the step says.
    ///
    /// # Errors
    /// The operator's, or why the step cannot be done.
    pub fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Element { input, value, ts, .. } => {
                let timestamp = ts.map_or(Timestamp::MIN, Timestamp);
                let key_hash = (self.subject.key_hash)(*input, value);
                let record = Record { value: value.clone(), timestamp, key_hash };
                let batch = Batch::new(vec![record], Vec::new());
                self.feed(*input, Element::Batch(Box::new(batch)))
            }
            Step::Watermark { input, ts: i64::MAX, .. } => self.end(*input),
            Step::Watermark { input, ts, .. } => {
                self.feed(*input, Element::Watermark(Timestamp(*ts)))
            }
            Step::Status { input, status, .. } => self.feed(*input, Element::Status(*status)),
            Step::ProcessingTime { ts, .. } => self.life()?.advance_clock(Timestamp(*ts)),
            Step::AsyncComplete { element, results, .. } => {
                let complete = self.subject.complete.as_ref();
                complete.ok_or("cannot be run: the operator calls nothing")?(element, results);
                self.life()?.wake()
            }
            Step::Snapshot { id } => {
                let saved = self.life()?.snapshot()?;
                self.saved.insert(id.clone(), (saved, self.ended.clone()));
                Ok(())
            }
            Step::RestartFromSnapshot { id } => {
                let found = self.saved.get(id).cloned();
                let (saved, ended) =
                    found.ok_or_else(|| format!("cannot be run: there is no snapshot `{id}`"))?;
                self.ended = ended;
                self.restart(&saved)
            }
            Step::Check { state_entries, event_timers } => {
                let life = self.life()?;
                let is_timers = |state: &str| state.starts_with("timers.");
                let entries = life.entries_of(|state| !is_timers(state));
                let timers = life.entries_of(|state| state == "timers.event");
                counted("entries in state", *state_entries, entries)?;
                counted("timers in event time", *event_timers, timers)
            }
            Step::CheckState { buffer, timestamps_kept } => {
                let kept = self.subject.kept.ok_or("cannot be run: the operator has no buffers")?;
                let found = kept(&self.life()?.snapshot()?, buffer)?;
                if found != *timestamps_kept {
                    return Err(format!(
                        "expected {timestamps_kept:?} to be kept, found {found:?}"
                    ));
                }
                Ok(())
            }
            Step::End { .. } => {
                (0..self.ended.len()).try_for_each(|input| self.end(input))?;
                // That event time has ended is not told where the end itself was said.
                self.sheet
                    .of_all(|lane| lane.retain(|e| *e != Emission::Watermark { ts: i64::MAX }));
                self.expected = i64::MAX;
                Ok(())
            }
            Step::Close { .. } => {
                self.life = None;
                Ok(())
            }
        }
    }

    fn feed(&mut self, input: usize, element: Element) -> Result<(), String> {
        match self.ended.get(input) {
            Some(false) => self.life()?.feed(0, input, element),
            Some(true) => Err(format!("cannot be run: input {input} has ended")),
            None => Err(format!("cannot be run: the operator has no input {input}")),
        }
    }

    fn end(&mut self, input: usize) -> Result<(), String> {
        if self.ended.get(input) == Some(&true) {
            return Ok(());
        }
        self.feed(input, Element::EndOfData)?;
        self.ended[input] = true;
        Ok(())
    }

    /// Everything emitted since the last call, output by output.
    pub fn take(&mut self) -> Vec<Vec<Emission>> {
        self.sheet.take()
    }

    /// What the way of running asks for between two steps.
    ///
    /// # Errors
    /// The operator's.
    pub fn after_step(&mut self) -> Result<(), String> {
        let asked = self.way == Way::Restored && self.subject.restorable;
        if asked && self.life.is_some() && self.ended.contains(&false) {
            let saved = self.life()?.snapshot()?;
            self.restart(&saved)?;
            let emitted = self.take().concat();
            if !emitted.is_empty() {
                return Err(format!("the restart alone emits {}", list(&emitted)));
            }
        }
        Ok(())
    }

    /// Compares what was emitted with what was expected.
    ///
    /// # Errors
    /// Both, when they differ.
    pub fn compare(&mut self, expected: &[Emission], order: Order) -> Result<(), String> {
        if order == Order::StateOnly {
            self.take();
            return Ok(());
        }
        if !self.subject.tells_time {
            self.sheet.of_all(|lane| lane.iter_mut().for_each(Emission::forget_time));
        }
        let mut due = Vec::new();
        for emission in expected {
            if let Emission::Watermark { ts } = emission {
                if *ts <= self.expected {
                    continue;
                }
                self.expected = *ts;
            }
            due.push(emission.clone());
        }
        let lanes = self.take();
        let unknown = due.iter().find(|emission| match emission {
            Emission::SideOutput { tag, .. } => !self.sheet.has(tag),
            _ => false,
        });
        if let Some(emission) = unknown {
            return Err(format!("expected {emission}, but there is no such side output"));
        }
        for (lane, got) in lanes.into_iter().enumerate() {
            let of_lane = due.iter().filter(|emission| self.sheet.belongs(emission, lane));
            let wanted = sorted(of_lane.cloned().collect(), order);
            let got = sorted(got, order);
            if wanted != got {
                return Err(format!("expected {}, got {}", list(&wanted), list(&got)));
            }
        }
        Ok(())
    }
}

fn counted(what: &str, wanted: Option<Count>, found: u64) -> Result<(), String> {
    match wanted {
        Some(wanted) if !wanted.holds(found) => {
            Err(format!("expected {wanted:?} {what}, found {found}"))
        }
        _ => Ok(()),
    }
}

fn list(emissions: &[Emission]) -> String {
    match emissions {
        [] => "nothing".to_owned(),
        some => {
            let text: Vec<String> = some.iter().map(ToString::to_string).collect();
            format!("[{}]", text.join(", "))
        }
    }
}

/// Brings into one order what may come in any.
fn sorted(mut emissions: Vec<Emission>, order: Order) -> Vec<Emission> {
    let is_time = |e: &Emission| matches!(e, Emission::Watermark { .. } | Emission::Status { .. });
    let sort = |part: &mut [Emission]| part.sort_by_cached_key(ToString::to_string);
    match order {
        Order::Exact | Order::StateOnly => {}
        Order::Unordered => sort(&mut emissions),
        Order::RecordsUnordered => emissions.split_mut(is_time).for_each(sort),
    }
    emissions
}
