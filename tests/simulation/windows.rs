//! The general windows of the simulated jobs: sessions, and windows that fire by the wall clock.
//!
//! Apart from the other operators because these are the real ones, with a function of their own only.

use super::record::{GAP_MS, Item, Kind, WINDOW_MS};
use tidegate_core::operator::Operator;
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;
use tidegate_operators::window::{
    GlobalWindows, Session, Stamped, Trigger, TriggerContext, TriggerResult, Windowing,
};

/// Sessions, each told as the number of its records and the sum of their ids.
pub(crate) fn sessions() -> impl Operator<In = Item, Out = Item> {
    let sessions = Windowing::new(Session::with_gap(GAP_MS)).process(
        |session, records: &[Stamped<Item>], out| {
            let id = records.iter().fold(0u64, |sum, record| sum.wrapping_add(record.value.id));
            let (at, n) = (session.window.end.millis(), records.len() as i64);
            out.emit(Item { kind: Kind::Window, key: *session.key, id, at, n });
        },
        |item: &Item| item.key,
    );
    sessions.expect("a gap above 0")
}

/// Lets go of all records of a key some time after the first of them has come, and at the end.
#[derive(Clone)]
struct InAWhile;

impl Trigger<Item> for InAWhile {
    /// When it lets go by the wall clock, once that is decided.
    type State = Option<Timestamp>;

    fn on_element(
        &self,
        _: &Item,
        _: Timestamp,
        due: &mut Option<Timestamp>,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        ctx.register_timer(TimeDomain::Event, Timestamp(i64::MAX - 1));
        if due.is_none() {
            let at = ctx.processing_time().plus(WINDOW_MS);
            ctx.register_timer(TimeDomain::Processing, at);
            *due = Some(at);
        }
        TriggerResult::Continue
    }

    fn on_event_time(
        &self,
        _: Timestamp,
        due: &mut Option<Timestamp>,
        _: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        *due = None;
        TriggerResult::FireAndPurge
    }

    fn on_processing_time(
        &self,
        _: Timestamp,
        due: &mut Option<Timestamp>,
        _: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        *due = None;
        TriggerResult::FireAndPurge
    }
}

/// Every record once, when its window lets go of it.
pub(crate) fn gathering() -> impl Operator<In = Item, Out = Item> {
    let windows = Windowing::new(GlobalWindows).trigger(InAWhile).process(
        |_, records: &[Stamped<Item>], out| {
            records.iter().for_each(|record| out.emit(record.value));
        },
        |item: &Item| item.key,
    );
    windows.expect("windows that any trigger suits")
}
