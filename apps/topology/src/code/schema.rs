//! The codes of columns: what nodes want of the columns that come.

use super::{Code, Explanation};

pub(super) const TABLE: &[Explanation] = &[
    Explanation {
        code: Code::UnlikeSchemas,
        name: "T0501",
        title: "Streams that are brought together have different columns",
        text: "A union takes streams with the same columns: equal names and types in the same order. Only whether \
               a column may be NULL can differ. The message shows what is not the same; a `project` before the \
               union brings a stream into the form of the others.",
        example: "operators:\n  all: { inputs: [clicks, orders], union: {} }",
    },
    Explanation {
        code: Code::KeyMismatch,
        name: "T0502",
        title: "The columns of a join have different types",
        text: "Values of different types are never equal, so nothing would ever be joined. A CAST in a `map` before \
               the join brings one side to the type of the other.",
        example: "on: { left: id, right: id_as_text }",
    },
    Explanation {
        code: Code::BadKey,
        name: "T0503",
        title: "A column makes no key",
        text: "Records with equal keys belong together. Numbers of type float64 that should be equal often differ in \
               their last digits, depending on how they were computed.",
        example: "window: { key_by: [price], tumbling: { size: 1h }, aggregates: { n: count() } }",
    },
    Explanation {
        code: Code::NullTime,
        name: "T0504",
        title: "The event time may be NULL",
        text: "A record without an event time cannot be used: by default it fails the job. Say that the column is \
               never NULL, or what becomes of such records.",
        example: "schema: { ts: timestamp? }\nevent_time: { timestamp: ts, watermark: monotonous }",
    },
    Explanation {
        code: Code::BadRow,
        name: "T0505",
        title: "A row that stands in the topology does not fit its columns",
        text: "Each value of an inline row has the type that `schema` says. A column can only be left out if it may be \
               NULL. Text that looks like a number needs quotes.",
        example: "inline: { rows: [{ user: anna }] }\nschema: { user: int64 }",
    },
    Explanation {
        code: Code::Unwritable,
        name: "T0506",
        title: "A format cannot write these rows",
        text: "The format `text` writes one column of type string, a line each. CSV and JSON write every row.",
        example: "file: { directory: out, format: text }   # of rows with two columns",
    },
    Explanation {
        code: Code::ReservedColumn,
        name: "T0507",
        title: "A column has a name that is taken",
        text: "Operators add columns: windows `window_start` and `window_end`, rankings `rank`, a file sink with \
               `changes: signed` the column `change`. Names that start with `$` are for the engine.",
        example: "project: { $time: ts }",
    },
];
