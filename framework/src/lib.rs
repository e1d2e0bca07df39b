//! Tidegate: actor-based stream processing with event time, keyed state and exactly-once, in one
//! small binary.
//!
//! This crate is what users depend on: the typed [`Stream`] API, the [`launch`](fn@launch)er that runs
//! a job with the same flags everywhere, and the parts of the lower crates that jobs are written with.
//!
//! ```no_run
//! use tidegate::prelude::*;
//!
//! let job = Job::new("words");
//! let words = ["to", "be", "or", "not", "to", "be"].map(String::from).to_vec();
//! job.source("words", FromVec::new(words), WatermarkStrategy::none())
//!     .map(|word| word.to_uppercase())
//!     .sink("out", Print::new(|word: &String| word.clone()));
//! tidegate::launch(job);
//! ```

mod async_io;
mod broadcast;
mod changelog;
mod connect;
mod dedup;
mod job;
mod join;
mod launch;
mod look;
mod pattern;
mod progress;
mod running;
mod settings;
mod signals;
mod sink_handle;
mod state_folder;
mod stream;
mod summary;
mod temporal_join;
mod two_phase;
mod unbounded_join;
mod usage;
mod window;
mod window_join;

pub use broadcast::BroadcastConnectedStreams;
pub use changelog::{ChangelogStream, KeyedChangelogStream};
pub use connect::{ConnectedStreams, UnkeyedConnectedStreams};
pub use job::Job;
pub use join::{IntervalJoinStreams, IntervalJoinedStreams};
pub use launch::{LaunchArgs, launch, launch_and_then, launch_with, parse_duration};
pub use look::look_into;
pub use pattern::PatternStream;
pub use running::Running;
pub use settings::{CheckpointStorageChoice, MetricsAddress, Settings, StateBackend};
pub use signals::Interrupt;
pub use sink_handle::SinkHandle;
pub use stream::{KeyedStream, Stream};
pub use summary::{OperatorSummary, Summary};
pub use temporal_join::TemporalJoinedStreams;
pub use tidegate_core as core;
pub use tidegate_operators as operators;
pub use tidegate_runtime as runtime;
pub use tidegate_state as state;
pub use usage::{cpu_seconds, peak_rss_bytes};
pub use window::WindowedStream;
pub use window_join::WindowJoinedStreams;

/// What a job usually needs.
pub mod prelude {
    pub use crate::{ChangelogStream, KeyedChangelogStream};
    pub use crate::{Job, KeyedStream, LaunchArgs, Stream, WindowedStream, launch, launch_with};
    pub use tidegate_core::changelog::{Change, RowKind};
    pub use tidegate_core::key::Key;
    pub use tidegate_core::operator::{BoxError, OutputTag};
    pub use tidegate_core::process::{
        BroadcastProcess, CoProcess, KeyedBroadcastProcess, KeyedCoProcess, KeyedContext,
        KeyedProcess, Process, ProcessContext, Timer,
    };
    pub use tidegate_core::restart::RestartStrategy;
    pub use tidegate_core::state::aggregate::Aggregate;
    pub use tidegate_core::state::broadcast::BroadcastState;
    pub use tidegate_core::state::handles::{ListState, ValueState};
    pub use tidegate_core::state::rules::{BroadcastRules, RulesVisitor};
    pub use tidegate_core::state::{Keyed, StateVisitor};
    pub use tidegate_core::time::Timestamp;
    pub use tidegate_core::timer::TimeDomain;
    pub use tidegate_core::watermark::{WatermarkGenerator, WatermarkStrategy};
    pub use tidegate_inline::{Collect, Discard, FromVec, Print};
    pub use tidegate_operators::Retain;
    pub use tidegate_operators::aggregate::Count;
    pub use tidegate_operators::assign_timestamps_and_watermarks::TimestampsAndWatermarks;
    pub use tidegate_operators::async_io::{
        Answer, AsyncFunction, AsyncWait, Call, Failed, Lookup, LookupCache, LookupJoin, Retry,
    };
    pub use tidegate_operators::cep::{AfterMatchSkip, Matched, Pattern};
    pub use tidegate_operators::changelog::Materialize;
    pub use tidegate_operators::continuous_top_n::{ContinuousTopN, RankedRow};
    pub use tidegate_operators::dedup::{
        BitmapFirst, BloomFirst, FirstRow, FirstRowByTime, LastRow,
    };
    pub use tidegate_operators::join::{
        Books, Clock, Interval, JoinKind, Joined, OuterJoin, Pairing, Reason, Reconciliation,
        Unmatched, Validity,
    };
    pub use tidegate_operators::split::Way;
    pub use tidegate_operators::top_n::{Ranked, TopN};
    pub use tidegate_operators::window::{
        CalendarUnit, CalendarWindows, ContinuousEventTimeTrigger, ContinuousProcessingTimeTrigger,
        CountEvictor, CountTrigger, DeltaEvictor, DeltaTrigger, EndOfStreamTrigger,
        EventTimeTrigger, GlobalWindows, MergingWindows, ProcessingTime, ProcessingTimeTrigger,
        PurgingTrigger, Session, TimeEvictor, TimeWindow, Window, WindowContext, WindowOutput,
        Windowed,
    };
}
