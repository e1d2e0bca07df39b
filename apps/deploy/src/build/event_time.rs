//! Event time: the watermark strategy that a plan asks for.

use tidegate::prelude::*;
use tidegate_topology::plan::{EmitPlan, EventTimePlan, WatermarkPlan};

/// The strategy of a source or of a step in mid-stream; none where no event time is said.
pub(crate) fn strategy(time: Option<&EventTimePlan>) -> WatermarkStrategy {
    let Some(time) = time else { return WatermarkStrategy::none() };
    let strategy = match time.watermark {
        WatermarkPlan::None => WatermarkStrategy::none(),
        WatermarkPlan::Monotonous => WatermarkStrategy::monotonous(),
        WatermarkPlan::Bounded(delay_ms) => WatermarkStrategy::bounded_out_of_orderness(delay_ms),
        WatermarkPlan::IngestionTime => WatermarkStrategy::ingestion_time(),
    };
    let strategy = match time.emit {
        EmitPlan::Default => strategy,
        EmitPlan::EachRecord => strategy.each_record(),
        EmitPlan::Every(millis) => strategy.every_event_time_ms(millis),
        EmitPlan::EveryRecords(records) => strategy.every_records(records),
    };
    let strategy = match time.idle_ms {
        Some(millis) => strategy.idle_after(millis),
        None => strategy,
    };
    match &time.align {
        Some((group, max_drift_ms)) => strategy.aligned(group, *max_drift_ms),
        None => strategy,
    }
}
