//! `cargo xtask reference`: whether tests report here what the Python ATEX says they report.
//!
//! The tests are those of its own source package, so that nobody here wrote them. `docs/reference.md` has the rules.

mod atex;
mod container_host;
mod containers;
mod discovery;
mod formats;
mod libraries;
mod machine;
mod places;
mod python;
mod report;
mod selection;
mod sshd;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Result, bail, ensure};
use clap::Args;

use self::atex::Atex;
use self::libraries::Libraries;
use self::places::{Places, Pool, Wanted};
use self::python::Python;
pub(crate) use self::python::find as find_python;
use self::report::{Answer, Report};
use self::selection::{LEFT_OUT, OTHERWISE, SELECTIONS, Selection, Where};
use self::sshd::Sshd;
use self::table::{Row, Table};
use crate::step::Steps;
use crate::workspace::{Workspace, cargo};

/// What `cargo xtask reference` can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Fail where the Python ATEX cannot be had, or no sshd is there, instead of saying so
    #[arg(long)]
    require: bool,
    /// Do not run over ssh
    #[arg(long)]
    no_ssh: bool,
    /// Do not run in containers
    #[arg(long)]
    no_containers: bool,
    /// Ask the Python ATEX again, instead of using what it answered before
    #[arg(long)]
    fresh: bool,
    /// Only this tree; may be given several times
    #[arg(long, value_name = "NAME")]
    tree: Vec<String>,
    /// Run nothing; compare which tests both discover in the metadata trees at and below this folder, by every plan. May be
    /// given several times
    #[arg(long, value_name = "DIR", conflicts_with = "tree")]
    discover: Vec<PathBuf>,
}

/// Installs the Python ATEX, runs the tests by both, and shows what differs.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let selections = chosen(&options.tree)?;
    let steps = Steps::new();
    let dir = workspace.target.join("reference");
    let libraries = Rc::new(Libraries::make(&dir.join("libraries"))?);
    let python = match Python::install(&steps, &dir, Rc::clone(&libraries)) {
        Err(error) if !options.require => {
            println!("skipped: no comparison with the Python ATEX: {error:#}");
            return Ok(());
        }
        installed => installed?,
    };
    if options.fresh {
        python.forget()?;
    }
    let mut build = cargo();
    build.current_dir(&workspace.root).args(["build", "--package=atex-cli", "--bin=atex"]);
    steps.command("building", &mut build)?;
    let atex = Atex { program: workspace.target.join("debug/atex"), libraries };
    if !options.discover.is_empty() {
        python.discovery(&atex.program, &options.discover)?;
        steps.finish("reference");
        return Ok(());
    }
    if options.tree.is_empty() {
        steps.task("formats of results", || python.formats(&atex.program))?;
    }
    let sshd = if options.no_ssh { None } else { Sshd::start(&dir.join("sshd"))? };
    if sshd.is_none() && !options.no_ssh {
        ensure!(!options.require, "no sshd is installed (Debian: openssh-server)");
        println!(
            "skipped: no sshd is installed (Debian: openssh-server), so nothing runs over ssh"
        );
    }
    let wanted = Wanted { ssh: !options.no_ssh, containers: !options.no_containers };
    let places = Places::new(workspace, dir.clone(), wanted, sshd);
    let compared = Compared { python, atex };
    let (mut table, mut needs) = (Table::default(), Needs::default());
    for selection in selections {
        let title = format!("{} {}", selection.title(), selection.plan.unwrap_or_default());
        steps.task(title.trim_end(), || {
            let Some(answer) = compared.python.ask(&selection, &places)? else {
                println!("skipped: what it needs cannot be had");
                return Ok(());
            };
            for pool in places.pools(&selection) {
                let out = dir.join("runs").join(pool.over).join(selection.file_name());
                table.push(compared.row(selection, &answer, &pool, &out)?);
            }
            needs.add(&selection, &answer);
            Ok(())
        })?;
    }
    show(&table, &needs);
    ensure!(table.differing() == 0, "{} difference(s), shown above", table.differing());
    steps.finish("reference");
    Ok(())
}

/// The two that are compared.
#[derive(Debug)]
struct Compared {
    python: Python,
    atex: Atex,
}

impl Compared {
    /// Discovers and runs the tests of a selection, and compares both with the answer.
    fn row(&self, selection: Selection, answer: &Answer, pool: &Pool, out: &Path) -> Result<Row> {
        let root = self.python.root(&selection);
        let names = self.atex.discover(&selection, &root)?;
        let reports = self.atex.run(&selection, &root, pool, out)?;
        let mut differing = differences(&answer.tests, &reports);
        for test in selection.otherwise() {
            let before = differing.len();
            differing.retain(|(name, _)| name != test);
            if differing.len() == before {
                let found = vec!["agrees, though it is known not to".to_owned()];
                differing.push((test.to_owned(), found));
            }
        }
        if names != answer.names {
            let python = format!("python: {}", answer.names.join(" "));
            let here = format!("here:   {}", names.join(" "));
            differing.insert(0, ("discovered, in this order".to_owned(), vec![python, here]));
        }
        Ok(Row {
            selection,
            over: pool.over,
            discovered: names.len(),
            compared: answer.tests.len(),
            differing,
        })
    }
}

/// What differs, by the name of the test. A test that only one of them ran differs, too.
fn differences(
    python: &BTreeMap<String, Report>,
    here: &BTreeMap<String, Report>,
) -> Vec<(String, Vec<String>)> {
    let tests: BTreeSet<&String> = python.keys().chain(here.keys()).collect();
    let found = tests.into_iter().map(|test| {
        let found = match (python.get(test), here.get(test)) {
            (Some(python), Some(here)) => python.differences(here, test),
            (Some(_), None) => vec!["run by the Python ATEX alone".to_owned()],
            (None, _) => vec!["run here alone".to_owned()],
        };
        (test.clone(), found)
    });
    found.filter(|(_, found)| !found.is_empty()).collect()
}

/// The selections of these trees; all, if none is named.
fn chosen(trees: &[String]) -> Result<Vec<Selection>> {
    let known = |tree: &&String| SELECTIONS.iter().any(|selection| selection.title() == **tree);
    if let Some(unknown) = trees.iter().find(|tree| !known(tree)) {
        let names: BTreeSet<String> = SELECTIONS.iter().map(Selection::title).collect();
        bail!("no tree {unknown}; there are {}", names.into_iter().collect::<Vec<_>>().join(", "));
    }
    let wanted = |tree: &str| trees.is_empty() || trees.iter().any(|name| name == tree);
    Ok(SELECTIONS.into_iter().filter(|selection| wanted(&selection.title())).collect())
}

/// Tests that are run without something that they ask for.
#[derive(Debug, Default)]
struct Needs {
    packages: BTreeSet<String>,
    libraries: BTreeSet<String>,
}

impl Needs {
    fn add(&mut self, selection: &Selection, answer: &Answer) {
        if selection.place == Where::Anywhere && selection.plan.is_none() {
            let named = |test: &String| format!("{}:{test}", selection.tree);
            self.packages.extend(answer.packages.iter().map(named));
            self.libraries.extend(answer.libraries.iter().map(named));
        }
    }
}

fn show(table: &Table, needs: &Needs) {
    println!("\nLeft out, with what it waits for:");
    for (what, why) in LEFT_OUT {
        println!("  {what}: {why}");
    }
    for (tree, test, why) in OTHERWISE {
        println!("  {tree}:{test}: run, and reports something else: {why}");
    }
    println!("Run, but without what they ask for:");
    for (what, tests) in [("packages", &needs.packages), ("libraries", &needs.libraries)] {
        println!("  {what}: {}", tests.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    }
    println!("\n{}", table.lines().join("\n"));
    println!("\n{} tests compared, {} difference(s)", table.compared(), table.differing());
    for line in table.differences() {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_only_one_ran_differs() {
        let tests = |names: &[&str]| {
            let reports = names.iter().map(|name| ((*name).to_owned(), Report::default()));
            reports.collect::<BTreeMap<_, _>>()
        };
        let found = differences(&tests(&["/a", "/b"]), &tests(&["/b", "/c"]));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["/a", "/c"]);
    }

    #[test]
    fn trees_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap().len(), SELECTIONS.len());
        assert!(chosen(&["env".into()]).unwrap().iter().all(|selection| selection.tree == "env"));
        let error = chosen(&["nothing".into()]).unwrap_err().to_string();
        assert_eq!(
            error,
            "no tree nothing; there are beakerlib-libraries, beakerlib-reboot, beakerlib-results, beakerlib-sanity, cwd, discover, env, \
             metadata, misc, pkgs, pty, reboot, results"
        );
    }
}
