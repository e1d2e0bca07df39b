//! Functions beside a broadcast stream, case by case.

use super::judge::{In, Judge, JudgeUnkeyed, Rule};
use tidegate_core::element::Status;
use tidegate_core::element::{Batch, Record};
use tidegate_core::gate::valve::TimeEvent;
use tidegate_core::operator::{CoOperator, Progress};
use tidegate_core::operator::{Context, Operator};
use tidegate_core::process::{BroadcastOperator, KeyedData, UnkeyedData};
use tidegate_core::stage::SECOND;
use tidegate_core::time::Timestamp;
use tidegate_tests::harness::{TwoInputStep, TwoInputStep::*, TwoInputs};

type Step = TwoInputStep<In, Rule>;
type Keyed = BroadcastOperator<KeyedData<Judge, fn(&In) -> u8>>;

fn key(record: &In) -> u8 {
    record.0
}

fn keyed() -> Keyed {
    BroadcastOperator::keyed(Judge::default(), key)
}

fn unkeyed() -> BroadcastOperator<UnkeyedData<JudgeUnkeyed>> {
    BroadcastOperator::unkeyed(JudgeUnkeyed)
}

#[test]
fn without_waiting_data_is_judged_by_the_rules_that_are_there() {
    let steps: [Step; 6] = [
        First((7, 1, 10), 5),
        Second((1, 2), 0),
        First((7, 1, 11), 6),
        Second((1, -1), 0),
        First((7, 1, 12), 7),
        Watermark(11),
    ];
    let expected = [
        "10: 1 of -1 @5",
        "11: 2 of 2 @6",
        "12: 3 of -1 @7",
        "7 at 10: 3 of -1 @10",
        "7 at 11: 3 of -1 @11",
        "W 11",
    ];
    TwoInputs::broadcast(keyed, key).show(String::clone).check(&steps, &expected);
}

#[test]
fn data_that_waits_comes_out_as_if_the_first_rules_had_been_there() {
    let steps: [Step; 9] = [
        First((7, 1, 10), 5),
        Watermark(3),
        Watermark(6),
        First((7, 0, 11), 6),
        First((3, 1, 12), 9),
        Watermark(20),
        Second((1, 2), 0),
        Second((0, 9), 0),
        First((3, 0, 13), 21),
    ];
    // A watermark behind which nothing arrived is told with the next one.
    let expected = [
        "10: 1 of 2 @5",
        "W 6",
        "late 11: 2 of 9 @6",
        "12: 1 of 2 @9",
        "7 at 10: 2 of 9 @10",
        "7 at 11: 2 of 9 @11",
        "3 at 14: 1 of 9 @14",
        "W 20",
        "13: 2 of 9 @21",
    ];
    let make = || keyed().hold_until_rules(3);
    TwoInputs::broadcast(make, key).show(String::clone).own_time().check(&steps, &expected);
}

#[test]
fn the_end_of_the_rules_lets_data_go_too() {
    let steps: [Step; 5] = [
        First((1, 1, 10), 5),
        Second((1, 2), 0),
        FirstWatermark(7),
        SecondEnd,
        First((1, 0, 11), 7),
    ];
    let make = || unkeyed().hold_until_rules(1);
    let inputs = TwoInputs::broadcast(make, key).show(String::clone).own_time();
    inputs.check(&steps, &["10: 2 @5", "W 7", "late 11: -1 @7"]);
}

#[test]
fn a_record_too_many_fails_and_says_what_to_do() {
    let steps: [Step; 2] = [First((1, 1, 10), 5), First((1, 1, 11), 5)];
    let make = || unkeyed().hold_until_rules(1);
    let failure = {
        let data = steps.map(|step| match step {
            First(record, at) => Record::new(record, Timestamp(at)),
            _ => unreachable!("data only"),
        });
        let mut operator = make();
        let mut ctx = Context::new(16);
        operator.process(&mut Batch::new(data.to_vec(), Vec::new()), &mut ctx)
    };
    assert_eq!(
        failure.map_err(|error| error.to_string()),
        Err("1 records wait for the first rules, as many as may: start the rules before the data, or \
             let more records wait"
            .to_owned())
    );
}

#[test]
fn while_data_waits_nobody_behind_it_believes_that_nothing_comes() {
    let (mut operator, mut ctx) = (unkeyed().hold_until_rules(5), Context::new(16));
    operator.open(Timestamp::MIN);
    operator.on_status(Status::Idle, &mut ctx);
    operator.on_status(Status::Active, &mut ctx);
    let told = [Status::Idle, Status::Active].map(TimeEvent::Status);
    assert_eq!(ctx.take_times(), told, "nothing waits yet");
    let record = Record::new((1, 1, 1), Timestamp(5));
    operator.process(&mut Batch::new(vec![record], Vec::new()), &mut ctx).expect("it waits");
    operator.on_status(Status::Idle, &mut ctx);
    assert_eq!(ctx.take_times(), []);
    ctx.set_time(Timestamp(9), Timestamp::MIN);
    let progress = operator.on_watermark(Timestamp(9), &mut ctx).expect("it waits");
    assert_eq!((progress, ctx.take_times()), (Progress::Done, vec![]));
    let progress = operator.on_end_of_input(SECOND, &mut ctx).expect("it goes");
    assert_eq!((progress, ctx.take().len()), (Progress::Done, 1));
    let told = [TimeEvent::Watermark(Timestamp(9)), TimeEvent::Status(Status::Idle)];
    assert_eq!(ctx.take_times(), told);
}

/// Few enough for a test, many times what an output holds.
const MANY: u32 = 10_000;

#[test]
fn very_much_data_that_waits_fills_the_output_again_and_again() {
    let (mut operator, mut ctx) = (keyed().hold_until_rules(MANY as usize), Context::new(64));
    operator.open(Timestamp::MIN);
    let data = (0..MANY).map(|n| Record::new(((n % 7) as u8, 1, n), Timestamp(n.into()))).collect();
    operator.process(&mut Batch::new(data, Vec::new()), &mut ctx).expect("it waits");
    let rules = vec![Record::new((0, 9), Timestamp(0)), Record::new((1, 4), Timestamp(0))];
    let (mut rules, mut rows) = (Batch::new(rules, Vec::new()), 0);
    while rows < MANY {
        assert_eq!(
            rules.open(),
            if rows == 0 { 2 } else { 1 },
            "the second rule waits for the data"
        );
        operator.process_second(&mut rules, &mut ctx).expect("it goes");
        let out = ctx.take();
        assert!(!out.is_empty() && out.len() <= 64);
        for row in out {
            let expected = format!("{rows}: {} of -1", rows / 7 + 1);
            assert_eq!(row.value, expected, "in order, before the second rule");
            rows += 1;
        }
    }
}
