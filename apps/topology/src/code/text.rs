//! The codes of the text: what can be said before anything of it is understood.

use super::{Code, Explanation};

pub(super) const TABLE: &[Explanation] = &[
    Explanation {
        code: Code::Unreadable,
        name: "T0001",
        title: "The file cannot be read",
        text: "There is no such file, it may not be read, it is no UTF-8 text, or it is larger \
               than 1 MiB. A topology describes a job; data belongs into files that a source \
               reads.",
        example: "$ tidegate validate missing.yaml",
    },
    Explanation {
        code: Code::Syntax,
        name: "T0002",
        title: "This is not YAML",
        text: "The text breaks off or breaks the rules of YAML. Mostly the indentation is at \
               fault, a quote or bracket is not closed, or a text needs quotes because it \
               contains `: ` or ` #` or starts with a special character. Nothing else can be said \
               about the file until this is right.",
        example: "operators:\n  views:\n    filter: 'pv",
    },
    Explanation {
        code: Code::SeveralDocuments,
        name: "T0003",
        title: "There is a second document",
        text: "A topology is one document. What follows a line `---` would be another one.",
        example: "job: { name: a }\n---\njob: { name: b }",
    },
    Explanation {
        code: Code::TooMuch,
        name: "T0004",
        title: "The file is larger than any topology",
        text: "There are bounds on how deep values lie within each other and on how many there \
               are, so that every file is read in bounded time and memory.",
        example: "a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    },
    Explanation {
        code: Code::Alias,
        name: "T0005",
        title: "An alias cannot be followed",
        text: "An alias (`*name`) stands for the value that an anchor (`&name`) named before it. \
               It must not stand within that value, and all aliases together must not make the \
               file too large.",
        example: "job: &job { name: *job }",
    },
    Explanation {
        code: Code::DuplicateKey,
        name: "T0006",
        title: "A key is there twice",
        text: "One of the two values would be lost, and nobody could tell which. Two nodes cannot \
               have the same name either.",
        example: "job:\n  name: a\n  name: b",
    },
    Explanation {
        code: Code::KeyNotText,
        name: "T0007",
        title: "A key is no text",
        text: "A list or a mapping cannot be a key. Often a value that starts with `{` or `[` was \
               meant to be text and needs quotes.",
        example: "sources:\n  [clicks]: {}",
    },
    Explanation {
        code: Code::UnsetVariable,
        name: "T0008",
        title: "A variable is not set",
        text: "`${NAME}` is replaced by the environment variable of that name, which does not \
               exist. `${NAME:-default}` gives a default, `${NAME:?message}` says what to do when \
               it is missing. Variables are put into plain and double-quoted values, not into \
               single-quoted ones and blocks.",
        example: "sources:\n  clicks:\n    file: { path: \"${CLICKS}\" }",
    },
    Explanation {
        code: Code::MalformedVariable,
        name: "T0009",
        title: "A reference to a variable is malformed",
        text: "A reference is `${NAME}`, `${NAME:-default}` or `${NAME:?message}`; names have \
               letters, digits and `_`. For the text `${` itself write `$${`, or use single \
               quotes.",
        example: "job: { name: \"${my-job}\" }",
    },
    Explanation {
        code: Code::UnknownKey,
        name: "T0101",
        title: "A key is not known here",
        text: "Keys that mean nothing are refused, because they are mostly misspelt: the option \
               would silently not be set. At the top of the file, keys that start with `x-` are \
               free for anchors.",
        example: "job:\n  name: hot-items\n  paralelism: 2",
    },
    Explanation {
        code: Code::MissingKey,
        name: "T0102",
        title: "A key is missing",
        text: "The value has no default; it has to be said.",
        example: "window:\n  sliding: { size: 1h }",
    },
    Explanation {
        code: Code::WrongType,
        name: "T0103",
        title: "A value is of the wrong type",
        text: "A number stands where a text should be, a list where a mapping should be, and so \
               on. A number or `true` that is meant as text needs quotes.",
        example: "job:\n  name: [hot, items]",
    },
    Explanation {
        code: Code::UnknownWord,
        name: "T0104",
        title: "A word is not one of those that are possible",
        text: "The value is one of a few words, such as the mode of checkpoints or the kind of a \
               join. Some of them take options: these are written as `word: { option: value }`.",
        example: "checkpoint: { mode: exactly-twice }",
    },
    Explanation {
        code: Code::NoKind,
        name: "T0105",
        title: "A node does not say what it is",
        text: "Every source, operator and sink has one key that says what it is, such as `file`, \
               `filter` or `window`, with its options below.",
        example: "operators:\n  views:\n    inputs: [clicks]",
    },
    Explanation {
        code: Code::SeveralKinds,
        name: "T0106",
        title: "A node says that it is two things",
        text: "A node is one thing. For two steps write two nodes, the second with the first as \
               its input: steps that follow each other are fused, so this costs nothing.",
        example: "operators:\n  views:\n    inputs: [clicks]\n    filter: behavior = 'pv'\n    project: { item: item }",
    },
    Explanation {
        code: Code::UnknownKind,
        name: "T0107",
        title: "A kind of node is not known",
        text: "No source, operator or sink of this name is built in or registered by this \
               program.",
        example: "sources:\n  clicks:\n    kafka: { topic: clicks }",
    },
    Explanation {
        code: Code::OneOf,
        name: "T0108",
        title: "One of several keys is needed, and only one",
        text: "The keys exclude each other: a window is tumbling or sliding, not both; and \
               without either of them it is no window.",
        example: "window:\n  key_by: [item]\n  aggregates: { views: count() }",
    },
    Explanation {
        code: Code::Contradiction,
        name: "T0109",
        title: "Two options do not go together",
        text: "One of the two makes the other meaningless or impossible. The message says why.",
        example: "window:\n  global: {}\n  allowed_lateness: 1m\n  aggregates: { n: count() }",
    },
    Explanation {
        code: Code::BadOverride,
        name: "T0110",
        title: "An override cannot be applied",
        text: "`--set` takes `NODE.PATH=VALUE` or `job.PATH=VALUE`: the name of a node of the file, \
               the keys that lead to the value with dots between them (items of lists are numbers \
               from 0), and the new value as YAML. Setting another kind, as in \
               `clicks.file.path=clicks.csv` of a node with a generator, replaces the kind.",
        example: "$ tidegate run hot-items.yaml --set views.filter",
    },
];
