//! The nodes of a job graph behind type erasure: how a source, an operator or a sink is made.
//!
//! Apart from the contracts because here the record types end: what the graph, the plan and the
//! runtime handle are these objects.

use crate::codec;
use crate::element::Element;
use crate::operator::BoxError;
use crate::sink::{Committer, SinkFactory, SubtaskIdentity};
use crate::source::{Source, SourceFactory, SourceOutput, SourceStatus, SplitState};
use crate::source_alignment::Alignment;
use crate::source_head::SourceStage;
use crate::stage::{SinkStage, Stage};
use crate::time::Timestamp;
use crate::watermark::{SplitWatermark, WatermarkStrategy};
use std::sync::Arc;
use std::task::Waker;

/// Makes one operator's instance for a subtask.
pub type StageFactory =
    Arc<dyn Fn(&SubtaskIdentity) -> Result<Box<dyn Stage>, BoxError> + Send + Sync>;

/// What a node is made of.
#[derive(Clone)]
pub enum NodeFactory {
    /// It has no input.
    Source(Arc<dyn SourceNode>),
    /// It has inputs and outputs.
    Operator(StageFactory),
    /// It has no output.
    Sink(Arc<dyn SinkNode>),
}

/// A source as the plan sees it.
pub trait SourceNode: Send + Sync {
    /// CBOR of the state of each split at its beginning.
    ///
    /// # Errors
    /// When the input cannot be read.
    fn enumerate(&self, parallelism: u32) -> Result<Vec<Vec<u8>>, BoxError>;

    /// What identifies the input.
    ///
    /// # Errors
    /// When the input cannot be read.
    fn fingerprint(&self) -> Result<Option<String>, BoxError>;

    /// The group of sources it waits for, if any.
    fn alignment(&self) -> Option<&Alignment> {
        None
    }

    /// Whether two fingerprints name the same input.
    fn same_input(&self, before: &str, now: &str) -> bool;

    /// A reader for splits in the state given by `splits`; `emitted` is the watermark that the
    /// subtask had passed on.
    ///
    /// # Errors
    /// When the input cannot be opened or the states do not fit.
    fn create(
        &self,
        identity: &SubtaskIdentity,
        splits: &[Vec<u8>],
        emitted: Timestamp,
    ) -> Result<Box<dyn SourceStage>, BoxError>;
}

/// A [`SourceFactory`] with its watermark strategy.
pub struct SourceNodeOf<F> {
    /// The source.
    pub factory: F,
    /// How its watermarks are made.
    pub strategy: WatermarkStrategy,
}

impl<F: SourceFactory> SourceNode for SourceNodeOf<F> {
    fn enumerate(&self, parallelism: u32) -> Result<Vec<Vec<u8>>, BoxError> {
        let fresh = |split| SplitState { split, watermark: SplitWatermark::default(), idle: false };
        let splits = self.factory.enumerate(parallelism)?;
        Ok(splits.into_iter().map(|split| codec::to_cbor(&fresh(split))).collect())
    }

    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        self.factory.fingerprint()
    }

    fn alignment(&self) -> Option<&Alignment> {
        self.strategy.alignment.as_ref()
    }

    fn same_input(&self, before: &str, now: &str) -> bool {
        self.factory.same_input(before, now)
    }

    fn create(
        &self,
        identity: &SubtaskIdentity,
        splits: &[Vec<u8>],
        emitted: Timestamp,
    ) -> Result<Box<dyn SourceStage>, BoxError> {
        let (mut positions, mut generators) = (Vec::new(), Vec::new());
        for bytes in splits {
            let state: SplitState<F::Split> = codec::from_cbor(bytes)?;
            positions.push(state.split);
            generators.push((state.watermark, state.idle));
        }
        let source = self.factory.create(identity, positions)?;
        let output = SourceOutput::new(self.strategy.clone(), generators, emitted);
        Ok(Box::new(TypedSource::<F> { source, output }))
    }
}

struct TypedSource<F: SourceFactory> {
    source: F::Source,
    output: SourceOutput<F::Out>,
}

impl<F: SourceFactory> SourceStage for TypedSource<F> {
    fn poll(&mut self, budget: usize, waker: &Waker) -> Result<SourceStatus, BoxError> {
        self.source.poll(&mut self.output, budget, waker)
    }

    fn tick(&mut self, now: Timestamp, waiting: bool) {
        self.output.tick(now, waiting);
    }

    fn take(&mut self) -> Vec<Element> {
        self.output.take()
    }

    fn is_idle(&self) -> bool {
        self.output.is_idle()
    }

    fn take_dropped(&mut self) -> u64 {
        self.output.take_dropped()
    }

    fn splits(&self) -> Vec<Vec<u8>> {
        let states = self.output.states(self.source.splits());
        states.iter().map(codec::to_cbor).collect()
    }
}

/// A sink as the plan sees it.
pub trait SinkNode: Send + Sync {
    /// A subtask's end.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn create(&self, identity: &SubtaskIdentity) -> Result<Box<dyn Stage>, BoxError>;

    /// Whether its rows are audited.
    fn is_transactional(&self) -> bool;

    /// Its committer.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn committer(&self) -> Result<Box<dyn Committer>, BoxError>;
}

/// A [`SinkFactory`] as a node.
pub struct SinkNodeOf<F>(pub F);

impl<F: SinkFactory> SinkNode for SinkNodeOf<F> {
    fn create(&self, identity: &SubtaskIdentity) -> Result<Box<dyn Stage>, BoxError> {
        Ok(Box::new(SinkStage(self.0.create(identity)?)))
    }

    fn is_transactional(&self) -> bool {
        self.0.is_transactional()
    }

    fn committer(&self) -> Result<Box<dyn Committer>, BoxError> {
        self.0.committer()
    }
}
