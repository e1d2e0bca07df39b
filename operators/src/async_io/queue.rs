//! What is under way, in the order in which it came: records whose call has not been answered, answers
//! that may not come out yet, and the event time between them.
//!
//! Apart from the operator because the law of the order lives here alone. *Ordered*: only the head comes
//! out, so an answer waits for all before it. *Unordered*: event time cuts the queue into segments; an
//! answer in the first segment comes out at once, those in a later segment when all segments before it are
//! empty, in the order in which they came in. Either way no record passes event time, and event time passes no record.

use std::collections::{BTreeMap, VecDeque};
use tidegate_core::element::Record;
use tidegate_core::gate::valve::TimeEvent;
use tidegate_core::time::Timestamp;

/// Whether results keep the order of the records that they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ordered,
    Unordered,
}

/// A record on its way, and where it stands in event time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InFlight<In> {
    pub(super) record: Record<In>,
    /// The watermark that had come before it.
    pub(super) behind: Timestamp,
}

enum Slot<In, Out> {
    /// Its call is under way.
    Waiting(InFlight<In>),
    /// It may not come out yet, and is kept for the next snapshot until it has.
    Answered(Answered<In, Out>),
    Time(TimeEvent),
}

struct Answered<In, Out> {
    in_flight: InFlight<In>,
    rows: Vec<Out>,
    /// How many answers came before this one.
    turn: u64,
}

/// What comes out next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Emission<Out> {
    Rows(Vec<Out>, Timestamp),
    Time(TimeEvent),
}

pub(super) struct Queue<In, Out> {
    order: Order,
    /// By number; they are numbered in the order in which they came.
    slots: BTreeMap<u64, Slot<In, Out>>,
    next_number: u64,
    next_turn: u64,
    /// Pieces of event time in the queue.
    times: usize,
    /// The number of the first of them: there ends the first segment.
    segment_end: Option<u64>,
    /// Unordered: what has been answered in the first segment and has not come out yet.
    ready: VecDeque<u64>,
}

impl<In, Out> Queue<In, Out> {
    pub(super) const fn new(order: Order) -> Self {
        Self {
            order,
            slots: BTreeMap::new(),
            next_number: 0,
            next_turn: 0,
            times: 0,
            segment_end: None,
            ready: VecDeque::new(),
        }
    }

    /// Records that have not come out.
    pub(super) fn records(&self) -> usize {
        self.slots.len() - self.times
    }

    /// Whether all has come out.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds a record, and returns its number.
    pub(super) fn push(&mut self, in_flight: InFlight<In>) -> u64 {
        self.add(Slot::Waiting(in_flight))
    }

    /// Adds event time. Where already `most` pieces of it wait, a watermark takes the place of one that
    /// it follows directly.
    pub(super) fn push_time(&mut self, event: TimeEvent, most: usize) {
        if self.times >= most
            && let TimeEvent::Watermark(next) = event
            && let Some(mut last) = self.slots.last_entry()
            && let Slot::Time(TimeEvent::Watermark(last)) = last.get_mut()
        {
            *last = next;
            return;
        }
        self.times += 1;
        let number = self.add(Slot::Time(event));
        self.segment_end.get_or_insert(number);
    }

    fn add(&mut self, slot: Slot<In, Out>) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.slots.insert(number, slot);
        number
    }

    /// The record of this number, while its call is not answered.
    pub(super) fn waiting(&self, number: u64) -> Option<&InFlight<In>> {
        match self.slots.get(&number) {
            Some(Slot::Waiting(in_flight)) => Some(in_flight),
            _ => None,
        }
    }

    /// The record of this number is answered by `rows`; what is not waiting any more stays as it is.
    pub(super) fn answer(&mut self, number: u64, rows: Vec<Out>) {
        match self.slots.remove(&number) {
            Some(Slot::Waiting(in_flight)) => {
                let answered = Answered { in_flight, rows, turn: self.next_turn };
                self.next_turn += 1;
                self.slots.insert(number, Slot::Answered(answered));
                let in_first_segment = self.segment_end.is_none_or(|end| number < end);
                if self.order == Order::Unordered && in_first_segment {
                    self.ready.push_back(number);
                }
            }
            Some(other) => drop(self.slots.insert(number, other)),
            None => {}
        }
    }

    /// Takes out the record of this number, which will not be answered.
    pub(super) fn give_up(&mut self, number: u64) -> Option<InFlight<In>> {
        self.waiting(number)?;
        match self.slots.remove(&number) {
            Some(Slot::Waiting(in_flight)) => Some(in_flight),
            _ => None,
        }
    }

    /// Takes the next that may come out.
    pub(super) fn next(&mut self) -> Option<Emission<Out>> {
        let number = match self.ready.pop_front() {
            Some(ready) => ready,
            None => match self.slots.first_key_value()? {
                (_, Slot::Waiting(_)) => return None,
                (first, Slot::Answered(_) | Slot::Time(_)) => *first,
            },
        };
        match self.slots.remove(&number)? {
            Slot::Answered(Answered { in_flight, rows, .. }) => {
                Some(Emission::Rows(rows, in_flight.record.timestamp))
            }
            Slot::Time(event) => {
                self.times -= 1;
                self.begin_segment();
                Some(Emission::Time(event))
            }
            Slot::Waiting(_) => unreachable!("what waits does not come out"),
        }
    }

    /// What ended the first segment has come out.
    fn begin_segment(&mut self) {
        let is_time = |slot: &Slot<In, Out>| matches!(slot, Slot::Time(_));
        self.segment_end =
            self.slots.iter().find(|(_, slot)| is_time(slot)).map(|(number, _)| *number);
        if self.order == Order::Unordered {
            let end = self.segment_end.unwrap_or(u64::MAX);
            let answered = self.slots.range(..end).filter_map(|(number, slot)| match slot {
                Slot::Answered(answered) => Some((answered.turn, *number)),
                Slot::Waiting(_) | Slot::Time(_) => None,
            });
            let mut answered: Vec<_> = answered.collect();
            answered.sort_unstable();
            self.ready.extend(answered.into_iter().map(|(_, number)| number));
        }
    }

    /// All records that have not come out, in the order in which they came.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = &InFlight<In>> {
        self.slots.values().filter_map(|slot| match slot {
            Slot::Waiting(in_flight) | Slot::Answered(Answered { in_flight, .. }) => {
                Some(in_flight)
            }
            Slot::Time(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::element::Status;

    fn watermark(at: i64) -> TimeEvent {
        TimeEvent::Watermark(Timestamp(at))
    }

    /// Records `a` to `e` with a watermark behind `b` and two behind `c`, answered one after the other;
    /// what comes out after each answer.
    fn outcome(order: Order, answers: &str) -> Vec<String> {
        let mut queue: Queue<char, char> = Queue::new(order);
        let mut numbers = BTreeMap::new();
        for name in "ab1c23de".chars() {
            if let Some(at) = name.to_digit(10) {
                queue.push_time(watermark(at.into()), usize::MAX);
            } else {
                let record = Record::new(name, Timestamp(0));
                numbers.insert(name, queue.push(InFlight { record, behind: Timestamp(0) }));
            }
        }
        let mut told = Vec::new();
        for name in answers.chars() {
            queue.answer(numbers[&name], vec![name]);
            let mut out = String::new();
            while let Some(emission) = queue.next() {
                match emission {
                    Emission::Rows(rows, _) => out.extend(rows),
                    Emission::Time(TimeEvent::Watermark(at)) => out += &at.millis().to_string(),
                    Emission::Time(TimeEvent::Status(_)) => unreachable!("there is none"),
                }
            }
            told.push(out);
        }
        assert_eq!((queue.is_empty(), queue.records()), (true, 0));
        told
    }

    #[test]
    fn ordered_answers_wait_for_those_before_them() {
        assert_eq!(outcome(Order::Ordered, "abcde"), ["a", "b1", "c23", "d", "e"]);
        assert_eq!(outcome(Order::Ordered, "edcba"), ["", "", "", "", "ab1c23de"]);
        assert_eq!(outcome(Order::Ordered, "bdace"), ["", "", "ab1", "c23d", "e"]);
    }

    #[test]
    fn unordered_answers_wait_for_event_time_alone() {
        assert_eq!(outcome(Order::Unordered, "abcde"), ["a", "b1", "c23", "d", "e"]);
        assert_eq!(outcome(Order::Unordered, "edcba"), ["", "", "", "b", "a1c23ed"]);
        assert_eq!(outcome(Order::Unordered, "bdace"), ["b", "", "a1", "c23d", "e"]);
    }

    #[test]
    fn what_is_given_up_holds_nothing_back() {
        let mut queue: Queue<u8, u8> = Queue::new(Order::Ordered);
        let at = |n: i64| InFlight { record: Record::new(1, Timestamp(n)), behind: Timestamp(0) };
        let (first, second) = (queue.push(at(1)), queue.push(at(2)));
        queue.answer(second, vec![7]);
        assert_eq!(queue.next(), None);
        assert_eq!(queue.give_up(first), Some(at(1)));
        assert_eq!(queue.give_up(second), None);
        assert_eq!(queue.in_flight().collect::<Vec<_>>(), [&at(2)]);
        assert_eq!(queue.next(), Some(Emission::Rows(vec![7], Timestamp(2))));
        queue.answer(first, vec![9]);
        assert!(queue.is_empty());
    }

    #[test]
    fn watermarks_that_pile_up_are_merged_but_nothing_else_is() {
        let mut queue: Queue<u8, u8> = Queue::new(Order::Unordered);
        let status = TimeEvent::Status(Status::Idle);
        for event in [watermark(1), watermark(2), watermark(3), status, watermark(4), watermark(5)]
        {
            queue.push_time(event, 2);
        }
        let times: Vec<_> = std::iter::from_fn(|| queue.next()).collect();
        let expected = [watermark(1), watermark(3), status, watermark(5)];
        assert_eq!(times, expected.map(Emission::Time));
    }
}
