//! Tumbling windows of the wall clock: each record in the window that is open when it comes, each window once.

use proptest::prelude::*;
use std::collections::BTreeMap;
use tidegate_operators::aggregate::Sum;
use tidegate_operators::window::{WallClockWindow, Window, Windowed};
use tidegate_tests::harness::{Harness, Step};

type In = (u8, u32);
type Amount = fn(&In) -> u32;
type KeyOf = fn(&In) -> u8;

fn windows(window: Window) -> WallClockWindow<u8, Sum<In, Amount>, KeyOf> {
    let (amount, key): (Amount, KeyOf) = (|record| record.1, |record| record.0);
    WallClockWindow::new(window, Sum::of(amount), key).expect("valid")
}

fn rows(window: Window, steps: &[Step<In>]) -> Vec<String> {
    let harness = Harness::new(move || windows(window))
        .keyed_by(|record| record.0)
        .show(|row: &Windowed<u8, u32>| format!("{} {} {}", row.key, row.window, row.value));
    let mut rows = harness.unordered().run(steps).lines;
    rows.retain(|line| line.contains(" @"));
    rows.sort();
    rows
}

#[test]
fn a_window_fires_when_the_clock_reaches_its_end_and_not_at_the_end_of_the_input() {
    use Step::{End, ProcessingTime, Record, Watermark};
    let steps = [
        ProcessingTime(3),
        Record((1, 1), i64::MIN),
        Record((2, 2), 99),
        Watermark(1_000),
        ProcessingTime(9),
        Record((1, 4), 5),
        ProcessingTime(10),
        Record((1, 8), 5),
        ProcessingTime(45),
        Record((1, 16), 5),
        End,
    ];
    let rows = rows(Window::tumbling(10), &steps);
    assert_eq!(rows, ["1 [0, 10) 5 @9", "1 [10, 20) 8 @19", "2 [0, 10) 2 @9"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_counts_once_in_the_window_that_is_open_when_it_comes(
        (size, offset) in (1..20i64, -30..30i64),
        steps in prop::collection::vec((0..4u8, 0..9i64, 1..100u32), 1..60),
    ) {
        let mut now = 0;
        let mut all = vec![Step::ProcessingTime(now)];
        let mut expected: BTreeMap<(u8, i64), u32> = BTreeMap::new();
        for (key, ahead, amount) in steps {
            if ahead > 4 {
                now += ahead;
                all.push(Step::ProcessingTime(now));
            }
            all.push(Step::Record((key, amount), 0));
            let start = (now - offset).div_euclid(size) * size + offset;
            *expected.entry((key, start)).or_default() += amount;
        }
        all.push(Step::ProcessingTime(now + size));
        let mut expected: Vec<String> = expected
            .into_iter()
            .map(|((key, start), sum)| {
                let end = start + size;
                format!("{key} [{start}, {end}) {sum} @{}", end - 1)
            })
            .collect();
        expected.sort();
        prop_assert_eq!(rows(Window::tumbling(size).offset(offset), &all), expected);
    }
}
