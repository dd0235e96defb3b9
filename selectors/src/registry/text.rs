//! Text helpers for messages and values.

/// Reads a length of time with its unit ("500ms", "20s", "1m 30s") as seconds; `None` if it is none.
///
/// ```
/// assert_eq!(swimlab_selectors::parse_seconds("500ms"), Some(0.5));
/// assert_eq!(swimlab_selectors::parse_seconds("5"), None);
/// ```
pub fn parse_seconds(text: &str) -> Option<f64> {
    humantime::parse_duration(text).ok().map(|span| span.as_secs_f64())
}

/// The longest word, in bytes, that others are compared with: a comparison takes time proportional to both lengths.
const LONGEST_COMPARED: usize = 256;

/// Returns up to three of `names`, most similar to `word` first. If none is similar, up to eight of all names. Words and
/// names of more than 256 bytes are similar to nothing.
///
/// ```
/// use swimlab_selectors::{did_you_mean, nearest_names};
///
/// let near = nearest_names("shufle", ["uniform", "shuffle"].into_iter());
/// assert_eq!(did_you_mean(&near), "; did you mean shuffle?");
/// ```
pub fn nearest_names<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let score = |name: &str| match word.len().max(name.len()) {
        ..=LONGEST_COMPARED => strsim::jaro_winkler(word, name),
        _ => 0.0,
    };
    let mut scored: Vec<(f64, &str)> = names.map(|name| (score(name), name)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let similar = scored.iter().filter(|(score, _)| *score > 0.7).count().min(3);
    let shown = if similar > 0 { similar } else { scored.len().min(8) };
    scored[..shown].iter().map(|(_, name)| (*name).to_owned()).collect()
}

/// Returns "; did you mean a, b or c?", or an empty text without names.
pub fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [rest @ .., last] => format!("; did you mean {} or {last}?", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_similar_to_nothing_and_cost_no_time() {
        let long = "x".repeat(1 << 20);
        assert_eq!(nearest_names(&long, [long.as_str(), "uniform"].into_iter()).len(), 2);
        assert_eq!(nearest_names("shufle", [long.as_str(), "shuffle"].into_iter()), ["shuffle"]);
    }
}
