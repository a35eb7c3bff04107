//! The arguments of the commands that look after stored runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct RunsOptions {
    /// The folder that the runs are in
    #[arg(value_name = "DIR", default_value = "atex-runs")]
    pub(crate) folder: PathBuf,

    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: RunsFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunsFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct PruneOptions {
    /// The folder that the runs are in
    #[arg(value_name = "DIR", default_value = "atex-runs")]
    pub(crate) folder: PathBuf,

    /// Remove all but the N newest runs
    #[arg(long, value_name = "N", required_unless_present = "older_than")]
    pub(crate) keep: Option<usize>,

    /// Remove runs that were started longer ago than this
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) older_than: Option<Duration>,

    /// Remove nothing, only say what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportOptions {
    /// Files of results; each shows by itself what it is, also when it is compressed
    #[arg(value_name = "FILE", required = true)]
    pub(crate) inputs: Vec<PathBuf>,

    /// The folder of the run that is made: a new or empty one
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// The platform of results that do not say theirs (imported)
    #[arg(long, value_name = "NAME")]
    pub(crate) platform: Option<String>,

    /// What all of the files are, where they do not show it
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<InputFormat>,

    /// Where the files lie that tests left; by default 'files' beside the results, for tmt the folder of the results
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    Jsonl,
    Yaml,
    Tmt,
    Junit,
    Csv,
    Sqlite,
}

#[derive(Debug, Args)]
pub(crate) struct ExportOptions {
    /// The folder of the run
    #[arg(value_name = "DIR")]
    pub(crate) run: PathBuf,

    /// jsonl, yaml, junit, csv or sqlite; with .gz, .xz or .zst after it, compressed; or reportportal, with :NAME after it. Settings follow
    /// as for 'atex run --results'
    #[arg(long, value_name = "FORMAT[,KEY=VALUE]")]
    pub(crate) format: String,

    /// The file to write, which must not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Put the files that tests left below this folder, which must not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
}

pub(crate) const RUNS_EXAMPLES: &str = "\
Examples:
  atex runs
  atex runs results --format json | jq -r '.[] | select(.verdict != \"passed\") | .dir'";

pub(crate) const PRUNE_EXAMPLES: &str = "\
Examples:
  atex prune --keep 20
  atex prune --older-than 30d --dry-run

A run that goes on is never removed, nor one of which something may be left: give that back first, by 'atex reap'.
With both --keep and --older-than, a run goes that either names.";

pub(crate) const IMPORT_EXAMPLES: &str = "\
Examples:
  atex import results.jsonl.xz --out atex-runs/old
  atex import tmt/plan/execute/results.yaml --out tmt-run
  atex import junit-*.xml --platform fedora-42@x86_64 --out unit

Files may be JSON lines, YAML documents or databases as 'atex export' and the Python ATEX write them, results.yaml of
tmt, JUnit XML, or CSV; compressed by gzip, xz or zstd or not. What is imported is a run like any other.";

pub(crate) const EXPORT_EXAMPLES: &str = "\
Examples:
  atex export atex-runs/20260102-150405 --format junit --out junit.xml
  atex export atex-runs/20260102-150405 --format jsonl.xz,pack=xz --out results.jsonl.xz --files files
  ATEX_REPORTPORTAL_TOKEN=… atex export atex-runs/20260102-150405 --format reportportal:nightly,url=https://rp.example.org,project=os";
