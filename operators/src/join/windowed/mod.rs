//! Both sides of two keyed streams, window by window: the machine under [`super::WindowJoin`] and
//! [`super::CoGroup`].
//!
//! Windows of event time at equal distances are kept in slices ([`sliced`]), all others each by itself
//! ([`general`]). Either way a window that fires gives both sides of each key to a function
//! ([`function`]), which emits from a cursor on.

mod bag;
mod firing;
pub(super) mod function;
mod general;
mod group;
mod operator;
mod records;
mod sliced;

pub use group::Tagged;
pub(super) use operator::Windows;
pub use records::Records;
