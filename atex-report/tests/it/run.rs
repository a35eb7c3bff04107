//! Runs as scripts: the events of a run, written down as short as possible.

use std::time::Duration;

use atex_core::{
    Attempt, Facts, Failure, Lease, Outcome, PlannedPool, PlannedTest, RemoteId, RunEvent, Tally,
    TestName, Verdict,
};
use atex_report::{Entry, RunReport};

/// The events of a run, with a clock that is moved by hand.
pub(crate) struct Run {
    pub(crate) entries: Vec<Entry>,
    now: Duration,
}

pub(crate) fn name(name: &str) -> TestName {
    TestName::new(name).unwrap()
}

pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

impl Run {
    /// A run of these tests, with the pools `lab` of the platform `rhel-9.6@x86_64`.
    pub(crate) fn of(tests: &[&str]) -> Self {
        let tests = tests.iter().map(|test| PlannedTest::new(name(test), seconds(300.0)));
        let pools = vec![PlannedPool {
            name: "lab".into(),
            platform: "rhel-9.6@x86_64".into(),
            max: 40,
            facts: Facts::new(),
        }];
        let mut run = Self { entries: Vec::new(), now: Duration::ZERO };
        run.event(RunEvent::RunStarted { tests: tests.collect(), pools });
        run
    }

    pub(crate) fn at(&mut self, at: f64) -> &mut Self {
        self.now = seconds(at);
        self
    }

    pub(crate) fn event(&mut self, event: RunEvent) -> &mut Self {
        self.entries.push(Entry { at: self.now, event });
        self
    }

    pub(crate) fn request(&mut self, remote: u32) -> &mut Self {
        self.event(RunEvent::RemoteRequested { remote: RemoteId(remote), pool: "lab".into() })
    }

    pub(crate) fn lease(&mut self, remote: u32) -> &mut Self {
        let lease = Lease::new("podman", format!("vm-{remote}"), "x".into());
        self.event(RunEvent::Leased { remote: RemoteId(remote), lease })
    }

    pub(crate) fn provisioned(&mut self, remote: u32) -> &mut Self {
        let (name, facts) = (format!("vm-{remote}"), Facts::new());
        self.event(RunEvent::RemoteProvisioned { remote: RemoteId(remote), name, facts })
    }

    pub(crate) fn prepared(&mut self, remote: u32) -> &mut Self {
        self.event(RunEvent::RemotePrepared { remote: RemoteId(remote) })
    }

    pub(crate) fn released(&mut self, remote: u32) -> &mut Self {
        self.event(RunEvent::RemoteReleased { remote: RemoteId(remote) })
    }

    /// Asked for now, there two seconds later, ready after another.
    pub(crate) fn bring_up(&mut self, remote: u32) -> &mut Self {
        let now = self.now.as_secs_f64();
        self.request(remote).lease(remote).at(now + 2.0).provisioned(remote);
        self.at(now + 3.0).prepared(remote).at(now)
    }

    pub(crate) fn start(&mut self, remote: u32, test: &str, number: u32) -> &mut Self {
        let attempt = Attempt::new(name(test), number);
        self.event(RunEvent::TestStarted { remote: RemoteId(remote), attempt })
    }

    pub(crate) fn end(&mut self, remote: u32, which: (&str, u32), outcome: Outcome) -> &mut Self {
        let attempt = Attempt::new(name(which.0), which.1);
        let remote = RemoteId(remote);
        self.event(RunEvent::TestEnded { remote, attempt, outcome, failure: None })
    }

    /// A whole attempt: from now, for so long; the clock is at its end then.
    pub(crate) fn attempt(
        &mut self,
        remote: u32,
        which: (&str, u32),
        (took, verdict, note): (f64, Verdict, Option<&str>),
    ) -> &mut Self {
        let (now, mut tally) = (self.now.as_secs_f64(), Tally::default());
        tally.count(Some("pass"));
        tally.count(Some(match verdict {
            Verdict::Failed => "fail",
            Verdict::Infra => "infra",
            Verdict::Skipped => "skip",
            Verdict::Passed | Verdict::NotRun => "pass",
        }));
        let outcome =
            Outcome::new(verdict, seconds(took)).note(note.map(str::to_owned)).tally(tally);
        self.start(remote, which.0, which.1).at(now + took).end(remote, which, outcome)
    }

    pub(crate) fn conclude(
        &mut self,
        test: &str,
        verdict: Verdict,
        (attempts, note): (u32, Option<&str>),
    ) -> &mut Self {
        let platform = (attempts > 0).then(|| "rhel-9.6@x86_64".to_owned());
        let (test, note) = (name(test), note.map(str::to_owned));
        self.event(RunEvent::TestConcluded {
            test,
            wanted: None,
            verdict,
            platform,
            attempts,
            note,
        })
    }

    pub(crate) fn finish(&mut self) -> &mut Self {
        self.event(RunEvent::RunFinished)
    }

    pub(crate) fn report(&self) -> RunReport {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by_key(|entry| entry.at);
        RunReport::of(entries)
    }
}

/// A run in which everything happens that a report has a place for.
pub(crate) fn eventful() -> Run {
    use Verdict::{Failed, Infra, NotRun, Passed, Skipped};
    let long = "/distribution/upgrade/from-the-last-release/with-third-party-repositories-enabled/and-a-full-root-file-system";
    let mut run = Run::of(&[
        "/smoke/boot",
        "/smoke/net",
        "/net/dns",
        "/net/flaky",
        "/disk/raid",
        "/gone",
        long,
        "/skip/me",
        "/never",
        "/unstored",
    ]);
    run.bring_up(1).bring_up(2).request(3).request(4);
    run.at(4.0).event(RunEvent::ProvisionFailed {
        remote: RemoteId(3),
        failure: Failure::infra("cannot create container: no space left on device"),
    });
    run.at(5.0).event(RunEvent::ProvisionWithdrawn { remote: RemoteId(4) });
    let note = "expected 3 answers, got 4\n\u{1b}[2J\u{1b}]0;owned\u{7}\nTraceback (most recent call last):\n  File \"dns.py\", line 17, in test_answers_of_all_servers_that_are_configured\nAssertionError";
    run.at(3.0).attempt(1, ("/smoke/boot", 1), (12.0, Passed, None));
    run.conclude("/smoke/boot", Passed, (1, None));
    run.attempt(1, ("/net/dns", 1), (4.5, Failed, Some("first time")));
    run.attempt(1, ("/net/dns", 2), (4.0, Failed, Some(note)));
    run.conclude("/net/dns", Failed, (2, Some(note)));
    run.attempt(1, (long, 1), (30.0, Failed, Some("no")));
    run.conclude(long, Failed, (1, Some("no")));
    run.at(56.0).attempt(1, ("/skip/me", 1), (0.4, Skipped, Some("needs a TPM")));
    run.conclude("/skip/me", Skipped, (1, Some("needs a TPM")));
    run.at(58.0).released(1);
    run.at(3.0).attempt(2, ("/net/flaky", 1), (6.0, Failed, Some("connection reset by peer")));
    run.attempt(2, ("/net/flaky", 2), (5.0, Passed, None));
    run.conclude("/net/flaky", Passed, (2, None));
    run.attempt(2, ("/smoke/net", 1), (2.0, Passed, None));
    run.conclude("/smoke/net", Passed, (1, None));
    run.attempt(2, ("/unstored", 1), (2.0, Passed, None));
    run.event(RunEvent::IngestFailed {
        attempt: Attempt::new(name("/unstored"), 1),
        failure: Failure::infra("cannot write out/results.jsonl: no space left on device"),
    });
    run.conclude("/unstored", Passed, (1, None));
    run.at(30.0).attempt(
        2,
        ("/disk/raid", 1),
        (3.0, Infra, Some("connection to vm-2 was lost: broken pipe")),
    );
    run.conclude("/disk/raid", Infra, (1, Some("connection to vm-2 was lost: broken pipe")));
    run.event(RunEvent::RemoteLost {
        remote: RemoteId(2),
        failure: Failure::infra("connection to vm-2 was lost: broken pipe"),
    });
    run.at(40.0).event(RunEvent::ReleaseFailed {
        remote: RemoteId(2),
        failure: Failure::infra("podman rm did not end within 10s"),
    });
    run.at(59.0).conclude("/gone", NotRun, (0, Some("no pool has a system with `arch == s390x`")));
    run.conclude("/never", NotRun, (0, Some("no pool has a system with `arch == s390x`")));
    run.at(60.0).finish();
    run
}
