//! Where files lie, what they are called, and how they begin.

use std::collections::HashMap;

use super::source::Source;

/// Names that could be anything.
const VAGUE: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];

/// What lies wrong.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let texts: HashMap<&str, &str> =
        sources.iter().map(|source| (source.path.as_str(), source.text.as_str())).collect();
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let path = &source.path;
        if !(source.text.starts_with("//! ") || source.text.starts_with("#![doc = include_str!(")) {
            broken.push(format!(
                "{path}: the first line must be `//! ` and name the one subject of the file"
            ));
        }
        if let Some(name) = vague(path) {
            broken.push(format!("{path}: `{name}` could be anything; name the subject"));
        }
        if let Some((_, file)) = path.split_once("/tests/").filter(|(_, file)| !file.contains('/'))
        {
            broken.push(format!("{path}: one test binary per crate; move it to tests/it/{file}"));
        }
        broken.extend(orphan(path, &texts));
    }
    broken
}

/// The part of a path that could be anything.
fn vague(path: &str) -> Option<&str> {
    path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part)).find(|name| {
        VAGUE.iter().any(|vague| name == vague || name.ends_with(&format!("_{vague}")))
    })
}

/// A module that no other file names is not compiled at all: its tests never run.
fn orphan(path: &str, texts: &HashMap<&str, &str>) -> Option<String> {
    let (folder, file) = path.rsplit_once('/')?;
    let stem = file.strip_suffix(".rs")?;
    let top = |folder: &str| folder.ends_with("/src") || folder.ends_with("/tests/it");
    if !(path.contains("/src/") || path.contains("/tests/it/")) || path.contains("/src/bin/") {
        return None;
    }
    let (folder, module) = match stem {
        "lib" | "main" if top(folder) => return None,
        "mod" => folder.rsplit_once('/')?,
        _ => (folder, stem),
    };
    let parents = match top(folder) {
        true => vec![format!("{folder}/lib.rs"), format!("{folder}/main.rs")],
        false => vec![format!("{folder}/mod.rs"), format!("{folder}.rs")],
    };
    let declared = |text: &&str| {
        text.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            matches!(words[..], [.., "mod", name] if name.strip_suffix(';') == Some(module))
        })
    };
    let found = parents.iter().filter_map(|parent| texts.get(parent.as_str())).any(declared);
    (!found).then(|| format!("{path}: nothing says `mod {module};`, so it is never compiled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_layouts_pass() {
        let good = [
            Source::new(
                "a/src/lib.rs",
                "#![doc = include_str!(\"../README.md\")]\nmod b;\npub(crate) mod c;\n",
            ),
            Source::new("a/src/b.rs", "//! B.\nmod d;\n"),
            Source::new("a/src/b/d.rs", "//! D.\n"),
            Source::new("a/src/c/mod.rs", "//! C.\n#[cfg(test)]\nmod tests;\n"),
            Source::new("a/src/c/tests.rs", "//! Tests.\n"),
            Source::new("a/tests/it/main.rs", "//! Tests.\nmod commonwealth;\n"),
            Source::new("a/tests/it/commonwealth.rs", "//! Tests.\n"),
            Source::new("a/examples/x.rs", "//! An example.\n"),
            Source::new("a/README.md", "no rust"),
        ];
        assert_eq!(check(&good), Vec::<String>::new());
    }

    #[test]
    fn bad_layouts_are_named() {
        let bad = [
            Source::new("a/src/lib.rs", "mod b;\n"),
            Source::new("a/src/bb.rs", "// B.\n"),
            Source::new("a/src/string_util.rs", "//! B.\n"),
            Source::new("a/tests/loose.rs", "//! A second binary.\n"),
            Source::new("a/tests/it/main.rs", "//! Tests.\n// mod gone; is no declaration\n"),
            Source::new("a/tests/it/gone.rs", "//! Tests.\n"),
            Source::new("a/src/helpers/mod.rs", "//! H.\n"),
        ];
        insta::assert_snapshot!(check(&bad).join("\n"), @r"
        a/src/lib.rs: the first line must be `//! ` and name the one subject of the file
        a/src/bb.rs: the first line must be `//! ` and name the one subject of the file
        a/src/bb.rs: nothing says `mod bb;`, so it is never compiled
        a/src/string_util.rs: `string_util` could be anything; name the subject
        a/src/string_util.rs: nothing says `mod string_util;`, so it is never compiled
        a/tests/loose.rs: one test binary per crate; move it to tests/it/loose.rs
        a/tests/it/gone.rs: nothing says `mod gone;`, so it is never compiled
        a/src/helpers/mod.rs: `helpers` could be anything; name the subject
        a/src/helpers/mod.rs: nothing says `mod helpers;`, so it is never compiled
        ");
    }
}
