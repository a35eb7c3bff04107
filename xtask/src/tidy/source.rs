//! [`Source`]: a text file of the repository, with its path relative to the root.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A text file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Its path relative to the root, with `/` between the parts.
    pub(super) path: String,
    /// What is in it.
    pub(super) text: String,
}

/// All text files below the root, sorted by path. Hidden folders other than `.ci`, `.cargo` and `.fmf`, folders with build
/// results and the lock file are left out.
pub(super) fn all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    collect(root, "", &mut sources)?;
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn collect(root: &Path, below: &str, into: &mut Vec<Source>) -> Result<()> {
    let folder = root.join(below);
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let kind = entry.file_type().with_context(|| format!("cannot look at {path}"))?;
        if kind.is_dir() {
            let hidden =
                name.starts_with('.') && ![".ci", ".cargo", ".fmf"].contains(&name.as_str());
            if !hidden && name != "target" {
                collect(root, &path, into)?;
            }
        } else if kind.is_file() && path != "Cargo.lock" && !name.ends_with(".snap.new") {
            // What is no text is nobody's to read here; what went away meanwhile, neither.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                into.push(Source { path, text });
            }
        }
    }
    Ok(())
}

impl Source {
    /// For tests: a file made up.
    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Whether it is Rust.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is test code, by where it lies.
    pub(super) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The lines before its inline tests; all, if there are none.
    pub(super) fn production(&self) -> &str {
        self.text.find("\n#[cfg(test)]\nmod ").map_or(&self.text, |end| &self.text[..end + 1])
    }

    /// Its inline tests; all of it, if it is test code by where it lies.
    pub(super) fn tests(&self) -> &str {
        if self.is_test() { &self.text } else { &self.text[self.production().len()..] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_results_and_hidden_folders_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "a/src/lib.rs",
            "target/x.rs",
            ".git/config",
            ".ci/run",
            "Cargo.lock",
            "s/.fmf/version",
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::write(root.path().join("binary"), [0xff, 0xfe]).unwrap();
        let paths: Vec<String> =
            all(root.path()).unwrap().into_iter().map(|source| source.path).collect();
        assert_eq!(paths, [".ci/run", "a/src/lib.rs", "s/.fmf/version"]);
    }

    #[test]
    fn inline_tests_are_told_from_production() {
        let source = Source::new("a/src/b.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests {}\n");
        assert_eq!(source.production(), "fn a() {}\n\n");
        assert_eq!(source.tests(), "#[cfg(test)]\nmod tests {}\n");
        let source = Source::new("a/tests/it/b.rs", "fn a() {}\n");
        assert_eq!(source.tests(), "fn a() {}\n");
    }
}
