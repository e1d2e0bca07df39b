//! "Did you mean": the name that somebody probably meant. Apart because types, columns and functions all ask it.

/// The candidate most like `word`, unless none is near: letters of another case count as equal.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    // Comparing is quadratic in the lengths, and a page of text resembles no name.
    if length > 64 {
        return None;
    }
    let near = candidates.into_iter().filter(|candidate| candidate.len() <= 256);
    let near = near.map(|candidate| {
        (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
    });
    let (distance, candidate) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= (length / 3).max(1) && distance < length).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let names = ["price", "category", "item_id"];
        assert_eq!(nearest("prise", names), Some("price"));
        assert_eq!(nearest("PRICE", names), Some("price"));
        assert_eq!(nearest("catgory", names), Some("category"));
        assert_eq!(nearest("itemid", names), Some("item_id"));
        assert_eq!(nearest("user", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest(&"price".repeat(100), names), None);
    }
}
