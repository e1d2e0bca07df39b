//! The messages of the actors.
//!
//! What bounds a mailbox: a `Deliver` with a batch costs its channel a credit, and there are few; at
//! most one `Credit` comes back for each; control elements and messages of the master are a handful
//! per checkpoint. So no mailbox grows, although `do_send` itself would let it.

use crate::subtask_actor::SubtaskActor;
use actix::{Addr, Message};
use tidegate_core::element::{Barrier, Element};
use tidegate_core::master::Event;
use tidegate_core::plan::SubtaskId;
use tidegate_state::upload::Uploaded;

/// An element for an input channel.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Deliver {
    /// The attempt of the sender; another one's elements mean nothing.
    pub attempt: u32,
    /// The channel's number in the receiver's gate.
    pub channel: usize,
    /// The element.
    pub element: Element,
}

/// A batch was processed: the sender gets its credit back.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Credit {
    /// The attempt.
    pub attempt: u32,
    /// The sender's output edge.
    pub edge: usize,
    /// The receiving subtask's index.
    pub to: u32,
}

/// A receiving subtask, and the number of the channel in its gate.
pub type Receiver = (Addr<SubtaskActor>, usize);

/// The neighbours of a subtask.
#[derive(Default)]
pub struct Wiring {
    /// By output edge: the index of the first receiver, and each receiver with its channel.
    pub outputs: Vec<(u32, Vec<Receiver>)>,
    /// By input channel: the sender and its output edge.
    pub inputs: Vec<(Addr<SubtaskActor>, usize)>,
}

/// All subtasks of the region are there: begin.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Run(pub Wiring);

/// For sources: emit this barrier.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Trigger(pub Barrier);

/// For sources: the input ends here.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Let go of everything, and say so.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Stop;

/// A subtask's task has been dropped.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Released;

/// A subtask's upload has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct UploadDone {
    /// The checkpoint.
    pub checkpoint: u64,
    /// How; an error is a panic in it.
    pub result: Result<Uploaded, String>,
}

/// A merge of a subtask's chains is over.
#[derive(Message)]
#[rtype(result = "()")]
pub struct MergeDone {
    /// A panic's message.
    pub result: Result<(), String>,
}

/// Something for the job master's machine.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Tell(pub Event);

/// A subtask has stopped.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SubtaskStopped {
    /// The subtask.
    pub subtask: SubtaskId,
    /// Its attempt.
    pub attempt: u32,
}

/// Blobs that a subtask wrote and that may never be named.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Abandoned {
    /// The newest checkpoint triggered by then.
    pub checkpoint: u64,
    /// Their names.
    pub names: Vec<String>,
}
