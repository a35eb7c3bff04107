//! [`Atex`]: the `atex` that was built here, and what tests report when it runs them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::libraries::Libraries;
use super::places::Pool;
use super::report::Report;
use super::selection::{Apart, CONTEXT, Selection, Where};

/// The exit codes of a run that came to its end: all passed, some failed, some could not be run; it was told to stop.
const CAME_TO_ITS_END: [i32; 4] = [0, 1, 3, 130];

/// The `atex` that was built here.
#[derive(Debug)]
pub(super) struct Atex {
    /// Its path.
    pub(super) program: PathBuf,
    /// What it fetches.
    pub(super) libraries: Rc<Libraries>,
}

impl Atex {
    /// The names of the tests it discovers, in its order.
    pub(super) fn discover(&self, selection: &Selection, root: &Path) -> Result<Vec<String>> {
        let mut atex = self.command("discover", selection, root);
        let output = atex.output().context("cannot start atex")?;
        ensure!(
            output.status.success(),
            "atex discover failed on {selection:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    /// What the tests report on the systems of `pool`, by name. The run is kept in `out`.
    pub(super) fn run(
        &self,
        selection: &Selection,
        root: &Path,
        pool: &Pool,
        out: &Path,
    ) -> Result<BTreeMap<String, Report>> {
        if out.exists() {
            fs::remove_dir_all(out).with_context(|| format!("cannot remove {}", out.display()))?;
        }
        let mut atex = self.run_command(selection, root, pool, &out.join("most"));
        for (test, _) in selection.apart() {
            atex.arg("--exclude").arg(format!("^{test}$"));
        }
        let mut reports = BTreeMap::new();
        ended(selection, &atex.output().context("cannot start atex")?)?;
        read_all(&out.join("most"), &mut reports)?;
        for (number, (test, how)) in selection.apart().enumerate() {
            let out = out.join(format!("apart-{number}"));
            let mut atex = self.run_command(selection, root, pool, &out);
            atex.arg("--test").arg(format!("^{test}$"));
            let output = match how {
                Apart::WithoutExitCode => atex.env("ATEX_DEBUG_NO_EXITCODE", "1").output(),
                Apart::Cancelled => interrupted(&mut atex, &out.join("journal.jsonl")),
            };
            ended(selection, &output.context("cannot start atex")?)?;
            read_all(&out, &mut reports)?;
        }
        Ok(reports)
    }

    fn run_command(&self, selection: &Selection, root: &Path, pool: &Pool, out: &Path) -> Command {
        let mut atex = self.command("run", selection, root);
        if selection.place != Where::Packages {
            atex.arg("--no-install");
        }
        if let Some(folders) = &pool.path {
            atex.env("PATH", folders);
        }
        atex.args(["--executor", selection.executor.name(), "--pool", &pool.argument]);
        atex.args(["--progress", "none", "--out"]).arg(out);
        atex
    }

    fn command(&self, verb: &str, selection: &Selection, root: &Path) -> Command {
        let mut atex = Command::new(&self.program);
        atex.arg(verb).arg("--root").arg(root).args(CONTEXT).stdin(Stdio::null());
        self.libraries.show_to(&mut atex);
        if let Some(plan) = selection.plan {
            atex.args(["--plan", plan]);
        }
        atex
    }
}

/// Whether a run came to its end.
fn ended(selection: &Selection, output: &Output) -> Result<()> {
    if output.status.code().is_some_and(|code| CAME_TO_ITS_END.contains(&code)) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("atex run ended with {} on {selection:?}: {}", output.status, said.trim());
}

/// Lets a run go on until a test was started, as its journal tells, and tells it to stop, once.
fn interrupted(atex: &mut Command, journal: &Path) -> io::Result<Output> {
    let mut run = atex.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let started = || {
        fs::read_to_string(journal).is_ok_and(|text| text.contains("\"event\":\"test_started\""))
    };
    while !started() && run.try_wait()?.is_none() {
        sleep(Duration::from_millis(50));
    }
    // As for the other: the test itself is then there, too.
    sleep(Duration::from_secs(2));
    Command::new("kill").args(["-INT", &run.id().to_string()]).status()?;
    run.wait_with_output()
}

/// The reports of all tests of a run, by the name of the test.
fn read_all(out: &Path, reports: &mut BTreeMap<String, Report>) -> Result<()> {
    let artifacts = out.join("artifacts");
    let platforms = entries(&artifacts)?;
    let [platform] = &platforms[..] else {
        bail!("{} should have one platform", artifacts.display());
    };
    collect(platform, "", reports)
}

/// The reports of all tests below a folder, by the name of the test.
fn collect(folder: &Path, test: &str, reports: &mut BTreeMap<String, Report>) -> Result<()> {
    for entry in entries(folder)? {
        let name = name_of(&entry);
        match name.strip_prefix("attempt-") {
            Some("1") => drop(reports.insert(test.to_owned(), read(&entry)?)),
            // Here, trouble of infrastructure is tried again.
            Some(_) => {}
            None => collect(&entry, &format!("{test}/{name}"), reports)?,
        }
    }
    Ok(())
}

/// The report that an attempt left.
fn read(attempt: &Path) -> Result<Report> {
    let path = attempt.join("results");
    let lines =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut report =
        Report { results: lines.lines().map(str::to_owned).collect(), files: BTreeMap::new() };
    if attempt.join("files").exists() {
        read_files(&attempt.join("files"), "", &mut report.files)?;
    }
    Ok(report)
}

fn read_files(folder: &Path, below: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in entries(folder)? {
        let path = format!("{below}{}", name_of(&entry));
        if entry.is_dir() {
            read_files(&entry, &format!("{path}/"), files)?;
        } else {
            let bytes =
                fs::read(&entry).with_context(|| format!("cannot read {}", entry.display()))?;
            files.insert(path, bytes.into_iter().map(char::from).collect());
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read =
        || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>();
    read().with_context(|| format!("cannot read {}", folder.display()))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn reads_what_a_run_leaves() {
        let folder = written(&[
            ("a/b/attempt-1/results", b"{}\n{\"x\": 1}\n"),
            ("a/b/attempt-1/files/sub/log", &[0, 255]),
            ("a/attempt-1/results", b""),
        ]);
        let mut reports = BTreeMap::new();
        collect(folder.path(), "", &mut reports).unwrap();
        assert_eq!(reports.keys().collect::<Vec<_>>(), ["/a", "/a/b"]);
        assert_eq!(reports["/a"], Report::default());
        assert_eq!(reports["/a/b"].results, ["{}", "{\"x\": 1}"]);
        assert_eq!(reports["/a/b"].files["sub/log"], "\0\u{ff}");
    }

    #[test]
    fn of_several_attempts_the_first_counts() {
        let folder =
            written(&[("a/attempt-1/results", b"{}\n"), ("a/attempt-2/results", b"{}\n{}\n")]);
        let mut reports = BTreeMap::new();
        collect(folder.path(), "", &mut reports).unwrap();
        assert_eq!(reports["/a"].results.len(), 1);
    }
}
