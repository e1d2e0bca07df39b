//! Whether a job has kept up with a rate, and who is slow if not.
//!
//! Apart from the search, which only wants to know whether, and from whoever looks at the job: numbers go in, a judgement
//! comes out.

use super::search::Outcome;

/// A job is behind when its sources read later than this share of a step, all the time towards its end.
const LATE_SHARE: f64 = 0.01;

/// But not for less than this, in seconds, unless a step is very short: an instant of the machine's is no capacity.
const LATE_SECONDS: f64 = 0.1;

/// The share of a short step that is too late, however few seconds it is.
const LATE_SHORT_SHARE: f64 = 0.1;

/// A job is behind when a subtask has waited nearly all of a step for room in front of it: what is slow may hide in
/// channels for a while before the sources are late. Less than that may be bursts that the job makes up for.
const BACKPRESSURED: f64 = 0.9;

/// A job is behind when the channels of a subtask were so full on average.
const FULL: f64 = 0.9;

/// Who waits for room at least so large a share of its time stands in front of who is slow.
const IN_FRONT: f64 = 0.2;

/// What was seen of a job in a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Records per second that were due.
    pub(super) offered: f64,
    /// Records per second that the sources have emitted.
    pub(super) achieved: f64,
    /// Seconds of the step.
    pub(super) seconds: f64,
    /// The least by which the sources read too late towards the end of the step, in seconds.
    pub(super) late: f64,
    /// Its vertices, in the order of the plan.
    pub(super) vertices: Vec<Vertex>,
}

/// What was seen of a vertex: its slowest subtask.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Vertex {
    /// Its operators.
    pub(super) operators: Vec<String>,
    /// The vertices that feed it, by place.
    pub(super) inputs: Vec<usize>,
    /// Its subtasks.
    pub(super) parallelism: u32,
    /// The largest share of the step that one of its subtasks was busy.
    pub(super) busy: f64,
    /// The same on average over its subtasks.
    pub(super) busy_mean: f64,
    /// The largest share of the step that one of its subtasks had no room for its results.
    pub(super) backpressured: f64,
    /// How full the channels behind the fullest of its subtasks were on average: 1 is full.
    pub(super) full: f64,
}

/// Why a job is behind.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Behind {
    /// Its sources read so many seconds too late.
    Late(f64),
    /// This vertex had no room for its results for such a share of the time.
    Backpressure(usize, f64),
    /// The channels behind this vertex were full.
    Queues(usize),
}

impl Seen {
    /// Why the job has not kept up, if it has not.
    pub(super) fn behind(&self) -> Option<Behind> {
        let instant = LATE_SECONDS.min(self.seconds * LATE_SHORT_SHARE);
        if self.late > (self.seconds * LATE_SHARE).max(instant) {
            return Some(Behind::Late(self.late));
        }
        let mut vertices = self.vertices.iter().enumerate();
        let waits = vertices.find(|(_, vertex)| vertex.backpressured >= BACKPRESSURED);
        if let Some((at, vertex)) = waits {
            return Some(Behind::Backpressure(at, vertex.backpressured));
        }
        let full = self.vertices.iter().position(|vertex| vertex.full >= FULL);
        full.map(Behind::Queues)
    }

    /// The same as a search wants it.
    pub(super) fn outcome(&self) -> Outcome {
        match self.behind() {
            None => Outcome::Kept,
            Some(_) => Outcome::Behind { achieved: self.achieved },
        }
    }

    /// The vertex that limits the job: the most downstream one that does not wait for room itself while one that feeds it
    /// does; where nobody waits, the busiest. `None` when nobody was busy.
    pub(super) fn bottleneck(&self) -> Option<usize> {
        let waits = |at: usize| {
            self.vertices
                .get(at)
                .is_some_and(|vertex| vertex.backpressured >= IN_FRONT || vertex.full >= FULL)
        };
        let behind_them = (0..self.vertices.len())
            .rev()
            .find(|&at| !waits(at) && self.vertices[at].inputs.iter().any(|&input| waits(input)));
        behind_them.or_else(|| {
            let busy = self.vertices.iter().enumerate().filter(|(_, vertex)| vertex.busy > 0.0);
            busy.max_by(|(_, a), (_, b)| a.busy.total_cmp(&b.busy)).map(|(at, _)| at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(inputs: &[usize], busy: f64, backpressured: f64) -> Vertex {
        Vertex {
            inputs: inputs.to_vec(),
            busy,
            busy_mean: busy,
            backpressured,
            ..Vertex::default()
        }
    }

    fn seen(vertices: Vec<Vertex>) -> Seen {
        Seen { offered: 100.0, achieved: 100.0, seconds: 5.0, late: 0.0, vertices }
    }

    #[test]
    fn a_job_that_reads_in_time_with_room_in_its_channels_has_kept_up() {
        let calm = seen(vec![vertex(&[], 0.3, 0.1), vertex(&[0], 0.9, 0.0)]);
        assert_eq!((calm.behind(), calm.outcome()), (None, Outcome::Kept));
    }

    #[test]
    fn lateness_backpressure_and_full_channels_are_told_apart() {
        let late = Seen { late: 0.2, achieved: 90.0, ..seen(vec![vertex(&[], 1.0, 0.0)]) };
        assert_eq!(late.behind(), Some(Behind::Late(0.2)));
        assert_eq!(late.outcome(), Outcome::Behind { achieved: 90.0 });
        let bursts = seen(vec![vertex(&[], 0.1, 0.6), vertex(&[0], 0.9, 0.0)]);
        assert_eq!(bursts.behind(), None, "it makes up for them");
        let waiting = seen(vec![vertex(&[], 0.1, 0.95), vertex(&[0], 1.0, 0.0)]);
        assert_eq!(waiting.behind(), Some(Behind::Backpressure(0, 0.95)));
        let full = Vertex { full: 0.95, ..vertex(&[], 0.1, 0.0) };
        let full = seen(vec![full, vertex(&[0], 1.0, 0.0)]);
        assert_eq!(full.behind(), Some(Behind::Queues(0)));
        // A long hold may end a little later, not much.
        let hold = Seen { seconds: 30.0, late: 0.25, ..seen(Vec::new()) };
        assert_eq!(hold.behind(), None);
        let short = Seen { seconds: 0.3, late: 0.09, ..seen(Vec::new()) };
        assert_eq!(short.behind(), Some(Behind::Late(0.09)));
    }

    #[test]
    fn the_bottleneck_is_the_last_busy_one_behind_those_that_wait() {
        let chain = seen(vec![
            vertex(&[], 0.1, 0.9),
            vertex(&[0], 0.2, 0.8),
            vertex(&[1], 0.99, 0.0),
            vertex(&[2], 0.3, 0.0),
        ]);
        assert_eq!(chain.bottleneck(), Some(2));
        // Two branches: the one that makes the source wait.
        let branches = seen(vec![
            vertex(&[], 0.1, 0.9),
            vertex(&[0], 0.1, 0.9),
            vertex(&[1], 1.0, 0.0),
            vertex(&[], 0.5, 0.0),
            vertex(&[3], 0.6, 0.0),
        ]);
        assert_eq!(branches.bottleneck(), Some(2));
    }

    #[test]
    fn where_nobody_waits_the_busiest_is_it() {
        let source = seen(vec![vertex(&[], 1.0, 0.0), vertex(&[0], 0.4, 0.0)]);
        assert_eq!(source.bottleneck(), Some(0));
        assert_eq!(seen(vec![vertex(&[], 0.0, 0.0)]).bottleneck(), None);
        assert_eq!(seen(Vec::new()).bottleneck(), None);
    }
}
