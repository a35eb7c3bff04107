//! Compares patterns and replacements with recorded answers.

use super::answers::{REPLACE, SEARCH, TEXTS};
use super::{Regex, Template};

fn search(pattern: &str) -> String {
    let Ok(regex) = Regex::new(pattern) else { return "error".to_owned() };
    let found = |text: &&str| if regex.search(text).unwrap() { '1' } else { '0' };
    TEXTS.iter().map(found).collect()
}

#[test]
fn patterns_match_as_in_python() {
    let wrong: Vec<String> = SEARCH
        .iter()
        .filter(|(pattern, expected)| search(pattern) != *expected)
        .map(|(pattern, expected)| format!("{pattern}: {} instead of {expected}", search(pattern)))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn replacements_are_as_in_python() {
    for (pattern, template, text, expected) in REPLACE {
        let regex = Regex::new(pattern).unwrap();
        let replaced = Template::new(template, &regex).and_then(|t| regex.replace_all(text, &t));
        assert_eq!(replaced.ok().as_deref(), expected, "{pattern} -> {template} on {text:?}");
    }
}
