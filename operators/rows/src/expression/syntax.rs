//! The shape of an expression after parsing: what the check walks.
//!
//! Apart from the parser's own tree, which knows all of SQL and many dialects: here stands only what has a meaning for one
//! row, each part with its place in the text.

use super::error::Span;
use crate::data_type::DataType;
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// A name as it stands in the text.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A length of time: calendar months and milliseconds, which cannot be turned into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) months: i64,
    pub(crate) millis: i64,
}

/// What a part is. A `Time` is the text of `TIMESTAMP '..'`: which instant it names, the zone of the check decides.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Literal(Value),
    Time(String),
    Interval(Interval),
    Column { name: Name, fields: Vec<Name> },
    Field { of: Box<Node>, name: Name },
    Index { of: Box<Node>, at: Box<Node> },
    Negate(Box<Node>),
    Arithmetic { operator: Arithmetic, left: Box<Node>, right: Box<Node> },
    Compare { operator: Comparison, left: Box<Node>, right: Box<Node> },
    Distinct { left: Box<Node>, right: Box<Node> },
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    IsNull(Box<Node>),
    Is { of: Box<Node>, truth: bool },
    Between { of: Box<Node>, low: Box<Node>, high: Box<Node> },
    In { of: Box<Node>, list: Vec<Node> },
    Like { of: Box<Node>, pattern: Box<Node>, escape: Option<Box<Node>> },
    Case { operand: Option<Box<Node>>, whens: Vec<(Node, Node)>, otherwise: Option<Box<Node>> },
    Cast { of: Box<Node>, to: DataType, or_null: bool },
    Call { name: Name, arguments: Vec<Node> },
}
