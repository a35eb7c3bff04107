//! Trees that somebody names: laid out as a corpus whose answers are still to be given.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// Makes a corpus of the trees at and below these folders, which stay where they are, in the folder `to`.
pub(super) fn lay(to: &Path, folders: &[PathBuf]) -> Result<PathBuf> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("cannot remove {}", to.display()))?;
    }
    for (number, folder) in folders.iter().enumerate() {
        let from = folder
            .canonicalize()
            .with_context(|| format!("there is no folder {}", folder.display()))?;
        let mut roots = Vec::new();
        find(&from, &mut roots);
        ensure!(!roots.is_empty(), "there is no metadata tree in {}", folder.display());
        let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let entry = to.join("corpus").join(format!("{number}+{name}"));
        fs::create_dir_all(entry.join("expect"))?;
        std::os::unix::fs::symlink(&from, entry.join("tree"))?;
        for (number, root) in roots.iter().enumerate() {
            let root = root.strip_prefix(&from).unwrap_or(root).to_string_lossy().into_owned();
            let content = json!({"root": root, "runs": runs()});
            super::write(&entry.join(format!("expect/{number}.json")), &content)?;
        }
    }
    Ok(to.to_owned())
}

/// The files of a corpus that ask for answers.
pub(super) fn questions(corpus: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(corpus.join("corpus"))? {
        for file in fs::read_dir(entry?.path().join("expect"))? {
            files.push(file?.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The roots of trees at and below a folder; links are not followed.
fn find(folder: &Path, roots: &mut Vec<PathBuf>) {
    if folder.join(".fmf").is_dir() {
        roots.push(folder.to_owned());
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut below: Vec<PathBuf> = entries.filter(is_folder).map(|entry| entry.path()).collect();
    below.sort();
    for folder in below.iter().filter(|folder| !folder.ends_with(".git")) {
        find(folder, roots);
    }
}

/// What is asked about each tree: as it is, adjusted to systems that people test, and what is selected.
fn runs() -> Value {
    let adjusted = |name: &str, context: Value| json!({"name": name, "spec": {"adjust": [{"context": context}]}});
    json!([
        {"name": "none", "spec": {}},
        adjusted("empty", json!({})),
        adjusted("rhel-9.6", json!({"distro": "rhel-9.6", "arch": "x86_64", "trigger": "commit"})),
        adjusted("centos-stream-10", json!({"distro": "centos-stream-10", "arch": "aarch64"})),
        adjusted("fedora-rawhide", json!({"distro": "fedora-rawhide", "arch": "s390x"})),
        {"name": "prunes", "spec": {"prunes": [
            {}, {"whole": true}, {"keys": ["test"]}, {"keys": ["discover"]}, {"names": ["a"]},
            {"filters": ["tag: .*a.*"]}, {"filters": ["tier: 1"]}, {"filters": ["enabled: True"]},
            {"conditions": ["'test' in locals()"]}, {"conditions": ["len(tag) > 1"]},
        ]}},
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_roots_are_found_and_asked_about() {
        let folder = tempfile::tempdir().unwrap();
        for root in ["t/.fmf", "t/x/nested/.fmf", "t/.git/.fmf"] {
            fs::create_dir_all(folder.path().join(root)).unwrap();
        }
        let corpus = lay(&folder.path().join("corpus"), &[folder.path().join("t")]).unwrap();
        let roots = questions(&corpus).unwrap().into_iter().map(|file| {
            let content: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            content["root"].as_str().unwrap().to_owned()
        });
        assert_eq!(roots.collect::<Vec<_>>(), ["", "x/nested"]);
        assert!(lay(&folder.path().join("other"), &[folder.path().join("t/.git/.fmf")]).is_err());
    }
}
