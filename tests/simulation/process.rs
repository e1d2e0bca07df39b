//! One run of a job: the real master, plan, log and retention, and mail between its parts.
//!
//! Apart from the world because all of it dies in a crash. It does what the runtime's shells do, one
//! thing at a time, when the scheduler says so.

use super::checks::{self, Watch};
use super::disk::Disk;
use super::fate::Fate;
use super::subtask::{Stepped, Subtask, lock};
use super::work::Work;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tidegate_core::build::TaskSettings;
use tidegate_core::committers::Committers;
use tidegate_core::element::{Barrier, Element};
use tidegate_core::master::{Command, Event, Failure, JobEnd, JobMaster, Notice, Remedy};
use tidegate_core::plan::{Plan, SubtaskId};
use tidegate_core::snapshot::Manifest;
use tidegate_core::time::Timestamp;
use tidegate_state::upload::{Uploaded, describe};
use tidegate_state::{ManifestLog, Retention};

/// Who writes letters and gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    Master,
    /// A subtask in one attempt.
    Subtask(SubtaskId, u32),
}

/// What is on its way from one party to another.
#[derive(Debug)]
pub(crate) enum Letter {
    Deliver { channel: usize, element: Element },
    Credit { edge: usize, to: u32 },
    Run,
    Trigger(Barrier),
    Drain,
    Stop,
    UploadDone { checkpoint: u64, result: Box<Uploaded> },
    MergeDone,
    Tell(Event),
    Stopped,
}

/// One region as the master's shell sees it.
#[derive(Default)]
pub(crate) struct Region {
    pub(crate) attempt: u32,
    pub(crate) subtasks: BTreeMap<SubtaskId, Subtask>,
    pub(crate) building: bool,
    pub(crate) stop_wanted: bool,
}

/// A run.
pub(crate) struct Process {
    pub(crate) fate: Fate,
    pub(crate) disk: Disk,
    pub(crate) plan: Arc<Plan>,
    pub(crate) settings: TaskSettings,
    pub(crate) incremental: bool,
    pub(crate) log: ManifestLog,
    pub(crate) retention: Retention,
    pub(crate) committers: Committers,
    pub(crate) master: JobMaster,
    pub(crate) regions: Vec<Region>,
    pub(crate) mail: BTreeMap<(Party, Party), VecDeque<Letter>>,
    pub(crate) work: Vec<Work>,
    /// Acknowledgements that have been given, to be repeated when their attempt is over.
    pub(crate) answers: Vec<(SubtaskId, u32, Event)>,
    pub(crate) watch: Watch,
    pub(crate) end: Option<JobEnd>,
}

impl Process {
    pub(crate) fn post(&mut self, from: Party, to: Party, letter: Letter) {
        self.mail.entry((from, to)).or_default().push_back(letter);
    }

    fn tell(&mut self, from: Party, event: Event) {
        self.post(from, Party::Master, Letter::Tell(event));
    }

    pub(crate) fn subtask(&mut self, id: SubtaskId, attempt: u32) -> Option<&mut Subtask> {
        let region = self.plan.vertices[id.vertex].region;
        self.regions[region].subtasks.get_mut(&id).filter(|subtask| subtask.attempt == attempt)
    }

    /// All subtasks that a step of is due.
    pub(crate) fn ready(&self, now: Timestamp) -> Vec<(SubtaskId, u32)> {
        let all = self.regions.iter().flat_map(|region| region.subtasks.values());
        all.filter(|subtask| subtask.is_ready(now)).map(|s| (s.id, s.attempt)).collect()
    }

    /// When the clock matters next.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let all = self.regions.iter().flat_map(|region| region.subtasks.values());
        all.filter_map(Subtask::wakes_at).chain(self.master.next_deadline()).min()
    }

    /// Gives the master an event and carries out what follows.
    pub(crate) fn feed(&mut self, event: Event, now: Timestamp) {
        if !matches!(event, Event::Tick) {
            self.fate.note(format_args!("master hears {}", brief(&event)));
        }
        let commands = self.master.handle(event, now);
        for command in commands {
            self.carry_out(command);
        }
    }

    /// The clock has moved on.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        if self.master.next_deadline().is_some_and(|at| at <= now) {
            self.feed(Event::Tick, now);
            if self.end.is_none() && self.master.next_deadline().is_some_and(|at| at <= now) {
                self.fate.violation("the master wants a tick for a time that has passed");
            }
        }
    }

    pub(crate) fn carry_out(&mut self, command: Command) {
        match command {
            Command::StartRegion { region, attempt, from } => {
                self.fate.note(format_args!(
                    "start region {region}, attempt {attempt}, from {:?}",
                    from.as_ref().map(|manifest| manifest.id)
                ));
                let writing = |w: &Work| matches!(w, Work::Write(_) | Work::Commit(..));
                if !self.regions[region].subtasks.is_empty() || self.work.iter().any(writing) {
                    self.fate.violation("a region is started before all of it has stopped");
                }
                self.regions[region] = Region { attempt, building: true, ..Region::default() };
                self.work.push(Work::Build { region, attempt, from });
            }
            Command::StopRegion { region } => self.stop(region),
            Command::Trigger(barrier) => {
                self.fate.note(format_args!("trigger {} {:?}", barrier.checkpoint, barrier.kind));
                self.tell_sources(|| Letter::Trigger(barrier));
            }
            Command::DrainSources => self.tell_sources(|| Letter::Drain),
            Command::WriteManifest(manifest) => self.check_and_write(manifest),
            Command::Commit(list) => {
                if !checks::may_commit(&self.disk, self.master.latest().map(|m| &**m), &list) {
                    self.fate.violation("output is committed before its manifest is durable");
                }
                self.work.push(Work::Commit(list, 0));
            }
            Command::Aborted(checkpoint) => {
                self.fate.note(format_args!("checkpoint {checkpoint} given up"));
            }
            Command::Say(notice) => {
                if let Notice::AuditBroken(why) = &notice {
                    self.fate.violation(format_args!("the audit is broken: {why}"));
                }
                self.fate.note(format_args!("{notice:?}"));
            }
            Command::End(end) => {
                self.fate.note(format_args!("end: {end:?}"));
                if self.regions.iter().any(|region| !region.subtasks.is_empty()) {
                    self.fate.violation("the job ends while subtasks run");
                }
                self.end = Some(end);
            }
        }
    }

    fn check_and_write(&mut self, manifest: Arc<Manifest>) {
        self.fate.note(format_args!("write manifest {} {:?}", manifest.id, manifest.kind));
        for part in &manifest.parts {
            let vertex = self.plan.vertices.iter().find(|vertex| vertex.uid == part.vertex);
            let attempt = vertex.map_or(0, |vertex| self.regions[vertex.region].attempt);
            if !checks::is_current(part, self.settings.run, attempt, manifest.id) {
                self.fate.violation(format_args!(
                    "manifest {} counts {}, which attempt {attempt} has not written",
                    manifest.id, part.snapshot.name
                ));
            }
            for keyed in &part.keyed {
                if let Err(why) = checks::chain_is_bounded(&self.disk, keyed) {
                    self.fate.violation(format_args!("manifest {}: {why}", manifest.id));
                }
            }
        }
        self.work.push(Work::Write(manifest));
    }

    fn stop(&mut self, region: usize) {
        self.fate.note(format_args!("stop region {region}"));
        let shell = &mut self.regions[region];
        shell.stop_wanted = true;
        if shell.building {
            return;
        }
        let parties: Vec<Party> = shell.subtasks.values().map(Subtask::party).collect();
        if parties.is_empty() {
            self.tell(Party::Master, Event::RegionStopped { region });
        }
        for party in parties {
            self.post(Party::Master, party, Letter::Stop);
        }
    }

    fn tell_sources(&mut self, letter: impl Fn() -> Letter) {
        let all = self.regions.iter().flat_map(|region| region.subtasks.values());
        let sources: Vec<Party> =
            all.filter(|s| self.plan.is_source(s.id.vertex)).map(Subtask::party).collect();
        for party in sources {
            self.post(Party::Master, party, letter());
        }
    }

    /// Delivers the oldest letter of a pair.
    pub(crate) fn deliver(&mut self, pair: (Party, Party), now: Timestamp) {
        let Some(letters) = self.mail.get_mut(&pair) else { return };
        let letter = letters.pop_front();
        if letters.is_empty() {
            self.mail.remove(&pair);
        }
        let Some(letter) = letter else { return };
        match (pair, letter) {
            ((_, Party::Master), Letter::Tell(event)) => self.feed(event, now),
            ((Party::Subtask(id, attempt), Party::Master), Letter::Stopped) => {
                self.on_stopped(id, attempt, now);
            }
            ((_, Party::Subtask(id, attempt)), letter) => self.receive(id, attempt, letter),
            ((from, to), letter) => {
                self.fate.violation(format_args!("{from:?} sent {letter:?} to {to:?}"));
            }
        }
    }

    fn on_stopped(&mut self, id: SubtaskId, attempt: u32, now: Timestamp) {
        let region = self.plan.vertices[id.vertex].region;
        let shell = &mut self.regions[region];
        if shell.attempt == attempt {
            shell.subtasks.remove(&id);
            if shell.subtasks.is_empty() {
                self.feed(Event::RegionStopped { region }, now);
            }
        }
    }

    fn receive(&mut self, id: SubtaskId, attempt: u32, letter: Letter) {
        let Some(subtask) = self.subtask(id, attempt) else { return };
        subtask.touch();
        match letter {
            Letter::UploadDone { checkpoint, result } => {
                self.on_upload_done(id, attempt, checkpoint, *result);
            }
            Letter::MergeDone => {
                subtask.storing = false;
                self.start_upload(id, attempt);
                self.stop_when_free(id, attempt);
            }
            Letter::Stop => {
                subtask.stopping = true;
                subtask.waiting.clear();
                subtask.task = None;
                self.stop_when_free(id, attempt);
            }
            letter => {
                let Some(task) = &mut subtask.task else { return };
                match letter {
                    Letter::Deliver { channel, element } => task.enqueue(channel, element),
                    Letter::Credit { edge, to } => task.credit(edge, to),
                    Letter::Trigger(barrier) => task.trigger(barrier),
                    Letter::Drain => task.drain(),
                    _ => subtask.running = true,
                }
            }
        }
    }

    fn on_upload_done(&mut self, id: SubtaskId, attempt: u32, checkpoint: u64, result: Uploaded) {
        let party = Party::Subtask(id, attempt);
        match result {
            Uploaded::Part { part, .. } => {
                let event = Event::Acknowledged { subtask: id, attempt, checkpoint, part };
                self.answers.push((id, attempt, event.clone()));
                self.tell(party, event);
            }
            Uploaded::Declined { cause, committables } => {
                let (subtask, cause) = (id, format!("{id}: {cause}"));
                let event = Event::Declined { subtask, attempt, checkpoint, cause, committables };
                self.tell(party, event);
            }
            Uploaded::Failed { operator, cause } => {
                self.fail(id, attempt, &format!("{operator}: {}", describe(cause.as_ref())));
            }
        }
        self.store_on(id, attempt, checkpoint);
        self.stop_when_free(id, attempt);
    }

    /// The next upload, or before it a merge, as the actor does it.
    fn store_on(&mut self, id: SubtaskId, attempt: u32, checkpoint: u64) {
        let Some(subtask) = self.subtask(id, attempt) else { return };
        let merging =
            !subtask.stopping && subtask.task.is_some() && lock(&subtask.chains).worth_merging();
        subtask.storing = merging;
        if merging {
            let (uploader, chains) = (Arc::clone(&subtask.uploader), Arc::clone(&subtask.chains));
            self.work.push(Work::Merge { id, attempt, checkpoint, uploader, chains });
        } else {
            self.start_upload(id, attempt);
        }
    }

    fn stop_when_free(&mut self, id: SubtaskId, attempt: u32) {
        let free =
            |subtask: &Subtask| subtask.stopping && subtask.task.is_none() && !subtask.storing;
        if self.subtask(id, attempt).is_some_and(|subtask| free(subtask)) {
            self.post(Party::Subtask(id, attempt), Party::Master, Letter::Stopped);
        }
    }

    fn start_upload(&mut self, id: SubtaskId, attempt: u32) {
        let Some(subtask) = self.subtask(id, attempt) else { return };
        if subtask.storing || subtask.stopping {
            return;
        }
        let Some((capture, begun)) = subtask.waiting.pop_front() else { return };
        subtask.storing = true;
        let (uploader, chains) = (Arc::clone(&subtask.uploader), Arc::clone(&subtask.chains));
        let capture = Box::new(capture);
        self.work.push(Work::Upload { id, attempt, capture, begun, uploader, chains });
    }

    /// A subtask fails: it lets go of its task and says so.
    pub(crate) fn fail(&mut self, id: SubtaskId, attempt: u32, cause: &str) {
        if cause.contains("audit broken") {
            self.fate.violation(cause);
        }
        let region = self.plan.vertices[id.vertex].region;
        let cause = format!("subtask {id}, attempt {attempt}: {cause}");
        let (failure, remedy) = (Failure::of_the_job(cause), Remedy::Restart);
        let event = Event::Failed { region, attempt, failure, remedy };
        self.tell(Party::Subtask(id, attempt), event);
        if let Some(subtask) = self.subtask(id, attempt) {
            subtask.task = None;
        }
    }

    /// An acknowledgement of an attempt that is over arrives again.
    pub(crate) fn repeat_stale_answer(&mut self) {
        let current = |id: SubtaskId| self.regions[self.plan.vertices[id.vertex].region].attempt;
        let stale: Vec<Event> = self
            .answers
            .iter()
            .filter(|(id, attempt, _)| *attempt < current(*id))
            .map(|(_, _, event)| event.clone())
            .collect();
        if let Some(at) = stale.len().checked_sub(1) {
            let event = stale[self.fate.draw(|chance| chance.index(at + 1))].clone();
            self.tell(Party::Master, event);
        }
    }

    /// One step of a task.
    pub(crate) fn step(&mut self, id: SubtaskId, attempt: u32, now: Timestamp) {
        let region = self.plan.vertices[id.vertex].region;
        let Some(subtask) = self.regions[region].subtasks.get_mut(&id) else { return };
        let Stepped { letters, captured, drained, failed } =
            subtask.step(now, &mut self.watch, &self.fate);
        if failed.is_none() {
            subtask.waiting.extend(captured);
        }
        for ((from, to), letter) in letters {
            self.post(from, to, letter);
        }
        if let Some(cause) = failed {
            return self.fail(id, attempt, &cause);
        }
        self.start_upload(id, attempt);
        if drained {
            self.tell(Party::Subtask(id, attempt), Event::Drained { subtask: id, attempt });
        }
    }
}

/// An event without its load.
fn brief(event: &Event) -> String {
    match event {
        Event::Acknowledged { subtask, attempt, checkpoint, .. } => {
            format!("ack of {checkpoint} by {subtask}, attempt {attempt}")
        }
        other => format!("{other:?}"),
    }
}
