//! Events as short text in, actions as short text out: the language of the scenarios.

use std::fmt::Write;
use std::time::Duration;

use atex_core::{
    Attempt, Facts, Failure, Fault, Outcome, RemoteId, Retry, RunEvent, TestName, Verdict,
};
use atex_sched::{Action, Plan, Scheduler, TestPlan};

/// A test of this name; with a number of seconds, that long.
pub(crate) fn test(name: &str) -> TestPlan {
    let (name, seconds) = name.split_once(' ').unwrap_or((name, ""));
    let plan = TestPlan::new(TestName::new(name).unwrap());
    match seconds.parse() {
        Ok(seconds) => plan.duration(Duration::from_secs(seconds)),
        Err(_) => plan,
    }
}

pub(crate) fn tests(names: &[&str]) -> Plan {
    Plan::new(names.iter().map(|name| test(name)))
}

/// Feeds a scheduler lines like `9s m1 fail` and returns each with what came of it: `9s m1 fail -> release m1`.
pub(crate) fn play(plan: Plan, script: &str) -> String {
    let started = plan.started();
    let mut scheduler = Scheduler::new(plan);
    let mut player = Player { running: Vec::new() };
    let mut transcript = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, what) = line.split_once(' ').unwrap();
        let now = Duration::from_secs(time.trim_end_matches('s').parse().unwrap());
        let event = if what == "start" { started.clone() } else { player.event(what) };
        let actions = scheduler.on(now, &event);
        player.note(&actions);
        let actions: Vec<String> = actions.iter().map(ToString::to_string).collect();
        let actions = if actions.is_empty() { "nothing".to_owned() } else { actions.join("; ") };
        writeln!(transcript, "{line} -> {actions}").unwrap();
    }
    transcript
}

struct Player {
    running: Vec<(RemoteId, Attempt)>,
}

impl Player {
    fn note(&mut self, actions: &[Action]) {
        for action in actions {
            if let Action::Run { remote, attempt, .. } = action {
                self.running.push((*remote, attempt.clone()));
            }
        }
    }

    fn event(&mut self, what: &str) -> RunEvent {
        let Some((remote, what)) = what.split_once(' ') else {
            return match what {
                "interrupt" => RunEvent::Interrupted,
                "wake" => RunEvent::TimePassed,
                _ => panic!("no such event: {what}"),
            };
        };
        let remote = RemoteId(remote.trim_start_matches('m').parse().unwrap());
        let failure = Failure::infra("boom");
        // `m1 up name distro=rhel-9 arch=x86_64`, `m1 noted snapshot=x`, `m1 exits 2`
        let mut words = what.split(' ');
        match (words.next().unwrap_or_default(), words.collect::<Vec<_>>()) {
            ("up", about) if !about.is_empty() => {
                let pairs = about.iter().filter_map(|word| word.split_once('='));
                let facts = pairs.fold(Facts::new(), |facts, (key, value)| facts.with(key, value));
                let name = about.iter().find(|word| !word.contains('='));
                let name = name.map_or_else(|| remote.to_string(), |name| (*name).to_owned());
                return RunEvent::RemoteProvisioned { remote, name, facts };
            }
            ("noted", about) => {
                let pairs = about.iter().filter_map(|word| word.split_once('='));
                let notes = pairs.map(|(key, value)| (key.to_owned(), value.into())).collect();
                return RunEvent::RemoteNoted { remote, notes };
            }
            ("exits", about) => {
                let mut event = self.ended(remote, Verdict::Passed, None);
                if let RunEvent::TestEnded { outcome, .. } = &mut event {
                    outcome.exit_code = about[0].parse().ok();
                }
                return event;
            }
            _ => {}
        }
        let hopeless = Failure { retry: Retry::Never, ..Failure::infra("it is no use") };
        match what {
            "up" => RunEvent::RemoteProvisioned {
                remote,
                name: remote.to_string(),
                facts: Facts::new(),
            },
            "ready" => RunEvent::RemotePrepared { remote },
            "unavailable" => RunEvent::ProvisionFailed { remote, failure },
            "misconfigured" => {
                let failure = Failure {
                    fault: Fault::Usage,
                    retry: Retry::Never,
                    message: "no such image".into(),
                };
                RunEvent::ProvisionFailed { remote, failure }
            }
            "denied" => RunEvent::ProvisionFailed { remote, failure: hopeless },
            "unpreparable" => RunEvent::PrepareFailed { remote, failure: hopeless },
            "full" => self.ended(remote, Verdict::Infra, Some(hopeless)),
            "taken" => {
                let retry = Retry::SameRemote { after: Duration::from_secs(30) };
                RunEvent::ProvisionFailed { remote, failure: Failure { retry, ..failure } }
            }
            "rolled" => RunEvent::RemoteRolledBack { remote },
            "withdrawn" => RunEvent::ProvisionWithdrawn { remote },
            "unfit" => RunEvent::PrepareFailed { remote, failure },
            "lost" => RunEvent::RemoteLost { remote, failure },
            "released" => RunEvent::RemoteReleased { remote },
            "stuck" => RunEvent::ReleaseFailed { remote, failure },
            "pass" => self.ended(remote, Verdict::Passed, None),
            "fail" => self.ended(remote, Verdict::Failed, None),
            "infra" => self.ended(remote, Verdict::Infra, None),
            "die" => self.ended(remote, Verdict::Infra, Some(failure)),
            _ => panic!("no such event: {what}"),
        }
    }

    fn ended(&mut self, remote: RemoteId, verdict: Verdict, failure: Option<Failure>) -> RunEvent {
        let position = self.running.iter().position(|(running, _)| *running == remote).unwrap();
        let (_, attempt) = self.running.remove(position);
        let outcome = Outcome::new(verdict, Duration::from_secs(1));
        RunEvent::TestEnded { remote, attempt, outcome, failure }
    }
}
