//! Lookups of the simulated jobs: the real operator, and an outside that answers when the world wakes it.

use super::fate::Fate;
use super::record::Item;
use std::task::Poll;
use tidegate_core::operator::Operator;
use tidegate_core::time::Timestamp;
use tidegate_operators::async_io::{AsyncFunction, AsyncWait, Call, Retry};

/// Longer than any history.
const TIMEOUT_MS: i64 = 1_000_000_000;

/// Every record once, whenever its answer comes; of those of odd keys some calls fail.
pub(crate) fn asking(ordered: bool, fate: Fate) -> impl Operator<In = Item, Out = Item> {
    let order = if ordered { AsyncWait::ordered } else { AsyncWait::unordered };
    let wait = order(TIMEOUT_MS).capacity(7).retry(Retry::exponential(u32::MAX, 1, 16));
    wait.into_keyed_operator(Ask(fate))
}

struct Ask(Fate);

impl AsyncFunction for Ask {
    type In = Item;
    type Out = Item;

    fn call(&mut self, input: &Item, _: Timestamp) -> Call<Item> {
        let (fate, input, mut asked) = (self.0.clone(), *input, false);
        Call::pending(std::future::poll_fn(move |polling| {
            if asked || fate.draw(|chance| !chance.one_in(4)) {
                let fails = input.key % 2 == 1 && fate.draw(|chance| chance.one_in(4));
                return Poll::Ready(if fails { Err("busy".into()) } else { Ok(vec![input]) });
            }
            asked = true;
            fate.doze(polling.waker());
            Poll::Pending
        }))
    }
}
