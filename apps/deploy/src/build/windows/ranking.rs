//! The first rows of each window, where rows that rank alike stay together.
//!
//! Apart from the engine's `top_n`, in which every row has a rank of its own. Rows that rank alike have the same rank
//! here, and the next one has as many in front of it as there are: 1, 1, 3. A row is in when its rank is at most n; so
//! as many rows are kept as rank so, however many rank as the last one.
//!
//! *Late results.* As in the engine's: a result that comes again replaces the row of its key; once the ranking is out,
//! rows that are new in it or have another rank come out again. That is exact as long as updates rank no lower.

use crate::build::placed::Placed;
use tidegate::prelude::*;
use tidegate_rows::{Row, RowKey, Value};

/// A result of a window, to be ranked.
pub(super) type WindowResult = Windowed<RowKey, Placed>;

/// Ranks the results of each window.
pub(super) struct TiedRanking {
    n: usize,
    allowed_lateness_ms: i64,
    /// The rows of each window that are in, the first one first.
    best: ValueState<TimeWindow, Vec<(RowKey, Placed)>>,
}

impl TiedRanking {
    pub(super) fn new(n: usize, allowed_lateness_ms: i64) -> Self {
        Self { n, allowed_lateness_ms, best: ValueState::default() }
    }

    fn closes_at(&self, window: TimeWindow) -> Timestamp {
        window.max_timestamp().plus(self.allowed_lateness_ms)
    }

    /// Puts a row in its place; says whether anything is another than before.
    fn put(&mut self, at: Keyed<'_, TimeWindow>, key: RowKey, placed: Placed) -> bool {
        let rows = self.best.get(at).map_or(&[][..], Vec::as_slice);
        // What stays out is no change of the state.
        let last = rows.get(self.n - 1);
        let is_behind = last.is_some_and(|(_, last)| placed.by_order(last).is_gt());
        if is_behind && rows.iter().all(|(other, _)| *other != key) {
            return false;
        }
        put(self.best.get_or_insert_with(at, Vec::new), (self.n, true), key, placed)
    }

    /// The rows that are in, each with its rank behind its columns.
    fn ranked(&self, at: Keyed<'_, TimeWindow>) -> Vec<Row> {
        let rows = self.best.get(at).map_or(&[][..], Vec::as_slice);
        let mut rank = 0;
        let ranked = rows.iter().enumerate().map(|(index, (_, placed))| {
            let ties = index > 0 && rows[index - 1].1.by_order(placed).is_eq();
            if !ties {
                rank = index as i64 + 1;
            }
            placed.row.values().iter().cloned().chain([Value::Int64(rank)]).collect()
        });
        ranked.collect()
    }
}

/// Puts a row in its place among the first `n`, with or without those that rank as the last of them; says whether
/// anything is another than before.
pub(super) fn put(
    rows: &mut Vec<(RowKey, Placed)>,
    (n, with_ties): (usize, bool),
    key: RowKey,
    placed: Placed,
) -> bool {
    let old = rows.iter().position(|(other, _)| *other == key);
    if old.is_some_and(|old| rows[old].1 == placed) {
        return false;
    }
    if let Some(old) = old {
        rows.remove(old);
    }
    let place = rows.partition_point(|(_, other)| *other > placed);
    rows.insert(place, (key, placed));
    let ties = match n.checked_sub(1).and_then(|last| rows.get(last)) {
        Some((_, last)) if with_ties => {
            rows[n..].iter().take_while(|(_, row)| row.by_order(last).is_eq()).count()
        }
        _ => 0,
    };
    rows.truncate(n + ties);
    old.is_some() || place < rows.len()
}

impl KeyedProcess for TiedRanking {
    type Key = TimeWindow;
    type In = WindowResult;
    type Out = Row;

    fn process(
        &mut self,
        at: Keyed<'_, TimeWindow>,
        result: WindowResult,
        ctx: &mut KeyedContext<'_, TimeWindow, Row>,
    ) -> Result<(), BoxError> {
        let (fires_at, closes_at) = (at.key.max_timestamp(), self.closes_at(*at.key));
        if closes_at <= ctx.watermark() {
            ctx.late::<WindowResult>(None, result);
            return Ok(());
        }
        if self.n == 0 {
            return Ok(());
        }
        if self.best.get(at).is_none() {
            ctx.register_timer(TimeDomain::Event, fires_at);
            ctx.register_timer(TimeDomain::Event, closes_at);
        }
        let is_out = fires_at <= ctx.watermark();
        let before = if is_out { self.ranked(at) } else { Vec::new() };
        if self.put(at, result.key, result.value) && is_out {
            let changed = self.ranked(at).into_iter().filter(|row| !before.contains(row));
            changed.for_each(|row| ctx.emit_at(row, fires_at));
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        at: Keyed<'_, TimeWindow>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, TimeWindow, Row>,
    ) -> Result<(), BoxError> {
        if timer.at == at.key.max_timestamp() {
            self.ranked(at).into_iter().for_each(|row| ctx.emit_at(row, timer.at));
        }
        if timer.at == self.closes_at(*at.key) {
            self.best.remove(at);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("best", &mut self.best);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::placed::{Term, Terms};
    use proptest::prelude::*;
    use std::cmp::Reverse;
    use std::collections::BTreeMap;
    use tidegate::core::element::{Batch, Record};
    use tidegate::core::operator::{Context, Operator};
    use tidegate::core::process::KeyedProcessOperator;

    const WINDOW: TimeWindow = TimeWindow { start: Timestamp(0), end: Timestamp(10) };

    fn result(key: i64, value: i64) -> Record<WindowResult> {
        let terms = Terms::One(Term::Descending(Reverse(Value::Int64(value))));
        let row = Row::new([Value::Int64(key), Value::Int64(value)]);
        let key = RowKey::One(Value::Int64(key));
        let value = Windowed { key, window: WINDOW, value: Placed { terms, row } };
        let key_hash = WINDOW.stable_hash();
        Record { key_hash, ..Record::new(value, WINDOW.max_timestamp()) }
    }

    /// Key, value and rank of each row.
    type Ranks = Vec<(i64, i64, i64)>;

    fn ranks(ctx: &mut Context<Row>) -> Ranks {
        let number = |value: &Value| match value {
            Value::Int64(number) => *number,
            other => panic!("{other} is no number"),
        };
        let of = |row: &Row| (number(&row[0]), number(&row[1]), number(&row[2]));
        ctx.take().iter().map(|record| of(&record.value)).collect()
    }

    /// The ranks as they should be.
    fn naive(n: usize, values: &BTreeMap<i64, i64>) -> Ranks {
        let rank = |value: i64| values.values().filter(|other| **other > value).count() as i64 + 1;
        let all = values.iter().map(|(key, value)| (*key, *value, rank(*value)));
        let mut ranks: Ranks = all.filter(|(_, _, rank)| *rank <= n as i64).collect();
        ranks.sort_by_key(|(key, _, rank)| (*rank, *key));
        ranks
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_the_values_and_late_rises_tell_what_has_changed(
            n in 1usize..5,
            early in prop::collection::vec((0i64..8, 0i64..5), 0..12),
            late in prop::collection::vec((0i64..8, 0i64..8), 0..12),
        ) {
            let ranking = TiedRanking::new(n, 1000);
            let mut ranking = KeyedProcessOperator::new(ranking, |row: &WindowResult| row.window);
            let mut ctx = Context::new(usize::MAX);
            let mut values = BTreeMap::new();
            // An update ranks no lower than what it replaces.
            let mut rise = |(key, value): (i64, i64)| {
                let known = values.entry(key).or_insert(value);
                *known = (*known).max(value);
                (result(key, *known), values.clone())
            };
            for step in early.clone() {
                let (record, _) = rise(step);
                ranking.process(&mut Batch::new(vec![record], vec![]), &mut ctx).expect("in time");
            }
            ctx.set_time(WINDOW.max_timestamp(), Timestamp(0));
            ranking.on_watermark(WINDOW.max_timestamp(), &mut ctx).expect("a ranking");
            let mut seen = ranks(&mut ctx);
            if !early.is_empty() {
                let (_, values) = rise(early[0]);
                prop_assert_eq!(&seen, &naive(n, &values));
            }
            for step in late {
                let (record, values) = rise(step);
                ranking.process(&mut Batch::new(vec![record], vec![]), &mut ctx).expect("in time");
                let expected = naive(n, &values);
                let told = ranks(&mut ctx);
                let changed: Ranks =
                    expected.iter().filter(|row| !seen.contains(row)).copied().collect();
                prop_assert_eq!(told, changed);
                seen = expected;
            }
        }
    }
}
