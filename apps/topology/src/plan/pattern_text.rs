//! The text of expressions in patterns: `last(pay.ts)` and `sum(pay.amount)` are columns of events taken before.
//!
//! Apart because the language of expressions knows one row only. Each such call is written anew as a struct's field, in as
//! many bytes, so that places within the text stay what they were.

/// Events that a stage has taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct StageEvents {
    /// The stage.
    pub(super) stage: String,
    /// What of them.
    pub(super) of: Of,
}

/// What is asked of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Of {
    /// The first one.
    First,
    /// The last one.
    Last,
    /// An aggregate of all, by its name.
    Aggregate(&'static str),
}

impl Of {
    const ALL: [(&'static str, Self); 7] = [
        ("first", Self::First),
        ("last", Self::Last),
        ("count", Self::Aggregate("count")),
        ("sum", Self::Aggregate("sum")),
        ("avg", Self::Aggregate("avg")),
        ("min", Self::Aggregate("min")),
        ("max", Self::Aggregate("max")),
    ];
}

impl StageEvents {
    /// As it is written.
    pub(super) fn written(&self) -> String {
        let name = Of::ALL.iter().find(|(_, of)| *of == self.of).map_or("", |(name, _)| name);
        format!("{name}({})", self.stage)
    }
}

/// The name of the column of the event of this number.
pub(super) fn column(number: usize) -> String {
    format!("${number}")
}

/// Events that one expression can ask for: their names fit into the shortest call.
pub(super) const MOST_EVENTS: usize = 10;

/// A text in which calls are columns, and which events these are; each with the bytes of the stage's name.
pub(super) struct Rewritten {
    pub(super) text: String,
    pub(super) events: Vec<(StageEvents, std::ops::Range<usize>)>,
}

/// Writes calls as columns; those beyond [`MOST_EVENTS`] stay as they are.
pub(super) fn rewrite(text: &str) -> Rewritten {
    let mut out = String::with_capacity(text.len());
    let mut events: Vec<(StageEvents, std::ops::Range<usize>)> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let end = match c {
            '\'' | '"' => at + 1 + text[at + 1..].find(c).map_or(text.len() - at - 1, |to| to + 1),
            c if is_letter(c) => at + word(&text[at..]),
            c => at + c.len_utf8(),
        };
        let is_name = is_letter(c);
        match call(text, at, end).filter(|_| is_name) {
            Some((event, name, dot)) => {
                let known = events.iter().position(|(known, _)| *known == event);
                let number = known.unwrap_or(events.len());
                if number >= MOST_EVENTS {
                    out.push_str(&text[at..end]);
                    at = end;
                    continue;
                }
                if known.is_none() {
                    events.push((event, name));
                }
                let alias = format!("\"{}\"", column(number));
                out.push('(');
                out.extend(std::iter::repeat_n(' ', dot - at - 1 - alias.len()));
                out.push_str(&alias);
                at = dot;
            }
            None => {
                out.push_str(&text[at..end]);
                at = end;
            }
        }
    }
    Rewritten { text: out, events }
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the word that a text begins with.
fn word(text: &str) -> usize {
    text.find(|c: char| !is_letter(c)).unwrap_or(text.len())
}

/// The call, such as `last(stage.`, whose name is `text[at..end]`: the events, the bytes of the stage, the dot.
fn call(text: &str, at: usize, end: usize) -> Option<(StageEvents, std::ops::Range<usize>, usize)> {
    let name = &text[at..end];
    let (_, of) = Of::ALL.iter().find(|(known, _)| name.eq_ignore_ascii_case(known))?;
    let skip = |from: usize| from + (text[from..].len() - text[from..].trim_start().len());
    let open = skip(end);
    let inner = text[open..].strip_prefix('(')?;
    let start = skip(text.len() - inner.len());
    let stop = start + word(&text[start..]);
    let dot = skip(stop);
    let is_field = text[dot..].starts_with('.') && stop > start;
    let stage = text[start..stop].to_owned();
    is_field.then_some((StageEvents { stage, of: *of }, start..stop, dot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn calls_become_columns_in_as_many_bytes() {
        let check = |text: &str, expected: &str| assert_eq!(rewrite(text).text, expected);
        check("first(a.x)", "(  \"$0\".x)");
        check(
            "last(a.x) > first( pay .y) + last(a.z)",
            "( \"$0\".x) > (      \"$1\".y) + ( \"$0\".z)",
        );
        check("'first(a.x)' || first (x)", "'first(a.x)' || first (x)");
        check("my_first(a.x)", "my_first(a.x)");
        check("sum(a.x) / COUNT(a.x)", "(\"$0\".x) / (  \"$1\".x)");
        check("least(sum(a.x), 3)", "least((\"$0\".x), 3)");
        check("firsta.x", "firsta.x");
    }

    #[test]
    fn no_more_events_than_have_names() {
        let calls: Vec<String> = (0..MOST_EVENTS + 3).map(|n| format!("last(s{n}.x)")).collect();
        let rewritten = rewrite(&calls.join(" + "));
        assert_eq!(rewritten.events.len(), MOST_EVENTS);
        assert!(rewritten.text.ends_with("last(s12.x)"));
    }

    proptest! {
        #[test]
        fn places_stay_what_they_were(text in "(first|last|FIRST|sum|[a-zä(). '\"]){0,30}") {
            let rewritten = rewrite(&text);
            prop_assert_eq!(rewritten.text.len(), text.len());
            for (event, bytes) in rewritten.events {
                prop_assert_eq!(&text[bytes], event.stage.as_str());
            }
        }
    }
}
