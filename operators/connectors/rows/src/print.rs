//! Rows on standard output, at least once each: what was printed cannot be taken back.

use crate::layout::Layout;
use crate::signed::SignedError;
use tidegate_core::changelog::Change;
use tidegate_inline::Print;
use tidegate_rows::Row;

/// Prints each row as soon as it comes; where the layout has a header, once above the first.
#[must_use]
pub fn print_sink(layout: &Layout) -> Print<Row> {
    let of = layout.clone();
    let print = Print::fallible(move |row, line| of.encode(row, line));
    match layout.header() {
        Some(header) => print.header(&header),
        None => print,
    }
}

/// The same for the changes of a result, each row with its sign in the first column, `change`.
///
/// # Errors
/// When there is no room for the sign.
pub fn changelog_print_sink(layout: &Layout) -> Result<Print<Change<Row>>, SignedError> {
    let signed = layout.signed()?;
    let header = signed.layout().header();
    let print = Print::fallible(move |change, line| signed.encode(change, line));
    Ok(match header {
        Some(header) => print.header(&header),
        None => print,
    })
}
