//! Lesson: two streams. Which payments have arrived, and what of either side has no counterpart?
//!
//! The shop notes that an order was paid, the payment channel notes that money came; both name the
//! transaction. By `reconciliation` each payment is matched with one receipt from three seconds before it
//! to five seconds after; what has no counterpart comes out on two side outputs, and nothing is lost. By
//! `interval` all pairs come out with the receipt from five seconds before the payment to three after,
//! and what stays alone does not.
//!
//! The order log is out of order by up to six seconds. Both ways go by event time alone, so how far the
//! watermark lags behind changes when rows come out, not which.

use crate::lesson::{Lesson, Output};
use crate::payments::{OrderEvent, OrderStep, Receipt};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tidegate::prelude::*;
use tidegate_file::FileSource;

/// How far the order log is out of order.
const DISORDER_MS: i64 = 6_000;

const PAID_ONLY: OutputTag<Unmatched<OrderEvent>> = OutputTag::new("pay-without-receipt");
const RECEIVED_ONLY: OutputTag<Unmatched<Receipt>> = OutputTag::new("receipt-without-pay");

/// How payments and receipts are brought together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum By {
    /// One to one, with what stays alone
    #[default]
    Reconciliation,
    /// All pairs within bounds of time
    Interval,
}

/// Payments beside their receipts.
#[derive(Args, Clone, Debug)]
pub struct TxMatch {
    /// Order log: order,create or pay,transaction,timestamp (seconds), no header
    #[arg(long, value_name = "FILE")]
    orders: PathBuf,
    /// Receipt log: transaction,channel,timestamp (seconds), no header
    #[arg(long, value_name = "FILE")]
    receipts: PathBuf,
    /// How they are brought together
    #[arg(long, value_enum, default_value_t)]
    by: By,
    #[command(flatten)]
    output: Output,
}

impl Lesson for TxMatch {
    const ABOUT: &'static str = "Payments beside their receipts, and what has no counterpart";

    fn job(&self) -> Job {
        let job = Job::new("tx-match");
        let delay = WatermarkStrategy::bounded_out_of_orderness(DISORDER_MS);
        let orders = FileSource::csv::<OrderEvent>(&self.orders).timestamp(OrderEvent::timestamp);
        let receipts = FileSource::csv::<Receipt>(&self.receipts).timestamp(Receipt::timestamp);
        let payments = job
            .source("orders", orders, delay.clone())
            .filter(|order| order.step == OrderStep::Pay)
            .uid("payments")
            .key_by(|payment| payment.tx.clone());
        let receipts = job.source("receipts", receipts, delay).key_by(|receipt| receipt.tx.clone());
        let rows = match self.by {
            By::Reconciliation => {
                let within = Interval::between(-3_000, 5_000);
                let reconciliation = Reconciliation::within(within)
                    .expect("receipts from three seconds before to five after")
                    .unmatched_left(PAID_ONLY)
                    .unmatched_right(RECEIVED_ONLY);
                let matched =
                    payments.connect(&receipts).reconcile(reconciliation).uid("reconcile");
                let paid_only =
                    matched.side_output(&PAID_ONLY).map(|row| paid_only(&row)).uid("paid-only");
                let received_only = matched
                    .side_output(&RECEIVED_ONLY)
                    .map(|row| received_only(&row))
                    .uid("received-only");
                let matched = matched.map(|(payment, receipt)| match_of(&payment, &receipt));
                matched.uid("matches").union(&paid_only).union(&received_only)
            }
            By::Interval => {
                let pairs = payments.interval_join(&receipts).between(-5_000, 3_000);
                pairs.join().uid("pairs").process(|| PairLines).uid("pair-lines")
            }
        };
        self.output.take(&rows, String::clone);
        job
    }
}

fn match_of(payment: &OrderEvent, receipt: &Receipt) -> String {
    let (paid, received) = (payment.timestamp().millis(), receipt.timestamp().millis());
    format!("MATCH,{},{paid},{received}", payment.tx)
}

fn paid_only(row: &Unmatched<OrderEvent>) -> String {
    format!("PAY_WITHOUT_RECEIPT,{},{}", row.record.tx, row.timestamp.millis())
}

fn received_only(row: &Unmatched<Receipt>) -> String {
    format!("RECEIPT_WITHOUT_PAY,{},{}", row.record.tx, row.timestamp.millis())
}

/// Pairs as lines, with their own event time.
struct PairLines;

impl Process for PairLines {
    type In = Joined<OrderEvent, Receipt>;
    type Out = String;

    fn process(
        &mut self,
        row: Self::In,
        ctx: &mut ProcessContext<'_, String>,
    ) -> Result<(), BoxError> {
        if let Some((payment, receipt)) = row.into_pair() {
            let OrderEvent { tx, order, .. } = &payment;
            let (paid, received) = (payment.timestamp().millis(), receipt.timestamp().millis());
            let (channel, at) = (&receipt.channel, ctx.timestamp().millis());
            ctx.emit(format!("{tx},{order},{paid},{channel},{received},ts={at}"));
        }
        Ok(())
    }
}
