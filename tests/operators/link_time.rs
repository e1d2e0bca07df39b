//! Event time within a chain: a link knows the watermarks that have reached it, not the gate's.

use std::task::Waker;
use tidegate_core::chain::{Chain, ChainStep, Downstream, Link};
use tidegate_core::element::{AnyBatch, Batch, downcast};
use tidegate_core::gate::Port;
use tidegate_core::gate::valve::TimeEvent;
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::snapshot::OperatorTotals;
use tidegate_core::stage::{Control, OperatorStage, StepTime};
use tidegate_core::time::Timestamp;

/// Emits each watermark.
struct Tell;

impl Operator for Tell {
    type In = i64;
    type Out = i64;

    fn process(&mut self, _: &mut Batch<i64>, _: &mut Context<i64>) -> Result<(), BoxError> {
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<i64>,
    ) -> Result<Progress, BoxError> {
        ctx.emit(watermark.millis(), watermark);
        Ok(Progress::Done)
    }
}

/// Emits, for each record, event time as it stands.
struct Ask;

impl Operator for Ask {
    type In = i64;
    type Out = i64;

    fn process(&mut self, input: &mut Batch<i64>, ctx: &mut Context<i64>) -> Result<(), BoxError> {
        for record in input.take_open() {
            ctx.emit(ctx.watermark().millis(), record.timestamp);
        }
        Ok(())
    }
}

/// Hands on its records, and emits the port of each input that ends.
struct TellEnd;

impl Operator for TellEnd {
    type In = i64;
    type Out = i64;

    fn process(&mut self, input: &mut Batch<i64>, ctx: &mut Context<i64>) -> Result<(), BoxError> {
        ctx.extend(input.take_open());
        Ok(())
    }

    fn on_end_of_input(
        &mut self,
        input: Port,
        ctx: &mut Context<i64>,
    ) -> Result<Progress, BoxError> {
        ctx.emit(input as i64, Timestamp::MIN);
        Ok(Progress::Done)
    }
}

#[derive(Default)]
struct Collected(Vec<i64>);

impl Downstream for Collected {
    fn push(&mut self, _link: usize, _side: Option<usize>, batch: &mut dyn AnyBatch) {
        let records = downcast::<i64>(batch).take_open();
        self.0.extend(records.map(|record| record.value));
    }

    fn time(&mut self, _event: TimeEvent) {}

    fn is_blocked(&self) -> bool {
        false
    }
}

#[test]
fn what_a_watermark_makes_a_link_emit_comes_before_that_watermark_to_the_next() {
    let link = |uid: &str, stage| Link::new(uid.into(), stage, OperatorTotals::default());
    let mut links = vec![
        link("tell", Box::new(OperatorStage::new(Tell, |_| {}))),
        link("ask", Box::new(OperatorStage::new(Ask, |_| {}))),
    ];
    links.iter_mut().for_each(|link| link.stage.open(Timestamp(1)));
    let (mut chain, mut collected) = (Chain::new(links), Collected::default());
    for watermark in [5, 9].map(Timestamp) {
        let time = StepTime { now: Timestamp(0), waker: Waker::noop() };
        chain.start(Control::Watermark(watermark));
        while chain.finished_pass().is_none() {
            chain.step(time, &mut collected).expect("no operator fails");
        }
    }
    assert_eq!(collected.0, [1, 5]);
}

#[test]
fn the_end_of_an_input_is_told_to_the_operator_whose_input_it_is() {
    let link = |uid: &str| {
        let stage = Box::new(OperatorStage::new(TellEnd, |_| {}));
        Link::new(uid.into(), stage, OperatorTotals::default())
    };
    let mut chain = Chain::new(vec![link("first"), link("second")]);
    let mut collected = Collected::default();
    for port in [1, 0] {
        let time = StepTime { now: Timestamp(0), waker: Waker::noop() };
        chain.start(Control::EndOfInput(port));
        while chain.step(time, &mut collected).expect("no operator fails") != ChainStep::Idle {}
        assert_eq!(chain.finished_pass(), Some(Control::EndOfInput(port)));
    }
    assert_eq!(collected.0, [1, 0]);
}
