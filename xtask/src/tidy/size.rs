//! What is longer than its budget. Hints, no rules.

use super::source::Source;

const LINES_PER_FILE: usize = 400;
const LINES_PER_FUNCTION: usize = 60;
const LINES_OF_INLINE_TESTS: usize = 150;

/// What is over its budget, as lines for people.
pub(super) fn over_budget(sources: &[Source]) -> Vec<String> {
    let mut hints = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let production = source.production().lines().count();
        if production > LINES_PER_FILE && !source.is_test() {
            hints.push(format!("{}: {production} lines (at most {LINES_PER_FILE})", source.path));
        }
        let tests = source.tests().lines().count();
        if tests > LINES_OF_INLINE_TESTS && !source.is_test() {
            hints.push(format!(
                "{}: {tests} lines of inline tests; move them to a sibling file",
                source.path
            ));
        }
        for (line, length) in
            functions(&source.text).filter(|(_, length)| *length > LINES_PER_FUNCTION)
        {
            hints.push(format!(
                "{}:{line}: a function of {length} lines (at most {LINES_PER_FUNCTION})",
                source.path
            ));
        }
    }
    hints
}

/// The line and the length of each function. Relies on the layout of rustfmt: the closing brace stands below the first word.
fn functions(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|at| is_function(lines[*at])).collect();
    starts.into_iter().filter_map(move |start| {
        let indent = lines[start].len() - lines[start].trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let length = lines[start..].iter().position(|line| *line == end)?;
        Some((start + 1, length + 1))
    })
}

fn is_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let one_line = line.ends_with('}') || line.ends_with(';');
    !one_line
        && words.find(|word| {
            !["async", "const", "unsafe", "extern"].contains(word) && !word.starts_with("pub")
        }) == Some("fn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_things_are_named() {
        let body = "        x();\n".repeat(70);
        let text = format!(
            "impl A {{\n    pub(crate) async fn long() {{\n{body}    }}\n    fn short() {{}}\n}}\n"
        );
        let filler = "// line\n".repeat(400);
        let tests = format!("\n#[cfg(test)]\nmod tests {{\n{}}}\n", "// line\n".repeat(200));
        let sources = [
            Source::new("a/src/long_function.rs", &text),
            Source::new("a/src/long_file.rs", &format!("{filler}//\n")),
            Source::new("a/src/fine.rs", &filler),
            Source::new("a/src/long_tests.rs", &tests),
            Source::new("a/tests/it/long.rs", &filler.repeat(2)),
        ];
        insta::assert_snapshot!(over_budget(&sources).join("\n"), @r"
        a/src/long_function.rs:2: a function of 72 lines (at most 60)
        a/src/long_file.rs: 401 lines (at most 400)
        a/src/long_tests.rs: 203 lines of inline tests; move them to a sibling file
        ");
    }
}
