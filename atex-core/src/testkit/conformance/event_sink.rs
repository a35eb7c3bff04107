//! What an [`EventSink`] must take; and one of every [`RunEvent`], for whoever stores or shows them.

use std::time::Duration;

use crate::{
    Attempt, EventSink, Facts, Failure, InvalidTestName, Lease, Outcome, PlannedPool, PlannedTest,
    RemoteId, RunEvent, Tally, TestName, Verdict,
};

/// One event of every kind, some with their optional fields and some without, in an order in which a run might have them.
///
/// # Errors
/// None: the names in it are proper ones.
pub fn samples() -> Result<Vec<RunEvent>, InvalidTestName> {
    let test = TestName::new("/smoke/žluť & <b>")?;
    let attempt = |number| Attempt::new(test.clone(), number);
    let (remote, other) = (RemoteId(1), RemoteId(2));
    let failure = Failure::infra("lab7: \"cable\" pulled\u{7f}");
    let outcome = sample_outcome();
    let lease = Lease::new("local", "local-1", serde_json::json!({ "root": "/x" }));
    let facts = Facts::new().with("distro", "rhel-9").with("arch", "x86_64");
    let platform = "rhel-9@x86_64".to_owned();
    let pool = PlannedPool { name: "lab".into(), platform, max: 2, facts: facts.clone() };
    let mut events = vec![
        RunEvent::RunStarted {
            tests: vec![PlannedTest::new(test.clone(), Duration::from_secs(300))],
            pools: vec![pool],
        },
        RunEvent::RemoteRequested { remote, pool: "lab".into() },
        RunEvent::Leased { remote, lease },
        RunEvent::RemoteProvisioned { remote, name: "local-1".into(), facts },
        RunEvent::RemotePrepared { remote },
        RunEvent::RemoteNoted { remote, notes: [("snapshot".to_owned(), "/setup".into())].into() },
        RunEvent::TestStarted { remote, attempt: attempt(1) },
        RunEvent::BarrierReached { remote, attempt: attempt(1), barrier: "up".into() },
        RunEvent::TestEnded {
            remote,
            attempt: attempt(1),
            outcome: outcome.clone(),
            failure: None,
        },
        RunEvent::IngestFailed { attempt: attempt(1), failure: failure.clone() },
        RunEvent::TestStarted { remote, attempt: attempt(2) },
        RunEvent::TestEnded {
            remote,
            attempt: attempt(2),
            outcome,
            failure: Some(failure.clone()),
        },
        RunEvent::RemoteRequested { remote: other, pool: "lab".into() },
        RunEvent::ProvisionFailed { remote: other, failure: failure.clone() },
        RunEvent::RemoteRequested { remote: RemoteId(3), pool: "lab".into() },
        RunEvent::ProvisionWithdrawn { remote: RemoteId(3) },
        RunEvent::PrepareFailed { remote: RemoteId(4), failure: failure.clone() },
        RunEvent::RemoteLost { remote, failure: failure.clone() },
        RunEvent::RemoteQuarantined { remote, reason: "2 tests failed on it alone".into() },
        RunEvent::RemoteRolledBack { remote },
        RunEvent::TimePassed,
        RunEvent::Restarted,
        RunEvent::Interrupted,
        RunEvent::TestConcluded {
            test: test.clone(),
            wanted: None,
            verdict: Verdict::Failed,
            platform: Some("rhel-9@x86_64".into()),
            attempts: 2,
            note: Some("it broke".into()),
        },
        RunEvent::RemoteReleased { remote },
        RunEvent::ReleaseFailed { remote: RemoteId(4), failure },
    ];
    let (test, verdict) = (TestName::new("/never")?, Verdict::NotRun);
    let (wanted, platform, attempts, note) = (Some("rhel-9@x86_64".into()), None, 0, None);
    events.push(RunEvent::TestConcluded { test, wanted, verdict, platform, attempts, note });
    events.push(RunEvent::RunFinished);
    Ok(events)
}

fn sample_outcome() -> Outcome {
    Outcome::new(Verdict::Failed, Duration::from_millis(1234))
        .exit_code(Some(1))
        .note(Some("it broke".to_owned()))
        .tally(Tally { pass: 2, fail: 1, ..Tally::default() })
}

/// How many kinds of events there are.
const KINDS: usize = 23;

/// The number of the kind of an event. A new kind does not compile until it is given the next number here, and the check of
/// [`samples`] does not hold until there is one of it there.
const fn kind(event: &RunEvent) -> usize {
    match event {
        RunEvent::RunStarted { .. } => 0,
        RunEvent::RemoteRequested { .. } => 1,
        RunEvent::Leased { .. } => 2,
        RunEvent::RemoteProvisioned { .. } => 3,
        RunEvent::ProvisionFailed { .. } => 4,
        RunEvent::ProvisionWithdrawn { .. } => 5,
        RunEvent::RemotePrepared { .. } => 6,
        RunEvent::PrepareFailed { .. } => 7,
        RunEvent::RemoteLost { .. } => 8,
        RunEvent::TestStarted { .. } => 9,
        RunEvent::TestEnded { .. } => 10,
        RunEvent::IngestFailed { .. } => 11,
        RunEvent::TestConcluded { .. } => 12,
        RunEvent::RemoteReleased { .. } => 13,
        RunEvent::ReleaseFailed { .. } => 14,
        RunEvent::Interrupted => 15,
        RunEvent::TimePassed => 16,
        RunEvent::RunFinished => 17,
        RunEvent::RemoteNoted { .. } => 18,
        RunEvent::RemoteRolledBack { .. } => 19,
        RunEvent::RemoteQuarantined { .. } => 20,
        RunEvent::Restarted => 21,
        RunEvent::BarrierReached { .. } => 22,
    }
}

/// Gives the sink one event of every kind, then the same once more, as a run that goes on would.
///
/// # Panics
/// When the sink does, or [`samples`] lacks a kind.
pub fn all(sink: &dyn EventSink) {
    let events = match samples() {
        Ok(events) => events,
        Err(error) => panic!("a sample has a name that is none: {error}"),
    };
    let kinds: std::collections::BTreeSet<usize> = events.iter().map(kind).collect();
    assert!(kinds.into_iter().eq(0..KINDS), "the samples lack a kind of event");
    for (millis, event) in (0..).zip(events.iter().chain(&events)) {
        sink.emit(Duration::from_millis(millis), event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl EventSink for Nobody {
        fn emit(&self, _: Duration, event: &RunEvent) {
            let json = serde_json::to_string(event).unwrap();
            assert_eq!(serde_json::from_str::<RunEvent>(&json).unwrap(), *event, "{json}");
        }
    }

    #[test]
    fn there_is_a_sample_of_every_kind_and_it_can_be_stored() {
        all(&Nobody);
    }
}
