//! What a choice of features must not pull in, asked of `cargo tree`.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::workspace::cargo;

/// A choice of features, and the crates that must not come with it.
struct Rule {
    package: &'static str,
    features: &'static [&'static str],
    /// Names; one that ends with `*` stands for all that begin so.
    without: &'static [&'static str],
}

const RULES: [Rule; 8] = [
    Rule {
        package: "atex-core",
        features: &[],
        without: &["atex-*", "openssh", "clap", "tempfile"],
    },
    Rule {
        package: "atex-fmf",
        features: &["--no-default-features"],
        without: &["atex-*", "tokio", "async-trait"],
    },
    Rule {
        package: "atex-sched",
        features: &["--all-features"],
        without: &["openssh", "clap", "rustix"],
    },
    Rule {
        package: "atex-exec",
        features: &["--all-features"],
        without: &["openssh", "clap", "granit-parser"],
    },
    Rule { package: "atex-report", features: &["--all-features"], without: &["openssh", "clap"] },
    Rule {
        package: "atex-report",
        features: &["--no-default-features"],
        without: &["flate2", "liblzma", "zstd", "csv", "quick-xml", "rusqlite", "reqwest"],
    },
    Rule {
        package: "atex-provision",
        features: &["--no-default-features", "--features=local"],
        without: &["openssh", "clap"],
    },
    Rule { package: "xtask", features: &[], without: &["atex-*", "tokio"] },
];

/// What comes with a choice of features and must not.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for rule in &RULES {
        let tree = tree(root, rule)?;
        broken.extend(breaches(rule, &tree));
    }
    Ok(broken)
}

/// The names of all crates that come with it, one a line.
fn tree(root: &Path, rule: &Rule) -> Result<String> {
    let mut command = cargo();
    command.current_dir(root).args([
        "tree",
        "--edges=normal,build",
        "--prefix=none",
        "--format={p}",
    ]);
    command.args(["--package", rule.package]).args(rule.features);
    let output = command.output().context("cannot start cargo tree")?;
    ensure!(
        output.status.success(),
        "cargo tree failed for {} {}: {}",
        rule.package,
        rule.features.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn breaches(rule: &Rule, tree: &str) -> Vec<String> {
    let mut names: Vec<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| {
        *name != rule.package && rule.without.iter().any(|pattern| fits(pattern, name))
    });
    names
        .iter()
        .map(|name| {
            let choice = [&[rule.package], rule.features].concat().join(" ");
            format!(
                "{choice}: must not pull in {name}; see: cargo tree -e normal -p {choice} -i {name}"
            )
        })
        .collect()
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_come_is_named() {
        let rule = Rule {
            package: "atex-a",
            features: &["--no-default-features"],
            without: &["atex-*", "tokio"],
        };
        assert_eq!(
            breaches(&rule, "atex-a v0.1.0 (/r/atex-a)\nregex v1.0.0\n"),
            Vec::<String>::new()
        );
        let tree = "atex-a v0.1.0 (/r/atex-a)\natex-core v0.1.0 (/r/atex-core)\ntokio v1.0.0\ntokio v1.0.0 (*)\n";
        insta::assert_snapshot!(breaches(&rule, tree).join("\n"), @r"
        atex-a --no-default-features: must not pull in atex-core; see: cargo tree -e normal -p atex-a --no-default-features -i atex-core
        atex-a --no-default-features: must not pull in tokio; see: cargo tree -e normal -p atex-a --no-default-features -i tokio
        ");
    }
}
