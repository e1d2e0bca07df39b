//! Every limit of this crate, in one place, with why.
//!
//! A topology is written by hand: a few kilobytes, a few levels deep. What is far beyond that is a
//! mistake or an attack, and either is answered in bounded time and memory.

/// A file of more bytes is not read. The largest topology of a thousand nodes stays well below.
pub const FILE_BYTES: u64 = 1 << 20;

/// Sequences and mappings within each other. Patterns with groups in groups need about ten.
pub const DEPTH: usize = 48;

/// Values of a file, aliases written out.
pub const NODES: usize = 50_000;

/// Events of the YAML parser: a node is two of them at most.
pub const EVENTS: usize = 2 * NODES + 100;

/// Events that come from aliases; an alias that names aliases that name aliases runs into this.
pub const ALIAS_EVENTS: usize = 20_000;

/// Aliases, anchors and merge keys of a file, each.
pub const ALIASES: usize = 1_000;

/// Diagnostics of a file. Nobody reads more, and each costs a look at its part of the file.
pub const DIAGNOSTICS: usize = 100;

/// Characters of a source line that are shown around what is wrong.
pub const SHOWN_LINE: usize = 160;

/// Bytes that variables may add to a file, all together.
pub const VARIABLE_BYTES: usize = 1 << 20;

/// Variables within the default of a variable.
pub const VARIABLE_DEPTH: usize = 8;

/// Nodes (sources, operators and sinks) of a topology.
pub const GRAPH_NODES: usize = 10_000;

/// Subtasks of an operator, as many as there can be key groups.
pub const PARALLELISM: u32 = 32_768;

/// Milliseconds of the longest duration: ten thousand years, as the engine's windows have it.
pub const DURATION_MS: i64 = 10_000 * 365 * 24 * 3_600_000;

/// How often a watched folder is looked at, unless that is said: nobody waits long, and a look costs little.
pub const LOOK_EVERY_MS: u64 = 1_000;
