//! The page of a run while it goes on: written again and again.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use atex_report::{Asked, Dataset, Review, RunStore, Waivers};

use super::{html, printed};
use crate::message;

/// The page takes at most one part in so many of one processor's time, however big the run is.
const SHARE: u32 = 20;

/// Somebody who writes the page of a run that goes on, until this is dropped.
pub(crate) struct LivePage {
    writer: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

/// Where the page goes, and how often.
#[derive(Debug, Clone)]
pub(crate) struct LivePlan {
    pub(crate) page: PathBuf,
    pub(crate) every: Duration,
}

impl LivePlan {
    /// Says at once what would go wrong later.
    pub(crate) fn check(&self) -> Result<()> {
        let folder = match self.page.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            bail!("cannot write the page {}: there is no such folder", self.page.display());
        }
        if self.page.is_dir() {
            bail!("cannot write the page {}: it is a folder", self.page.display());
        }
        Ok(())
    }
}

impl LivePage {
    /// Begins to write, with a thread of its own: nobody of the run waits for it.
    pub(crate) fn start(plan: LivePlan, store: &RunStore, waivers: Option<&Waivers>) -> Self {
        let (stop, stopped) = mpsc::channel();
        let (dir, waivers) = (store.dir().to_owned(), waivers.cloned());
        let write = move || {
            let (mut known, mut pause) = (0, Duration::ZERO);
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let began = Instant::now();
                let length =
                    std::fs::metadata(dir.join("journal.jsonl")).map_or(0, |one| one.len());
                if length != known {
                    known = length;
                    if let Err(error) = page(&dir, waivers.as_ref(), &plan) {
                        // The run is what it is; the page may come the next time.
                        tracing::warn!("the page of the run cannot be written: {error:#}");
                    }
                }
                pause = plan.every.max(began.elapsed() * SHARE);
            }
        };
        let writer = std::thread::Builder::new().name("live page".into()).spawn(write);
        match writer {
            Ok(thread) => Self { writer: Some((stop, thread)) },
            Err(error) => {
                message::note(&format!("warning: no page while the run goes on: {error}"));
                Self { writer: None }
            }
        }
    }
}

impl Drop for LivePage {
    /// Waits until a page that is being written is whole, so that nobody writes it after the last one.
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.writer.take() {
            drop(stop);
            drop(thread.join());
        }
    }
}

/// Writes the page once, of what the folder of the run tells now.
fn page(dir: &Path, waivers: Option<&Waivers>, plan: &LivePlan) -> Result<()> {
    let store = RunStore::open(dir)?;
    let mut dataset = Dataset::builder();
    dataset.add_store(&store).context("the run cannot be read")?;
    let dataset = dataset.finish();
    let asked = Asked { waivers, ..Asked::default() };
    let run = &dataset.runs()[0];
    let review = Review::of(&dataset, 0, &asked, printed::last_lines(&store, &dataset, run));
    html::write(&review, &store, (&plan.page, Some(plan.every)))
}
