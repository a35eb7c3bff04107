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

/// The failure, with the aggregator in its text.
fn named(aggregator: &dyn Aggregator, mut failure: Failure) -> Failure {
    let name = aggregator.name();
    if !failure.message.starts_with(&name) {
        failure.message = format!("{name}: {}", failure.message);
    }
    failure
}
