//! `watermark_valve`: watermarks and statuses of several channels, merged by the gate of a task.

use super::Way;
use super::drive::{self, Subject};
use serde::Deserialize;
use serde_json::Value;
use tidegate_operators::map::Map;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    WatermarkValve { channels: usize },
}

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    drive::run(case, way, |Operator::WatermarkValve { channels }| {
        let pass_on = || Map::new(|value: Value| value);
        Ok(Subject::new(pass_on, Value::clone, &[]).inputs(&vec![0; *channels]))
    })
}
