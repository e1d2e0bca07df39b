//! "Did you mean": the known word that is nearest to the one that was written.

/// The word of `known` that `written` was probably meant to be. Words that are the same without case,
/// hyphens and underscores come first; then those with few letters wrong.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(written);
    if plain.is_empty() || plain.len() > 64 {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for word in known {
        let other = self::plain(word);
        let distance = strsim::osa_distance(&plain, &other);
        let starts = plain.len() >= 3 && other.starts_with(&plain);
        let distance = if starts { distance.min(1) } else { distance };
        let length = plain.chars().count().max(other.chars().count());
        // A third of the letters may be wrong, and not all of a short word.
        if distance <= length.div_ceil(3).min(length.saturating_sub(1))
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, word));
        }
    }
    best.map(|(_, word)| word)
}

fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Words as a list for people: `a`, `b` or `c`.
#[must_use]
pub fn list<S: AsRef<str>>(words: &[S], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_the_one_that_was_meant() {
        let check = |written, expected| {
            let known = ["inputs", "key_by", "tumbling", "exactly-once", "parallelism"];
            assert_eq!(nearest(written, known), expected, "{written}");
        };
        check("input", Some("inputs"));
        check("keyBy", Some("key_by"));
        check("key-by", Some("key_by"));
        check("exactly_once", Some("exactly-once"));
        check("paralelism", Some("parallelism"));
        check("tumble", Some("tumbling"));
        check("par", Some("parallelism"));
        check("zebra", None);
        check("", None);
    }

    #[test]
    fn words_are_listed_as_people_do() {
        assert_eq!(list(&["a"], "or"), "`a`");
        assert_eq!(list(&["a", "b", "c"], "or"), "`a`, `b` or `c`");
        assert_eq!(list::<&str>(&[], "or"), "nothing");
    }
}
