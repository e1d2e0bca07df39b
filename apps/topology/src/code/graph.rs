//! The codes of the graph: how nodes are joined, and what flows between them.

use super::{Code, Explanation};

pub(super) const TABLE: &[Explanation] = &[
    Explanation {
        code: Code::UnknownInput,
        name: "T0301",
        title: "An input does not exist",
        text: "Inputs are names of sources and operators of the same file. Side outputs are named \
               with a dot: `orders.late`.",
        example: "operators:\n  views:\n    inputs: [click]",
    },
    Explanation {
        code: Code::UnknownSideOutput,
        name: "T0302",
        title: "A node has no such side output",
        text: "Side outputs are fixed by the kind of a node and its options: windows have `late`, \
               reconciliations `unmatched_left` and `unmatched_right`, a split one for each name. \
               The message lists those of the node.",
        example: "inputs: [views.too_late]",
    },
    Explanation {
        code: Code::WrongInputs,
        name: "T0303",
        title: "A node has too few or too many inputs",
        text: "Most nodes take one stream, joins take two: the left one first. To bring several \
               streams with the same columns together, put a `union` before the node.",
        example: "operators:\n  views:\n    inputs: [clicks, more_clicks]\n    filter: behavior = 'pv'",
    },
    Explanation {
        code: Code::Cycle,
        name: "T0304",
        title: "Nodes are inputs of each other",
        text: "Records would run in a circle. The message shows the way round.",
        example: "operators:\n  a: { inputs: [b], union: {} }\n  b: { inputs: [a], union: {} }",
    },
    Explanation {
        code: Code::Unused,
        name: "T0305",
        title: "Nothing takes what a node gives",
        text: "The node runs, and its records are dropped. Make it an input of something, or \
               remove it.",
        example: "sources:\n  clicks: { generator: { clicks: {} } }   # no node has it as input",
    },
    Explanation {
        code: Code::SinkAsInput,
        name: "T0306",
        title: "A sink is used as an input",
        text: "A sink is where records leave the job; nothing comes out of it. Take what goes \
               into the sink as input.",
        example: "operators:\n  more:\n    inputs: [out]",
    },
    Explanation {
        code: Code::DuplicateName,
        name: "T0307",
        title: "Two nodes have the same name",
        text: "Sources, operators and sinks share one space of names, since each of them can be \
               named as an input, in metrics and in state.",
        example: "sources: { clicks: ... }\noperators: { clicks: ... }",
    },
    Explanation {
        code: Code::NoSink,
        name: "T0308",
        title: "Nothing leaves the job",
        text: "Without a sink nobody would see a result. For a first try use `print: {}`; for a \
               measurement `discard: {}`.",
        example: "sinks: {}",
    },
    Explanation {
        code: Code::NoSource,
        name: "T0309",
        title: "Nothing comes into the job",
        text: "Without a source there are no records. For a first try use `generator: { clicks: \
               {} }` or `inline`.",
        example: "sources: {}",
    },
    Explanation {
        code: Code::SameInputTwice,
        name: "T0310",
        title: "An input is there twice",
        text: "Every record would come twice. A join of a stream with itself may have the same \
               input on both sides; nothing else needs it.",
        example: "inputs: [clicks, clicks]",
    },
    Explanation {
        code: Code::MissingWatermark,
        name: "T0401",
        title: "Event time is needed, and there is no watermark",
        text: "Windows, joins and patterns in event time give their results when a watermark says \
               that a time is complete. A source upstream has no `event_time`, or it has \
               `watermark: none`. Give it one, or use `time: processing-time`.",
        example: "operators:\n  per_hour:\n    inputs: [clicks]   # clicks has no event_time\n    window: { tumbling: { size: 1h }, aggregates: { n: count() } }",
    },
    Explanation {
        code: Code::Retracting,
        name: "T0402",
        title: "A stream that takes rows back goes into something that cannot",
        text: "Unwindowed aggregates, rankings, last rows and outer joins without a window revise \
               their results: they put rows in and take them out again (a changelog). Windows, \
               most joins and files need rows that stay. `materialize` gives the final rows of a \
               bounded input; a file sink takes a changelog with `changes: signed`.",
        example: "operators:\n  totals: { inputs: [orders], aggregate: { key_by: [user], retain: forever, aggregates: { n: count() } } }\nsinks:\n  out: { inputs: [totals], file: { directory: out, format: csv } }",
    },
    Explanation {
        code: Code::Parallelism,
        name: "T0403",
        title: "A parallelism is impossible",
        text: "There cannot be more subtasks than key groups (`max_parallelism`), which are fixed \
               for the life of the state; some nodes cannot have more than one subtask.",
        example: "job: { name: a, parallelism: 256, max_parallelism: 128 }",
    },
    Explanation {
        code: Code::BadWindow,
        name: "T0404",
        title: "There are no such windows",
        text: "Sizes and slides are positive; a window that grows step by step must reach its \
               size.",
        example: "cumulate: { size: 1h, step: 7m }",
    },
    Explanation {
        code: Code::BadTrigger,
        name: "T0405",
        title: "A trigger does not go with these windows",
        text: "Some triggers need windows of a certain kind: one by the distance of records \
               cannot merge sessions, global windows never fire without a trigger of their own, and \
               windows of event time are forgotten before the input has ended.",
        example: "window: { global: {}, aggregates: { n: count() } }",
    },
    Explanation {
        code: Code::DuplicateColumn,
        name: "T0406",
        title: "A column is there twice",
        text: "The columns of a result have different names. A window brings `window_start` and \
               `window_end`, and its key.",
        example: "window:\n  key_by: [item]\n  tumbling: { size: 1h }\n  aggregates: { item: count() }",
    },
    Explanation {
        code: Code::BadPattern,
        name: "T0407",
        title: "A pattern cannot match",
        text: "The stages of a pattern contradict each other: a first stage that is not there, an \
               absence that repeats, two stages of one name.",
        example: "pattern:\n  stages:\n    - { name: a, after: not-next, where: x = 1 }",
    },
    Explanation {
        code: Code::BadInterval,
        name: "T0408",
        title: "No pair can lie in this interval",
        text: "The lower bound of an interval join is above the upper one, or both are equal and \
               one is left out.",
        example: "between: { lower: 5s, upper: -5s }",
    },
    Explanation {
        code: Code::NeedlessOption,
        name: "T0409",
        title: "An option has no effect here",
        text: "The option is allowed, but changes nothing in this place. It is a warning, because \
               something else was probably meant.",
        example: "dedup: { first_row: { key_by: [id], retain: forever, refreshed_by_duplicates: true } }",
    },
];
