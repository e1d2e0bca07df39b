//! What goes along an edge: rows that stay, or rows that come and go.
//!
//! Apart because every kind takes and gives it. Which of the two it is, the plan has said.

use tidegate::core::changelog::Change;
use tidegate::core::element::Data;
use tidegate::prelude::*;
use tidegate_rows::Row;

/// A stream of rows.
#[derive(Clone)]
pub enum Flow {
    /// Rows that stay.
    Rows(Stream<Row>),
    /// Rows that come and go.
    Changes(ChangelogStream<Row>),
}

impl Flow {
    /// The rows.
    ///
    /// # Panics
    /// When rows are taken back; a plan without mistakes leads to none.
    #[must_use]
    pub fn rows(&self) -> &Stream<Row> {
        match self {
            Self::Rows(rows) => rows,
            Self::Changes(_) => panic!("the check of a topology keeps changes from who takes none"),
        }
    }
}

impl From<Stream<Row>> for Flow {
    fn from(rows: Stream<Row>) -> Self {
        Self::Rows(rows)
    }
}

impl From<ChangelogStream<Row>> for Flow {
    fn from(changes: ChangelogStream<Row>) -> Self {
        Self::Changes(changes)
    }
}

/// A record with a row in it: the row itself, or a change of one. What is done row by row is done to both alike.
pub(crate) trait OfRow: Data {
    /// The row.
    fn row(&self) -> &Row;

    /// The row, to be changed.
    fn row_mut(&mut self) -> &mut Row;

    /// Whether it puts the row in; otherwise it takes it out.
    fn is_addition(&self) -> bool;
}

impl OfRow for Row {
    fn row(&self) -> &Row {
        self
    }

    fn row_mut(&mut self) -> &mut Row {
        self
    }

    fn is_addition(&self) -> bool {
        true
    }
}

impl OfRow for Change<Row> {
    fn row(&self) -> &Row {
        &self.row
    }

    fn row_mut(&mut self) -> &mut Row {
        &mut self.row
    }

    fn is_addition(&self) -> bool {
        self.kind.is_addition()
    }
}
