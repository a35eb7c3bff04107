//! Words that must not stand in the repository.

use std::path::Path;

use super::source::Source;

/// A word, where it is looked for, and what to do instead. (Each is put together here, so that this file has none of them.)
const WORDS: [(&str, Place, &str); 6] = [
    (concat!("todo", "!("), Place::Rust, "finish it, or return an error that says what is missing"),
    (
        concat!("unimplemented", "!("),
        Place::Rust,
        "finish it, or return an error that says what is missing",
    ),
    (concat!("FIX", "ME"), Place::Any, "mend it, or file an issue"),
    (
        concat!("#[ign", "ore"),
        Place::Rust,
        "a test that does not run is none; let it skip itself, and say so",
    ),
    (concat!("thread::sl", "eep("), Place::Rust, "wait for the thing itself"),
    (
        concat!("time::sl", "eep("),
        Place::Tests,
        "pause the clock (`start_paused`), or wait for the thing itself",
    ),
];

/// Where a word is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In every file.
    Any,
    /// In Rust.
    Rust,
    /// In tests whose clock is not paused.
    Tests,
}

/// Where such words stand. `paths` are texts that only make sense on one machine.
pub(super) fn check(sources: &[Source], paths: &[String]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        for (word, place, instead) in WORDS {
            let paused =
                source.text.contains("start_paused") || source.text.contains("time::pause()");
            let text = match place {
                Place::Any => &source.text,
                Place::Rust if source.is_rust() => &source.text,
                Place::Tests if source.is_rust() && !paused => source.tests(),
                Place::Rust | Place::Tests => continue,
            };
            // Lines are counted from the end, because tests are the end of their file.
            let before = source.text.lines().count() - text.lines().count();
            broken.extend(
                lines_with(text, word)
                    .map(|line| format!("{}:{}: `{word}`: {instead}", source.path, before + line)),
            );
        }
        for path in paths {
            broken.extend(lines_with(&source.text, path).map(|line| {
                format!("{}:{line}: `{path}` exists on this machine alone", source.path)
            }));
        }
    }
    broken
}

/// The paths that would tell where this checkout lies: its own, that of the folder around it, and the home of its user.
/// Those that every machine has are left out.
pub(super) fn machine_paths(root: &Path) -> Vec<String> {
    let everywhere =
        ["/", "/builds", "/home", "/opt", "/root", "/srv", "/tmp", "/usr", "/var", "/var/tmp"];
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    let paths = [Some(root), root.parent(), home.as_deref()];
    let mut paths: Vec<String> = paths
        .into_iter()
        .flatten()
        .map(|path| path.display().to_string())
        .filter(|path| path.starts_with('/') && !everywhere.contains(&path.as_str()))
        .map(|path| format!("{path}/"))
        .collect();
    paths.dedup();
    paths
}

/// The numbers of the lines that have this word.
fn lines_with<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    // What an example in a document leaves out is not missing.
    let example = |line: &str| line.trim_start().starts_with("//") && word.ends_with("!(");
    let lines = text.lines().enumerate();
    lines.filter(move |(_, line)| line.contains(word) && !example(line)).map(|(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_where_it_is_looked_for() {
        let lines: Vec<&str> = WORDS.iter().map(|(word, ..)| *word).collect();
        let text = lines.join("\n");
        let in_tests = Source::new("a/tests/it/b.rs", &text);
        assert_eq!(check(&[in_tests], &[]).len(), WORDS.len());
        let in_prose = Source::new("README.md", &text);
        assert_eq!(check(&[in_prose], &[]).len(), 1);
        let in_production = Source::new("a/src/b.rs", &text);
        assert_eq!(check(&[in_production], &[]).len(), WORDS.len() - 1);
    }

    #[test]
    fn an_example_may_leave_out_what_does_not_matter() {
        let text = format!("/// ```\n/// let a = {});\n/// ```\n", WORDS[1].0);
        assert_eq!(check(&[Source::new("a/src/b.rs", &text)], &[]), Vec::<String>::new());
    }

    #[test]
    fn waiting_is_fine_where_the_clock_is_paused() {
        let wait = WORDS[5].0;
        let inline = format!("fn a() {{ {wait}1) }}\n\n#[cfg(test)]\nmod tests {{\n{wait}1)\n}}\n");
        let broken = check(&[Source::new("a/src/b.rs", &inline)], &[]);
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert!(broken[0].starts_with("a/src/b.rs:5: "), "{broken:?}");
        let paused = format!("{inline}// #[tokio::test(start_paused = true)]\n");
        assert_eq!(check(&[Source::new("a/src/b.rs", &paused)], &[]), Vec::<String>::new());
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let paths = machine_paths(Path::new("/data/ann/atex"));
        assert!(paths.starts_with(&["/data/ann/atex/".into(), "/data/ann/".into()]), "{paths:?}");
        assert!(!machine_paths(Path::new("/tmp/atex")).contains(&"/tmp/".to_owned()));
        let broken = check(&[Source::new("x.md", "see\n/data/ann/notes\n")], &paths);
        assert_eq!(broken, ["x.md:2: `/data/ann/` exists on this machine alone"]);
    }
}
