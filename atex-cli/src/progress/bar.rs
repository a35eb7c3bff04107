//! The live display: what goes on, at the bottom of a terminal, and what failed above it.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use atex_core::{EventSink, RunEvent, TestKey, Verdict};

use atex_report::Entry;

use super::board::Board;
use super::state::State;
use crate::{message, screen};

/// The least time between two frames: more than the eye follows is work for nothing.
const FRAME: Duration = Duration::from_millis(100);
/// How often the times on the screen go on when nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// Draws on a thread of its own, so that events never wait for a terminal.
#[derive(Debug)]
pub(super) struct Bar(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    news: Condvar,
}

#[derive(Debug)]
struct Inner {
    board: Board,
    state: State,
    /// The moment at which the run began.
    began: Instant,
    over: bool,
    dirty: bool,
}

impl Bar {
    pub(super) fn new(expected: HashMap<TestKey, Duration>, before: &[Entry]) -> Self {
        let mut inner = Inner {
            board: Board::new(expected),
            state: State::default(),
            began: Instant::now(),
            over: false,
            dirty: false,
        };
        for Entry { at, event } in before {
            inner.board.take(*at, event);
            inner.state.take(event);
        }
        let shared = Arc::new(Shared { inner: Mutex::new(inner), news: Condvar::new() });
        let drawing = Arc::clone(&shared);
        screen::begin();
        // Without a thread there is nothing to see, and the run goes on all the same.
        std::thread::Builder::new().name("screen".into()).spawn(move || drawing.draw()).ok();
        Self(shared)
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self) {
        loop {
            let mut inner = self.inner();
            let still = |inner: &mut Inner| !inner.dirty && !inner.over;
            let waited = self.news.wait_timeout_while(inner, TICK, still);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            if inner.over {
                return;
            }
            inner.dirty = false;
            let frame = inner.board.frame(inner.began.elapsed(), screen::size());
            // Still locked, so that the end cannot overtake a frame.
            screen::show(frame);
            let still = |inner: &mut Inner| !inner.over;
            drop(self.news.wait_timeout_while(inner, FRAME, still));
        }
    }

    fn end(&self) {
        self.inner().over = true;
        self.news.notify_all();
        screen::end();
    }
}

impl EventSink for Bar {
    fn emit(&self, at: Duration, event: &RunEvent) {
        let mut inner = self.0.inner();
        // Also right after the events of an earlier controller.
        let now = Instant::now();
        inner.began = now.checked_sub(at).unwrap_or(now);
        inner.board.take(at, event);
        let line = inner.state.take(event);
        let stopping = inner.board.is_stopping();
        inner.dirty = true;
        drop(inner);
        self.0.news.notify_all();
        // What passed is counted; what did not is told at once, unless it is all that is left of a run that was stopped.
        let counted =
            |verdict: &Verdict| verdict.is_ok() || stopping && *verdict == Verdict::NotRun;
        let line = match event {
            RunEvent::TestConcluded { verdict, .. } => line.filter(|_| !counted(verdict)),
            _ => line,
        };
        line.into_iter().for_each(|line| message::note(&line));
        if matches!(event, RunEvent::RunFinished) {
            self.0.end();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.end();
    }
}
