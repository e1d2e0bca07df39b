//! Which windows two streams are cut into, and the operator that follows: over slices where windows have
//! them, else one by one.

use super::function::GroupFunction;
use super::general::GeneralGroups;
use super::group::Tagged;
use super::sliced::SlicedGroups;
use crate::join::matcher::KeyOf;
use crate::window::{InvalidWindow, InvalidWindowing, Window, WindowAssigner, Windowing};
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, OutputTag, Progress};
use tidegate_core::state::{StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// Windows of two streams.
#[derive(Clone, Debug)]
pub(crate) struct Windows<L, R, W> {
    assigner: W,
    pub(crate) allowed_lateness_ms: i64,
    pub(crate) late_left: Option<OutputTag<L>>,
    pub(crate) late_right: Option<OutputTag<R>>,
}

impl<L: Data + Value, R: Data + Value, W: WindowAssigner<Tagged<L, R>>> Windows<L, R, W> {
    /// The windows of `assigner`, with the lateness that it allows.
    pub(crate) fn new(assigner: W) -> Self {
        let allowed_lateness_ms = assigner.allowed_lateness_ms();
        Self { assigner, allowed_lateness_ms, late_left: None, late_right: None }
    }

    /// The same windows, with the lateness asked for, when they can be kept in slices.
    pub(crate) fn slices(&self) -> Option<Window> {
        let window = self.assigner.as_slices()?;
        Some(window.allowed_lateness(self.allowed_lateness_ms))
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidWindowing> {
        self.assigner.validate()?;
        if self.allowed_lateness_ms < 0 {
            return Err(InvalidWindow::AllowedLateness(self.allowed_lateness_ms).into());
        }
        Ok(())
    }

    pub(crate) fn describe(&self) -> String {
        let windows = self.assigner.describe();
        match self.slices() {
            Some(_) => format!("{windows}; kept in slices"),
            None => format!("{windows}; kept one by one"),
        }
    }

    pub(crate) fn operator<K: Key, P: GroupFunction<K, L, R>>(
        self,
        left_key: KeyOf<L, K>,
        right_key: KeyOf<R, K>,
        function: P,
    ) -> Result<impl CoOperator<In = L, Second = R, Out = P::Out>, InvalidWindowing> {
        self.validate()?;
        let machine = match self.slices() {
            Some(window) => {
                let groups = Box::new(SlicedGroups::new(window, function)?);
                Machine::Sliced { groups, left_key, right_key }
            }
            None => {
                let windowing = Windowing::new(self.assigner);
                let windowing = windowing.allowed_lateness(self.allowed_lateness_ms);
                let groups = GeneralGroups::new(windowing, left_key, right_key, function)?;
                Machine::General(Box::new(groups))
            }
        };
        Ok(WindowedOperator { machine, late_left: self.late_left, late_right: self.late_right })
    }
}

enum Machine<K, L, R, W, P>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
    W: WindowAssigner<Tagged<L, R>>,
{
    Sliced { groups: Box<SlicedGroups<K, L, R, P>>, left_key: KeyOf<L, K>, right_key: KeyOf<R, K> },
    General(Box<GeneralGroups<K, L, R, W, P>>),
}

struct WindowedOperator<K, L, R, W, P>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
    W: WindowAssigner<Tagged<L, R>>,
{
    machine: Machine<K, L, R, W, P>,
    late_left: Option<OutputTag<L>>,
    late_right: Option<OutputTag<R>>,
}

impl<K, L, R, W, P> Operator for WindowedOperator<K, L, R, W, P>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
    W: WindowAssigner<Tagged<L, R>>,
    P: GroupFunction<K, L, R>,
{
    type In = L;
    type Out = P::Out;

    fn open(&mut self, watermark: Timestamp) {
        match &mut self.machine {
            Machine::Sliced { groups, .. } => groups.open(watermark),
            Machine::General(groups) => groups.open(watermark),
        }
    }

    fn process(&mut self, input: &mut Batch<L>, ctx: &mut Context<P::Out>) -> Result<(), BoxError> {
        let late = self.late_left.as_ref();
        match &mut self.machine {
            Machine::Sliced { groups, left_key, .. } => {
                groups.take(input, left_key, late, |group| &mut group.left, ctx)
            }
            Machine::General(groups) => {
                let untag = |record| match record {
                    Tagged::Left(left) => Some(left),
                    Tagged::Right(_) => None,
                };
                groups.take(input, Tagged::Left, untag, late, ctx)
            }
        }
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<P::Out>,
    ) -> Result<Progress, BoxError> {
        match &mut self.machine {
            Machine::Sliced { groups, .. } => Ok(groups.fire(watermark, ctx)),
            Machine::General(groups) => {
                groups.advance(ctx, |windows, fired| windows.on_watermark(watermark, fired))
            }
        }
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<P::Out>,
    ) -> Result<Progress, BoxError> {
        match &mut self.machine {
            Machine::Sliced { .. } => Ok(Progress::Done),
            Machine::General(groups) => {
                groups.advance(ctx, |windows, fired| windows.on_processing_time(now, fired))
            }
        }
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        match &self.machine {
            Machine::Sliced { .. } => None,
            Machine::General(groups) => groups.next_processing_timer(),
        }
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        match &mut self.machine {
            Machine::Sliced { groups, .. } => groups.states(visitor),
            Machine::General(groups) => groups.states(visitor),
        }
    }
}

impl<K, L, R, W, P> CoOperator for WindowedOperator<K, L, R, W, P>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
    W: WindowAssigner<Tagged<L, R>>,
    P: GroupFunction<K, L, R>,
{
    type Second = R;

    fn process_second(
        &mut self,
        input: &mut Batch<R>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        let late = self.late_right.as_ref();
        match &mut self.machine {
            Machine::Sliced { groups, right_key, .. } => {
                groups.take(input, right_key, late, |group| &mut group.right, ctx)
            }
            Machine::General(groups) => {
                let untag = |record| match record {
                    Tagged::Right(right) => Some(right),
                    Tagged::Left(_) => None,
                };
                groups.take(input, Tagged::Right, untag, late, ctx)
            }
        }
    }
}
