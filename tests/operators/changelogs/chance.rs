//! Random changelogs that keep the laws: what is retracted is there.

use proptest::prelude::*;
use tidegate_core::changelog::Change;

/// A row: key, score and name.
pub(super) type Row = (u8, u8, u8);

/// One thing that happens to a result; `pick` chooses among the rows that are there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Insert(Row),
    Delete { pick: usize },
    Update { pick: usize, row: Row },
}

pub(super) fn rows() -> impl Strategy<Value = Row> {
    (0..3u8, 0..4u8, 0..3u8)
}

pub(super) fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => rows().prop_map(Event::Insert),
        2 => any::<usize>().prop_map(|pick| Event::Delete { pick }),
        2 => (any::<usize>(), rows()).prop_map(|(pick, row)| Event::Update { pick, row }),
    ];
    proptest::collection::vec(event, 1..40)
}

/// The changes of an event, and the rows after it: those that came later stand behind.
pub(super) fn happen(event: Event, live: &mut Vec<Row>) -> Vec<Change<Row>> {
    let mut take = |pick: usize| {
        let row = *live.get(pick.checked_rem(live.len())?)?;
        // Of equal rows the first one goes.
        let at = live.iter().position(|other| *other == row)?;
        Some(live.remove(at))
    };
    match event {
        Event::Insert(row) => {
            live.push(row);
            vec![Change::insert(row)]
        }
        Event::Delete { pick } => take(pick).map(Change::delete).into_iter().collect(),
        Event::Update { pick, row } => {
            let Some(before) = take(pick) else { return Vec::new() };
            live.push(row);
            vec![Change::update_before(before), Change::update_after(row)]
        }
    }
}
