//! Every bound of this package, with why. Apart so that nobody has to look for them.

/// How deep types may be nested. A hundred lists in each other are a mistake; and what walks types may recurse.
pub const MAX_TYPE_DEPTH: usize = 16;

/// The longest text of a type, in bytes. A struct of a thousand columns fits.
pub const MAX_TYPE_BYTES: usize = 64 * 1024;

/// How deep values may be nested when they are read back: twice what a type can ask for.
pub const MAX_VALUE_DEPTH: usize = 2 * MAX_TYPE_DEPTH;

/// How many entries are allocated on the word of a length that was read; longer ones grow as they come.
pub const TRUSTED_LENGTH: usize = 256;

/// The longest expression, in bytes. What people write is shorter by a factor of ten.
pub const MAX_EXPRESSION_BYTES: usize = 16 * 1024;

/// The most tokens of an expression; white space does not count. It bounds the work of the parser.
pub const MAX_EXPRESSION_TOKENS: usize = 3_000;

/// How deep expressions may be nested. Parser, check, evaluation and drop recurse; a thread's 2 MiB hold this with ease.
pub const MAX_EXPRESSION_DEPTH: usize = 100;

/// The most errors that one expression reports. Nobody reads more.
pub const MAX_ERRORS: usize = 20;

/// The longest string that one function may make, in bytes (`REPEAT`, `LPAD`...). A slip must not eat the memory.
pub const MAX_STRING_BYTES: usize = 1024 * 1024;

/// The most bytes a compiled regular expression may take.
pub const MAX_REGEX_BYTES: usize = 1024 * 1024;

/// The longest offending value that an error shows, in characters.
pub const MAX_SHOWN_CHARACTERS: usize = 80;

/// The most arguments a function is called with.
pub const MAX_ARGUMENTS: usize = 64;

/// How deep parentheses, calls and the like may be nested in a text. The parser's frames are large.
pub const MAX_PARSER_DEPTH: usize = 50;

/// The longest text of a number or a time in a record, in bytes. No float64 needs as many digits.
pub const MAX_NUMBER_BYTES: usize = 1024;

/// How much of a malformed record its error shows, in characters.
pub const MAX_SHOWN_RECORD: usize = 200;

/// The most values that `top_k` gives. It is a list in one row.
pub const MAX_TOP_K: i64 = 1_000;

/// The most values a Bloom filter is made for: that takes 12 MB for each key and slice at one percent of false positives.
pub const MAX_BLOOM_VALUES: i64 = 10_000_000;

/// How many values a Bloom filter is made for when nothing is said: 120 KB for each key and slice.
pub const BLOOM_VALUES: i64 = 100_000;

/// The share of false positives a Bloom filter is made for when nothing is said.
pub const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// The smallest share of false positives that can be asked for; a filter grows with its logarithm.
pub const MIN_BLOOM_FALSE_POSITIVES: f64 = 1e-9;
