//! The windows of all keys: found by key for a record, by time for a clock.
//!
//! Invariant: a key stands among the wakes of a clock under the time that its entry names, and that
//! is not behind the next thing its windows have to do by that clock.

use super::contents::Contents;
use super::evaluator::Evaluator;
use super::panes::Panes;
use super::wakes::Wakes;
use crate::fetch::{TOGETHER, fetch};
use crate::window::time_window::TimeWindow;
use crate::window::trigger::Trigger;
use tidegate_core::element::{Data, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Progress};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, Value};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// Windows of records of type `T` that emit `U`.
pub(crate) struct KeyedWindows<K: Key, T, U, G: Trigger<T>, C: Contents<K, T, U>> {
    pub(crate) evaluator: Evaluator<U, G, C>,
    pub(crate) panes: ValueState<K, Panes<C::State, G::State>>,
    /// By event time and by the wall clock.
    wakes: [Wakes<K>; 2],
}

impl<K, T, U, G, C> KeyedWindows<K, T, U, G, C>
where
    K: Key,
    T: Data,
    U: Data,
    G: Trigger<T>,
    C: Contents<K, T, U>,
{
    pub(crate) fn new(evaluator: Evaluator<U, G, C>) -> Self {
        let wakes = [Wakes::default(), Wakes::default()];
        Self { evaluator, panes: ValueState::default(), wakes }
    }

    /// Gathers the wakes after a restore.
    pub(crate) fn open(&mut self) {
        for (clock, wakes) in self.wakes.iter_mut().enumerate() {
            gather(wakes, clock, &self.panes);
        }
    }

    /// Looks at the keys of the next records, every so many of them.
    #[inline]
    pub(crate) fn fetch(&self, upcoming: &[Record<T>]) {
        if upcoming.len().is_multiple_of(TOGETHER) {
            fetch(&self.panes, upcoming.iter().map(|record| record.key_hash), Panes::touch);
        }
    }

    /// Adds a record to `windows`, of which none is late unless it merges; returns the record when
    /// that one is late.
    ///
    /// # Errors
    /// When windows merge into one that is late.
    pub(crate) fn add(
        &mut self,
        at: Keyed<'_, K>,
        windows: &[TimeWindow],
        value: T,
        timestamp: Timestamp,
        ctx: &mut Context<U>,
    ) -> Result<Option<T>, BoxError> {
        let Some((last, others)) = windows.split_last() else { return Ok(Some(value)) };
        let Self { evaluator, panes, wakes } = self;
        let of_key = panes.get_or_insert_with(at, Panes::default);
        for &window in others {
            if let Some(index) = evaluator.open(at.key, of_key, window, ctx)?
                && let Some(pane) = of_key.get_mut(index)
            {
                let result = evaluator.ask(pane, &value, timestamp, ctx);
                evaluator.contents.add(&mut pane.contents, &value, timestamp);
                evaluator.obey(result, at.key, pane, ctx);
                settle(evaluator, at.key, of_key, index, wakes);
            }
        }
        let mut late = Some(value);
        if let Some(index) = evaluator.open(at.key, of_key, *last, ctx)?
            && let Some(pane) = of_key.get_mut(index)
            && let Some(value) = late.take()
        {
            let result = evaluator.ask(pane, &value, timestamp, ctx);
            evaluator.contents.add_last(&mut pane.contents, value, timestamp);
            evaluator.obey(result, at.key, pane, ctx);
            settle(evaluator, at.key, of_key, index, wakes);
        }
        if of_key.len() == 0 {
            panes.remove(at);
        }
        for (clock, wakes) in wakes.iter_mut().enumerate() {
            if wakes.are_mostly_stale(panes.len()) {
                gather(wakes, clock, panes);
            }
        }
        Ok(late)
    }

    /// One clock has reached `until`: the windows of every key do what is due, in the order of time.
    pub(crate) fn advance(
        &mut self,
        domain: TimeDomain,
        until: Timestamp,
        ctx: &mut Context<U>,
    ) -> Progress {
        let Self { evaluator, panes, wakes } = self;
        let clock = domain as usize;
        while evaluator.drain(ctx) == Progress::Done && !ctx.is_full() {
            let Some((at, key)) = wakes[clock].pop_due(until) else { return Progress::Done };
            let keyed = Keyed::new(&key);
            let of_key = panes.get_mut(keyed).filter(|of_key| of_key.wakes[clock] == Some(at));
            let Some(of_key) = of_key else { continue };
            of_key.wakes[clock] = None;
            let mut index = 0;
            while index < of_key.len() {
                if evaluator.elapse((domain, at), &key, of_key, index, ctx) {
                    wake(evaluator, &key, of_key, index, wakes);
                    index += 1;
                }
            }
            if of_key.len() == 0 {
                panes.remove(keyed);
            }
        }
        Progress::More
    }

    /// When the next wake of one clock is due.
    pub(crate) fn next_due(&self, domain: TimeDomain) -> Option<Timestamp> {
        self.wakes[domain as usize].next()
    }
}

/// After a record: forgets the window at `index` if it is idle, else sees to it that it wakes in time.
#[inline]
fn settle<K, T, U, G, C>(
    evaluator: &Evaluator<U, G, C>,
    key: &K,
    of_key: &mut Panes<C::State, G::State>,
    index: usize,
    wakes: &mut [Wakes<K>; 2],
) where
    K: Key,
    U: Data,
    G: Trigger<T>,
    C: Contents<K, T, U>,
{
    if of_key.get(index).is_some_and(|pane| evaluator.is_idle(pane)) {
        of_key.remove(index);
    } else {
        wake(evaluator, key, of_key, index, wakes);
    }
}

/// Moves the wakes of a key forward to what the window at `index` needs.
#[inline]
fn wake<K, T, U, G, C>(
    evaluator: &Evaluator<U, G, C>,
    key: &K,
    of_key: &mut Panes<C::State, G::State>,
    index: usize,
    wakes: &mut [Wakes<K>; 2],
) where
    K: Key,
    U: Data,
    G: Trigger<T>,
    C: Contents<K, T, U>,
{
    let Some(pane) = of_key.get(index) else { return };
    let event = evaluator.next_due(pane, TimeDomain::Event);
    let processing = evaluator.next_due(pane, TimeDomain::Processing);
    let ([by_event, by_processing], [event_wakes, processing_wakes]) = (&mut of_key.wakes, wakes);
    move_forward(by_event, event, key, event_wakes);
    move_forward(by_processing, processing, key, processing_wakes);
}

/// Moves the wake of a key by one clock forward to `due`.
#[inline]
fn move_forward<K: Key>(
    wake: &mut Option<Timestamp>,
    due: Option<Timestamp>,
    key: &K,
    wakes: &mut Wakes<K>,
) {
    if let Some(due) = due
        && wake.is_none_or(|wake| due < wake)
    {
        *wake = Some(due);
        wakes.push(due, key.clone());
    }
}

/// Gathers the wakes of one clock from what the keys say.
fn gather<K: Key, C: Value, S: Value>(
    wakes: &mut Wakes<K>,
    clock: usize,
    panes: &ValueState<K, Panes<C, S>>,
) {
    let named = panes.iter().filter_map(|(key, panes)| Some((panes.wakes[clock]?, key.clone())));
    wakes.gather(named);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Count;
    use crate::window::general::contents::{Incremental, emit_result};
    use crate::window::{
        ContinuousProcessingTimeTrigger, GlobalWindows, PurgingTrigger, Session, TriggerContext,
        TriggerResult, Windowing,
    };
    use tidegate_core::element::Batch;
    use tidegate_core::operator::Operator;

    fn record(key: u64, at: i64) -> Record<u64> {
        Record { value: key, timestamp: Timestamp(at), key_hash: key.stable_hash() }
    }

    fn count() -> Incremental<Count<u64>, impl Fn(&WindowOf<'_>, u64, &mut RowsOf<'_>)> {
        Incremental { aggregate: Count::new(), function: emit_result::<u64, u64> }
    }

    type WindowOf<'a> = crate::window::WindowContext<'a, u64>;
    type RowsOf<'a> = crate::window::WindowOutput<'a, crate::window::Windowed<u64, u64>>;

    #[test]
    fn a_session_that_grows_has_one_wake_and_leaves_none() {
        let windowing = Windowing::new(Session::with_gap(10));
        let mut sessions = windowing.operator(count(), |key: &u64| *key).expect("valid");
        let mut ctx = Context::new(1000);
        let records = (0..100).map(|n| record(7, 5 * n)).collect();
        sessions.process(&mut Batch::new(records, vec![]), &mut ctx).expect("no late windows");
        assert_eq!(sessions.windows.wakes[0].len(), 1);
        let mut advance = |to| {
            ctx.set_time(Timestamp(to), Timestamp::MIN);
            let progress = sessions.on_watermark(Timestamp(to), &mut ctx).expect("infallible");
            assert_eq!(progress, Progress::Done);
            let left = (sessions.windows.panes.len(), sessions.windows.wakes[0].len());
            (ctx.take().len(), left)
        };
        // Woken at the end that the first record gave it, it asks to be woken at its end of now.
        assert_eq!(advance(300), (0, (1, 1)));
        assert_eq!(advance(5 * 99 + 9), (1, (0, 0)));
    }

    #[test]
    fn a_window_takes_the_timers_of_both_clocks_along() {
        let trigger = PurgingTrigger(ContinuousProcessingTimeTrigger::every(5));
        let windowing = Windowing::new(Session::with_gap(10)).trigger(trigger);
        let mut sessions = windowing.operator(count(), |key: &u64| *key).expect("valid");
        let mut ctx = Context::new(1000);
        ctx.set_time(Timestamp::MIN, Timestamp(1));
        sessions.process(&mut Batch::new(vec![record(7, 1)], vec![]), &mut ctx).expect("in time");
        assert_eq!(sessions.next_processing_timer(), Some(Timestamp(6)), "5 is over at 6");
        sessions.on_watermark(Timestamp::MAX, &mut ctx).expect("infallible");
        assert_eq!((ctx.take().len(), sessions.windows.panes.len()), (0, 0), "never fired");
        // A wake without a window is stale: it comes, and nothing happens.
        sessions.on_processing_time(Timestamp(6), &mut ctx).expect("infallible");
        assert_eq!((ctx.take().len(), sessions.windows.wakes[1].len()), (0, 0));
    }

    /// Asks for a timer with every other record, and is done with each one between.
    #[derive(Clone)]
    struct OnAndOff;

    impl Trigger<u64> for OnAndOff {
        type State = ();

        fn on_element(
            &self,
            _: &u64,
            at: Timestamp,
            (): &mut (),
            ctx: &mut TriggerContext<'_>,
        ) -> TriggerResult {
            if at.0 % 2 == 0 {
                ctx.register_timer(TimeDomain::Processing, Timestamp(1_000_000));
                return TriggerResult::Continue;
            }
            ctx.delete_timer(TimeDomain::Processing, Timestamp(1_000_000));
            TriggerResult::FireAndPurge
        }
    }

    #[test]
    fn stale_wakes_are_bounded() {
        let windowing = Windowing::new(GlobalWindows).trigger(OnAndOff);
        let mut windows = windowing.operator(count(), |key: &u64| *key).expect("valid");
        let mut ctx = Context::new(100_000);
        let records = (0..10_000).map(|n| record(n / 2 % 3, n as i64)).collect();
        windows.process(&mut Batch::new(records, vec![]), &mut ctx).expect("in time");
        assert_eq!((ctx.take().len(), windows.windows.panes.len()), (5000, 0));
        assert!(windows.windows.wakes[1].len() <= 1025);
    }
}
