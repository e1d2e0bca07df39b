//! What becomes of both sides of a key when a window fires: pairs, or what a function makes of them.
//!
//! Apart from the machines that keep the records, because each of these works over either. One window may
//! have more pairs than any output holds, so they are emitted from a cursor on.

use super::records::Records;
use crate::join::joined::{JoinKind, Joined};
use crate::window::{WindowContext, WindowOutput};
use std::collections::VecDeque;
use tidegate_core::element::{Data, Record};
use tidegate_core::operator::{Context, Progress};

/// Both sides of a key in a window.
pub(crate) struct Sides<'a, L, R> {
    pub(super) left: Records<'a, L>,
    pub(super) right: Records<'a, R>,
}

/// How far the rows of a key and window have been emitted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    left: usize,
    right: usize,
}

/// Makes rows of both sides.
pub(crate) trait GroupFunction<K, L, R>: Send + 'static {
    /// The rows.
    type Out: Data;

    /// Whether anything comes of a key that has records on these sides.
    fn wants(&self, left: bool, right: bool) -> bool;

    /// Emits the rows of a key and window from `cursor` on, as far as there is room.
    fn emit(
        &mut self,
        window: &WindowContext<'_, K>,
        sides: &Sides<'_, L, R>,
        cursor: &mut Cursor,
        ctx: &mut Context<Self::Out>,
    ) -> Progress;
}

/// Every pair, and where the kind of the join says so what has none, each as `function` makes of it.
pub(crate) struct Pairs<F> {
    pub(crate) kind: JoinKind,
    pub(crate) function: F,
}

impl<K, L, R, U, F> GroupFunction<K, L, R> for Pairs<F>
where
    K: 'static,
    L: Data,
    R: Data,
    U: Data,
    F: Fn(&WindowContext<'_, K>, Joined<&L, &R>) -> U + Send + 'static,
{
    type Out = U;

    #[inline]
    fn wants(&self, left: bool, right: bool) -> bool {
        match (left, right) {
            (true, true) => true,
            (true, false) => self.kind.keeps_left(),
            (false, true) => self.kind.keeps_right(),
            (false, false) => false,
        }
    }

    #[inline]
    fn emit(
        &mut self,
        window: &WindowContext<'_, K>,
        sides: &Sides<'_, L, R>,
        cursor: &mut Cursor,
        ctx: &mut Context<U>,
    ) -> Progress {
        let (function, at) = (&self.function, window.window.max_timestamp());
        let Sides { left, right } = *sides;
        if left.is_empty() {
            let rows = right.iter_from(cursor.right).map(Joined::Right);
            return emit_all(rows, &mut cursor.right, ctx, |row| (function(window, row), at));
        }
        if right.is_empty() {
            let rows = left.iter_from(cursor.left).map(Joined::Left);
            return emit_all(rows, &mut cursor.left, ctx, |row| (function(window, row), at));
        }
        for one in left.iter_from(cursor.left) {
            let rows = right.iter_from(cursor.right).map(|other| Joined::Both(one, other));
            let progress =
                emit_all(rows, &mut cursor.right, ctx, |row| (function(window, row), at));
            if progress == Progress::More {
                return Progress::More;
            }
            *cursor = Cursor { left: cursor.left + 1, right: 0 };
        }
        Progress::Done
    }
}

/// Emits what `row` makes of `rows`, as far as there is room, and counts them.
#[inline]
fn emit_all<T, U: Data>(
    rows: impl Iterator<Item = T>,
    emitted: &mut usize,
    ctx: &mut Context<U>,
    row: impl Fn(T) -> (U, tidegate_core::time::Timestamp),
) -> Progress {
    for next in rows {
        if ctx.is_full() {
            return Progress::More;
        }
        let (value, at) = row(next);
        ctx.emit(value, at);
        *emitted += 1;
    }
    Progress::Done
}

/// What `function` emits, given both sides at once; what has no room waits.
pub(crate) struct Grouped<F, U> {
    pub(crate) function: F,
    pub(crate) pending: VecDeque<Record<U>>,
}

impl<K, L, R, U, F> GroupFunction<K, L, R> for Grouped<F, U>
where
    K: 'static,
    L: Data,
    R: Data,
    U: Data,
    F: Fn(&WindowContext<'_, K>, Records<'_, L>, Records<'_, R>, &mut WindowOutput<'_, U>)
        + Send
        + 'static,
{
    type Out = U;

    fn wants(&self, _: bool, _: bool) -> bool {
        true
    }

    fn emit(
        &mut self,
        window: &WindowContext<'_, K>,
        sides: &Sides<'_, L, R>,
        cursor: &mut Cursor,
        ctx: &mut Context<U>,
    ) -> Progress {
        let Self { function, pending } = self;
        let is_first_call = cursor.left == 0;
        if is_first_call {
            cursor.left = 1;
            let timestamp = window.window.max_timestamp();
            let mut out = WindowOutput { ctx, pending, timestamp };
            function(window, sides.left, sides.right, &mut out);
        }
        let room = ctx.room().min(pending.len());
        ctx.extend(pending.drain(..room));
        if pending.is_empty() { Progress::Done } else { Progress::More }
    }
}
