//! The floor of the UV bench: distinct users of overlapping windows by hand, for this stream only.
//!
//! Each thread walks over the whole stream and keeps the visits of its own pages, so nothing is
//! exchanged, checkpointed or late. *Exact*: per page and user the slice in which the user was last
//! seen; a user leaves with the slice that saw them last. *Estimate*: per register of a HyperLogLog the
//! ranks that may still be the greatest, newest last (Chabchoub and Hebrail, "Sliding HyperLogLog",
//! 2010), and the harmonic sum kept up to date.

use super::cpu_seconds;
use super::sale::{Sale, Visit};
use std::collections::VecDeque;
use std::time::Instant;

/// How a floor went.
pub struct Floor {
    /// Visits per second.
    pub visits_per_second: f64,
    /// Rows, one per page and window.
    pub rows: u64,
    /// Sum of all results.
    pub sum: u64,
    /// CPU nanoseconds per visit, over all threads.
    pub cpu_ns: f64,
}

/// The distinct users of one page over the last slices.
trait Counter {
    fn new(sale: &Sale) -> Self;
    fn add(&mut self, user: u32, slice: u32);
    /// The oldest slice leaves.
    fn leave(&mut self, slice: u32);
    fn result(&self) -> u64;
}

struct Exact {
    /// The slice in which a user was last seen, plus one.
    last: Vec<u32>,
    slices: VecDeque<(u32, Vec<u32>)>,
    distinct: u64,
}

impl Counter for Exact {
    fn new(sale: &Sale) -> Self {
        Self { last: vec![0; sale.users as usize], slices: VecDeque::new(), distinct: 0 }
    }

    #[inline]
    fn add(&mut self, user: u32, slice: u32) {
        let last = &mut self.last[user as usize];
        self.distinct += u64::from(*last == 0);
        if *last != slice + 1 {
            *last = slice + 1;
            match self.slices.back_mut() {
                Some((newest, users)) if *newest == slice => users.push(user),
                _ => self.slices.push_back((slice, vec![user])),
            }
        }
    }

    fn leave(&mut self, slice: u32) {
        if self.slices.front().is_some_and(|(oldest, _)| *oldest == slice) {
            for user in self.slices.pop_front().map(|(_, users)| users).unwrap_or_default() {
                let last = &mut self.last[user as usize];
                if *last == slice + 1 {
                    *last = 0;
                    self.distinct -= 1;
                }
            }
        }
    }

    fn result(&self) -> u64 {
        self.distinct
    }
}

const REGISTER_BITS: u32 = 14;

struct Estimate {
    /// (slice, rank), ranks falling.
    registers: Vec<Vec<(u32, u8)>>,
    touched: VecDeque<(u32, Vec<u16>)>,
    sum: f64,
    zeros: u32,
}

impl Estimate {
    fn change(&mut self, from: u8, to: u8) {
        self.sum += f64::exp2(-f64::from(to)) - f64::exp2(-f64::from(from));
        self.zeros = self.zeros + u32::from(to == 0) - u32::from(from == 0);
    }
}

impl Counter for Estimate {
    fn new(_: &Sale) -> Self {
        let registers = 1 << REGISTER_BITS;
        Self {
            registers: vec![Vec::new(); registers],
            touched: VecDeque::new(),
            sum: registers as f64,
            zeros: registers as u32,
        }
    }

    #[inline]
    fn add(&mut self, user: u32, slice: u32) {
        let mut hash = u64::from(user).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        hash ^= hash >> 32;
        let index = (hash >> (64 - REGISTER_BITS)) as u16;
        let rank = ((hash << REGISTER_BITS) | (1 << (REGISTER_BITS - 1))).leading_zeros() as u8 + 1;
        let ranks = &mut self.registers[usize::from(index)];
        let before = ranks.first().map_or(0, |(_, rank)| *rank);
        if ranks.last().is_some_and(|last| *last == (slice, rank)) {
            return;
        }
        while ranks.last().is_some_and(|(_, last)| *last <= rank) {
            ranks.pop();
        }
        if ranks.last().is_some_and(|(newest, _)| *newest == slice) {
            return;
        }
        ranks.push((slice, rank));
        let after = ranks[0].1;
        match self.touched.back_mut() {
            Some((newest, registers)) if *newest == slice => registers.push(index),
            _ => self.touched.push_back((slice, vec![index])),
        }
        if before != after {
            self.change(before, after);
        }
    }

    fn leave(&mut self, slice: u32) {
        if self.touched.front().is_some_and(|(oldest, _)| *oldest == slice) {
            for index in self.touched.pop_front().map(|(_, all)| all).unwrap_or_default() {
                let ranks = &mut self.registers[usize::from(index)];
                if ranks.first().is_some_and(|(oldest, _)| *oldest == slice) {
                    let (_, before) = ranks.remove(0);
                    let after = ranks.first().map_or(0, |(_, rank)| *rank);
                    self.change(before, after);
                }
            }
        }
    }

    fn result(&self) -> u64 {
        let registers = f64::from(1u32 << REGISTER_BITS);
        let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / self.sum;
        if raw <= 2.5 * registers && self.zeros > 0 {
            return (registers * (registers / f64::from(self.zeros)).ln()) as u64;
        }
        raw as u64
    }
}

/// Counts over windows of `size_ms` every `slide_ms` on `threads` threads.
#[must_use]
pub fn distinct(sale: Sale, exact: bool, size_ms: u64, slide_ms: u64, threads: u32) -> Floor {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let (rows, sum) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || match exact {
                    true => worker::<Exact>(&sale, size_ms, slide_ms, thread, threads),
                    false => worker::<Estimate>(&sale, size_ms, slide_ms, thread, threads),
                })
            })
            .collect();
        let results =
            workers.into_iter().map(|worker| worker.join().expect("a worker does not panic"));
        results.fold((0, 0), |(rows, sum), (more, other)| (rows + more, sum + other))
    });
    Floor {
        visits_per_second: sale.visits as f64 / started.elapsed().as_secs_f64(),
        rows,
        sum,
        cpu_ns: (cpu_seconds() - cpu) * 1e9 / sale.visits as f64,
    }
}

fn worker<C: Counter>(
    sale: &Sale,
    size_ms: u64,
    slide_ms: u64,
    thread: u32,
    threads: u32,
) -> (u64, u64) {
    let mut counters: Vec<C> = (0..sale.pages.div_ceil(threads)).map(|_| C::new(sale)).collect();
    let overlap = (size_ms / slide_ms) as u32;
    let slices = sale.visits.div_ceil(slide_ms) as u32;
    let (mut rows, mut sum) = (0, 0);
    for slice in 0..slices + overlap - 1 {
        if slice < slices {
            let end = ((u64::from(slice) + 1) * slide_ms).min(sale.visits);
            for n in u64::from(slice) * slide_ms..end {
                let Visit { page, user } = sale.visit(n);
                if page % threads == thread {
                    counters[(page / threads) as usize].add(user, slice);
                }
            }
        }
        for counter in &mut counters {
            let result = counter.result();
            rows += u64::from(result > 0);
            sum += result;
            if slice + 1 >= overlap {
                counter.leave(slice + 1 - overlap);
            }
        }
    }
    (rows, sum)
}
