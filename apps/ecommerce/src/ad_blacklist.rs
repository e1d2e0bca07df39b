//! The blacklist of [`crate::AdClicks`]: who finds out, and who leaves clicks out.
//!
//! Apart from the job because these are its functions, each a few lines that could be any user's.

use crate::ad_click::{AdClick, BELIEVED_CLICKS, Blacklisting, day_of, last_of_day};
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;

/// Finds users who click one advertisement more often than is believed, per user and advertisement.
///
/// It counts by event time and not by arrival: a click waits until event time has come to it. So the
/// moment at which somebody is blacklisted is the same in every run.
#[derive(Default)]
pub(crate) struct Detector {
    clicks: ValueState<(u64, u64), Clicks>,
}

/// Clicks of a user on an advertisement.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Clicks {
    /// Those to which event time has not come yet.
    waiting: Vec<Timestamp>,
    /// Those of the day so far.
    of_day: u32,
}

impl KeyedProcess for Detector {
    type Key = (u64, u64);
    type In = AdClick;
    type Out = Blacklisting;

    fn process(
        &mut self,
        key: Keyed<'_, (u64, u64)>,
        click: AdClick,
        ctx: &mut KeyedContext<'_, (u64, u64), Blacklisting>,
    ) -> Result<(), BoxError> {
        let at = click.timestamp();
        self.clicks.get_or_insert_with(key, Clicks::default).waiting.push(at);
        ctx.register_timer(TimeDomain::Event, at);
        ctx.register_timer(TimeDomain::Event, last_of_day(at));
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, (u64, u64)>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, (u64, u64), Blacklisting>,
    ) -> Result<(), BoxError> {
        let Some(clicks) = self.clicks.get_mut(key) else { return Ok(()) };
        let before = clicks.of_day;
        let waiting = clicks.waiting.len();
        clicks.waiting.retain(|at| *at > timer.at);
        clicks.of_day += (waiting - clicks.waiting.len()) as u32;
        if before <= BELIEVED_CLICKS && clicks.of_day > BELIEVED_CLICKS {
            let (user, ad) = *key.key;
            ctx.emit(Blacklisting { user, ad, since: timer.at });
        }
        if timer.at == last_of_day(timer.at) {
            clicks.of_day = 0;
            if clicks.waiting.is_empty() {
                self.clicks.remove(key);
            }
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("clicks", &mut self.clicks);
    }
}

/// Leaves out the clicks of users who are blacklisted when they click, per user.
///
/// A click waits until event time has come to it on both inputs; all blacklistings up to then have
/// arrived, so it does not matter how far one input is ahead of the other.
#[derive(Default)]
pub(crate) struct Judge {
    waiting: ListState<u64, AdClick>,
}

/// Since when a user is blacklisted, by user, advertisement and day.
type Blacklist = BroadcastState<(u64, u64, i64), Timestamp>;

impl KeyedBroadcastProcess for Judge {
    type Key = u64;
    type In = AdClick;
    type Broadcast = Blacklisting;
    type Rules = Blacklist;
    type Out = AdClick;

    fn process(
        &mut self,
        user: Keyed<'_, u64>,
        click: AdClick,
        _: &Blacklist,
        ctx: &mut KeyedContext<'_, u64, AdClick>,
    ) -> Result<(), BoxError> {
        ctx.register_timer(TimeDomain::Event, click.timestamp());
        self.waiting.push(user, click);
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        Blacklisting { user, ad, since }: Blacklisting,
        blacklist: &mut Blacklist,
        _: &mut ProcessContext<'_, AdClick>,
    ) -> Result<(), BoxError> {
        blacklist.insert((user, ad, day_of(since)), since);
        Ok(())
    }

    fn on_timer(
        &mut self,
        user: Keyed<'_, u64>,
        timer: Timer,
        blacklist: &Blacklist,
        ctx: &mut KeyedContext<'_, u64, AdClick>,
    ) -> Result<(), BoxError> {
        for click in self.waiting.take(user) {
            let at = click.timestamp();
            if at > timer.at {
                self.waiting.push(user, click);
                continue;
            }
            let since = blacklist.get(&(click.user, click.ad, day_of(at)));
            if since.is_none_or(|since| at < *since) {
                ctx.emit_at(click, at);
            }
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("waiting", &mut self.waiting);
    }
}

/// A line of a list of rules: user, advertisement.
pub(crate) type Forbidden = (u64, u64);

/// The list, which is complete at its end only.
#[derive(Default)]
pub(crate) struct ForbiddenList(BroadcastState<Forbidden, ()>);

impl BroadcastRules for ForbiddenList {
    fn states(&mut self, visitor: &mut RulesVisitor<'_>) {
        visitor.state("forbidden", &mut self.0);
    }

    fn suffice(&self) -> bool {
        false
    }
}

/// Leaves out the clicks that a given list forbids.
pub(crate) struct Allowed;

impl BroadcastProcess for Allowed {
    type In = AdClick;
    type Broadcast = Forbidden;
    type Rules = ForbiddenList;
    type Out = AdClick;

    fn process(
        &mut self,
        click: AdClick,
        forbidden: &ForbiddenList,
        ctx: &mut ProcessContext<'_, AdClick>,
    ) -> Result<(), BoxError> {
        if forbidden.0.get(&(click.user, click.ad)).is_none() {
            ctx.emit(click);
        }
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        forbidden: Forbidden,
        list: &mut ForbiddenList,
        _: &mut ProcessContext<'_, AdClick>,
    ) -> Result<(), BoxError> {
        list.0.insert(forbidden, ());
        Ok(())
    }
}
