//! The summary of a run as JSON, for programs.

use atex_core::Verdict;
use serde_json::{Map, Value, json};

use crate::{AttemptReport, Conclusion, RunReport, TestReport};

/// The summary of a run as JSON, for programs: the conclusion, the numbers, every test with its attempts, and what may be left
/// behind. Times are whole milliseconds; what is not known is `null`. Keys are only ever added.
///
/// ```
/// let summary = atex_report::summary_json(&atex_report::RunReport::new());
/// assert_eq!(summary["verdict"], "interrupted");
/// assert_eq!(summary["counts"]["total"], 0);
/// ```
pub fn summary_json(report: &RunReport) -> Value {
    let conclusion = Conclusion::of(report);
    let all = report.counts();
    let mut counts = Map::new();
    counts.insert("total".into(), all.total().into());
    for verdict in Verdict::ALL {
        counts.insert(json!(verdict).as_str().unwrap_or_default().into(), all.of(verdict).into());
    }
    counts.insert("open".into(), all.open.into());
    let left: Vec<Value> = report
        .left_behind()
        .map(|left| json!({"name": left.remote.label(), "lease": left.remote.lease, "why": left.why}))
        .collect();
    json!({
        "verdict": conclusion.verdict,
        "reason": conclusion.reason,
        "finished": report.is_finished(),
        "counts": counts,
        "results": report.tally(),
        "wall_ms": millis(report.wall()),
        "machine_ms": millis(report.machine_time()),
        "test_ms": millis(report.test_time()),
        "left_behind": left,
        "tests": report.tests().map(test).collect::<Vec<_>>(),
    })
}

fn test(test: &TestReport) -> Value {
    json!({
        "name": test.name,
        "wanted": test.wanted,
        "verdict": test.verdict,
        "flaky": test.is_flaky(),
        "platform": test.platform,
        "note": test.note,
        "attempts": test.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &AttemptReport) -> Value {
    json!({
        "number": attempt.number,
        "remote": attempt.remote,
        "platform": attempt.platform,
        "started_ms": millis(attempt.started),
        "ended_ms": attempt.ended.map(millis),
        "outcome": attempt.outcome,
        "failure": attempt.failure,
        "not_ingested": attempt.not_ingested,
    })
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
