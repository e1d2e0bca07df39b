//! Functions beside a broadcast stream against the model, over disordered data and rules that change,
//! in every way of running.

use super::judge::{In, Judge, JudgeUnkeyed};
use super::model::{Model, Spec, Step};
use proptest::prelude::*;
use tidegate_core::process::{BroadcastOperator, DataSide};
use tidegate_tests::harness::{Outcome, TwoInputStep, TwoInputs};

/// More than there are steps.
const MOST: usize = 100;

fn run_over<D>(make: fn() -> BroadcastOperator<D>, holds: bool, steps: &[Step]) -> Outcome
where
    D: DataSide<In = In, Broadcast = super::judge::Rule, Out = String>,
{
    let make = move || if holds { make().hold_until_rules(MOST) } else { make() };
    let inputs = TwoInputs::broadcast(make, |record: &In| record.0).show(String::clone).unordered();
    if holds { inputs.own_time().run(steps) } else { inputs.run(steps) }
}

fn run(Spec { keyed, holds }: Spec, steps: &[Step]) -> Outcome {
    if keyed {
        let make = || BroadcastOperator::keyed(Judge::default(), |record: &In| record.0);
        run_over(make, holds, steps)
    } else {
        run_over(|| BroadcastOperator::unkeyed(JudgeUnkeyed), holds, steps)
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Record { key: u8, colour: u8, offset: i64 },
    Rule { colour: u8, limit: i64, offset: i64 },
    Watermark { side: bool, by: i64 },
    RulesEnd,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let record = (0..4u8, 0..3u8, -6..20i64);
    let record = record.prop_map(|(key, colour, offset)| Event::Record { key, colour, offset });
    let rule = (0..3u8, -2..5i64, -6..20i64);
    let rule = rule.prop_map(|(colour, limit, offset)| Event::Rule { colour, limit, offset });
    let watermark = (any::<bool>(), 1..12i64).prop_map(|(side, by)| Event::Watermark { side, by });
    let event = prop_oneof![30 => record, 8 => rule, 12 => watermark, 1 => Just(Event::RulesEnd)];
    proptest::collection::vec(event, 1..40)
}

fn steps(events: &[Event]) -> Vec<Step> {
    let (mut watermarks, mut ended, mut steps) = ([100; 2], false, Vec::new());
    for (number, event) in (0..).zip(events) {
        match *event {
            Event::Record { key, colour, offset } => {
                steps.push(TwoInputStep::First((key, colour, number), watermarks[0] + offset));
            }
            Event::Watermark { side: false, by } => {
                watermarks[0] += by;
                steps.push(TwoInputStep::FirstWatermark(watermarks[0]));
            }
            // The rest is about rules, of which none come any more.
            _ if ended => {}
            Event::Watermark { side: true, by } => {
                watermarks[1] += by;
                steps.push(TwoInputStep::SecondWatermark(watermarks[1]));
            }
            Event::Rule { colour, limit, offset } => {
                steps.push(TwoInputStep::Second((colour, limit), watermarks[1] + offset));
            }
            Event::RulesEnd => {
                ended = true;
                steps.push(TwoInputStep::SecondEnd);
            }
        }
    }
    steps.push(TwoInputStep::End);
    steps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn data_is_judged_by_the_rules_that_are_there_or_that_it_waited_for(
        keyed in any::<bool>(),
        holds in any::<bool>(),
        events in events(),
    ) {
        let spec = Spec { keyed, holds };
        let steps = steps(&events);
        let outcome = run(spec, &steps);
        let model = Model::run(spec, &steps);
        prop_assert_eq!(outcome.lines, model.lines);
        // Nothing waits any more: what is left are the counts.
        prop_assert_eq!(outcome.entries, model.counts.len() as u64);
    }
}
