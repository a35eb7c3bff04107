//! What tests may rely on, case by case: what a script does, and what is then in its artifacts. Every case runs on every kind
//! of system, with the same transcript.
//!
//! Cases begin with the name that they have in the list of behaviours of the Python ATEX, from which they were collected.
//! Where ours differs, `docs/decisions/0009-*.md` says why.

use std::fs;
use std::path::Path;

use atex_core::display::Harmless;
use atex_core::{
    Artifacts, CancellationToken, Executor, Outcome, Result, Session, Test, TestName, TestSuite,
};
use atex_exec::FmfExecutor;

use crate::systems::System;

mod beakerlib;
mod life;
mod plan;
mod results;
mod session;
mod tools;
mod words;

/// A case: what it shows, and the script of a test.
type Case = (&'static str, &'static str);

/// Functions that scripts may use: `say` writes to the control stream as `printf` does; `report` reports a result, followed by
/// the data of its files; `gone` checks that the process whose number an earlier test left in a file runs no more.
const PRELUDE: &str = r#"say() { printf "$@" >&"$ATEX_TEST_CONTROL"; }
report() { local LC_ALL=C json=$1; shift; printf 'result %d\n%s%s' "${#json}" "$json" "$*" >&"$ATEX_TEST_CONTROL"; }
gone() { case $(sed 's/.*) //' "/proc/$(<"$TMT_TREE/$1")/stat" 2>/dev/null) in '' | Z*) ;; *) return 1 ;; esac; }
"#;

/// The most of a file that is shown.
const SHOWN: usize = 2000;

/// Runs the cases, each as a test of its own, which is changed before; one transcript of all.
async fn transcript(system: &System, cases: &[Case], change: fn(&mut Test)) -> String {
    let out = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(system, cases, change);
    let mut transcript = String::new();
    for (number, (title, script)) in cases.iter().enumerate() {
        let artifacts = Artifacts::at(out.path().join(number.to_string())).unwrap();
        let went = runner.run(&case_name(number), &artifacts).await;
        let folder = out.path().join(number.to_string());
        let seen = format!("=== {title}\n{script}\n=> {}\n{}\n", said(&went), listing(&folder));
        transcript.push_str(&system.normal(&seen));
    }
    runner.finish().await;
    assert_eq!(system.left().await, [""; 0], "left behind");
    transcript
}

fn case_name(number: usize) -> TestName {
    TestName::new(format!("/case-{number}")).unwrap()
}

/// How a run went, on one line.
fn said(went: &Result<Outcome>) -> String {
    match went {
        Ok(outcome) => {
            let note = outcome.note.as_ref().map_or(String::new(), |note| format!(", {note}"));
            format!("{}, exit code {:?}{note}", outcome.verdict, outcome.exit_code)
        }
        Err(error) => format!("error: {error}"),
    }
}

/// Runs cases in one session for as long as it is of use.
struct Runner<'a> {
    system: &'a System,
    executor: FmfExecutor,
    session: Option<Box<dyn Session>>,
}

impl<'a> Runner<'a> {
    fn new(system: &'a System, cases: &[Case], change: fn(&mut Test)) -> Self {
        let tests = cases.iter().enumerate().map(|(number, (_, script))| {
            let mut test = Test::new(format!("{PRELUDE}{script}"));
            change(&mut test);
            (case_name(number), test)
        });
        let executor = FmfExecutor::new(TestSuite::new(tests));
        let executor = executor.work_base(system.base());
        Self { system, executor, session: None }
    }

    async fn run(&mut self, name: &TestName, artifacts: &Artifacts) -> Result<Outcome> {
        let cancel = CancellationToken::new();
        if self.session.is_none() {
            let started = self.executor.start(self.system.connection(), &cancel).await;
            self.session = Some(started.unwrap());
        }
        let went = self.session.as_mut().unwrap().run(name, artifacts, &cancel).await;
        if went.is_err() {
            self.finish().await;
        }
        went
    }

    async fn finish(&mut self) {
        if let Some(session) = self.session.take() {
            session.stop().await.unwrap();
        }
    }
}

/// All files of a folder, in the order of their names, with what is in them.
pub(crate) fn listing(folder: &Path) -> String {
    let mut files = Vec::new();
    walk(folder, &mut files);
    files.sort();
    let show = |path: &std::path::PathBuf| {
        let content = fs::read(path).unwrap();
        let name = path.strip_prefix(folder).unwrap().to_string_lossy();
        let shown = String::from_utf8_lossy(&content[..content.len().min(SHOWN)]);
        let lines = shown.split('\n').map(|line| Harmless(line).to_string());
        let mut text = lines.collect::<Vec<_>>().join("\n");
        if content.len() > SHOWN {
            text.push_str(&format!("… ({} bytes)", content.len()));
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str("<no newline>\n");
        }
        format!("--- {}\n{text}", Harmless(&name))
    };
    files.iter().map(show).collect()
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// The tests of each table of cases: on this machine, over ssh and in a container, with one snapshot.
macro_rules! on_every_system {
    ($snapshot:literal, $cases:expr) => {
        super::on_every_system!($snapshot, $cases, |_| {});
    };
    ($snapshot:literal, $cases:expr, $change:expr) => {
        #[tokio::test]
        async fn on_this_machine() {
            let system = crate::systems::System::local();
            insta::assert_snapshot!(
                $snapshot,
                crate::behaviours::transcript(&system, $cases, $change).await
            );
        }

        #[tokio::test]
        async fn over_ssh() {
            let Some(system) = crate::systems::System::ssh($snapshot).await else { return };
            insta::assert_snapshot!(
                $snapshot,
                crate::behaviours::transcript(&system, $cases, $change).await
            );
        }

        #[tokio::test]
        async fn in_a_container() {
            let Some(system) = crate::systems::System::container($snapshot).await else { return };
            insta::assert_snapshot!(
                $snapshot,
                crate::behaviours::transcript(&system, $cases, $change).await
            );
        }
    };
}
use on_every_system;
