//! What a test needs: it is had, or the test is skipped, or the test fails.

/// What `test` needs, if it can be had; else says on standard error that the test is skipped, and why.
///
/// # Panics
/// When it cannot be had, and the environment variable `ATEX_TEST_REQUIRE` has the word that stands for it (words are separated
/// by commas).
#[expect(clippy::print_stderr, reason = "a test that is skipped must say so")]
pub(super) fn needed<T>(word: &str, test: &str, found: Result<T, String>) -> Option<T> {
    let why = match found {
        Ok(found) => return Some(found),
        Err(why) => why,
    };
    let required = std::env::var("ATEX_TEST_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|required| required == word),
        "{test} needs {word}, and ATEX_TEST_REQUIRE wants it to run: {why}"
    );
    eprintln!("skipped: {test}: {why}");
    None
}
