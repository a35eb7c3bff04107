//! What documents say about files: links lead somewhere, examples are those that are compiled, the code map names what exists.

use super::source::Source;

/// What documents say wrong. `exists` knows paths relative to the root.
pub(super) fn check(sources: &[Source], exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in links(&source.text).filter(|link| !exists(&below(folder, link))) {
            broken.push(format!("{}: the link to {link} leads nowhere", source.path));
        }
        if source.path == "README.md" {
            broken.extend(strange_examples(source, sources));
        }
        if source.path == "ARCHITECTURE.md" {
            let missing = code_map(&source.text).filter(|path| !exists(path));
            broken.extend(missing.map(|path| format!("ARCHITECTURE.md: there is no {path}")));
        }
    }
    broken
}

/// The targets of links to files, without what follows `#`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.split('#').next().unwrap_or_default()).filter(|target| {
        !target.is_empty() && !target.contains(':') && !target.contains(char::is_whitespace)
    })
}

fn below(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Blocks of Rust that are in no example, and so are compiled by nobody.
fn strange_examples(readme: &Source, sources: &[Source]) -> Vec<String> {
    let examples: Vec<&Source> = sources
        .iter()
        .filter(|source| source.path.contains("/examples/") && source.is_rust())
        .collect();
    let blocks = readme.text.split("```rust\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
    blocks
        .filter(|(block, _)| !examples.iter().any(|example| example.text.contains(block)))
        .map(|(block, _)| {
            let line = block.lines().next().unwrap_or_default();
            format!("README.md: the example that begins with `{line}` must be a part of a file in examples/")
        })
        .collect()
}

/// The files and folders that paragraphs which begin with a crate (``**`atex-core`**``) name.
fn code_map(text: &str) -> impl Iterator<Item = String> {
    let crates = text.split("\n\n").filter_map(|paragraph| {
        let (name, rest) = paragraph.strip_prefix("**`atex-")?.split_once("`**")?;
        Some((format!("atex-{name}"), rest))
    });
    crates.flat_map(|(name, rest)| {
        let code = rest.split('`').skip(1).step_by(2);
        let paths = code.filter(|word| word.ends_with(".rs") || word.ends_with('/'));
        paths
            .map(|path| match path {
                "examples/" => format!("{name}/examples"),
                path => format!("{name}/src/{}", path.trim_end_matches('/')),
            })
            .collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_named() {
        let sources = [
            Source::new(
                "README.md",
                "[a](docs/a.md#x) [b](docs/b.md) [web](https://x.org)\n```rust\nfn a() {}\n```\n",
            ),
            Source::new("docs/a.md", "[up](../README.md) [down](c/)\n"),
            Source::new(
                "ARCHITECTURE.md",
                "**`atex-a`**: `x.rs` and `y/`, `Word`, `examples/`.\n\nelsewhere: `z.rs`\n",
            ),
            Source::new("atex-a/examples/e.rs", "//! E.\nfn b() {}\n"),
        ];
        let there = ["README.md", "docs/a.md", "atex-a/src/x.rs", "atex-a/examples"];
        let broken = check(&sources, |path| there.contains(&path));
        insta::assert_snapshot!(broken.join("\n"), @r"
        README.md: the link to docs/b.md leads nowhere
        README.md: the example that begins with `fn a() {}` must be a part of a file in examples/
        docs/a.md: the link to c/ leads nowhere
        ARCHITECTURE.md: there is no atex-a/src/y
        ");
    }

    #[test]
    fn what_exists_is_fine() {
        let sources = [
            Source::new("README.md", "[a](docs/a.md)\n```rust\nfn a() {}\nfn b() {}\n```\n"),
            Source::new("atex-a/examples/e.rs", "//! E.\n\nfn a() {}\nfn b() {}\n"),
        ];
        assert_eq!(check(&sources, |path| path == "docs/a.md"), Vec::<String>::new());
    }
}
