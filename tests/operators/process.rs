//! Process functions: timers in both domains, side outputs, and what a restore makes of them.

use tidegate_core::operator::{BoxError, OutputTag};
use tidegate_core::process::{
    KeyedContext, KeyedProcess, KeyedProcessOperator, Process, ProcessContext, ProcessOperator,
    Timer,
};
use tidegate_core::state::{Keyed, StateVisitor, handles::ValueState, list::OperatorList};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;
use tidegate_tests::harness::{Harness, Step, Step::*};

const FIRED: OutputTag<String> = OutputTag::new("fired");
const AGAIN: OutputTag<u64> = OutputTag::new("again");

/// A key's first record sets a timer 10 ms ahead in each domain, its second one deletes them.
#[derive(Default)]
struct Alarm {
    set: ValueState<u64, (Timestamp, Timestamp)>,
}

impl KeyedProcess for Alarm {
    type Key = u64;
    type In = u64;
    type Out = String;

    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        value: u64,
        ctx: &mut KeyedContext<'_, u64, String>,
    ) -> Result<(), BoxError> {
        if let Some((event, processing)) = self.set.remove(key) {
            ctx.delete_timer(TimeDomain::Event, event);
            ctx.delete_timer(TimeDomain::Processing, processing);
            ctx.emit_side(&AGAIN, value);
            return Ok(());
        }
        let (event, processing) = (ctx.timestamp().plus(10), ctx.processing_time().plus(10));
        self.set.set(key, (event, processing));
        for _ in 0..2 {
            ctx.register_timer(TimeDomain::Event, event);
            ctx.register_timer(TimeDomain::Processing, processing);
        }
        ctx.emit(format!("{value} set at {}", ctx.processing_time().millis()));
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, u64>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, u64, String>,
    ) -> Result<(), BoxError> {
        let at = timer.at.millis();
        match timer.domain {
            TimeDomain::Event => ctx.emit(format!("{} event {at}", key.key)),
            TimeDomain::Processing => ctx.emit_side(&FIRED, format!("{} clock {at}", key.key)),
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("set", &mut self.set);
    }
}

fn alarms() -> Harness<KeyedProcessOperator<Alarm, impl Fn(&u64) -> u64 + Send + 'static>> {
    Harness::new(|| KeyedProcessOperator::new(Alarm::default(), |n: &u64| *n))
        .keyed_by(|n| *n)
        .show(String::clone)
        .side(FIRED)
        .side(AGAIN)
}

/// A row of a record without event time.
fn without_time(row: &str) -> String {
    format!("{row} @{}", i64::MIN)
}

#[test]
fn timers_fire_in_their_domain_unless_they_are_deleted() {
    let steps = [
        Record(1, 100),
        ProcessingTime(5),
        Record(2, 103),
        Record(3, 101),
        Record(3, 102),
        Watermark(109),
        ProcessingTime(10),
        Watermark(113),
        ProcessingTime(20),
    ];
    let clock = |key, at| without_time(&format!("fired: \"{key} clock {at}\""));
    let expected = [
        "1 set at 0 @100",
        "P 5",
        "2 set at 5 @103",
        "3 set at 5 @101",
        "again: 3 @102",
        "W 109",
        &clock(1, 10),
        "P 10",
        "1 event 110 @110",
        "2 event 113 @113",
        "W 113",
        &clock(2, 15),
        "P 20",
    ];
    alarms().check(&steps, &expected);
}

#[test]
fn after_a_restart_overdue_timers_fire_in_the_order_of_time_before_the_first_record() {
    let before = [Record(1, 1), ProcessingTime(3), Record(9, 2), ProcessingTime(5), Record(4, 3)];
    let outcome = alarms().run_restarted(&before, 14, &[Record(7, 4), ProcessingTime(15)]);
    let clock = |key, at| without_time(&format!("fired: \"{key} clock {at}\""));
    let expected = [
        "1 set at 0 @1",
        "P 3",
        "9 set at 3 @2",
        "P 5",
        "4 set at 5 @3",
        "7 set at 14 @4",
        &clock(1, 10),
        &clock(9, 13),
        &clock(4, 15),
        "P 15",
    ];
    assert_eq!(outcome.lines, expected);
}

/// Emits on its main output, so that order can be seen.
struct Told;

impl KeyedProcess for Told {
    type Key = u64;
    type In = u64;
    type Out = String;

    fn process(
        &mut self,
        _: Keyed<'_, u64>,
        value: u64,
        ctx: &mut KeyedContext<'_, u64, String>,
    ) -> Result<(), BoxError> {
        ctx.emit(format!("{value} comes"));
        ctx.register_timer(TimeDomain::Processing, Timestamp(value as i64));
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, u64>,
        _: Timer,
        ctx: &mut KeyedContext<'_, u64, String>,
    ) -> Result<(), BoxError> {
        ctx.emit_at(format!("{} fires", key.key), Timestamp(0));
        Ok(())
    }

    fn states(&mut self, _: &mut dyn StateVisitor) {}
}

#[test]
fn the_record_that_waits_at_a_restart_comes_after_the_overdue_timers() {
    let harness = Harness::new(|| KeyedProcessOperator::new(Told, |n: &u64| *n));
    let harness = harness.keyed_by(|n| *n).show(String::clone);
    let outcome = harness.run_restarted(&[Record(30, 1), Record(20, 1)], 40, &[Record(90, 1)]);
    let expected = ["30 comes @1", "20 comes @1", "20 fires @0", "30 fires @0", "90 comes @1"];
    assert_eq!(outcome.lines, expected);
}

/// Numbers records; puts every second one aside twice.
struct Number {
    seen: OperatorList<u64>,
}

impl Process for Number {
    type In = u64;
    type Out = String;

    fn process(
        &mut self,
        value: u64,
        ctx: &mut ProcessContext<'_, String>,
    ) -> Result<(), BoxError> {
        self.seen.elements.push(value);
        let number = self.seen.elements.len();
        if number.is_multiple_of(2) {
            ctx.emit_side(&AGAIN, value);
            ctx.emit_side(&FIRED, format!("{value} at {}", ctx.watermark().millis()));
        } else {
            ctx.emit_at(format!("{number}. is {value}"), ctx.timestamp().plus(1));
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.list("seen", &mut self.seen);
    }
}

#[test]
fn a_function_without_keys_has_side_outputs_and_operator_state() {
    let harness = Harness::new(|| ProcessOperator::new(Number { seen: OperatorList::split() }));
    let steps: [Step<u64>; 5] =
        [Record(5, 1), Watermark(1), Record(6, 2), Record(7, 3), Watermark(9)];
    harness.show(String::clone).side(AGAIN).side(FIRED).check(
        &steps,
        &["1. is 5 @2", "W 1", "3. is 7 @4", "again: 6 @2", "fired: \"6 at 1\" @2", "W 9"],
    );
}
