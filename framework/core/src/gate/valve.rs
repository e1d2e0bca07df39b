//! Event time of a task: the minimum over its input channels, with idle channels left out.
//!
//! The rules are those of Flink's `StatusWatermarkValve`: an idle channel does not count; a channel
//! that wakes up behind the current event time does not count until it has caught up; when the last
//! active channel falls idle while it held event time back, time moves on to the highest watermark
//! seen; the output turns idle only when every channel is.
//!
//! One rule is not Flink's: a channel that has ended ([`Timestamp::MAX`]) has no say any more, neither
//! in the minimum nor in whether all are idle, as long as another one may still bring records. Event
//! time ends when all channels have, and not because those that have not are silent.

use crate::element::Status;
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug)]
struct Channel {
    watermark: Timestamp,
    idle: bool,
    /// Counts for the minimum: active, and not behind what has been emitted.
    aligned: bool,
}

impl Channel {
    fn has_ended(&self) -> bool {
        self.watermark == Timestamp::MAX
    }
}

/// What the task must do next with event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeEvent {
    /// Event time has advanced to this watermark.
    Watermark(Timestamp),
    /// All inputs fell idle, or one woke up.
    Status(Status),
}

/// Merges the watermarks and statuses of several channels.
#[derive(Clone, Debug)]
pub struct Valve {
    channels: Vec<Channel>,
    emitted: Timestamp,
    idle: bool,
}

impl Valve {
    /// A valve over `channels` channels that have said nothing yet.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        let channel = Channel { watermark: Timestamp::MIN, idle: false, aligned: true };
        Self { channels: vec![channel; channels], emitted: Timestamp::MIN, idle: false }
    }

    /// Sets a channel to what it was at the checkpoint; `emitted` is then recomputed by [`Valve::settle`].
    pub fn restore_channel(&mut self, channel: usize, watermark: Timestamp, idle: bool) {
        self.channels[channel] = Channel { watermark, idle, aligned: !idle };
    }

    /// Ends a restore: `emitted` is what the task had passed on.
    pub fn settle(&mut self, emitted: Timestamp) {
        self.emitted = emitted;
        for channel in &mut self.channels {
            channel.aligned = !channel.idle && channel.watermark >= emitted;
        }
        self.idle = self.all_idle();
    }

    /// Whether there are channels that have not ended, and all of them are idle.
    fn all_idle(&self) -> bool {
        let mut open = self.channels.iter().filter(|c| !c.has_ended()).peekable();
        open.peek().is_some() && open.all(|c| c.idle)
    }

    /// Event time as last emitted.
    #[must_use]
    pub const fn watermark(&self) -> Timestamp {
        self.emitted
    }

    /// Whether all channels are idle.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.idle
    }

    /// Watermark and idleness of one channel.
    #[must_use]
    pub fn channel(&self, channel: usize) -> (Timestamp, bool) {
        (self.channels[channel].watermark, self.channels[channel].idle)
    }

    /// The active channel whose watermark is lowest: it holds event time back.
    #[must_use]
    pub fn holding_back(&self) -> Option<usize> {
        let active = self.channels.iter().enumerate().filter(|(_, c)| !c.idle);
        active.min_by_key(|(_, c)| c.watermark).map(|(channel, _)| channel)
    }

    /// A watermark on `channel`; one that does not advance the channel is ignored.
    pub fn on_watermark(&mut self, channel: usize, watermark: Timestamp) -> Option<TimeEvent> {
        let state = &mut self.channels[channel];
        if self.idle || state.idle || watermark <= state.watermark {
            return None;
        }
        state.watermark = watermark;
        if !state.aligned && watermark >= self.emitted {
            state.aligned = true;
        }
        if watermark == Timestamp::MAX && self.all_idle() {
            self.idle = true;
            return Some(TimeEvent::Status(Status::Idle));
        }
        self.advance()
    }

    /// A status on `channel`. May yield a watermark *and then* a status.
    pub fn on_status(&mut self, channel: usize, status: Status) -> [Option<TimeEvent>; 2] {
        let emitted = self.emitted;
        let state = &mut self.channels[channel];
        match status {
            Status::Idle if !state.idle => {
                state.idle = true;
                state.aligned = false;
                let held_back = state.watermark == emitted;
                if self.all_idle() {
                    let open = self.channels.iter().filter(|c| !c.has_ended());
                    let highest = open.map(|c| c.watermark).max();
                    let flush = highest.filter(|&h| held_back && h > emitted);
                    self.emitted = flush.unwrap_or(emitted);
                    self.idle = true;
                    [flush.map(TimeEvent::Watermark), Some(TimeEvent::Status(Status::Idle))]
                } else {
                    [if held_back { self.advance() } else { None }, None]
                }
            }
            Status::Active if state.idle => {
                state.idle = false;
                state.aligned = state.watermark >= emitted;
                let woke = std::mem::replace(&mut self.idle, false);
                [None, woke.then_some(TimeEvent::Status(Status::Active))]
            }
            _ => [None, None],
        }
    }

    fn advance(&mut self) -> Option<TimeEvent> {
        let lowest = self.channels.iter().filter(|c| c.aligned).map(|c| c.watermark).min()?;
        if lowest == Timestamp::MAX && !self.channels.iter().all(Channel::has_ended) {
            return None;
        }
        (lowest > self.emitted).then(|| {
            self.emitted = lowest;
            TimeEvent::Watermark(lowest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TimeEvent::Watermark as W;

    const T: fn(i64) -> Timestamp = Timestamp;

    #[test]
    fn the_minimum_moves_when_the_slowest_channel_does() {
        let mut valve = Valve::new(2);
        assert_eq!(valve.on_watermark(0, T(5)), None);
        assert_eq!(valve.on_watermark(1, T(3)), Some(W(T(3))));
        assert_eq!(valve.holding_back(), Some(1));
        assert_eq!(valve.on_watermark(1, T(9)), Some(W(T(5))));
        assert_eq!(valve.on_watermark(1, T(8)), None, "a channel never goes back");
    }

    #[test]
    fn an_idle_channel_does_not_hold_time_back_and_must_catch_up() {
        let mut valve = Valve::new(2);
        valve.on_watermark(0, T(10));
        assert_eq!(valve.on_status(1, Status::Idle), [Some(W(T(10))), None]);
        assert_eq!(valve.on_watermark(0, T(20)), Some(W(T(20))));
        assert_eq!(valve.on_status(1, Status::Active), [None, None]);
        assert_eq!(valve.on_watermark(1, T(15)), None);
        assert_eq!(valve.on_watermark(0, T(30)), Some(W(T(30))), "channel 1 is still behind");
        assert_eq!(valve.on_watermark(1, T(31)), None);
        assert_eq!(valve.on_watermark(0, T(40)), Some(W(T(31))), "caught up: it counts again");
    }

    #[test]
    fn the_last_channel_to_fall_idle_flushes_what_it_held_back() {
        let mut valve = Valve::new(2);
        valve.on_watermark(0, T(10));
        valve.on_watermark(1, T(4));
        assert_eq!(valve.on_status(0, Status::Idle), [None, None]);
        let idle = Some(TimeEvent::Status(Status::Idle));
        assert_eq!(valve.on_status(1, Status::Idle), [Some(W(T(10))), idle]);
        let active = Some(TimeEvent::Status(Status::Active));
        assert_eq!(valve.on_status(0, Status::Active), [None, active]);
    }

    #[test]
    fn event_time_does_not_end_while_an_idle_channel_may_wake_up() {
        let idle = Some(TimeEvent::Status(Status::Idle));
        let active = Some(TimeEvent::Status(Status::Active));
        for ends_first in [true, false] {
            let mut valve = Valve::new(2);
            valve.on_watermark(0, T(5));
            valve.on_watermark(1, T(5));
            if ends_first {
                assert_eq!(valve.on_watermark(0, Timestamp::MAX), None);
                assert_eq!(valve.on_status(1, Status::Idle), [None, idle]);
            } else {
                assert_eq!(valve.on_status(1, Status::Idle), [None, None]);
                assert_eq!(valve.on_watermark(0, Timestamp::MAX), idle);
            }
            assert_eq!(valve.on_status(1, Status::Active), [None, active]);
            assert_eq!(valve.on_watermark(1, T(7)), Some(W(T(7))), "it goes on where it was");
            assert_eq!(valve.on_watermark(1, Timestamp::MAX), Some(W(Timestamp::MAX)));
        }
    }
}
