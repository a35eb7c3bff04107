//! [`FakeAggregator`]: keeps in memory what it is given.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::fate::{Fate, Script, lock};
use crate::{Aggregator, Error, Outcome, Record, Result, ResultLine, TestName};

/// Keeps in memory what it is given, and fails, hangs or panics when told to.
///
/// Clones are the same aggregator. It keeps the whole contract of [`Aggregator`], and reads the results of every record.
#[derive(Debug, Clone)]
pub struct FakeAggregator {
    name: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    ingests: Script,
    finishes: Script,
    taken: Mutex<(Vec<Ingested>, usize)>,
}

/// A finished test that a [`FakeAggregator`] took in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Ingested {
    /// The platform that it ran on.
    pub platform: String,
    /// The test.
    pub test: TestName,
    /// How it went.
    pub outcome: Outcome,
    /// What stood in its results.
    pub results: Vec<ResultLine>,
}

impl FakeAggregator {
    /// An empty one.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), state: Arc::default() }
    }

    /// With these fates for the next tests.
    #[must_use]
    pub fn ingests(self, fates: impl IntoIterator<Item = Fate>) -> Self {
        self.state.ingests.extend(fates);
        self
    }

    /// With these fates for the next times that it is told to end.
    #[must_use]
    pub fn finishes(self, fates: impl IntoIterator<Item = Fate>) -> Self {
        self.state.finishes.extend(fates);
        self
    }

    /// What it took in, in order.
    pub fn taken(&self) -> Vec<Ingested> {
        lock(&self.state.taken).0.clone()
    }

    /// How many times it was told to end.
    pub fn finished(&self) -> usize {
        lock(&self.state.taken).1
    }
}

#[async_trait]
impl Aggregator for FakeAggregator {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn ingest(&self, record: Record) -> Result<()> {
        self.state.ingests.next().meet(&self.name).await?;
        let results = record.artifacts.results()?.collect::<Result<Vec<_>>>()?;
        let Record { platform, test, outcome, .. } = record;
        let mut taken = lock(&self.state.taken);
        if taken.1 > 0 {
            return Err(Error::Usage(format!("{} has ended and takes in no more", self.name)));
        }
        if taken.0.iter().any(|other| other.platform == platform && other.test == test) {
            return Err(Error::Usage(format!("{test} of {platform} is in {} already", self.name)));
        }
        taken.0.push(Ingested { platform, test, outcome, results });
        Ok(())
    }

    async fn finish(&self) -> Result<()> {
        self.state.finishes.next().meet(&self.name).await?;
        lock(&self.state.taken).1 += 1;
        Ok(())
    }
}
