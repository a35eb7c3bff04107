//! [`Several`]: hands each test to several aggregators.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atex_core::{Aggregator, Error, Failure, Record, Result, async_trait};
use futures::future::join_all;

/// Hands each test to several aggregators at once, as one aggregator.
///
/// None needs a copy of the artifacts: aggregators only read them. One that fails does not keep a test from the others: the error says which did
/// not take it in, and when the same test is handed in again, just those get it.
#[derive(Debug)]
pub struct Several {
    children: Vec<Arc<dyn Aggregator>>,
    taken: Mutex<HashMap<(String, String), Taken>>,
}

/// What became of a test.
#[derive(Debug, Clone)]
enum Taken {
    /// It is being handed out.
    Now,
    /// Some did not take it in: whether it is in, for each child.
    Partly(Vec<bool>),
    /// It is in everywhere.
    Everywhere,
}

impl Several {
    /// These, in any order.
    ///
    /// # Errors
    /// [`Error::Usage`] when there are none: results would go nowhere, unnoticed.
    pub fn new(children: impl IntoIterator<Item = Arc<dyn Aggregator>>) -> Result<Self> {
        let children: Vec<_> = children.into_iter().collect();
        if children.is_empty() {
            return Err(Error::Usage("there is nothing for results to go to".into()));
        }
        Ok(Self { children, taken: Mutex::default() })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<(String, String), Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who has the test already. From now on nobody else hands it out, until the claim is settled.
    fn claim(&self, key: &(String, String)) -> Result<Claim<'_>> {
        let mut taken = self.taken();
        let done = match taken.get(key) {
            None => vec![false; self.children.len()],
            Some(Taken::Partly(done)) => done.clone(),
            Some(Taken::Now | Taken::Everywhere) => {
                return Err(Error::Usage(format!("{} of {} was handed in already", key.1, key.0)));
            }
        };
        taken.insert(key.clone(), Taken::Now);
        Ok(Claim { several: self, key: key.clone(), done })
    }
}

/// A test that is being handed out. When it is dropped, what is known of it is kept.
struct Claim<'a> {
    several: &'a Several,
    key: (String, String),
    done: Vec<bool>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let done = std::mem::take(&mut self.done);
        let state = match done.iter().all(|done| *done) {
            true => Taken::Everywhere,
            false => Taken::Partly(done),
        };
        self.several.taken().insert(self.key.clone(), state);
    }
}

#[async_trait]
impl Aggregator for Several {
    fn name(&self) -> String {
        let names: Vec<String> = self.children.iter().map(|child| child.name()).collect();
        names.join(", ")
    }

    async fn ingest(&self, record: Record) -> Result<()> {
        let mut claim = self.claim(&(record.platform.clone(), record.test.as_str().to_owned()))?;
        let work = self.children.iter().zip(&mut claim.done).map(async |(child, done)| {
            if !*done {
                child.ingest(record.clone()).await?;
                *done = true;
            }
            Ok(())
        });
        let outcome = join_all(work).await;
        drop(claim);
        joined(&self.children, outcome)
    }

    async fn finish(&self) -> Result<()> {
        let outcome = join_all(self.children.iter().map(|child| child.finish())).await;
        joined(&self.children, outcome)
    }
}

/// One failure as it is; several as one, with the names of those that failed.
fn joined(children: &[Arc<dyn Aggregator>], outcome: Vec<Result<()>>) -> Result<()> {
    let failed = children.iter().zip(outcome);
    let mut failed: Vec<_> =
        failed.filter_map(|(child, done)| Some((child, done.err()?))).collect();
    if failed.len() < 2 {
        return failed.pop().map_or(Ok(()), |(_, error)| Err(error));
    }
    let texts = failed
        .iter()
        .map(|(child, error)| format!("{}: {}", child.name(), Failure::from(error).message));
    let text = texts.collect::<Vec<_>>().join("; ");
    let (_, first) = failed.swap_remove(0);
    Err(match first {
        // What is wrong with the artifacts is wrong for all of them.
        Error::Io { .. } | Error::Usage(_) if failed.len() + 1 == children.len() => first,
        _ => Error::infra(format!("{} of {} outputs", failed.len() + 1, children.len()), text),
    })
}
