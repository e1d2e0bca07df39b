//! Rows that stand in the topology itself.
//!
//! Apart from files because what is wrong with them is the topology's fault: there is no policy, they are refused.

use crate::event_time::event_time;
use thiserror::Error;
use tidegate_core::codec;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::SubtaskIdentity;
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;
use tidegate_inline::{FromVec, VecReader, VecSplit};
use tidegate_rows::expression::TimestampEvaluator;
use tidegate_rows::{Row, Schema};

/// What is wrong with one of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("row {number}: {reason}")]
pub struct InlineError {
    /// Which row, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// A bounded source of given rows. They are part of the job's identity: state of others is not taken over.
pub struct InlineRows {
    rows: FromVec<Row>,
    fingerprint: String,
}

impl InlineRows {
    /// These rows, with their event times.
    ///
    /// # Errors
    /// For the first row that is not of the schema, or has no event time.
    pub fn new(
        schema: &Schema,
        rows: Vec<Row>,
        at: Option<TimestampEvaluator>,
    ) -> Result<Self, InlineError> {
        let bytes = codec::to_cbor(&rows);
        let fingerprint = format!("{} rows {:08x}", rows.len(), codec::checksum(0, &bytes));
        let at = at.map(event_time);
        let timed = rows.into_iter().zip(1..).map(|(row, number)| {
            let fits = row.fits(schema).map_err(|error| error.to_string());
            let timestamp =
                fits.and_then(|()| at.as_ref().map_or(Ok(Timestamp::MIN), |at| at(&row)));
            let timestamp = timestamp.map_err(|reason| InlineError { number, reason })?;
            Ok((row, timestamp))
        });
        Ok(Self { rows: FromVec::timed(timed.collect::<Result<_, _>>()?), fingerprint })
    }
}

impl SourceFactory for InlineRows {
    type Out = Row;
    type Split = VecSplit;
    type Source = VecReader<Row>;

    fn kind(&self) -> &'static str {
        self.rows.kind()
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<VecSplit>, BoxError> {
        self.rows.enumerate(parallelism)
    }

    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        Ok(Some(self.fingerprint.clone()))
    }

    fn create(
        &self,
        identity: &SubtaskIdentity,
        splits: Vec<VecSplit>,
    ) -> Result<VecReader<Row>, BoxError> {
        self.rows.create(identity, splits)
    }
}
