//! A short run of the fuzzer's target for checkpoints, without the fuzzer, and what the fuzzer has found.

#[path = "../../../tests/fuzz/chance.rs"]
mod chance;
#[path = "../../../tests/fuzz/state_targets.rs"]
mod targets;

#[test]
fn any_part_of_a_checkpoint_is_read_or_refused() {
    let bodies = targets::bodies();
    assert_eq!(
        bodies.len(),
        5,
        "a frame of each kind, one of structs, and a namespace that was dropped"
    );
    chance::smoke("stored", targets::frame, &bodies);
}
