//! Windows over two streams of any other kind, such as sessions, which merge over both sides: each window
//! of each key is kept by itself, by the general window operator over records with their side.

use super::firing;
use super::function::{Cursor, GroupFunction};
use super::group::{BothSides, Fired, Tagged};
use crate::join::matcher::KeyOf;
use crate::window::{
    InvalidWindowing, KeyedWindows, Refused, WindowAssigner, WindowOperator, Windowing,
};
use std::collections::VecDeque;
use tidegate_core::element::{Batch, Data, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::state::{StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// So many windows are taken out of the state before their rows are emitted.
const WINDOWS_AHEAD: usize = 16;

/// The general window operator over both sides.
type BothWindows<K, L, R, W> = WindowOperator<
    Tagged<L, R>,
    W,
    KeyOf<Tagged<L, R>, K>,
    KeyedWindows<
        K,
        Tagged<L, R>,
        Fired<K, L, R>,
        <W as WindowAssigner<Tagged<L, R>>>::Trigger,
        BothSides,
    >,
>;

pub(super) struct GeneralGroups<K, L, R, W, P>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
    W: WindowAssigner<Tagged<L, R>>,
{
    windows: BothWindows<K, L, R, W>,
    /// What the windows emit into.
    fired: Context<Fired<K, L, R>>,
    /// Windows whose rows are still to be emitted; of the first one some may be already.
    queue: VecDeque<Record<Fired<K, L, R>>>,
    cursor: Cursor,
    function: P,
}

impl<K, L, R, W, P> GeneralGroups<K, L, R, W, P>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
    W: WindowAssigner<Tagged<L, R>>,
    P: GroupFunction<K, L, R>,
{
    pub(super) fn new(
        windowing: Windowing<Tagged<L, R>, W, W::Trigger>,
        left_key: KeyOf<L, K>,
        right_key: KeyOf<R, K>,
        function: P,
    ) -> Result<Self, InvalidWindowing> {
        let key: KeyOf<Tagged<L, R>, K> = Box::new(move |record| match record {
            Tagged::Left(left) => left_key(left),
            Tagged::Right(right) => right_key(right),
        });
        let windows = windowing.operator(BothSides, key)?;
        let (fired, queue) = (Context::new(WINDOWS_AHEAD), VecDeque::new());
        Ok(Self { windows, fired, queue, cursor: Cursor::default(), function })
    }

    pub(super) fn open(&mut self, watermark: Timestamp) {
        self.windows.open(watermark);
    }

    pub(super) fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.windows.states(visitor);
    }

    /// Takes the records of one side.
    pub(super) fn take<T: Data>(
        &mut self,
        input: &mut Batch<T>,
        tag: fn(T) -> Tagged<L, R>,
        untag: fn(Tagged<L, R>) -> Option<T>,
        late: Option<&OutputTag<T>>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        while self.emit(ctx) == Progress::Done {
            input.finish();
            if ctx.is_full() {
                return Ok(());
            }
            let Some(Record { value, timestamp, key_hash }) = input.begin() else { return Ok(()) };
            self.fired.set_time(ctx.watermark(), ctx.processing_time());
            let record = Record { value: tag(value), timestamp, key_hash };
            match self.windows.admit(record, &mut self.fired)? {
                Some(Refused { value, timestamp, is_late: true }) => {
                    let value = untag(value).expect("what comes back has the side it had");
                    ctx.late(late, value, timestamp);
                }
                Some(_) => ctx.count_dropped(),
                None => {}
            }
        }
        Ok(())
    }

    /// Lets one clock go on, as `advance` does it.
    pub(super) fn advance(
        &mut self,
        ctx: &mut Context<P::Out>,
        mut advance: impl FnMut(
            &mut BothWindows<K, L, R, W>,
            &mut Context<Fired<K, L, R>>,
        ) -> Result<Progress, BoxError>,
    ) -> Result<Progress, BoxError> {
        loop {
            if self.emit(ctx) == Progress::More {
                return Ok(Progress::More);
            }
            self.fired.set_time(ctx.watermark(), ctx.processing_time());
            let progress = advance(&mut self.windows, &mut self.fired)?;
            if progress == Progress::Done && self.emit(ctx) == Progress::Done {
                return Ok(Progress::Done);
            }
        }
    }

    pub(super) fn next_processing_timer(&self) -> Option<Timestamp> {
        self.windows.next_processing_timer()
    }

    /// Emits the rows of the windows that have fired, as far as there is room.
    fn emit(&mut self, ctx: &mut Context<P::Out>) -> Progress {
        loop {
            self.queue.extend(self.fired.take());
            let Some(next) = self.queue.front() else {
                if self.windows.windows.evaluator.drain(&mut self.fired) == Progress::Done
                    && self.fired.room() == WINDOWS_AHEAD
                {
                    return Progress::Done;
                }
                continue;
            };
            let Fired { key, window, group } = &next.value;
            let (left, right) = (group.left.as_slice(), group.right.as_slice());
            if self.function.wants(!left.is_empty(), !right.is_empty()) {
                let (sides, function) = ((&[left][..], &[right][..]), &mut self.function);
                if firing::emit(*window, key, sides, &mut self.cursor, function, ctx)
                    == Progress::More
                {
                    return Progress::More;
                }
            }
            self.cursor = Cursor::default();
            self.queue.pop_front();
        }
    }
}
