//! Both sides seen from one of them, so that what is done to either is written once.

use super::books::{Books, Ledger};
use super::bounds::Interval;
use super::buffer::Buffer;
use super::joined::Joined;
use super::sides::{Sides, Waits};
use std::marker::PhantomData;
use std::ops::Range;
use tidegate_core::time::Timestamp;

/// The side that a record comes from.
pub(super) trait Half {
    type L;
    type R;
    type Own;
    type Other;

    /// Whether it is the left one.
    const IS_LEFT: bool;

    /// Its buffer, and that of the other side.
    fn split(
        sides: &mut Sides<Self::L, Self::R>,
    ) -> (&mut Buffer<Self::Own>, &mut Buffer<Self::Other>);

    fn pair(own: Self::Own, other: Self::Other) -> Joined<Self::L, Self::R>;

    /// Its part of the books.
    fn ledger(books: &mut Books) -> &mut Ledger {
        if Self::IS_LEFT { &mut books.left } else { &mut books.right }
    }

    /// The places of those that belong to a record of `at`.
    fn partners(interval: Interval, at: Timestamp, other: &Buffer<Self::Other>) -> Range<usize> {
        let Interval { lower_ms, upper_ms } = interval;
        if Self::IS_LEFT {
            other.range(at.plus(lower_ms), at.plus(upper_ms))
        } else {
            other.range(at.minus(upper_ms), at.minus(lower_ms))
        }
    }

    /// How long its records wait.
    fn wait(waits: Waits) -> i64 {
        if Self::IS_LEFT { waits.left_ms } else { waits.right_ms }
    }
}

pub(super) struct LeftHalf<L, R>(PhantomData<(L, R)>);

impl<L, R> Half for LeftHalf<L, R> {
    type L = L;
    type R = R;
    type Own = L;
    type Other = R;

    const IS_LEFT: bool = true;

    fn split(sides: &mut Sides<L, R>) -> (&mut Buffer<L>, &mut Buffer<R>) {
        (&mut sides.left, &mut sides.right)
    }

    fn pair(own: L, other: R) -> Joined<L, R> {
        Joined::Both(own, other)
    }
}

pub(super) struct RightHalf<L, R>(PhantomData<(L, R)>);

impl<L, R> Half for RightHalf<L, R> {
    type L = L;
    type R = R;
    type Own = R;
    type Other = L;

    const IS_LEFT: bool = false;

    fn split(sides: &mut Sides<L, R>) -> (&mut Buffer<R>, &mut Buffer<L>) {
        (&mut sides.right, &mut sides.left)
    }

    fn pair(own: R, other: L) -> Joined<L, R> {
        Joined::Both(other, own)
    }
}
