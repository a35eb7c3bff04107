//! An executor whose tests do nothing, and which notes how long each remote waited between two of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use atex_core::{
    Artifacts, CancellationToken, Connection, Executor, Outcome, Result, Session, TestName,
    Verdict, async_trait,
};

/// Tests that do nothing; all pauses between two tests of a remote.
#[derive(Debug, Clone, Default)]
pub(crate) struct Idle(Arc<Mutex<Vec<Duration>>>);

impl Idle {
    /// The pause that half of all were shorter than.
    pub(crate) fn median(&self) -> Duration {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.sort_unstable();
        pauses.get(pauses.len() / 2).copied().unwrap_or_default()
    }
}

#[derive(Debug)]
struct IdleSession {
    ended: Option<Instant>,
    pauses: Idle,
}

#[async_trait]
impl Executor for Idle {
    async fn start(
        &self,
        _: Arc<dyn Connection>,
        _: &CancellationToken,
    ) -> Result<Box<dyn Session>> {
        Ok(Box::new(IdleSession { ended: None, pauses: self.clone() }))
    }
}

#[async_trait]
impl Session for IdleSession {
    async fn run(&mut self, _: &TestName, _: &Artifacts, _: &CancellationToken) -> Result<Outcome> {
        if let Some(ended) = self.ended {
            let mut pauses = self.pauses.0.lock().unwrap_or_else(PoisonError::into_inner);
            pauses.push(ended.elapsed());
        }
        self.ended = Some(Instant::now());
        Ok(Outcome::new(Verdict::Passed, Duration::ZERO))
    }

    async fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
