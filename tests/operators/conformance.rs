//! The recorded cases of other engines, in every way of running.

use std::collections::BTreeMap;
use tidegate_tests::conformance::{AREAS, Way, load};
use tidegate_tests::shared_material;

fn check(way: Way) {
    let Some(folder) = shared_material::find("conformance") else { return };
    let cases = load(&[folder]).expect("the shared cases");
    let mut run: BTreeMap<&str, usize> = AREAS.iter().map(|(area, _)| (*area, 0)).collect();
    let mut failed = Vec::new();
    for case in &cases {
        let Some(count) = run.get_mut(case.area.as_str()) else { continue };
        *count += 1;
        if let Err(difference) = case.run(way) {
            failed.push(format!("{}: {difference}", case.id));
        }
    }
    println!("{way}: {run:?}");
    assert!(failed.is_empty(), "{way}:\n  {}", failed.join("\n  "));
    assert!(run.values().all(|count| *count > 0), "an area without cases: {run:?}");
}

#[test]
fn cases_hold_as_they_stand() {
    check(Way::Plain);
}

#[test]
fn cases_hold_with_a_restore_after_every_step() {
    check(Way::Restored);
}

#[test]
fn cases_hold_with_an_output_that_is_full_after_every_row() {
    check(Way::OutputFull);
}
