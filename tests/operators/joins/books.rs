//! The books of a reconciliation: they balance at any time, and say what became of every record.

use tidegate_core::element::{Batch, Record, downcast};
use tidegate_core::key::Key;
use tidegate_core::operator::{CoOperator, Context, Operator, OutputTag, Progress};
use tidegate_core::time::Timestamp;
use tidegate_operators::join::{Books, Interval, Ledger, Reconciliation};

const BOOKS: OutputTag<Books> = OutputTag::new("books");

fn record(value: u64, at: i64) -> Record<u64> {
    Record { value, timestamp: Timestamp(at), key_hash: value.stable_hash() }
}

fn batch(records: &[(u64, i64)]) -> Batch<u64> {
    Batch::new(records.iter().map(|&(value, at)| record(value, at)).collect(), Vec::new())
}

#[test]
fn every_record_received_is_in_the_books_once() {
    let reconciliation = Reconciliation::within(Interval::between(-3, 5)).expect("valid");
    let reconciliation = reconciliation.books(BOOKS, 10);
    let mut operator = reconciliation.into_operator(|n: &u64| *n, |n: &u64| *n);
    operator.open(Timestamp::MIN);
    let mut ctx = Context::new(16);
    ctx.connect(&BOOKS);
    let mut told = Vec::new();
    let mut advance = |operator: &mut _, to: i64, ctx: &mut Context<(u64, u64)>| {
        let to = Timestamp(to);
        ctx.set_time(to, Timestamp::MIN);
        while Operator::on_watermark(operator, to, ctx).expect("they balance") == Progress::More {
            ctx.take();
        }
        for (_, mut side) in ctx.take_sides() {
            told.extend(downcast::<Books>(side.as_mut()).take_open().map(|r| r.value));
        }
    };
    operator.process(&mut batch(&[(1, 11), (2, 12), (3, 30)]), &mut ctx).expect("in time");
    operator.process_second(&mut batch(&[(1, 9), (2, 18), (4, 12)]), &mut ctx).expect("in time");
    advance(&mut operator, 15, &mut ctx);
    operator.process(&mut batch(&[(1, 15), (2, 14)]), &mut ctx).expect("late is no error");
    // Within the same ten milliseconds the books are not told again.
    advance(&mut operator, 17, &mut ctx);
    advance(&mut operator, 21, &mut ctx);
    advance(&mut operator, i64::MAX, &mut ctx);
    operator.on_end(&mut ctx).expect("nothing waits");
    let left = |matched, unmatched, late, pending| Ledger {
        received: matched + unmatched + late + pending,
        matched,
        unmatched,
        late,
        pending,
    };
    let right = left;
    let expected = [
        Books { left: left(1, 0, 0, 2), right: right(1, 1, 0, 1) },
        Books { left: left(1, 1, 2, 1), right: right(1, 2, 0, 0) },
        Books { left: left(1, 2, 2, 0), right: right(1, 2, 0, 0) },
    ];
    assert_eq!(told, expected);
    assert!(told.iter().all(Books::balance));
    assert_eq!(
        told[2].to_string(),
        "left: received 5, matched 1, unmatched 2, late 2, pending 0; right: received 3, matched \
         1, unmatched 2, late 0, pending 0"
    );
}
