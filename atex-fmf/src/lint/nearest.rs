//! The word that somebody most likely meant.

/// How many characters must be inserted, removed or replaced to make one text of the other.
pub(crate) fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(200).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.chars().take(200).enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

/// The known word that differs only by case, `_` for `-`, a plural, or a slip or two in a word that is long enough.
pub(super) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-").trim_end_matches('s').to_owned();
    let ours = plain(word);
    let distance = |other: &str| match plain(other) == ours {
        true => 0,
        false => edit_distance(&word.to_lowercase(), other),
    };
    let nearest = known.map(|other| (distance(other), other)).min()?;
    let swapped = is_transposed(word, nearest.1);
    let most = match word.chars().count() {
        0..4 => 0,
        4..7 => 1,
        _ => 2,
    };
    (nearest.0 <= most || swapped).then_some(nearest.1)
}

/// Whether two neighbouring characters changed places.
fn is_transposed(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(first) = a.iter().zip(&b).position(|(a, b)| a != b) else { return false };
    a.len() == b.len()
        && a.len() > first + 1
        && a[first] == b[first + 1]
        && a[first + 1] == b[first]
        && a[first + 2..] == b[first + 2..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        let known = ["tag", "test", "require", "environment", "tty", "tier", "enabled"];
        let table = [
            ("tags", Some("tag")),
            ("Tag", Some("tag")),
            ("tga", Some("tag")),
            ("reqiure", Some("require")),
            ("requires", Some("require")),
            ("enviroment", Some("environment")),
            ("enable", Some("enabled")),
            ("text", Some("test")),
            ("tie", None),
            ("xyz", None),
            ("priority", None),
        ];
        for (word, expected) in table {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
    }
}
