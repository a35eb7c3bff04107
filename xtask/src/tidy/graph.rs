//! Who may depend on whom. `ARCHITECTURE.md` draws the same graph.

use crate::workspace::Crate;

/// The `atex-*` crates that each crate may be built from. Tests may use more.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("atex-core", &[]),
    ("atex-fmf", &["atex-core"]),
    ("atex-provision", &["atex-core"]),
    ("atex-exec", &["atex-core"]),
    ("atex-sched", &["atex-core"]),
    ("atex-report", &["atex-core"]),
    (
        "atex-cli",
        &["atex-core", "atex-exec", "atex-fmf", "atex-provision", "atex-report", "atex-sched"],
    ),
    ("xtask", &[]),
];

/// Crates of others that belong to one place: what they do is that place's business alone.
const BELONGS_TO: [(&str, &[&str]); 8] = [
    ("anstream", &["atex-cli"]),
    ("anyhow", &["atex-cli", "xtask"]),
    ("clap", &["atex-cli", "xtask"]),
    ("clap_complete", &["atex-cli"]),
    ("fancy-regex", &["atex-fmf"]),
    ("granit-parser", &["atex-fmf", "atex-report"]),
    ("openssh", &["atex-provision"]),
    ("tracing-subscriber", &["atex-cli"]),
];

/// What breaks the graph.
pub(super) fn check(crates: &[Crate]) -> Vec<String> {
    let mut broken = Vec::new();
    for one in crates {
        let name = &one.name;
        if one.dir.file_name().is_some_and(|folder| folder != name.as_str()) {
            broken.push(format!(
                "{}: the folder of crate {name} must have its name",
                one.dir.display()
            ));
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(user, _)| user == name) else {
            broken.push(format!(
                "{name}: a new crate needs its place in {} and ARCHITECTURE.md",
                file!()
            ));
            continue;
        };
        for used in &one.dependencies {
            let ours = MAY_USE.iter().any(|(known, _)| known == used);
            if ours && !allowed.contains(&used.as_str()) {
                broken.push(format!("{name} must not depend on {used}"));
            }
            let owners = BELONGS_TO.iter().find(|(theirs, _)| theirs == used);
            if let Some((_, owners)) = owners.filter(|(_, owners)| !owners.contains(&name.as_str()))
            {
                broken.push(format!(
                    "{name} must not depend on {used}, which belongs to {}",
                    owners.join(" and ")
                ));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, folder: &str, dependencies: &[&str]) -> Crate {
        Crate {
            name: name.into(),
            dir: format!("/r/{folder}").into(),
            dependencies: dependencies.iter().map(ToString::to_string).collect(),
            features: Vec::new(),
        }
    }

    #[test]
    fn crates_meet_only_through_core() {
        let good = [
            one("atex-core", "atex-core", &["tokio"]),
            one("atex-exec", "atex-exec", &["atex-core", "serde_json"]),
            one("atex-cli", "atex-cli", &["atex-core", "atex-exec", "clap"]),
        ];
        assert_eq!(check(&good), Vec::<String>::new());
        let bad = [
            one("atex-core", "core", &["atex-fmf"]),
            one("atex-exec", "atex-exec", &["atex-provision", "clap"]),
            one("atex-new", "atex-new", &[]),
        ];
        insta::assert_snapshot!(check(&bad).join("\n"), @r"
        /r/core: the folder of crate atex-core must have its name
        atex-core must not depend on atex-fmf
        atex-exec must not depend on atex-provision
        atex-exec must not depend on clap, which belongs to atex-cli and xtask
        atex-new: a new crate needs its place in xtask/src/tidy/graph.rs and ARCHITECTURE.md
        ");
    }
}
