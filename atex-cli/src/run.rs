//! `atex run`: builds the parts of a run, runs it, and says what came of it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use atex_core::{Aggregator, CancellationToken, EventSink, RunEvent};
use atex_report::{Entry, Journal, RunInfo, RunReport, RunStore, StoreError, Waivers};
use atex_sched::{OpenLeases, Run};
use serde_json::json;

use crate::args::{ProgressHow, RunOptions};
use crate::executor;
use crate::interrupt::Interrupts;
use crate::message::OutputError;
use crate::platforms::{Places, Platforms};
use crate::report::live::{LivePage, LivePlan};
use crate::report::{ended, waivers};
use crate::{exit_code, history, message, open_files, output, progress, resume, unmet};

/// Where runs are kept by default, each in a folder of its own.
pub(crate) const RUNS: &str = "atex-runs";

/// Runs what was asked for; the exit code says how it went.
pub(crate) fn run(options: &RunOptions) -> Result<u8> {
    if let Some(dir) = &options.resume {
        return resume::run(dir, options);
    }
    let asked_before = resume::asked_before(options)?;
    let options = asked_before.as_ref().unwrap_or(options);
    let platforms = Platforms::selected(options)?;
    let tests: usize = platforms.suites().map(|suite| suite.tests.len()).sum();
    if tests == 0 {
        bail!("no tests were selected; `atex discover` with the same options shows what is");
    }
    output::check(&options.results)?;
    live_plan(options).map_or(Ok(()), |plan| plan.check())?;
    open_files::make_room(platforms.systems().min(tests))?;
    let mut notes: Vec<String> =
        platforms.suites().flat_map(|suite| unmet::notes(suite, !options.no_install)).collect();
    notes.dedup();
    notes.iter().for_each(|note| message::note(note));
    let known = waivers::before_run(&options.waivers, &options.selection.root)?;
    let started = jiff::Timestamp::now();
    let store = create_store(options, started)?;
    if let Some((_, text)) = &known {
        store.keep_waivers(text)?;
    }
    store.keep_suites(platforms.suites())?;
    let cancel = CancellationToken::new();
    let life = Life { journal: store.journal(cancel.clone())?, cancel, events: Vec::new() };
    let waivers = known.map(|(waivers, _)| waivers);
    live(options, (platforms, waivers), &store, life)
}

/// A life of a run.
pub(crate) struct Life {
    pub(crate) journal: Journal,
    /// Stops it.
    pub(crate) cancel: CancellationToken,
    /// What happened in former lives.
    pub(crate) events: Vec<Entry>,
}

/// Carries the run out, to its end, and says what came of it.
pub(crate) fn live(
    options: &RunOptions,
    (platforms, waivers): (Platforms, Option<Waivers>),
    store: &RunStore,
    life: Life,
) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let page = live_plan(options).map(|plan| LivePage::start(plan, store, waivers.as_ref()));
    let seen = Arc::new(Seen::default());
    let done = runtime.block_on(drive(options, platforms, (store, life), &seen));
    // What still runs on the runtime is of no interest any more, and must not hold the program up.
    runtime.shutdown_background();
    drop(page);
    // Also when the run could not be recorded to its end: what was seen is worth showing.
    let verdict = conclude(options, store, (&seen, waivers.as_ref()));
    history::keep(options, store, &seen.report());
    done?;
    Ok(verdict?)
}

/// Whether a page is wanted while the run goes on.
fn live_plan(options: &RunOptions) -> Option<LivePlan> {
    let page = options.html.clone()?;
    Some(LivePlan { page, every: options.html_every.max(Duration::from_secs(1)) })
}

/// Makes the folder of the run.
fn create_store(options: &RunOptions, started: jiff::Timestamp) -> Result<RunStore> {
    let selection = &options.selection;
    let name = started.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y%m%d-%H%M%S").to_string();
    let tool = concat!("atex ", env!("CARGO_PKG_VERSION"));
    let asked = json!({
        "root": std::path::absolute(&selection.root)?,
        "plan": selection.plan,
        "tests": selection.tests,
        "exclude": selection.exclude,
        "filters": selection.filters,
        "conditions": selection.conditions,
        "context": selection.context.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
        "folder": std::env::current_dir()?,
        "pools": options.pools,
        "reruns": options.reruns,
        "every_platform": options.every_platform,
        "commands": options.commands,
        "options": options,
    });
    let info = RunInfo::new(&name, tool, started).asked(asked);
    match &options.out {
        Some(dir) => RunStore::create(dir, &info).with_context(|| cannot_keep(dir)),
        None => fresh(Path::new(RUNS), &info),
    }
}

fn cannot_keep(dir: &Path) -> String {
    format!("cannot keep the run in {}", dir.display())
}

/// Marks the folder of all runs as a metadata tree of its own. It often lies in the tree whose tests are run, and that ends
/// where another begins: so no file that a test left there is ever taken for metadata, by whatever reads them.
fn mark(runs: &Path) -> std::io::Result<()> {
    let fmf = runs.join(".fmf");
    std::fs::create_dir_all(&fmf)?;
    std::fs::write(fmf.join("version"), "1\n")
}

/// A store in a new folder. Several runs may begin at the same moment: who comes too late for a folder takes the next.
fn fresh(parent: &Path, info: &RunInfo) -> Result<RunStore> {
    mark(parent).with_context(|| cannot_keep(parent))?;
    let mut number = 1;
    loop {
        let dir = match number {
            1 => parent.join(&info.run),
            _ => parent.join(format!("{}-{number}", info.run)),
        };
        match RunStore::create(&dir, info) {
            Err(StoreError::NotEmpty { .. }) => number += 1,
            made => return made.with_context(|| cannot_keep(&dir)),
        }
    }
}

/// Carries the run out.
async fn drive(
    options: &RunOptions,
    platforms: Platforms,
    (store, life): (&RunStore, Life),
    seen: &Arc<Seen>,
) -> Result<()> {
    let interrupts = Interrupts::catch().context("cannot catch signals")?;
    let Life { journal, cancel, events } = life;
    let journal: Arc<Journal> = Arc::new(journal);
    let leases = Arc::new(OpenLeases::default());
    let standing = resume::recall(&events, (seen, &leases));
    let (results, outputs) = match standing {
        Some(_) => {
            let report = seen.report();
            let results = resume::results(store, &report).await?;
            (results, output::again(&options.results, (store, &report)).await?)
        }
        None => (store.results()?, output::outputs(&options.results, store).await?),
    };
    let how = progress::resolve(options.progress);
    let follow = executor::follow(options)?.map(Arc::new);
    // Where runs are recorded may lie in the tree, and must not be uploaded while it is written to.
    let runs = if options.out.is_some() { store.dir() } else { Path::new(RUNS) };
    let (artifacts, logs) = (store.artifacts_dir(), store.dir().join("sessions"));
    let history = platforms.history().clone();
    let places = Places { artifacts, logs, runs, owner: owner(store) };
    let mut run = platforms
        .run(options, &places, follow.as_ref())?
        .name(&store.info().run)
        .sink(journal.clone())
        .sink(leases.clone())
        .sink(seen.clone())
        .cancel(cancel.clone());
    if let Some(standing) = standing {
        run = run.resume(standing, resume::lasted(store));
    }
    let outputs = std::iter::once(Arc::new(results) as Arc<dyn Aggregator>).chain(outputs);
    run = outputs.fold(run, Run::aggregator);
    // First the last words of a test, then how it went.
    run = follow.clone().into_iter().fold(run, |run, follow| run.sink(follow));
    let expected = history::expected(&history, &run.plan());
    run = progress::sinks(how, expected, &events).into_iter().fold(run, Run::sink);
    let watch = async {
        match &follow {
            Some(follow) => follow.watch().await,
            None => std::future::pending().await,
        }
    };
    let out = store.dir().display().to_string();
    let summary = tokio::select! {
        summary = run.run() => summary?,
        never = interrupts.watch(cancel, leases, out) => match never {},
        never = watch => match never {},
    };
    for failure in &summary.report_failures {
        message::note(&format!("warning: {failure}"));
    }
    match journal.failure() {
        Some(failure) => {
            Err(failure).context("the run was stopped, because it could not be recorded")
        }
        None => Ok(()),
    }
}

/// Tells what the run puts on remotes from what others put there.
pub(crate) fn owner(store: &RunStore) -> String {
    let info = store.info();
    format!("{} {}", info.run, info.started)
}

/// Prints the summary, and gives the exit code.
fn conclude(
    options: &RunOptions,
    store: &RunStore,
    (seen, waivers): (&Seen, Option<&Waivers>),
) -> Result<u8, OutputError> {
    let report = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (summary, verdict) = ended::said(store, &report, (waivers, options.html.as_deref()));
    let text = format!("{}\nresults: {}", summary.trim_end(), store.results_path().display());
    let printed = match options.progress {
        ProgressHow::Json => {
            message::note(&text);
            Ok(())
        }
        _ => message::line(&text),
    };
    match (exit_code::of_run(verdict), printed) {
        (exit_code::PASSED, printed) => printed.map(|()| exit_code::PASSED),
        // It says more than that nobody could be told.
        (verdict, _) => Ok(verdict),
    }
}

/// What was seen of the run: the same as the journal says, also when the journal could not be written.
#[derive(Default)]
pub(crate) struct Seen(Mutex<RunReport>);

impl Seen {
    /// As it is now.
    fn report(&self) -> RunReport {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl EventSink for Seen {
    fn emit(&self, at: Duration, event: &RunEvent) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).apply(at, event);
    }
}
