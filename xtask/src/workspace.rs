//! [`Workspace`]: the crates of this repository, as `cargo metadata` describes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The crates of this repository.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// Its crates, by name.
    pub(crate) crates: Vec<Crate>,
}

/// One crate of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Crate {
    /// Its name, which is that of its folder, too.
    pub(crate) name: String,
    /// The folder of its manifest.
    pub(crate) dir: PathBuf,
    /// The names of the crates it is built from, optional ones included, those of its tests not.
    pub(crate) dependencies: Vec<String>,
    /// Its features, without `default`.
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// Asks cargo about the workspace that this program was built from.
    pub(crate) fn load() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .context("cannot start cargo")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Self::parse(&output.stdout)
    }

    /// Reads what `cargo metadata` printed.
    pub(crate) fn parse(json: &[u8]) -> Result<Self> {
        let metadata: Value = serde_json::from_slice(json).context("cargo metadata is no JSON")?;
        let path = |key: &str| metadata[key].as_str().map(PathBuf::from);
        let mut crates: Vec<Crate> =
            list(&metadata["packages"]).map(Crate::from_metadata).collect();
        crates.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self {
            root: path("workspace_root").context("cargo metadata names no workspace root")?,
            target: path("target_directory").context("cargo metadata names no target directory")?,
            crates,
        })
    }
}

impl Crate {
    fn from_metadata(package: &Value) -> Self {
        let mut dependencies: Vec<String> = list(&package["dependencies"])
            .filter(|dependency| dependency["kind"] != "dev")
            .map(|dependency| text(&dependency["name"]))
            .collect();
        dependencies.sort();
        dependencies.dedup();
        let features = package["features"].as_object().into_iter().flat_map(|map| map.keys());
        let manifest = text(&package["manifest_path"]);
        Self {
            name: text(&package["name"]),
            dir: Path::new(&manifest).parent().map(Path::to_owned).unwrap_or_default(),
            dependencies,
            features: features.filter(|feature| *feature != "default").cloned().collect(),
        }
    }
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_cargo_prints() {
        let json = br#"{"workspace_root": "/r", "target_directory": "/r/target", "packages": [
            {"name": "b", "manifest_path": "/r/b/Cargo.toml", "features": {"default": ["x"], "x": []},
             "dependencies": [{"name": "z", "kind": null}, {"name": "a", "kind": "build"},
                              {"name": "t", "kind": "dev"}, {"name": "z", "kind": null}]},
            {"name": "a", "manifest_path": "/r/a/Cargo.toml", "features": {}, "dependencies": []}]}"#;
        let workspace = Workspace::parse(json).unwrap();
        assert_eq!(workspace.crates[0].name, "a");
        let expected = Crate {
            name: "b".into(),
            dir: "/r/b".into(),
            dependencies: vec!["a".into(), "z".into()],
            features: vec!["x".into()],
        };
        assert_eq!(workspace.crates[1], expected);
    }
}
