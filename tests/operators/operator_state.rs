//! Operator state at changing parallelism (1 to 3, 3 to 2, 2 to 4, 4 to 1): nothing is lost, nothing is
//! there twice, and what all share stays the same everywhere.

use tidegate_core::element::Batch;
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::state::broadcast::BroadcastState;
use tidegate_core::state::list::OperatorList;
use tidegate_core::state::{OperatorState, StateVisitor};
use tidegate_core::time::Timestamp;
use tidegate_tests::harness::{Harness, Step, Step::*};

/// The steps: more than the ways to change parallelism, so that the round is made.
const STEPS: [Step<u64>; 12] = [
    Record(5, 1),
    Watermark(1),
    Record(9, 2),
    Record(2, 2),
    Record(4, 3),
    Watermark(3),
    Record(1, 4),
    Record(7, 4),
    Watermark(4),
    Record(8, 5),
    Record(3, 6),
    Watermark(6),
];

/// Keeps a state, and says what is in it: of records by the subtask that gets them, of watermarks by
/// all.
struct Keeper<S> {
    state: S,
    on_record: fn(&mut S, u64) -> Option<String>,
    on_watermark: fn(&mut S, i64) -> Vec<String>,
    rows: Option<Vec<String>>,
}

impl<S: OperatorState + 'static> Operator for Keeper<S> {
    type In = u64;
    type Out = String;

    fn process(
        &mut self,
        input: &mut Batch<u64>,
        ctx: &mut Context<String>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            if let Some(row) = (self.on_record)(&mut self.state, record.value) {
                ctx.emit(row, record.timestamp);
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<String>,
    ) -> Result<Progress, BoxError> {
        let Self { state, on_watermark, rows, .. } = self;
        let rows = rows.get_or_insert_with(|| on_watermark(state, watermark.millis()));
        while !ctx.is_full() && !rows.is_empty() {
            ctx.emit(rows.remove(0), watermark);
        }
        if !rows.is_empty() {
            return Ok(Progress::More);
        }
        self.rows = None;
        Ok(Progress::Done)
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.list("state", &mut self.state);
    }
}

fn lines<S: OperatorState + 'static>(
    state: fn() -> S,
    on_record: fn(&mut S, u64) -> Option<String>,
    on_watermark: fn(&mut S, i64) -> Vec<String>,
) -> Vec<String> {
    let make = move || Keeper { state: state(), on_record, on_watermark, rows: None };
    Harness::new(make).keyed_by(|n| *n).show(String::clone).unordered().run(&STEPS).lines
}

#[test]
fn each_element_of_a_split_list_is_with_exactly_one_subtask() {
    let lines = lines(
        OperatorList::split,
        |list, n| {
            list.elements.push(n);
            None
        },
        |list, _| list.elements.iter().map(u64::to_string).collect(),
    );
    assert_eq!(lines[..2], ["5 @1", "W 1"]);
    assert_eq!(lines[2..7], ["2 @3", "4 @3", "5 @3", "9 @3", "W 3"]);
    assert_eq!(lines.len(), 1 + 4 + 6 + 8 + 4);
}

#[test]
fn every_subtask_gets_all_elements_of_a_union_list() {
    let lines = lines(
        OperatorList::union,
        |highest, n| {
            let before = highest.elements.iter().max().copied();
            highest.elements = vec![before.unwrap_or(0).max(n)];
            before.map(|before| format!("{n} after {before}"))
        },
        |_, _| Vec::new(),
    );
    let rows: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once(" @")).map(|l| l.0).collect();
    let after_nine = ["1 after 9", "2 after 9", "3 after 9", "4 after 9", "7 after 9", "8 after 9"];
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [&after_nine[..], &["9 after 5"]].concat());
}

#[test]
fn broadcast_state_is_the_same_on_all_subtasks_whatever_their_number() {
    let lines = lines(
        BroadcastState::<i64, i64>::default,
        |rules, n| {
            let rules: Vec<String> = rules.iter().map(|(at, v)| format!("{at}:{v}")).collect();
            Some(format!("{n} [{}]", rules.join(" ")))
        },
        |rules, at| {
            rules.insert(at, at * at);
            rules.remove(&(at - 3));
            Vec::new()
        },
    );
    let expected = [
        "5 [] @1",
        "W 1",
        "2 [1:1] @2",
        "4 [1:1] @3",
        "9 [1:1] @2",
        "W 3",
        "1 [1:1 3:9] @4",
        "7 [1:1 3:9] @4",
        "W 4",
        "3 [3:9 4:16] @6",
        "8 [3:9 4:16] @5",
        "W 6",
    ];
    assert_eq!(lines, expected);
}
