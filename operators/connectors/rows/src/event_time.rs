//! Event time from an expression. Apart because files, standard input and inline rows all take it so.

use tidegate_core::time::Timestamp;
use tidegate_rows::Row;
use tidegate_rows::expression::TimestampEvaluator;

/// What gives a row its event time, or says why it has none: because the expression is NULL or fails, or because its
/// value is one of the two that stand for "no time" and "the end of time".
pub fn event_time(
    of: TimestampEvaluator,
) -> impl Fn(&Row) -> Result<Timestamp, String> + Send + Sync + 'static {
    move |row| {
        let timestamp = Timestamp(of.evaluate(row).map_err(|error| error.to_string())?);
        if timestamp == Timestamp::MIN || timestamp == Timestamp::MAX {
            let millis = timestamp.millis();
            return Err(format!("the event time {millis} ms is beyond what a record can have"));
        }
        Ok(timestamp)
    }
}
