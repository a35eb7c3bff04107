//! [`Selection`]: which tests of which tree are compared, and what is left out.

/// The version of the Python ATEX that is asked.
pub(super) const ATEX: &str = "atex==1.2";
/// The version of the library that it reads metadata with.
pub(super) const FMF: &str = "fmf==1.7.0";

/// The context that metadata are adjusted to; `driver.py` has the same.
pub(super) const CONTEXT: [&str; 4] = ["-c", "distro=fedora-42", "-c", "arch=x86_64"];

/// Tests of one tree: all, or those of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection {
    /// The folder of the tree.
    pub(super) tree: &'static str,
    /// The plan.
    pub(super) plan: Option<&'static str>,
}

/// Everything that is compared.
pub(super) const SELECTIONS: [Selection; 16] = [
    all("cwd"),
    plan("cwd", "/plan"),
    plan("cwd", "/plan_named"),
    plan("cwd", "/plan_two_sections"),
    all("env"),
    plan("env", "/plan"),
    all("misc"),
    all("results"),
    all("discover"),
    plan("discover", "/plans/single"),
    plan("discover", "/plans/filtered"),
    plan("discover", "/plans/duplicate"),
    all("metadata"),
    plan("metadata", "/plans/with_env"),
    plan("metadata", "/plans/filtered"),
    plan("pty", "/plan"),
];

/// A test that is discovered, but not run, and why.
pub(super) const NOT_RUN: [(&str, &str, &str); 3] = [
    ("misc", "/test_cancel", "sleeps two minutes to be interrupted, and reports nothing else"),
    ("results", "/test_no_file_data", SWALLOWED),
    ("results", "/test_some_file_data", SWALLOWED),
];

const SWALLOWED: &str = "announces more than it sends: there the word about the exit code ends up in its file, here not (decision 9)";

/// What is not compared at all, and what it waits for.
pub(super) const LEFT_OUT: [(&str, &str); 5] = [
    ("tree pkgs", "packages: `require`, `recommend` and plans that install"),
    ("tree reboot", "systems of their own: its tests would reboot this machine"),
    ("the trees of executor/beakerlib", "beakerlib, which cannot be fetched here"),
    (
        "tree discover, plan /plans/with_http",
        "libraries: tests and libraries fetched from elsewhere by `url`",
    ),
    ("phases of plans with `how: install`", "packages"),
];

const fn all(tree: &'static str) -> Selection {
    Selection { tree, plan: None }
}

const fn plan(tree: &'static str, plan: &'static str) -> Selection {
    Selection { tree, plan: Some(plan) }
}

impl Selection {
    /// A name that a file may have.
    pub(super) fn file_name(&self) -> String {
        format!("{}{}", self.tree, self.plan.unwrap_or_default().replace('/', "-"))
    }

    /// The tests that are not run.
    pub(super) fn not_run(&self) -> impl Iterator<Item = &'static str> {
        let tree = self.tree;
        NOT_RUN.iter().filter(move |(of, ..)| *of == tree).map(|(_, test, _)| *test)
    }
}
