//! The codes of files with unit tests.

use super::{Code, Explanation};

pub(super) const TABLE: &[Explanation] = &[
    Explanation {
        code: Code::BadTopology,
        name: "T0601",
        title: "The topology of tests cannot be used",
        text: "A file with tests names the topology that it tests, or lies beside it: `hot-items.test.yaml` beside \
               `hot-items.yaml`. The topology has to be there and without errors. Its variables are those that the \
               tests give it by `variables`; the environment is not asked, so that a test says the same everywhere.",
        example: "topology: hot-itmes.yaml\ntests: []",
    },
    Explanation {
        code: Code::UnknownTested,
        name: "T0602",
        title: "A test names a node that the topology does not have",
        text: "Rows and watermarks are fed into sources of the topology. What is expected comes out of an operator or a \
               source (its name), a side output (`node.side`), or into a sink (its name).",
        example: "feed:\n  - clikcs: [{ user: 1 }]",
    },
    Explanation {
        code: Code::BadStep,
        name: "T0603",
        title: "A step of a test is not one thing",
        text: "A step is one of these: rows for a source (`- clicks: [...]`), a watermark (`- watermark: { clicks: \
               2017-11-26T01:00:00Z }`), another time on the clock (`- time: ...` or `- advance: 5s`), or a look at what \
               has come out by now (`- expect: { views: [] }`). Only rows can have `at` beside them, their event time.",
        example: "feed:\n  - { advance: 5s, watermark: { clicks: 1000 } }",
    },
    Explanation {
        code: Code::BadExpectation,
        name: "T0604",
        title: "What is expected is nothing that the node could give",
        text: "An expectation is a list of rows, or a mapping with `rows` and options. Where rows are taken back (a \
               changelog), each row stands behind what its change does: `+I`, `-U`, `+U` or `-D`; elsewhere it stands \
               alone.",
        example: "expect:\n  totals: [{ user: 1, total: 7 }]   # a changelog",
    },
    Explanation {
        code: Code::BadTime,
        name: "T0605",
        title: "This is no time, or none that can be",
        text: "A time is written as `2017-11-26T01:00:00Z` or in milliseconds since the epoch. The clock of a test starts \
               with 0 and never goes back. Watermarks are for sources with event time. Rows of a source that makes \
               their event time itself, and not from columns, get it by `at`.",
        example: "feed:\n  - time: 10000\n  - time: 9000",
    },
];
