//! When to look at which key again: pairs of a time and a key's hash, taken off in this order.
//!
//! Apart from the timers of [`tidegate_core::timer`], which can be deleted and are in the snapshot; both
//! cost a tree and a key per timer. Here an appointment is sixteen bytes in a list of those that fall
//! into the same stretch of time, and a list is put in order when its time has come; the few that are
//! made for so soon that this has happened already stand in a heap. That nobody is there any more at the
//! appointed time is no error: whoever keeps an appointment looks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use tidegate_core::time::Timestamp;

/// Into so many lists the longest wait is cut, about: lists are to be long enough to be cheap and short
/// enough that putting one in order does not take long.
const LISTS: u64 = 64;

/// A time and the hash of a key.
type Appointment = (Timestamp, u64);

#[derive(Debug)]
pub(crate) struct Agenda {
    /// A list spans `1 << shift` milliseconds.
    shift: u32,
    /// Lists whose time has not come, by their number.
    far: BTreeMap<i64, Vec<Appointment>>,
    /// Appointments of all lists up to `near_list`, the next one last.
    near: Vec<Appointment>,
    near_list: i64,
    /// Those made since for times up to `near_list`.
    fresh: BinaryHeap<Reverse<Appointment>>,
    len: usize,
}

impl Agenda {
    /// An agenda for waits of up to `longest_ms`.
    pub(crate) fn new(longest_ms: i64) -> Self {
        let stretch = u64::try_from(longest_ms).unwrap_or(0) / LISTS;
        let shift = stretch.checked_ilog2().unwrap_or(0);
        let (far, near, fresh) = (BTreeMap::new(), Vec::new(), BinaryHeap::new());
        Self { shift, far, near, near_list: i64::MIN, fresh, len: 0 }
    }

    /// Adds an appointment; a second one for the same time and key does no harm.
    #[inline]
    pub(crate) fn add(&mut self, at: Timestamp, hash: u64) {
        self.len += 1;
        let list = at.millis() >> self.shift;
        if list > self.near_list {
            self.far.entry(list).or_default().push((at, hash));
        } else {
            self.fresh.push(Reverse((at, hash)));
        }
    }

    /// The next appointment up to `near_list`.
    #[inline]
    fn nearest(&self) -> Option<Appointment> {
        let near = self.near.last().copied();
        match (near, self.fresh.peek()) {
            (Some(near), Some(Reverse(fresh))) => Some(near.min(*fresh)),
            (near, fresh) => near.or(fresh.map(|Reverse(fresh)| *fresh)),
        }
    }

    /// The next appointment up to `until`.
    #[inline]
    pub(crate) fn next(&mut self, until: Timestamp) -> Option<Appointment> {
        while self.near.is_empty() && self.fresh.is_empty() {
            let entry = self.far.first_entry()?;
            if *entry.key() > until.millis() >> self.shift {
                return None;
            }
            let (list, appointments) = entry.remove_entry();
            self.near_list = list;
            self.near = appointments;
            self.near.sort_unstable_by(|left, right| right.cmp(left));
        }
        self.nearest().filter(|next| next.0 <= until)
    }

    /// The hashes of the next appointments, as far as they are in order.
    pub(crate) fn upcoming(&self) -> impl Iterator<Item = u64> {
        self.near.iter().rev().map(|(_, hash)| *hash)
    }

    /// The next appointment has been kept, however often it was made.
    pub(crate) fn pop(&mut self) {
        let Some(kept) = self.nearest() else { return };
        while self.near.last() == Some(&kept) {
            self.near.pop();
            self.len -= 1;
        }
        while self.fresh.peek() == Some(&Reverse(kept)) {
            self.fresh.pop();
            self.len -= 1;
        }
    }

    /// How many appointments there are, those included that nobody will keep.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// When to look at the latest; it may be that nothing is due yet then.
    pub(crate) fn not_before(&self) -> Option<Timestamp> {
        let near = self.nearest().map(|next| next.0);
        near.or_else(|| Some(Timestamp(*self.far.keys().next()? << self.shift)))
    }

    pub(crate) fn clear(&mut self) {
        *self = Self { shift: self.shift, ..Self::new(0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appointments_come_in_the_order_of_time_and_hash_whenever_they_were_made() {
        let mut agenda = Agenda::new(1_000);
        let mut model = std::collections::BTreeSet::new();
        let mut seed = 1u64;
        for round in 0..2_000 {
            for _ in 0..round % 7 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let appointment = (Timestamp(round + (seed >> 33) as i64 % 1_000), seed >> 60);
                agenda.add(appointment.0, appointment.1);
                model.insert(appointment);
            }
            let until = Timestamp(round - 500);
            while let Some(next) = agenda.next(until) {
                assert!(agenda.not_before().is_some_and(|at| at <= next.0));
                agenda.pop();
                assert_eq!(model.pop_first(), Some(next));
            }
            assert!(model.first().is_none_or(|next| next.0 > until));
            assert!(agenda.len() >= model.len());
        }
    }

    #[test]
    fn the_ends_of_time_are_times_too() {
        let mut agenda = Agenda::new(i64::MAX);
        agenda.add(Timestamp::MAX, 1);
        agenda.add(Timestamp::MIN, 2);
        assert_eq!(agenda.next(Timestamp(0)), Some((Timestamp::MIN, 2)));
        agenda.pop();
        assert_eq!(agenda.next(Timestamp(0)), None);
        assert_eq!(agenda.next(Timestamp::MAX), Some((Timestamp::MAX, 1)));
        agenda.pop();
        assert_eq!((agenda.next(Timestamp::MAX), agenda.not_before()), (None, None));
        assert_eq!(agenda.len(), 0);
    }
}
