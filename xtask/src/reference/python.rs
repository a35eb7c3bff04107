//! [`Python`]: the Python ATEX, installed below the target folder, and what it says about tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::libraries::Libraries;
use super::places::Places;
use super::report::{Answer, Report};
use super::selection::{ATEX, Executor, FMF, Selection};
use super::{discovery, formats};
use crate::needs::program_folders;
use crate::step::Steps;

const DRIVER: &str = include_str!("driver.py");

/// Ends with 0 in a Python that is new enough and can make environments of its own.
const PROBE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))";

/// The Python ATEX.
#[derive(Debug)]
pub(super) struct Python {
    program: PathBuf,
    driver: PathBuf,
    answers: PathBuf,
    source: PathBuf,
    libraries: Rc<Libraries>,
}

impl Python {
    /// Installs it below `dir`, unless it is there already, with its source package, which has the trees.
    ///
    /// # Errors
    /// When there is no Python for it, or a package cannot be had.
    pub(super) fn install(steps: &Steps, dir: &Path, libraries: Rc<Libraries>) -> Result<Self> {
        ensure!(
            program_folders().iter().any(|folder| folder.join("rsync").is_file()),
            "the Python ATEX needs rsync, which is not installed"
        );
        let dir = dir.join(ATEX);
        let program = environment(steps, &dir)?;
        let source = source(steps, &program, &dir)?;
        let trees = Executor::Fmf.trees(&source);
        ensure!(trees.is_dir(), "the source package of {ATEX} has no {}", trees.display());
        let (driver, answers) = (dir.join("driver.py"), dir.join("answers"));
        let this = Self { program, driver, answers, source, libraries };
        if fs::read_to_string(&this.driver).ok().as_deref() != Some(DRIVER) {
            this.forget()?;
            write(&this.driver, DRIVER)?;
        }
        Ok(this)
    }

    /// Compares what it discovers below these folders with what the program `atex` does.
    ///
    /// # Errors
    /// As [`discovery::compare`].
    pub(super) fn discovery(&self, atex: &Path, folders: &[PathBuf]) -> Result<()> {
        let dir = self.driver.parent().unwrap_or(Path::new("."));
        discovery::compare(&self.program, atex, dir, folders)
    }

    /// Compares what both write of the same artifacts.
    ///
    /// # Errors
    /// As [`formats::compare`].
    pub(super) fn formats(&self, atex: &Path) -> Result<()> {
        let dir = self.driver.parent().unwrap_or(Path::new("."));
        formats::compare(&self.program, atex, dir)
    }

    /// Removes the answers that were kept.
    pub(super) fn forget(&self) -> Result<()> {
        remove(&self.answers)
    }

    /// The root of a tree.
    pub(super) fn root(&self, selection: &Selection) -> PathBuf {
        selection.executor.trees(&self.source).join(selection.tree)
    }

    /// What it says about these tests, by an earlier answer where there is one; none where what they need cannot be had.
    pub(super) fn ask(&self, selection: &Selection, places: &Places) -> Result<Option<Answer>> {
        let path = self.answers.join(format!("{}.json", selection.file_name()));
        if !path.exists() {
            fs::create_dir_all(&self.answers).context("cannot make a folder for the answers")?;
            let fresh = path.with_extension("new");
            let Some((place, folders)) = places.asked(selection) else { return Ok(None) };
            let mut driver = Command::new(&self.program);
            driver.arg(&self.driver).arg(self.root(selection));
            driver.arg(selection.plan.unwrap_or_default()).arg(selection.executor.name());
            driver.arg(place).arg(&fresh).stdin(Stdio::null());
            for (test, how) in selection.apart() {
                driver.arg(format!("{}:{test}", how.name()));
            }
            self.libraries.show_to(&mut driver);
            if let Some(folders) = folders {
                driver.env("PATH", folders);
            }
            let status = driver.status().context("cannot start the Python ATEX")?;
            ensure!(status.success(), "the Python ATEX failed on {selection:?}: {status}");
            fs::rename(&fresh, &path).context("cannot keep an answer")?;
        }
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let answer = parse(&text);
        answer.map(Some).with_context(|| format!("cannot understand {}", path.display()))
    }
}

/// The Python of an environment that has the Python ATEX.
fn environment(steps: &Steps, dir: &Path) -> Result<PathBuf> {
    let venv = dir.join("venv");
    let program = venv.join("bin/python");
    let installed = venv.join("installed");
    let wanted = format!("{ATEX} {FMF}");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(program);
    }
    let Some(python) = find() else {
        bail!("no Python >= 3.12 with `venv` on the PATH or in ~/.pyenv");
    };
    remove(&venv)?;
    fs::create_dir_all(dir).context("cannot make a folder for the Python ATEX")?;
    let title = format!("an environment of {}", python.display());
    steps.command(&title, Command::new(python).args(["-m", "venv"]).arg(&venv))?;
    let mut pip = Command::new(&program);
    pip.args(["-m", "pip", "install", "--quiet", ATEX, FMF]);
    steps.command(&format!("installing {wanted}"), &mut pip)?;
    write(&installed, &wanted)?;
    Ok(program)
}

/// The folder of the unpacked source package.
fn source(steps: &Steps, program: &Path, dir: &Path) -> Result<PathBuf> {
    let name = ATEX.replace("==", "-");
    let unpacked = dir.join("source").join(&name);
    if unpacked.exists() {
        return Ok(unpacked);
    }
    let download = dir.join("download");
    let mut pip = Command::new(program);
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest"]);
    steps.command(&format!("source package of {ATEX}"), pip.arg(&download).arg(ATEX))?;
    let fresh = dir.join("source.new");
    remove(&fresh)?;
    fs::create_dir_all(&fresh).context("cannot make a folder for the source package")?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(download.join(format!("{name}.tar.gz"))).arg("-C").arg(&fresh);
    steps.command("unpacking it", &mut tar)?;
    fs::rename(&fresh, dir.join("source")).context("cannot keep the source package")?;
    Ok(unpacked)
}

/// A Python that is new enough: on the `PATH`, or one of pyenv's.
pub(crate) fn find() -> Option<PathBuf> {
    let names = ["python3", "python3.12", "python3.13", "python3.14", "python3.15"];
    let folders = program_folders();
    let path = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut pyenv: Vec<PathBuf> = fs::read_dir(home.join(".pyenv/versions"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin/python3"))
        .collect();
    pyenv.sort();
    path.chain(pyenv).filter(|python| python.is_file()).find(|python| {
        let mut probe = Command::new(python);
        probe.args(["-c", PROBE]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    })
}

/// Reads what the driver wrote.
fn parse(json: &[u8]) -> Result<Answer> {
    let answer: Value = serde_json::from_slice(json)?;
    let tests = answer["tests"].as_object().context("no tests")?;
    let read = |(name, report): (&String, &Value)| (name.clone(), report_of(report));
    Ok(Answer {
        names: texts(&answer["names"]),
        packages: texts(&answer["packages"]),
        libraries: texts(&answer["libraries"]),
        tests: tests.iter().map(read).collect(),
    })
}

fn report_of(value: &Value) -> Report {
    let files = value["files"].as_object().into_iter().flatten();
    let files: BTreeMap<String, String> = files
        .map(|(path, text)| (path.clone(), text.as_str().unwrap_or_default().to_owned()))
        .collect();
    Report { results: texts(&value["results"]), files }
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_driver_writes() {
        let json = br#"{"names": ["/b", "/a"], "packages": ["/a"], "libraries": [],
            "tests": {"/a": {"results": ["{}"], "files": {"x/y": "\u00ff"}}}}"#;
        let answer = parse(json).unwrap();
        assert_eq!(answer.names, ["/b", "/a"]);
        assert_eq!(answer.packages, ["/a"]);
        let report = &answer.tests["/a"];
        assert_eq!(report.results, ["{}"]);
        assert_eq!(report.files["x/y"], "\u{ff}");
        assert!(parse(b"{}").is_err());
    }
}
