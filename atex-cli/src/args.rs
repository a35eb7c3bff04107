//! The arguments as they are typed.

use std::path::PathBuf;
use std::time::Duration;

use atex_sched::{Affinity, Order};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use serde::{Deserialize, Serialize};

use crate::report::options::{REPORT_EXAMPLES, ReportOptions, WaiverOptions};
use crate::store_args::{ExportOptions, ImportOptions, PruneOptions, RunsOptions};
use crate::{exit_code, store_args};

/// Ad-hoc Test EXecution: runs FMF-described tests on many systems, each free one taking the next test.
#[derive(Debug, Parser)]
#[command(name = "atex", version, max_term_width = 100, propagate_version = false)]
#[command(after_help = exit_code::HELP)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Arguments {
    /// Say more about what is done, on standard error; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Colours: on a terminal (unless NO_COLOR is set), always, or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false
    )]
    pub(crate) color: ColorWhen,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the tests that a plan, or a selection, stands for
    #[command(after_help = DISCOVER_EXAMPLES)]
    Discover(DiscoverOptions),
    /// Look at the metadata tree itself
    Fmf {
        #[command(subcommand)]
        command: FmfCommand,
    },
    /// Run tests on systems of one or several pools
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunOptions>),
    /// Say what became of runs: what failed and why, what is known, what changed
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportOptions),
    /// Say what a run would do, when and where, and how long it would take: nothing is started
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Box<RunOptions>),
    /// What is known of how long tests take and how they went
    History {
        #[command(subcommand)]
        command: HistoryCommand,
    },
    /// Give back what a run has left that was killed: containers, folders
    #[command(after_help = REAP_EXAMPLES)]
    Reap(ReapOptions),
    /// List the runs that are kept, the newest first
    #[command(after_help = store_args::RUNS_EXAMPLES)]
    Runs(RunsOptions),
    /// Remove old runs
    #[command(after_help = store_args::PRUNE_EXAMPLES)]
    Prune(PruneOptions),
    /// Make a run of results that others wrote: JSON lines, YAML, JUnit, tmt's results.yaml
    #[command(after_help = store_args::IMPORT_EXAMPLES)]
    Import(ImportOptions),
    /// Write the results of a run for others: JSON lines, YAML, JUnit, CSV, SQLite
    #[command(after_help = store_args::EXPORT_EXAMPLES)]
    Export(ExportOptions),
    /// Print a script with completions for your shell
    #[command(
        after_help = "Example:\n  atex completions bash >~/.local/share/bash-completion/completions/atex"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Add runs that were kept elsewhere: folders of runs, or results.jsonl, which do not say how long tests took
    #[command(
        after_help = "Examples:\n  atex history import results/tonight\n  atex history import --history lab.jsonl ci/*/results.jsonl"
    )]
    Import(HistoryOptions),
    /// Print what is known: the expected time, how it went the last time, and the test
    #[command(after_help = "Example:\n  atex history show | sort -rn | head")]
    Show(HistoryOptions),
}

#[derive(Debug, Args)]
pub(crate) struct HistoryOptions {
    /// Where it is kept; by default, atex-runs/history.jsonl
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,

    /// Folders of runs and files of results
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FmfCommand {
    /// Make a folder the top of a new metadata tree: create '.fmf/version' in it
    #[command(after_help = "Examples:\n  atex fmf init\n  atex fmf init tests/metadata")]
    Init(InitOptions),
    /// Print the nodes of the tree: name, data with all that is inherited and adjusted, and the files they come from
    #[command(
        after_help = "Examples:\n  atex fmf show --whole --format yaml\n  atex fmf show -c distro=rhel-9.6 | jq '.[].name'"
    )]
    Show(ShowOptions),
    /// Look for what is hardly meant: unknown keys, wrong types, dead filters, rules that never hold, missing scripts
    #[command(after_help = LINT_EXAMPLES)]
    Lint(LintOptions),
}

/// Which tests: a plan, and what narrows it down.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Selection")]
pub(crate) struct SelectionOptions {
    /// A folder of the FMF tree; its root is looked for from there upwards
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) root: PathBuf,

    /// The plan whose tests are meant; without it, all tests of the tree
    #[arg(long, value_name = "NAME")]
    pub(crate) plan: Option<String>,

    /// Only tests whose name has a match of this regular expression (any one of several)
    #[arg(short = 't', long = "test", value_name = "REGEX")]
    pub(crate) tests: Vec<String>,

    /// No tests whose name has a match of this regular expression
    #[arg(long, value_name = "REGEX")]
    pub(crate) exclude: Vec<String>,

    /// Only tests that this FMF filter holds for: 'tag: smoke & tier: 1, 2' (all of several)
    #[arg(long = "filter", value_name = "EXPR")]
    pub(crate) filters: Vec<String>,

    /// Only tests that this condition holds for: "'slow' not in tag" (all of several)
    #[arg(long = "condition", value_name = "EXPR")]
    pub(crate) conditions: Vec<String>,

    /// A dimension of the context that the metadata are adjusted to: -c distro=rhel-9.6 -c arch=x86_64
    #[arg(short = 'c', long = "context", value_name = "KEY=VALUE", value_parser = dimension)]
    pub(crate) context: Vec<(String, String)>,

    /// The url below which the repositories of libraries lie that tests require as 'library(NICK/NAME)'
    #[arg(long, value_name = "URL", default_value = "https://github.com/beakerlib")]
    pub(crate) library_host: String,

    /// Do not fetch the libraries that tests require; `require` and `recommend` stay as they are written
    #[arg(long)]
    pub(crate) no_libraries: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiscoverOptions {
    #[command(flatten)]
    pub(crate) selection: SelectionOptions,

    /// A name per line, or everything about the tests as JSON
    #[arg(long, value_name = "FORMAT", default_value = "names")]
    pub(crate) format: DiscoverFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiscoverFormat {
    Names,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// A folder of the FMF tree; its root is looked for from there upwards
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) root: PathBuf,

    /// All nodes, those that others inherit from included
    #[arg(long)]
    pub(crate) whole: bool,

    /// A dimension of the context that the metadata are adjusted to; without any, nothing is adjusted
    #[arg(short = 'c', long = "context", value_name = "KEY=VALUE", value_parser = dimension)]
    pub(crate) context: Vec<(String, String)>,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub(crate) format: ShowFormat,
}

#[derive(Debug, Args)]
pub(crate) struct InitOptions {
    /// The folders, each for a tree of its own; they are created if they are not there
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folders: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LintOptions {
    /// A folder of the FMF tree; its root is looked for from there upwards
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) root: PathBuf,

    /// A dimension of the context that the metadata are adjusted to; without any, they are taken as they are written
    #[arg(short = 'c', long = "context", value_name = "KEY=VALUE", value_parser = dimension)]
    pub(crate) context: Vec<(String, String)>,

    /// Leave a check out, by the name that its findings show; may be given several times
    #[arg(long, value_name = "CHECK")]
    pub(crate) skip: Vec<String>,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: LintFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LintFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ShowFormat {
    Json,
    Yaml,
}

/// What a run is asked to do. All of it is kept in `run.json`, for whoever goes on with the run: a new field needs a default there, which
/// is the one that it has here.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunOptions {
    /// Where systems come from; may be given several times: see the examples
    #[arg(
        long = "pool",
        value_name = "BACKEND[:TARGET][,KEY=VALUE]…",
        required_unless_present_any = ["resume", "failed_from"]
    )]
    pub(crate) pools: Vec<String>,

    /// Go on with the run in this folder, which was killed: with what was asked then, where it was then
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    pub(crate) resume: Option<PathBuf>,

    /// Run a test that failed up to N times more
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) reruns: u32,

    /// Run only what did not pass in the run of this folder; without --pool, with what was asked of that run
    #[arg(long, value_name = "DIR")]
    pub(crate) failed_from: Option<PathBuf>,

    /// Run every test N times, or until it fails
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with_all = ["reruns", "until_fail"])]
    pub(crate) repeat: u32,

    /// Run every test again and again until it fails: 1000 times at most
    #[arg(long, conflicts_with = "reruns")]
    pub(crate) until_fail: bool,

    /// Where it is kept how long tests took and how they went; by default, atex-runs/history.jsonl
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,

    /// Run every test once on each platform of the pools, instead of once on any of them
    #[arg(long)]
    pub(crate) every_platform: bool,

    /// Which tests go first, the most important thing first; 'priority,failed,longest' by default
    #[arg(long, value_name = "BY,…", value_delimiter = ',', hide_possible_values = false)]
    pub(crate) order: Vec<OrderBy>,

    /// Run a test that infrastructure trouble ended up to N times more
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) infra_retries: u32,

    /// A test that exits with this code leaves a system that nothing else should run on, as those with the tag 'destructive' do
    #[arg(long = "destructive-exit-code", value_name = "CODE")]
    pub(crate) destructive_exit_codes: Vec<i32>,

    /// Make systems again what they were after a destructive test, where they can do that, instead of replacing them
    #[arg(long)]
    pub(crate) roll_back: bool,

    /// Use a system no more on which N tests failed that passed on another of its platform; 0: go on with it
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) quarantine: u32,

    /// How tests are run: as FMF describes them, or all of them as beakerlib tests (those that say so are in any case)
    #[arg(long, value_name = "HOW", default_value = "fmf")]
    pub(crate) executor: ExecutorHow,

    /// Run commands instead of tests of a tree: those in this file, a line each, a name and then what bash is to run
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "tests", "filters", "conditions", "exclude"])]
    pub(crate) commands: Option<PathBuf>,

    /// Show what tests print, as it comes, each line after the name of its test
    #[arg(long)]
    pub(crate) follow: bool,

    /// A variable for every test; wins over those of plans and tests. It is kept with the run: see --secret
    #[arg(short = 'e', long = "environment", value_name = "KEY=VALUE", value_parser = variable)]
    pub(crate) environment: Vec<(String, String)>,

    /// A variable for every test that nobody may see, named only: its value is that which it has for atex
    #[arg(long = "secret", value_name = "NAME")]
    pub(crate) secrets: Vec<String>,

    /// How long a connection that is cut under a test may take to come back; the test goes on meanwhile
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = humantime::parse_duration)]
    pub(crate) reconnect: Duration,

    /// Install no packages: tests find what is on their systems
    #[arg(long)]
    pub(crate) no_install: bool,

    /// Where to keep the run: a new or empty folder; by default, a new one in atex-runs/
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Write the results in this format as well, while tests end; may be given several times: see the examples
    #[arg(long, value_name = "FORMAT[:FILE][,KEY=VALUE]…")]
    pub(crate) results: Vec<String>,

    /// Write the report as one HTML file, again and again while the run goes on: the page in a browser follows. At the end there is
    /// report.html in the folder of the run in any case
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// How often to write it; less often when that would take more than a twentieth of the time
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration, requires = "html")]
    pub(crate) html_every: Duration,

    /// What to show while it runs: what each system does, at the bottom of a terminal (bar), lines elsewhere (plain)
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub(crate) progress: ProgressHow,

    #[command(flatten)]
    pub(crate) waivers: WaiverOptions,

    #[command(flatten)]
    pub(crate) selection: SelectionOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ReapOptions {
    /// The folders of the runs, as given to or made by 'atex run'
    #[arg(value_name = "DIR", required = true)]
    pub(crate) runs: Vec<PathBuf>,
}

/// What tests are put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum OrderBy {
    /// The highest 'extra-priority'
    Priority,
    /// Those that did not pass the last time
    Failed,
    /// The longest
    Longest,
    /// The shortest
    Shortest,
    /// Those that are not destructive
    Harmless,
    /// Those in the folder of the last test of the system
    Folder,
    /// Those with the 'extra-label' of the last test of the system
    Label,
}

impl OrderBy {
    /// What the scheduler calls it.
    pub(crate) fn meant(self) -> Order {
        match self {
            Self::Priority => Order::Priority,
            Self::Failed => Order::FailedFirst,
            Self::Longest => Order::Longest,
            Self::Shortest => Order::Shortest,
            Self::Harmless => Order::DestructiveLast,
            Self::Folder => Order::Affinity(Affinity::Folder),
            Self::Label => Order::Affinity(Affinity::Label),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum ExecutorHow {
    Fmf,
    Beakerlib,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum ProgressHow {
    Auto,
    Bar,
    Plain,
    /// Every event as a line of JSON on standard output; everything else goes to standard error
    Json,
    None,
}

const DISCOVER_EXAMPLES: &str = "\
Examples:
  atex discover --plan /plans/smoke
  atex discover -t '^/net' --filter 'tag: -slow' -c distro=rhel-9.6 -c arch=x86_64
  atex discover --format json | jq '.tests | keys'";

const LINT_EXAMPLES: &str = "\
Examples:
  atex fmf lint
  atex fmf lint --skip duplicate-summary -c distro=rhel-9.6
  atex fmf lint --format json | jq -r '.[].file' | sort | uniq -c

Exit codes: 0 nothing found, 1 something found, 2 wrong use";

const REAP_EXAMPLES: &str = "\
Examples:
  atex reap atex-runs/20260102-150405
  atex reap atex-runs/*

The journal of a run tells what was made and not given back. Reaping may be repeated; a run that still goes on
is left alone. Hosts that were there before are reached once more, to end what the run started there and remove its folders.

Exit codes: 0 nothing is left, 2 wrong use, 3 something may be left";

const PLAN_EXAMPLES: &str = "\
Examples:
  atex plan --pool local,max=4
  atex plan --plan /plans/full --pool ssh,inventory=lab.hosts --history lab.jsonl

How long tests take is what they took the last times (the median of five), else what their metadata allow them. Every test is taken to
pass. Exit codes: 0 everything can be run, 2 wrong use, 3 something cannot be run";

const RUN_EXAMPLES: &str = "\
Pools:
  local             this machine: each system is a folder of its own
  ssh:HOST          a system that is there, by ssh: user@host:port, or a name of your ~/.ssh/config
  ssh,inventory=F   the systems that the file F lists, a line each: user@host:port distro=rhel-9.6
  podman:IMAGE      containers of an image that is here, each made for the run and removed with it
  docker:IMAGE      the same by docker; podman,recipe=F and docker,recipe=F build the image of a Containerfile, once
  with ,max=N       at most N systems at once (local: 1, containers: 10 by default)
       ,min=N ,spares=N   at least N systems while there is work for them; N kept ready besides those that run tests
       ,distro=D ,arch=A ,fact.NAME=VALUE   what its systems are: metadata are adjusted to it, `extra-needs` of tests look at it
       ,name=NAME ,platform=NAME   how the pool is called, and what its results are filed under
       ,identity=F ,ssh_config=F ,ssh_option=KEY=VALUE   for ssh: -i, -F and -o of ssh(1)
       ,tools=yes   for containers: bash, coreutils and tar are added to the image if need be, once
       ,systemd=yes ,option=--OPTION=VALUE   for containers: started by /sbin/init; options of 'podman run'

Results, besides those in the folder of the run:
  jsonl, yaml, junit, csv, sqlite   with .gz, .xz or .zst after it, compressed; by default a file in the folder of the run
  with ,files=DIR         the files of tests as well, below a new folder; ,pack=gz (xz, zst): each compressed
       ,level=N ,exclude=NAME ,suffix=.TXT   how hard, which files not, and what is added to their names (may be nothing)
  reportportal:LAUNCH     a launch of this name on the server of ATEX_REPORTPORTAL_URL, _PROJECT and _TOKEN
       ,subtests=failed ,flat=/ ,rerun_of=UUID ,attribute=KEY:VALUE   what is shown, where, and of which launch

Examples:
  atex run --pool local,max=4
  atex run --pool podman:fedora:42,max=8,option=--memory=1g
  atex run --plan /plans/full --pool ssh:root@lab1 --pool ssh:root@lab2 --reruns 1
  atex run --every-platform --pool podman:centos9,distro=centos-9 --pool podman:fedora42,distro=fedora-42
  atex run --commands checks.txt --pool ssh:root@lab1 --follow
  atex run --pool local --results junit:junit.xml --results jsonl.xz:out.jsonl.xz,files=out,pack=xz
  atex run --pool local,max=4 --html report.html      open it in a browser: it follows
  atex run --filter 'tier: 1' --pool ssh,inventory=lab.hosts,max=8 --out results/tonight
  atex run --failed-from results/tonight --out results/again
  atex run --pool local,max=4 -t /net --until-fail
  atex run --resume results/tonight      after it was killed: nothing that was done is done again

What metadata of a test say to the scheduler:
  extra-needs: distro == rhel-9 and arch == x86_64   runs only where this holds; a test that no pool can run is reported at once
  extra-priority: 10    the highest first; 0 for those that do not say
  extra-group: NAME     tests of a group run one after the other on the same system
  extra-together: NAME  tests of the same name run at once, each on a system of its own, as extra-role (or the end of its name);
                        ATEX_ROLE and ATEX_PEERS=\"server=ADDRESS client=ADDRESS\" tell them of each other
  extra-label: NAME     what it likes to share a system with, with --order label

Ctrl-C once stops the tests, gives everything back and keeps the results; twice leaves at once.

Exit codes: 0 all passed, 1 some test failed, 2 wrong use, 3 infrastructure trouble, 130 interrupted";

fn dimension(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE, as in distro=rhel-9.6".to_owned()),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_make_sense() {
        super::Arguments::command().debug_assert();
    }
}
