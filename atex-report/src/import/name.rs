//! The names of imported tests.

use atex_core::TestName;

/// A name that a test can have: what a name must not hold is replaced, what is too long is cut.
pub(super) fn test_name(text: &str) -> TestName {
    let clean: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let room = TestName::MAX_LEN - 64;
    let cut = if clean.len() > room {
        format!("{}…", &clean[..clean.floor_char_boundary(room)])
    } else if clean.is_empty() {
        "?".to_owned()
    } else {
        clean
    };
    TestName::new(cut).unwrap_or_else(|_| unreachable_name())
}

/// The same with a number, for a test whose name another has already.
pub(super) fn numbered(name: &TestName, number: usize) -> TestName {
    test_name(&format!("{name} ({number})"))
}

fn unreachable_name() -> TestName {
    // Not empty, without control characters, short: always a name.
    unreachable!("a cleaned text is a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_name() {
        for (text, name) in [("", "?"), ("/a", "/a"), ("a\n\0b", "a\u{fffd}\u{fffd}b")] {
            assert_eq!(test_name(text).as_str(), name);
        }
        let long = test_name(&"ž".repeat(5000));
        assert!(long.as_str().ends_with('…'));
        assert!(numbered(&long, 17).as_str().len() <= TestName::MAX_LEN);
    }
}
