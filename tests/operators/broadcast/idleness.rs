//! Idleness is not in the state of an operator that holds data: after a restore the task tells it again.

use super::judge::JudgeUnkeyed;
use std::collections::BTreeMap;
use std::task::Waker;
use tidegate_core::chain::{Chain, Link};
use tidegate_core::element::Element;
use tidegate_core::gate::alignment::Guarantee;
use tidegate_core::gate::{ChannelInfo, InputGate};
use tidegate_core::output::{Edge, Forward, Transport};
use tidegate_core::outputs::Outputs;
use tidegate_core::process::BroadcastOperator;
use tidegate_core::snapshot::OperatorTotals;
use tidegate_core::stage::{OperatorStage, SECOND};
use tidegate_core::task::{Capture, EdgeTotals, Task, TaskPort};
use tidegate_core::time::Timestamp;

/// What was sent.
#[derive(Default)]
struct Port(Vec<String>);

impl Transport for Port {
    fn send(&mut self, _edge: usize, _to: u32, element: Element) {
        self.0.push(format!("{element:?}"));
    }
}

impl TaskPort for Port {
    fn credit(&mut self, _channel: usize) {}
    fn wants_base(&mut self, _operator: &str, _state: &str, _entries: u64) -> bool {
        false
    }
    fn captured(&mut self, _capture: Capture) {}
    fn drained(&mut self) {}
}

fn sent_after_a_restore(idle: [bool; 2]) -> Vec<String> {
    let operator = BroadcastOperator::unkeyed(JudgeUnkeyed).hold_until_rules(1);
    let stage = Box::new(OperatorStage::new(operator, |_| {}).with_second_input());
    let info = |port| ChannelInfo { edge: "in".into(), from: port as u32, port };
    let mut gate = InputGate::new([0, SECOND].map(info).to_vec(), Guarantee::ExactlyOnce);
    gate.restore(&idle.map(|idle| (Timestamp(5), idle)), Timestamp(5));
    let chain = Chain::new(vec![Link::new("judge".into(), stage, OperatorTotals::default())]);
    let outputs = Outputs {
        edges: vec![Box::new(Edge::<String, _>::new(Forward, 0, 1, 2))],
        names: vec!["out".into()],
        routes: BTreeMap::from([((0, None), vec![0])]),
        first_link: 0,
    };
    let mut task = Task::new(None, gate, chain, outputs, EdgeTotals::default(), Vec::new());
    let mut port = Port::default();
    task.step(Timestamp(0), Waker::noop(), &mut port).expect("nothing happens");
    port.0
}

#[test]
fn who_was_idle_says_so_again_after_a_restore() {
    assert_eq!(sent_after_a_restore([true, true]), ["Idle"]);
    assert!(sent_after_a_restore([true, false]).is_empty());
}
