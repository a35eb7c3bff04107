//! `atex report`: says what became of runs that were.

pub(crate) mod ended;
pub(crate) mod html;
mod list;
pub(crate) mod live;
pub(crate) mod options;
mod printed;
pub(crate) mod waivers;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use atex_report::{
    Asked, Dataset, Markdown, Review, ReviewText, RunStore, RunVerdict, Slow, Style, SummaryText,
};

use self::options::ReportOptions;
use crate::{exit_code, message, run};

/// Says it of all of these runs.
pub(crate) fn run(options: &ReportOptions) -> Result<u8> {
    let newest = if options.runs.is_empty() { vec![newest()?] } else { Vec::new() };
    if options.html.is_some() && options.runs.len() > 1 {
        // A page is about one run, and says what changed since the others.
        let runs = html::by_start(&options.runs)?;
        let verdict = report(&runs[runs.len() - 1], (&runs, options))?;
        return Ok(if options.exit_code { exit_code::of_run(verdict) } else { exit_code::PASSED });
    }
    let mut worst = RunVerdict::Passed;
    for dir in options.runs.iter().chain(&newest) {
        if options.runs.len() > 1 && !options.json && !options.markdown {
            message::line(&format!("== {}", dir.display()))?;
        }
        worst = worst.worse(report(dir, (&[], options))?);
    }
    Ok(if options.exit_code { exit_code::of_run(worst) } else { exit_code::PASSED })
}

/// The newest of the runs that are kept where they are by default.
fn newest() -> Result<PathBuf> {
    let entries = std::fs::read_dir(run::RUNS).into_iter().flatten().flatten();
    let runs = entries.map(|entry| entry.path()).filter(|path| path.join("run.json").is_file());
    let started = |path: &PathBuf| RunStore::open(path).ok().map(|store| store.info().started);
    match runs.max_by_key(started) {
        Some(newest) => Ok(newest),
        None => bail!("there is no run in {}/; name the folder of one", run::RUNS),
    }
}

/// Says what became of one run, compared with others besides those that are asked for.
fn report(dir: &Path, (others, options): (&[PathBuf], &ReportOptions)) -> Result<RunVerdict> {
    let store = RunStore::open(dir)?;
    let waivers = waivers::of_run(&options.waivers, &store)?;
    let mut dataset = Dataset::builder();
    for earlier in options.compare.iter().chain(others) {
        let store = RunStore::open(earlier)
            .with_context(|| format!("cannot compare with {}", earlier.display()))?;
        // `--compare runs/*` may well have the run itself among them.
        if !same(earlier, dir) {
            dataset.add_store(&store)?;
        }
    }
    dataset.add_store(&store)?;
    let dataset = dataset.finish();
    let now = dataset.runs().len() - 1;
    let before: Vec<usize> = (0..now).collect();
    let slow = Slow { times: options.slower, ..Slow::default() };
    let asked = Asked { waivers: waivers.as_ref(), before: &before, slow };
    let run = &dataset.runs()[now];
    let review = Review::of(&dataset, now, &asked, printed::last_lines(&store, &dataset, run));
    for problem in run.problems() {
        message::note(&format!("warning: {problem}"));
    }
    if let Some(path) = &options.html {
        html::write(&review, &store, (path, None))?;
        message::line(&format!("report: {}", path.display()))?;
    } else if options.select.is_any() {
        if options.markdown {
            bail!(
                "--markdown is a summary; with --json, or without either, results can be selected"
            );
        }
        let count = list::print(&review, &options.select, options.json)?;
        let s = if count == 1 { "" } else { "s" };
        message::note(&format!("{count} result{s}"));
    } else if options.json {
        message::json(&review)?;
    } else if options.markdown {
        let markdown = Markdown::new(&review);
        let markdown = options.link.iter().fold(markdown, |markdown, link| markdown.link(link));
        message::text(&markdown.to_string())?;
    } else {
        let more = ReviewText::new(&review, message::width());
        message::text(&text(&review, &store, more))?;
    }
    Ok(review.conclusion().verdict)
}

fn same(a: &Path, b: &Path) -> bool {
    std::fs::canonicalize(a).ok().zip(std::fs::canonicalize(b).ok()).is_some_and(|(a, b)| a == b)
}

/// A run for people: what is wrong, what changed, the numbers, and the word on it.
fn text(review: &Review<'_>, store: &RunStore, more: ReviewText<'_>) -> String {
    let more = more.style(Style::Ansi).to_string();
    let summary = SummaryText::new(review.report(), message::width()).style(Style::Ansi);
    let summary = summary.artifacts(store.artifacts_dir()).before_numbers(more);
    let waived = review.waivers.map(|waivers| (waivers, &review.waived_tests));
    waived
        .into_iter()
        .fold(summary, |summary, (waivers, tests)| summary.waived(waivers, tests))
        .to_string()
}
