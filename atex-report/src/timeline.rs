//! [`Timeline`]: which remote did what when.

use std::collections::BTreeMap;
use std::time::Duration;

use atex_core::{RemoteId, TestName, Verdict};

use crate::{RemoteReport, RunReport};

/// Which remote did what when, from the beginning of the run to its last event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeline {
    /// The remotes that were there, in the order in which they were asked for.
    pub remotes: Vec<RemoteLine>,
    /// How long the run took.
    pub length: Duration,
}

/// What one remote did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteLine {
    /// The remote.
    pub remote: RemoteId,
    /// As people call it.
    pub label: String,
    /// What it did, without gaps or overlaps, from the request until it was gone.
    pub spans: Vec<Span>,
}

/// One thing that a remote did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// When it began.
    pub from: Duration,
    /// When it ended.
    pub to: Duration,
    /// What it was.
    pub kind: SpanKind,
}

/// What a remote was doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanKind {
    /// It was asked for and was not there yet.
    Provision,
    /// It was made ready for its first test.
    Prepare,
    /// It ran a test.
    Test {
        /// Which test.
        test: TestName,
        /// Which attempt of it.
        number: u32,
        /// The verdict on the attempt; `None` while it runs.
        verdict: Option<Verdict>,
    },
    /// It was ready and had nothing to do before its next test.
    Idle,
    /// It had done its last test, or was of no use any more, until it was gone: the wait for its release and the release.
    Release,
}

impl Span {
    /// How long it took.
    pub fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

impl RemoteLine {
    /// How long it ran tests.
    pub fn busy(&self) -> Duration {
        let tests = self.spans.iter().filter(|span| matches!(span.kind, SpanKind::Test { .. }));
        tests.map(Span::length).sum()
    }

    /// How long it was there, from the end of its provisioning.
    pub fn present(&self) -> Duration {
        let there = self.spans.iter().filter(|span| span.kind != SpanKind::Provision);
        there.map(Span::length).sum()
    }
}

impl Timeline {
    /// The timeline of a run. Requests that came to nothing have no line.
    pub fn of(report: &RunReport) -> Self {
        let mut tests: BTreeMap<RemoteId, Vec<Span>> = BTreeMap::new();
        for test in report.tests() {
            for attempt in &test.attempts {
                let kind = SpanKind::Test {
                    test: test.name.clone(),
                    number: attempt.number,
                    verdict: attempt.verdict(),
                };
                let to = attempt.ended.unwrap_or_else(|| report.wall());
                tests.entry(attempt.remote).or_default().push(Span {
                    from: attempt.started,
                    to,
                    kind,
                });
            }
        }
        let line = |remote: &RemoteReport| {
            let mut tests = tests.remove(&remote.id).unwrap_or_default();
            tests.sort_by_key(|span| span.from);
            remote_line(remote, tests, report.wall())
        };
        Self { remotes: report.remotes().filter_map(line).collect(), length: report.wall() }
    }
}

fn remote_line(remote: &RemoteReport, tests: Vec<Span>, now: Duration) -> Option<RemoteLine> {
    let gone = remote.gone.unwrap_or(now);
    let provisioned = remote.provisioned?;
    let mut spans = Spans { at: remote.requested, list: Vec::new() };
    spans.until(provisioned, SpanKind::Provision);
    spans.until(remote.prepared.or(remote.failed).unwrap_or(gone), SpanKind::Prepare);
    for test in tests {
        spans.until(test.from, SpanKind::Idle);
        spans.until(test.to, test.kind);
    }
    let last = match remote.gone {
        None => SpanKind::Idle,
        Some(_) => SpanKind::Release,
    };
    spans.until(gone, last);
    Some(RemoteLine { remote: remote.id, label: remote.label(), spans: spans.list })
}

/// Spans one after the other.
struct Spans {
    at: Duration,
    list: Vec<Span>,
}

impl Spans {
    fn until(&mut self, to: Duration, kind: SpanKind) {
        if to > self.at {
            self.list.push(Span { from: self.at, to, kind });
            self.at = to;
        }
    }
}
