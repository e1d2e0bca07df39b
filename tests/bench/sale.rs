//! The visitors of a big sale: the stream of the UV benches, as a source and as a bare formula.
//!
//! Apart from the generator crate because nothing but benches wants visits this cheap: a thousand a
//! second of event time, users drawn uniformly, pages uniformly or all the same.

use serde::{Deserialize, Serialize};
use std::task::Waker;
use tidegate::core::sink::SubtaskIdentity;
use tidegate::core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate::prelude::*;

/// A visit: who, and of which page.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// The page.
    pub page: u32,
    /// The user.
    pub user: u32,
}

/// A stream of visits; visit `n` happens at `n` ms.
#[derive(Clone, Copy, Debug)]
pub struct Sale {
    /// Visits in all.
    pub visits: u64,
    /// Different users.
    pub users: u32,
    /// Different pages.
    pub pages: u32,
}

impl Sale {
    /// The `n`th visit.
    #[inline]
    #[must_use]
    pub const fn visit(&self, n: u64) -> Visit {
        let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^= z >> 27;
        let (high, low) = ((z >> 32) * self.users as u64, (z & 0xffff) * self.pages as u64);
        Visit { page: (low >> 16) as u32, user: (high >> 32) as u32 }
    }
}

/// Every `stride`th visit.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Share {
    next: u64,
    stride: u64,
}

/// One subtask's reader.
pub struct Visitors {
    sale: Sale,
    splits: Vec<Share>,
}

impl SourceFactory for Sale {
    type Out = Visit;
    type Split = Share;
    type Source = Visitors;

    fn kind(&self) -> &'static str {
        "sale"
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<Share>, BoxError> {
        Ok((0..parallelism.into()).map(|next| Share { next, stride: parallelism.into() }).collect())
    }

    fn create(&self, _: &SubtaskIdentity, splits: Vec<Share>) -> Result<Visitors, BoxError> {
        Ok(Visitors { sale: *self, splits })
    }
}

impl Source for Visitors {
    type Out = Visit;
    type Split = Share;

    fn poll(
        &mut self,
        out: &mut SourceOutput<Visit>,
        budget: usize,
        _: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        let mut ended = true;
        let each = budget / self.splits.len().max(1);
        for (index, share) in self.splits.iter_mut().enumerate() {
            for _ in 0..each {
                if share.next >= self.sale.visits {
                    out.end_split(index);
                    break;
                }
                out.emit(index, self.sale.visit(share.next), Timestamp(share.next as i64));
                share.next += share.stride;
            }
            ended &= share.next >= self.sale.visits;
        }
        Ok(if ended { SourceStatus::Ended } else { SourceStatus::Ready })
    }

    fn splits(&self) -> Vec<Share> {
        self.splits.clone()
    }
}
