//! The codes of expressions. Their numbers are those of `tidegate-rows`, which finds the mistakes; what is said of them
//! here is for whoever writes a topology.

use super::{Code, Explanation};
use tidegate_rows::expression::ErrorCode;

impl From<ErrorCode> for Code {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Limit => Self::ExpressionLimit,
            ErrorCode::Syntax => Self::ExpressionSyntax,
            ErrorCode::Unsupported => Self::ExpressionUnsupported,
            ErrorCode::UnknownColumn => Self::UnknownColumn,
            ErrorCode::UnknownFunction => Self::UnknownScalar,
            ErrorCode::TypeMismatch => Self::TypeMismatch,
            ErrorCode::ArgumentCount => Self::ArgumentCount,
            ErrorCode::InvalidCast => Self::InvalidCast,
            ErrorCode::UnknownField => Self::UnknownField,
            ErrorCode::InvalidConstant => Self::InvalidConstant,
            ErrorCode::AlwaysFails => Self::AlwaysFails,
            ErrorCode::UntypedNull => Self::UntypedNull,
            ErrorCode::WrongResult => Self::WrongResult,
        }
    }
}

impl Code {
    /// What belongs under a part of an expression with this mistake; empty where the message says it all.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::ExpressionSyntax => "no SQL from here on",
            Self::ExpressionUnsupported => "not of one record",
            Self::UnknownColumn => "no such column",
            Self::UnknownScalar => "no such function",
            Self::UnknownField => "no such field",
            Self::AlwaysFails => "this fails whatever comes",
            Self::UntypedNull => "NULL of which type?",
            Self::WrongResult => "this has another type",
            _ => "",
        }
    }
}

pub(super) const TABLE: &[Explanation] = &[
    Explanation {
        code: Code::ExpressionLimit,
        name: "X001",
        title: "An expression is too long or nested too deeply",
        text: "There are bounds on the length and depth of an expression, so that every file is checked in bounded time. Compute parts of it in a `map` before.",
        example: "filter: \"((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a",
    },
    Explanation {
        code: Code::ExpressionSyntax,
        name: "X002",
        title: "This is no SQL expression",
        text: "Expressions are SQL: `=` for equal, `AND` and `OR`, texts in single quotes. In YAML an expression with `: ` or ` #` in it needs double quotes around it.",
        example: "filter: behavior == 'pv' &&",
    },
    Explanation {
        code: Code::ExpressionUnsupported,
        name: "X003",
        title: "SQL that has no meaning for one record",
        text: "An expression sees one record. Subqueries, aggregates and window functions are nodes of their own here.",
        example: "filter: item IN (SELECT item FROM hot)",
    },
    Explanation {
        code: Code::UnknownColumn,
        name: "X101",
        title: "There is no such column",
        text: "The columns of a record are those of the node's input; the case of their names matters. Joins see `left` and `right`, patterns the events of their stages.",
        example: "filter: behaviour = 'pv'",
    },
    Explanation {
        code: Code::UnknownScalar,
        name: "X102",
        title: "There is no such function",
        text: "Functions are built in or registered by the program. Aggregates belong into a `window` or an `aggregate`.",
        example: "project: { name: uppper(name) }",
    },
    Explanation {
        code: Code::TypeMismatch,
        name: "X103",
        title: "A value of another type is needed",
        text: "Numbers are not compared with texts, and only truth values stand beside AND. Types widen by themselves only from int64 to decimal to float64; else there is CAST.",
        example: "filter: item = 'seven'   # item is int64",
    },
    Explanation {
        code: Code::ArgumentCount,
        name: "X104",
        title: "A function is called with too few or too many arguments",
        text: "The message shows how the function is called.",
        example: "project: { a: ABS(a, b) }",
    },
    Explanation {
        code: Code::InvalidCast,
        name: "X105",
        title: "There is no way into this type",
        text: "The type does not exist, or no value of the one can become a value of the other.",
        example: "project: { a: CAST(a AS BOX) }",
    },
    Explanation {
        code: Code::UnknownField,
        name: "X106",
        title: "A struct has no such field",
        text: "Fields of a struct are named with a dot: `bid.price`. Only structs have fields.",
        example: "filter: bid.prize > 100",
    },
    Explanation {
        code: Code::InvalidConstant,
        name: "X107",
        title: "A constant is not what it should be",
        text: "A pattern, a time, a time zone, a unit or a number that stands in the text is checked when the file is loaded.",
        example: "filter: REGEXP_LIKE(name, '(')",
    },
    Explanation {
        code: Code::AlwaysFails,
        name: "X108",
        title: "A part made of constants fails",
        text: "It would fail for every record, so it is refused before the first.",
        example: "project: { a: 1 / 0 }",
    },
    Explanation {
        code: Code::UntypedNull,
        name: "X109",
        title: "The type of a NULL cannot be known",
        text: "A column needs a type. Write CAST(NULL AS STRING), or the type that is meant.",
        example: "project: { a: NULL }",
    },
    Explanation {
        code: Code::WrongResult,
        name: "X110",
        title: "The whole expression has the wrong type",
        text: "A condition is true or false, an event time is a timestamp, a sub-folder is a string. The expression is right by itself, but not in this place.",
        example: "filter: price * 2",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_rows() {
        for (code, number, _) in ErrorCode::ALL {
            assert_eq!(Code::from(code).name(), number);
        }
    }
}
