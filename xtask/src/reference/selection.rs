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
    /// What runs the tests.
    pub(super) executor: Executor,
    /// What they need around them.
    pub(super) place: Where,
}

/// What runs tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Executor {
    Fmf,
    Beakerlib,
}

/// What tests need around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// Nothing. They are run without the packages that they ask for.
    Anywhere,
    /// A system that they may reboot.
    Machine,
    /// Beakerlib.
    Beakerlib,
    /// A system that packages can be installed on.
    Packages,
}

/// Everything that is compared.
pub(super) const SELECTIONS: [Selection; 23] = [
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
    plan("discover", "/plans/with_http"),
    all("metadata"),
    plan("metadata", "/plans/with_env"),
    plan("metadata", "/plans/filtered"),
    plan("pty", "/plan"),
    Selection { place: Where::Machine, ..plan("reboot", "/plan") },
    Selection { place: Where::Packages, ..plan("pkgs", "/plan") },
    Selection {
        place: Where::Beakerlib,
        executor: Executor::Beakerlib,
        ..plan("results", "/plan")
    },
    Selection { place: Where::Beakerlib, executor: Executor::Beakerlib, ..plan("sanity", "/plan") },
    Selection {
        place: Where::Beakerlib,
        executor: Executor::Beakerlib,
        ..plan("libraries", "/plan")
    },
    Selection { place: Where::Machine, executor: Executor::Beakerlib, ..plan("reboot", "/plan") },
];

/// Tests that are run in another way than the others, by both, each by itself: the name of the tree, the test.
pub(super) const APART: [(&str, &str, Apart); 3] = [
    ("misc", "/test_cancel", Apart::Cancelled),
    ("results", "/test_no_file_data", Apart::WithoutExitCode),
    ("results", "/test_some_file_data", Apart::WithoutExitCode),
];

/// How a test is run that is run apart: as the tests of the Python ATEX do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Apart {
    /// By a caller who cancels it while it runs: an interrupted `atex run`, a call of `cancel()`.
    Cancelled,
    /// With `ATEX_DEBUG_NO_EXITCODE`: it announces more than it sends, and there the word about the exit code would end up in its file.
    WithoutExitCode,
}

/// Tests that report something else here, by intention, and why: the name of the tree, the test.
pub(super) const OTHERWISE: [(&str, &str, &str); 2] =
    [("reboot", "/test_reboot", NO_REBOOT), ("reboot", "/test_reboot_count", NO_REBOOT)];

const NO_REBOOT: &str = "dies of the closed channel before it reboots: there it is started again as if it had rebooted, here it is told so (decision 14)";

/// What is not compared at all, and what it would take.
pub(super) const LEFT_OUT: [(&str, &str); 1] =
    [("phases of plans with `how: install`, but for tree pkgs", "packages on this machine")];

impl Apart {
    /// What the driver calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::WithoutExitCode => "untold",
        }
    }
}

const fn all(tree: &'static str) -> Selection {
    Selection { tree, plan: None, executor: Executor::Fmf, place: Where::Anywhere }
}

const fn plan(tree: &'static str, plan: &'static str) -> Selection {
    Selection { plan: Some(plan), ..all(tree) }
}

impl Selection {
    /// A name that a file may have.
    pub(super) fn file_name(&self) -> String {
        format!("{}{}", self.title(), self.plan.unwrap_or_default().replace('/', "-"))
    }

    /// The tree, and what runs it if that is not the usual.
    pub(super) fn title(&self) -> String {
        match self.executor {
            Executor::Fmf => self.tree.to_owned(),
            Executor::Beakerlib => format!("beakerlib-{}", self.tree),
        }
    }

    /// The tests that are run apart, and how.
    pub(super) fn apart(&self) -> impl Iterator<Item = (&'static str, Apart)> {
        let title = self.title();
        APART.iter().filter(move |(of, ..)| *of == title).map(|(_, test, how)| (*test, *how))
    }

    /// The tests that are known to report something else.
    pub(super) fn otherwise(&self) -> impl Iterator<Item = &'static str> {
        let title = self.title();
        OTHERWISE.iter().filter(move |(of, ..)| *of == title).map(|(_, test, _)| *test)
    }
}
