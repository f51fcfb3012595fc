//! "Did you mean": the nearest known word to a mistyped one.

/// The known word nearest to `word`, if one is near enough to be meant.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = word.chars().count();
    if length > 80 {
        return None;
    }
    let limit = length.div_ceil(3).max(1);
    known
        .into_iter()
        .filter(|other| other.len().abs_diff(word.len()) <= limit)
        .map(|other| (distance(word, other), other))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, other)| other)
}

/// Edits between two words; case and the choice of hyphen or underscore cost nothing.
fn distance(a: &str, b: &str) -> usize {
    let even = |word: &str| word.to_lowercase().replace('_', "-");
    strsim::damerau_levenshtein(&even(a), &even(b))
}

/// Words in backticks, joined by commas and a final `or`; at most twelve.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    if words.len() > MOST {
        words.truncate(MOST);
        return format!("{} and others", words.join(", "));
    }
    match words.pop() {
        None => "none".to_owned(),
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
    }
}
