//! [`Pattern`]: globs and regular expressions for names and notes.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// Texts that are meant: any one of several globs and regular expressions.
///
/// A glob means the whole text: `*` stands for any characters (`/` and line breaks too), `?` for one, `[a-z]` and `[!a-z]` for
/// one of these or none of these, and a backslash takes the meaning from what follows. A regular expression means every text in
/// which it has a match.
#[derive(Debug, Clone)]
pub struct Pattern {
    texts: Vec<String>,
    any: Vec<One>,
}

#[derive(Debug, Clone)]
enum One {
    /// A glob without anything special in it.
    Same(String),
    Regex(Regex),
}

/// How much memory an expression may take: enough for any that somebody writes by hand.
const SIZE_MAX: usize = 1 << 20;

impl Pattern {
    /// What a glob stands for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn glob(glob: &str) -> Result<Self, String> {
        let mut pattern = Self::none();
        pattern.add_glob(glob).map(|()| pattern)
    }

    /// What has a match of a regular expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn regex(regex: &str) -> Result<Self, String> {
        let mut pattern = Self::none();
        pattern.add_regex(regex).map(|()| pattern)
    }

    pub(super) fn none() -> Self {
        Self { texts: Vec::new(), any: Vec::new() }
    }

    pub(super) fn add_glob(&mut self, glob: &str) -> Result<(), String> {
        self.texts.push(glob.to_owned());
        self.any.push(match glob.contains(['*', '?', '[', '\\']) {
            false => One::Same(glob.to_owned()),
            true => One::Regex(compile(&regex_of(glob)?)?),
        });
        Ok(())
    }

    pub(super) fn add_regex(&mut self, regex: &str) -> Result<(), String> {
        self.any.push(One::Regex(compile(regex)?));
        self.texts.push(format!("/{regex}/"));
        Ok(())
    }

    /// The texts that are meant as they are.
    pub(super) fn exact(&self) -> impl Iterator<Item = &str> {
        self.any.iter().filter_map(|one| match one {
            One::Same(same) => Some(same.as_str()),
            One::Regex(_) => None,
        })
    }

    /// The expressions, one of which has to have a match in any other text.
    pub(super) fn regexes(&self) -> impl Iterator<Item = &str> {
        self.any.iter().filter_map(|one| match one {
            One::Same(_) => None,
            One::Regex(regex) => Some(regex.as_str()),
        })
    }

    /// Whether this text is meant. Costs time linear in the text, whatever the pattern is.
    pub fn matches(&self, text: &str) -> bool {
        self.any.iter().any(|one| match one {
            One::Same(same) => same == text,
            One::Regex(regex) => regex.is_match(text),
        })
    }
}

/// As it was written; regular expressions between slashes.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts.join(" or "))
    }
}

fn compile(regex: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(regex).size_limit(SIZE_MAX).dfa_size_limit(SIZE_MAX).build();
    built.map_err(|error| {
        // The last line says what is wrong; those before it show the expression.
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim();
        last.strip_prefix("error: ").unwrap_or(last).to_owned()
    })
}

/// The regular expression that means the same as a glob.
fn regex_of(glob: &str) -> Result<String, String> {
    let mut regex = String::from("(?s)\\A");
    let mut chars = glob.chars();
    while let Some(char) = chars.next() {
        match char {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => class(&mut chars, &mut regex)?,
            '\\' => {
                let escaped = chars.next().ok_or("a backslash at the end escapes nothing")?;
                regex.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
            }
            char => regex.push_str(&regex::escape(char.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push_str("\\z");
    Ok(regex)
}

/// What is between brackets: characters and ranges. A `]` right after the beginning is one of them.
fn class(chars: &mut std::str::Chars<'_>, regex: &mut String) -> Result<(), String> {
    regex.push('[');
    if let Some(rest) = chars.as_str().strip_prefix(['!', '^']) {
        regex.push('^');
        *chars = rest.chars();
    }
    let mut first = true;
    loop {
        match chars.next().ok_or("a '[' without its ']'; a bracket itself is '[[]'")? {
            ']' if !first => break,
            '-' if !first && !chars.as_str().starts_with(']') => regex.push('-'),
            char => {
                // Everything that could mean something in a class of a regular expression.
                if !char.is_alphanumeric() {
                    regex.push('\\');
                }
                match char.is_alphanumeric() || char.is_ascii_punctuation() {
                    true => regex.push(char),
                    false => regex.push_str(&format!("x{{{:x}}}", u32::from(char))),
                }
            }
        }
        first = false;
    }
    regex.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn globs_mean_whole_texts() {
        let table = [
            ("/net/dns", "/net/dns", true),
            ("/net/dns", "/net/dns/x", false),
            ("/net/*", "/net/a/b", true),
            ("/net/*", "/net", false),
            ("rhel-?", "rhel-9", true),
            ("rhel-?", "rhel-10", false),
            ("rhel-[89]*", "rhel-9.6", true),
            ("rhel-[!89]*", "rhel-9.6", false),
            ("a[]-]b", "a-b", true),
            ("a[]-]b", "a]b", true),
            ("[a-c]", "b", true),
            ("[a c]", " ", true),
            ("[\\]", "\\", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*refused*", "a\nconnection refused\nb", true),
            ("a.b", "axb", false),
            ("a.b*", "axb", false),
            ("", "", true),
            ("*", "", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(
                Pattern::glob(pattern).unwrap().matches(text),
                expected,
                "{pattern} on {text:?}"
            );
        }
        for wrong in ["[a", "[]", "[!]", "a\\", "[z-a]"] {
            assert!(Pattern::glob(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_regular_expression_is_found_anywhere_and_bounded() {
        let mut pattern = Pattern::none();
        pattern.add_regex("^/net/(dns|dhcp)$").unwrap();
        assert!(pattern.matches("/net/dhcp") && !pattern.matches("/net/dhcpd"));
        pattern.add_glob("/x*").unwrap();
        assert_eq!(pattern.to_string(), "/^/net/(dns|dhcp)$/ or /x*");
        assert_eq!(pattern.add_regex("(a").unwrap_err(), "unclosed group");
        let error = pattern.add_regex("((a{999}){999}){999}").unwrap_err();
        assert!(error.contains("size limit"), "{error}");
    }

    /// What globs mean, as directly as it can be said.
    fn naive(glob: &[char], text: &[char]) -> bool {
        match (glob.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some(('*', rest)), _) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            (Some((one, rest)), Some((char, left))) => {
                (*one == '?' || one == char) && naive(rest, left)
            }
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn globs_are_what_they_should_be(pattern in "[ab.*?\n(]{0,6}", text in "[ab.\n(]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = naive(&chars(&pattern), &chars(&text));
            prop_assert_eq!(Pattern::glob(&pattern).unwrap().matches(&text), expected);
        }

        #[test]
        fn no_glob_panics(pattern in "(\\PC|[\\[\\]!^\\\\&~-]){0,12}", text in "\\PC{0,12}") {
            if let Ok(pattern) = Pattern::glob(&pattern) {
                pattern.matches(&text);
            }
        }
    }
}
