//! The arguments of `atex report`, as they are typed.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

/// What is wanted to be known of runs.
#[derive(Debug, Args)]
pub(crate) struct ReportOptions {
    /// The folders of the runs; by default, the newest one in atex-runs/
    #[arg(value_name = "DIR")]
    pub(crate) runs: Vec<PathBuf>,

    /// Say what changed since these earlier runs; their order does not matter
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub(crate) compare: Vec<PathBuf>,

    /// A test counts as slower when it took so many times as long as it used to, and five seconds more
    #[arg(long, value_name = "TIMES", default_value_t = 2.0, requires = "compare")]
    pub(crate) slower: f64,

    #[command(flatten)]
    pub(crate) waivers: WaiverOptions,

    /// End with the exit code of the run, as 'atex run' would: 1 if some test failed and is not waived, … Of several runs, one that was
    /// interrupted counts first, then one with a failed test, then trouble of infrastructure
    #[arg(long)]
    pub(crate) exit_code: bool,

    /// Print the summary as Markdown, for a comment on a pull request: at most 65,536 characters
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,

    /// The address of all results, for --markdown
    #[arg(long, value_name = "URL", requires = "markdown")]
    pub(crate) link: Option<String>,

    /// Print everything as JSON: an object for each run, or for each result if results are selected
    #[arg(long)]
    pub(crate) json: bool,

    /// Write everything into one HTML file, to be opened in a browser; of several runs, the newest, compared with the others
    #[arg(long, value_name = "FILE", conflicts_with_all = ["markdown", "json", "status", "platform", "tests", "subtests"])]
    pub(crate) html: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) select: SelectOptions,
}

/// Failures that are known.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
pub(crate) struct WaiverOptions {
    /// Known failures, which do not count for the exit code: a YAML file, see docs/guide/reports.md
    #[arg(long, value_name = "FILE")]
    pub(crate) waivers: Option<PathBuf>,

    /// As if there were no waivers
    #[arg(long, conflicts_with = "waivers")]
    pub(crate) no_waivers: bool,
}

/// Which results: with any of these, results are listed.
#[derive(Debug, Args)]
#[command(next_help_heading = "List results instead of a summary")]
pub(crate) struct SelectOptions {
    /// Results with this status (any one of several): pass, fail, error, infra, …
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<String>,

    /// Results of platforms that this glob stands for (any one of several)
    #[arg(long, value_name = "GLOB")]
    pub(crate) platform: Vec<String>,

    /// Results of tests whose name has a match of this regular expression (any one of several)
    #[arg(short = 't', long = "test", value_name = "REGEX")]
    pub(crate) tests: Vec<String>,

    /// Results of subtests, too
    #[arg(long)]
    pub(crate) subtests: bool,
}

impl SelectOptions {
    /// Whether results are to be listed.
    pub(crate) fn is_any(&self) -> bool {
        self.subtests
            || [&self.status, &self.platform, &self.tests].into_iter().any(|some| !some.is_empty())
    }
}

pub(crate) const REPORT_EXAMPLES: &str = "\
Examples:
  atex report                                        the newest run
  atex report results/tonight --compare results/2026*
  atex report results/tonight --status fail,error --platform 'rhel-9*' --subtests
  atex report results/* --html report.html           the newest, and what changed
  atex report results/tonight --markdown --compare results/main >comment.md
  atex report results/tonight --json | jq '.comparison.counts'
  atex report results/tonight --waivers known.yaml --exit-code

Waivers are those that the run was started with (a copy is in its folder), or those of --waivers.

Exit codes: 0 printed, 2 wrong use, 3 a run cannot be read; with --exit-code those of 'atex run'";
