//! How finished tests get to the aggregators.

use std::sync::Arc;
use std::time::Duration;

use atex_core::{Aggregator, Failure, Record};

use super::deadlines::bounded;

/// Offers a finished test to every aggregator in turn. One that fails does not keep it from the others.
pub(super) async fn ingest(
    aggregators: &[Arc<dyn Aggregator>],
    limit: Duration,
    record: Record,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for aggregator in aggregators {
        let what = format!("filing {}", record.test);
        let work = async { aggregator.ingest(record.clone()).await };
        if let Err(error) = bounded(&what, limit, work).await {
            failures.push(named(aggregator.as_ref(), Failure::from(&error)));
        }
    }
    failures
}

/// Ends the output of every aggregator.
pub(super) async fn finish(aggregators: &[Arc<dyn Aggregator>], limit: Duration) -> Vec<Failure> {
    let mut failures = Vec::new();
    for aggregator in aggregators {
        let work = async { aggregator.finish().await };
        if let Err(error) = bounded("ending the output", limit, work).await {
            failures.push(named(aggregator.as_ref(), Failure::from(&error)));
        }
    }
    failures
}

fn named(aggregator: &dyn Aggregator, failure: Failure) -> Failure {
    Failure { message: format!("{}: {}", aggregator.name(), failure.message), ..failure }
}
