//! `Windowing`: windows with their trigger, evictor and lateness, from which an operator is built.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key, operator::{Context, Operator}};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::{aggregate::Count, window::{Session, Windowing}};
//!
//! let mut visits = Windowing::new(Session::with_gap(10)).aggregate(Count::new(), |user: &u64| *user)?;
//! let record = |user: u64, at| Record {
//!     value: user, timestamp: Timestamp(at), key_hash: user.stable_hash()
//! };
//! let mut batch = Batch::new(vec![record(1, 0), record(1, 5), record(2, 7), record(1, 40)], vec![]);
//! let mut ctx = Context::new(16);
//! visits.process(&mut batch, &mut ctx)?;
//! visits.on_watermark(Timestamp::MAX, &mut ctx)?;
//! let rows: Vec<_> = ctx.take().into_iter().map(|row| row.value).collect();
//! let text = rows.iter().map(|row| format!("{} {} {}", row.key, row.window, row.value));
//! assert_eq!(text.collect::<Vec<_>>(), ["1 [0, 15) 2", "2 [7, 17) 1", "1 [40, 50) 1"]);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use super::contents::{Contents, Incremental, Listed, WindowContext, WindowOutput, emit_result};
use super::evaluator::Evaluator;
use super::evictor::{Evictor, Stamped};
use super::keyed_windows::KeyedWindows;
use super::rules::Rules;
use super::window_operator::WindowOperator;
use crate::window::assigner::GlobalWindows;
use crate::window::assigner::WindowAssigner;
use crate::window::invalid::InvalidWindowing;
use crate::window::spec::{InvalidWindow, Window};
use crate::window::time_window::Windowed;
use crate::window::trigger::{CountTrigger, PurgingTrigger, Trigger};
use std::collections::VecDeque;
use std::sync::Arc;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::{Operator, OutputTag};
use tidegate_core::state::Value;
use tidegate_core::state::aggregate::Aggregate;

/// Windows of a stream of `T` as `W` assigns them and `G` fires them.
pub struct Windowing<T, W, G> {
    assigner: W,
    trigger: G,
    /// Whether the trigger is another one than the assigner's own.
    triggered: bool,
    allowed_lateness_ms: i64,
    late: Option<OutputTag<T>>,
}

impl<T, W: Clone, G: Clone> Clone for Windowing<T, W, G> {
    fn clone(&self) -> Self {
        let (assigner, trigger, late) =
            (self.assigner.clone(), self.trigger.clone(), self.late.clone());
        Self { assigner, trigger, late, ..*self }
    }
}

/// As [`Windowing`], with an evictor: all records of a window are kept until it is forgotten.
pub struct EvictingWindowing<T, W, G> {
    windowing: Windowing<T, W, G>,
    evictor: Arc<dyn Evictor<T>>,
}

impl<T, W: Clone, G: Clone> Clone for EvictingWindowing<T, W, G> {
    fn clone(&self) -> Self {
        Self { windowing: self.windowing.clone(), evictor: Arc::clone(&self.evictor) }
    }
}

impl<T: Data, W: WindowAssigner<T>> Windowing<T, W, W::Trigger> {
    /// The windows of `assigner`, with its default trigger and the lateness that it allows.
    pub fn new(assigner: W) -> Self {
        let (trigger, allowed_lateness_ms) =
            (assigner.default_trigger(), assigner.allowed_lateness_ms());
        Self { assigner, trigger, triggered: false, allowed_lateness_ms, late: None }
    }
}

impl<T: Data> Windowing<T, GlobalWindows, PurgingTrigger<CountTrigger>> {
    /// Windows of `n` records of a key each, one behind the other; of 1 when `n` is 0. What does not
    /// fill a window at the end of the input does not fire.
    #[must_use]
    pub fn count(n: u64) -> Self {
        Windowing::new(GlobalWindows).trigger(PurgingTrigger(CountTrigger(n)))
    }
}

impl<T: Data> EvictingWindowing<T, GlobalWindows, CountTrigger> {
    /// Every `slide` records of a key a window of the last `n`; the first ones are shorter.
    #[must_use]
    pub fn sliding_count(n: usize, slide: u64) -> Self {
        let windowing = Windowing::new(GlobalWindows).trigger(CountTrigger(slide));
        windowing.evictor(super::evictor::CountEvictor::before(n))
    }
}

impl<T: Data, W: WindowAssigner<T>, G: Trigger<T>> Windowing<T, W, G> {
    /// Fires the windows by another trigger.
    #[must_use]
    pub fn trigger<H: Trigger<T>>(self, trigger: H) -> Windowing<T, W, H> {
        let Self { assigner, allowed_lateness_ms, late, .. } = self;
        Windowing { assigner, trigger, triggered: true, allowed_lateness_ms, late }
    }

    /// Lets an evictor remove records from windows that fire.
    #[must_use]
    pub fn evictor(self, evictor: impl Evictor<T>) -> EvictingWindowing<T, W, G> {
        EvictingWindowing { windowing: self, evictor: Arc::new(evictor) }
    }

    /// Keeps event-time windows for late records until the watermark has gone `allowed_lateness_ms`
    /// past them.
    #[must_use]
    pub fn allowed_lateness(mut self, allowed_lateness_ms: i64) -> Self {
        self.allowed_lateness_ms = allowed_lateness_ms;
        self
    }

    /// Sends records that are late for all their windows to `tag`.
    #[must_use]
    pub fn late_output(mut self, tag: &OutputTag<T>) -> Self {
        self.late = Some(tag.clone());
        self
    }

    /// The late output.
    #[must_use]
    pub const fn late(&self) -> Option<&OutputTag<T>> {
        self.late.as_ref()
    }

    /// Checks that there are such windows and that their trigger can go with them.
    ///
    /// # Errors
    /// Says what makes no sense and what to do.
    pub fn validate(&self) -> Result<(), InvalidWindowing> {
        self.assigner.validate()?;
        if self.allowed_lateness_ms < 0 {
            return Err(InvalidWindow::AllowedLateness(self.allowed_lateness_ms).into());
        }
        if self.assigner.merges() && !self.trigger.can_merge() {
            return Err(InvalidWindowing::Trigger(self.assigner.describe()));
        }
        Ok(())
    }

    /// The windows as ones that [`crate::window::SlicedWindow`] can aggregate, with the lateness asked for.
    ///
    /// # Errors
    /// Says why they cannot be cut into slices.
    pub fn slices(&self) -> Result<Window, String> {
        match self.assigner.as_slices() {
            Some(_) if self.triggered => Err("they have a trigger of their own".into()),
            Some(window) => Ok(window.allowed_lateness(self.allowed_lateness_ms)),
            None => Err("windows of this kind share no slices".into()),
        }
    }

    /// The windows as ones that [`crate::window::WallClockWindow`] can aggregate, when they are.
    pub fn wall_clock(&self) -> Option<Window> {
        if self.triggered { None } else { self.assigner.as_wall_clock() }
    }

    /// What these windows are, in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        self.assigner.describe()
    }

    /// One result per key and firing: what `aggregate` makes of the records.
    ///
    /// # Errors
    /// As [`Windowing::validate`].
    pub fn aggregate<K: Key, A: Aggregate<In = T>>(
        self,
        aggregate: A,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> Result<impl Operator<In = T, Out = Windowed<K, A::Out>>, InvalidWindowing> {
        self.aggregate_then(aggregate, emit_result::<K, A::Out>, key)
    }

    /// What `function` emits for each key and firing, given the window and what `aggregate` makes of
    /// its records.
    ///
    /// # Errors
    /// As [`Windowing::validate`].
    pub fn aggregate_then<K: Key, A: Aggregate<In = T>, U: Data>(
        self,
        aggregate: A,
        function: impl Fn(&WindowContext<'_, K>, A::Out, &mut WindowOutput<'_, U>) + Send + 'static,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> Result<impl Operator<In = T, Out = U>, InvalidWindowing> {
        self.operator(Incremental { aggregate, function }, key)
    }

    /// What `function` emits for each key and firing, given the window and its records in the order of
    /// their arrival.
    ///
    /// # Errors
    /// As [`Windowing::validate`].
    pub fn process<K: Key, U: Data>(
        self,
        function: impl Fn(&WindowContext<'_, K>, &[Stamped<T>], &mut WindowOutput<'_, U>)
        + Send
        + 'static,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> Result<impl Operator<In = T, Out = U>, InvalidWindowing>
    where
        T: Value,
    {
        self.operator(Listed { evictor: None, function }, key)
    }

    #[expect(clippy::type_complexity, reason = "named nowhere else; users get an `impl Operator`")]
    pub(crate) fn operator<
        K: Key,
        U: Data,
        C: Contents<K, T, U>,
        F: Fn(&T) -> K + Send + 'static,
    >(
        self,
        contents: C,
        key: F,
    ) -> Result<WindowOperator<T, W, F, KeyedWindows<K, T, U, G, C>>, InvalidWindowing> {
        self.validate()?;
        let Self { assigner, trigger, allowed_lateness_ms, late, .. } = self;
        let (domain, merges) = (assigner.domain(), assigner.merges());
        let rules = Rules { domain, merges, allowed_lateness_ms };
        let evaluator = Evaluator { trigger, contents, rules, pending: VecDeque::new() };
        let windows = KeyedWindows::new(evaluator);
        Ok(WindowOperator { assigner, key, late, windows, assigned: Vec::new() })
    }
}

impl<T: Data + Value, W: WindowAssigner<T>, G: Trigger<T>> EvictingWindowing<T, W, G> {
    /// The windows without their evictor.
    #[must_use]
    pub const fn windowing(&self) -> &Windowing<T, W, G> {
        &self.windowing
    }

    /// As [`Windowing::allowed_lateness`].
    #[must_use]
    pub fn allowed_lateness(mut self, allowed_lateness_ms: i64) -> Self {
        self.windowing = self.windowing.allowed_lateness(allowed_lateness_ms);
        self
    }

    /// As [`Windowing::late_output`].
    #[must_use]
    pub fn late_output(mut self, tag: &OutputTag<T>) -> Self {
        self.windowing = self.windowing.late_output(tag);
        self
    }

    /// One result per key and firing: what `aggregate` makes of the records that are left. Where none
    /// is left there is no result.
    ///
    /// # Errors
    /// As [`Windowing::validate`].
    pub fn aggregate<K: Key, A: Aggregate<In = T>>(
        self,
        aggregate: A,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> Result<impl Operator<In = T, Out = Windowed<K, A::Out>>, InvalidWindowing> {
        self.aggregate_then(aggregate, emit_result::<K, A::Out>, key)
    }

    /// As [`Windowing::aggregate_then`], over the records that are left, if any is.
    ///
    /// # Errors
    /// As [`Windowing::validate`].
    pub fn aggregate_then<K: Key, A: Aggregate<In = T>, U: Data>(
        self,
        aggregate: A,
        function: impl Fn(&WindowContext<'_, K>, A::Out, &mut WindowOutput<'_, U>) + Send + 'static,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> Result<impl Operator<In = T, Out = U>, InvalidWindowing> {
        let fold = move |window: &WindowContext<'_, K>,
                         records: &[Stamped<T>],
                         out: &mut WindowOutput<'_, U>| {
            if !records.is_empty() {
                let mut all = aggregate.create();
                records.iter().for_each(|record| aggregate.add(&mut all, &record.value));
                function(window, aggregate.result(&all), out);
            }
        };
        self.process(fold, key)
    }

    /// As [`Windowing::process`], over the records that are left, which may be none.
    ///
    /// # Errors
    /// As [`Windowing::validate`].
    pub fn process<K: Key, U: Data>(
        self,
        function: impl Fn(&WindowContext<'_, K>, &[Stamped<T>], &mut WindowOutput<'_, U>)
        + Send
        + 'static,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> Result<impl Operator<In = T, Out = U>, InvalidWindowing> {
        self.windowing.operator(Listed { evictor: Some(self.evictor), function }, key)
    }
}
