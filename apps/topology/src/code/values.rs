//! The codes of values: texts that have a form of their own.

use super::{Code, Explanation};

pub(super) const TABLE: &[Explanation] = &[
    Explanation {
        code: Code::BadDuration,
        name: "T0201",
        title: "This is no duration",
        text: "A duration is a number with a unit, or several of them: `500ms`, `10s`, `5m`, `1h \
               30m`, `7d`, `2w`. A number without a unit is not taken, because nobody knows \
               whether it is seconds or milliseconds.",
        example: "checkpoint: { interval: 10 }",
    },
    Explanation {
        code: Code::BadSize,
        name: "T0202",
        title: "This is no size",
        text: "A size is a number of bytes with a unit: `512B`, `64KiB`, `128MiB`, `1GiB`; `kB`, \
               `MB` and `GB` are powers of a thousand.",
        example: "roll: { size: 64 megs }",
    },
    Explanation {
        code: Code::BadTimeZone,
        name: "T0203",
        title: "There is no such time zone",
        text: "Time zones have the names of the IANA database, such as `UTC`, `Europe/Berlin` or \
               `Asia/Shanghai`. Abbreviations such as `CET` mean different things in different \
               places.",
        example: "job: { name: a, time_zone: Berlin }",
    },
    Explanation {
        code: Code::BadName,
        name: "T0204",
        title: "A name has characters that it cannot have",
        text: "A name starts with a letter or `_` and goes on with letters, digits, `_` and `-`, \
               up to 100 of them. Names of nodes are also the names of their state in checkpoints \
               and of their metrics. `.` joins the name of a node with that of a side output.",
        example: "operators:\n  \"hot items\": { inputs: [clicks], union: {} }",
    },
    Explanation {
        code: Code::OutOfRange,
        name: "T0205",
        title: "A number is too small or too large",
        text: "The number is outside of what makes sense or of what the engine can do. The \
               message names the bounds.",
        example: "job: { name: a, parallelism: 0 }",
    },
    Explanation {
        code: Code::BadAggregate,
        name: "T0206",
        title: "An aggregate is malformed",
        text: "An aggregate is written as a call, such as `count()`, `sum(price)` or \
               `percentile(latency, 0.99)`, and may have a condition as in SQL: `count() FILTER \
               (WHERE price > 10)`.",
        example: "aggregates: { revenue: sum }",
    },
    Explanation {
        code: Code::UnknownFunction,
        name: "T0207",
        title: "There is no such aggregate",
        text: "The aggregates are `count`, `sum`, `min`, `max`, `avg`, `first`, `last`, \
               `count_distinct`, `approx_count_distinct`, `bloom_count_distinct`, `top_k` and \
               `percentile`.",
        example: "aggregates: { mean: average(price) }",
    },
    Explanation {
        code: Code::UnknownType,
        name: "T0208",
        title: "There is no such type",
        text: "The types of columns are `boolean`, `int64`, `float64`, `decimal(precision, \
               scale)`, `string`, `timestamp`, `bytes`, `list<type>` and `struct<name: type, \
               ...>`. A `?` behind a type lets the column be null.",
        example: "schema: { user: integer }",
    },
    Explanation {
        code: Code::EmptyText,
        name: "T0209",
        title: "A text is empty",
        text: "A name, a path or an expression has to say something.",
        example: "filter: \"\"",
    },
    Explanation {
        code: Code::BadPath,
        name: "T0210",
        title: "An address is malformed",
        text: "An address for metrics is `HOST:PORT` with numbers, such as `127.0.0.1:9249`; a \
               storage is `sled`, `memory` or a URL such as `file:///var/lib/job`.",
        example: "metrics: { address: localhost }",
    },
];
