//! [`Attempt`]: what is done next in one run of a test, as a pure state machine: what happens goes in, what to do comes
//! out. No IO, no clock: times are those since the run began.

use std::time::Duration;

use crate::control::Word;
use crate::limits::Limits;
use atex_core::millis::Shown;

mod event;
mod progress;

pub(crate) use event::{Action, End, Ended, Event};
pub(crate) use progress::Progress;
use progress::UNATTENDED_GRACE;

/// The pauses between attempts to reconnect: from the first to the longest, each twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How often a test may come to a barrier.
const BARRIERS_MAX: u32 = 1000;

/// One run of a test.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    pub(crate) progress: Progress,
    limits: Limits,
    state: State,
    /// When the test was last heard.
    heard: Duration,
    /// Whether it was heard since it was attached to.
    was_heard: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum State {
    /// An attachment was asked for. `outage`: since when there is none, if there was one before.
    Attaching { since: Duration, outage: Option<Outage> },
    /// Attached.
    Running,
    /// There is no attachment; another attempt is made at a time.
    Pausing { outage: Outage, until: Duration },
    /// The connection is being opened.
    Connecting { outage: Outage, since: Duration },
    /// The remote was told to end the test; it ends when the attachment does.
    Stopping { since: Duration, why: End },
    /// Nothing happens any more.
    Over,
}

/// A time without an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Outage {
    since: Duration,
    /// The next pause.
    pause: Duration,
    /// Whether an attachment was tried over the connection as it was.
    tried: bool,
}

impl Attempt {
    /// A run that begins now, with what to do first.
    pub(crate) fn start(limit: Duration, limits: Limits) -> (Self, Action) {
        let progress = Progress::new(limit);
        let state = State::Attaching { since: Duration::ZERO, outage: None };
        let attempt = Self { progress, limits, state, heard: Duration::ZERO, was_heard: true };
        (attempt, Action::Start { restart: 0 })
    }

    /// A run that another controller began.
    pub(crate) fn resume(progress: Progress, now: Duration, limits: Limits) -> (Self, Action) {
        let restart = progress.restarts;
        let state = State::Attaching { since: now, outage: Some(Outage::new(now)) };
        (Self { progress, limits, state, heard: now, was_heard: true }, Action::Attach { restart })
    }

    /// Takes what happened; what to do now.
    pub(crate) fn on(&mut self, now: Duration, event: Event) -> Option<Action> {
        match event {
            Event::Attached => self.attached(now),
            Event::Word(word) => self.word(now, word),
            Event::Heard => self.heard(now),
            Event::Untold(why) if self.is_running() => self.stop(now, End::Infra(why)),
            Event::Malformed(why) if self.is_running() => self.stop(now, End::Test(why)),
            Event::Over => self.over(now),
            Event::Goes => self.goes(now),
            Event::Ended(ended) => self.ended(now, ended),
            Event::Cut => self.cut(now),
            Event::Connected => self.connected(now),
            Event::Refused { for_good } => self.refused(now, for_good),
            Event::Cancelled => self.end_early(now, End::Cancelled),
            Event::Broken => self.end_early(now, End::Broken),
            Event::Time => self.time(now),
            Event::Malformed(_) | Event::Untold(_) => None,
        }
    }

    /// When to be told that time passed. Nothing is waited for without such a time, until all is over.
    pub(crate) fn wake(&self) -> Option<Duration> {
        Some(match &self.state {
            State::Attaching { since, .. } => since.saturating_add(self.limits.attach),
            // The last attempt ends with the outage, but has a moment at least.
            State::Connecting { outage, since } => {
                let end = self.outage_end(outage).max(since.saturating_add(Duration::from_secs(1)));
                end.min(since.saturating_add(self.limits.attach))
            }
            State::Running => self.running_until(),
            State::Pausing { until, .. } => *until,
            State::Stopping { since, .. } => {
                let silent = self.heard.max(*since).saturating_add(self.limits.stop);
                silent
                    .min(since.saturating_add(self.limits.stop).saturating_add(self.limits.collect))
            }
            State::Over => return None,
        })
    }

    /// Whether what the test says still counts.
    pub(crate) fn listens(&self) -> bool {
        match &self.state {
            State::Running => !self.progress.announced,
            State::Stopping { why: End::Late(_) | End::Cancelled, .. } => !self.progress.announced,
            _ => false,
        }
    }

    /// Whether there is an attachment, or is to be one.
    pub(crate) fn is_attached(&self) -> bool {
        matches!(self.state, State::Attaching { .. } | State::Running | State::Stopping { .. })
    }

    /// Whether there is an end to come that nothing changes any more.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.state, State::Stopping { .. } | State::Over)
    }

    fn is_running(&self) -> bool {
        matches!(self.state, State::Running)
    }

    fn running_until(&self) -> Duration {
        if self.progress.over {
            return self.heard.saturating_add(self.limits.collect);
        }
        let silent = self.limits.silence.map(|limit| self.heard.saturating_add(limit));
        silent
            .map_or(self.progress.deadline.end(), |silent| silent.min(self.progress.deadline.end()))
    }

    fn attached(&mut self, now: Duration) -> Option<Action> {
        if !matches!(self.state, State::Attaching { .. }) {
            return None;
        }
        self.state = State::Running;
        // Being attached to again and again is no sign of life.
        if std::mem::take(&mut self.was_heard) {
            self.heard = now;
        }
        self.progress.begun = true;
        if self.progress.announced {
            // Its machine is still the same: it goes on waiting. Perhaps the word to close was lost.
            return self.time(now).or(Some(Action::Close));
        }
        self.time(now)
    }

    fn word(&mut self, now: Duration, word: Word) -> Option<Action> {
        if !self.is_running() {
            return None;
        }
        match word {
            Word::Duration(change) => self.progress.deadline.change(now, change),
            Word::Disconnect => {
                self.progress.announced = true;
                return Some(Action::Close);
            }
            // How the test ended is told by the remote, not by the test.
            Word::Barrier(name) => return self.reached(now, name),
            Word::Exitcode(_) | Word::Noop | Word::Result { .. } => {}
        }
        None
    }

    /// The test came to a barrier. How often it does is limited: each time is written down for good.
    fn reached(&mut self, now: Duration, name: String) -> Option<Action> {
        self.progress.reached = self.progress.reached.saturating_add(1);
        if self.progress.reached > BARRIERS_MAX {
            let why = format!("the test came to barriers more than {BARRIERS_MAX} times");
            return self.stop(now, End::Test(why));
        }
        self.progress.barriers.insert(name);
        None
    }

    /// Whether the test can be told that it may go on.
    pub(crate) fn hears(&self) -> bool {
        self.is_running() && !self.progress.over
    }

    fn heard(&mut self, now: Duration) -> Option<Action> {
        (self.heard, self.was_heard) = (now, true);
        if !self.is_running() {
            return None;
        }
        // Tests that save and restore their limit around every result would else cost a command each time.
        let end = self.progress.deadline.end().saturating_add(UNATTENDED_GRACE);
        if end.abs_diff(self.progress.told) > UNATTENDED_GRACE / 2 {
            self.progress.told = end;
            return Some(Action::Limit(end.saturating_sub(now)));
        }
        self.time(now)
    }

    /// The test that was told to stop, because it took too long, had ended before: what it left is on its way.
    fn over(&mut self, now: Duration) -> Option<Action> {
        if !matches!(self.state, State::Stopping { why: End::Late(_), .. }) {
            return None;
        }
        self.state = State::Running;
        (self.progress.over, self.heard) = (true, now);
        None
    }

    /// The test goes on, and whoever wants to hear it, or its end, attaches to it.
    fn goes(&mut self, now: Duration) -> Option<Action> {
        match self.state {
            State::Attaching { .. } | State::Running => {
                self.state = State::Attaching { since: now, outage: None };
            }
            State::Stopping { .. } => {}
            State::Pausing { .. } | State::Connecting { .. } | State::Over => return None,
        }
        Some(Action::Attach { restart: self.progress.restarts })
    }

    fn ended(&mut self, now: Duration, ended: Ended) -> Option<Action> {
        match &self.state {
            State::Attaching { .. } | State::Running => {}
            State::Stopping { why, .. } => {
                let why = why.clone();
                return self.conclude(why);
            }
            State::Pausing { .. } | State::Connecting { .. } | State::Over => return None,
        }
        let progress = &mut self.progress;
        match ended {
            Ended::Over(code) if progress.announced => {
                progress.exit_code = code;
                self.over_unrebooted(now)
            }
            Ended::Torn(how) => self.conclude(End::Test(how)),
            Ended::Over(Some(code)) => self.conclude(End::Exited(code)),
            Ended::Over(None) => {
                self.conclude(End::Test("the test ended without an exit code".into()))
            }
            Ended::Late => {
                let note = self.late();
                self.conclude(End::Late(note))
            }
            Ended::Rebooted if progress.announced => {
                progress.rebooted();
                Some(self.start_again(now))
            }
            Ended::Rebooted => self.infra("the system rebooted while the test ran"),
            Ended::Missing if !progress.begun => Some(self.start_again(now)),
            Ended::Missing => self.infra("what was known there of the test is gone"),
            // So are all processes of a system that goes down.
            Ended::Killed if progress.announced => self.doom(now),
            Ended::Killed => self.infra("the supervisor of the test was killed"),
            Ended::Trouble(what) => self.infra(what),
        }
    }

    /// Its first start, or the one after a reboot.
    fn start_again(&mut self, now: Duration) -> Action {
        let outage = match self.state {
            State::Attaching { outage, .. } => outage,
            _ => None,
        };
        self.state = State::Attaching { since: now, outage };
        let end = self.progress.deadline.end().saturating_add(UNATTENDED_GRACE);
        self.progress.told = end;
        Action::Start { restart: self.progress.restarts }
    }

    /// The test is over, and announced a reboot that did not come.
    fn over_unrebooted(&mut self, now: Duration) -> Option<Action> {
        // Hung up on, killed or terminated, as by a system that goes down: then the reboot may still come.
        if matches!(self.progress.exit_code, Some(129 | 137 | 143)) {
            return self.doom(now);
        }
        // Its system is fine.
        let note = self.progress.unrebooted();
        self.conclude(End::Test(note))
    }

    /// Waits for the reboot for a while, though the test is over.
    fn doom(&mut self, now: Duration) -> Option<Action> {
        self.progress.doomed.get_or_insert(now);
        self.cut(now)
    }

    fn cut(&mut self, now: Duration) -> Option<Action> {
        let outage = match &self.state {
            State::Running => Outage::new(now),
            State::Attaching { outage, .. } => outage.unwrap_or(Outage::new(now)),
            State::Stopping { why: End::Cancelled, .. } => return self.conclude(End::Cancelled),
            State::Stopping { .. } => return self.conclude(End::Lost),
            State::Connecting { outage, .. } => *outage,
            State::Pausing { .. } | State::Over => return None,
        };
        // What it was told may not have arrived.
        self.progress.told = Duration::ZERO;
        self.pause(now, outage)
    }

    /// Waits before the next attempt, unless that would be too late.
    fn pause(&mut self, now: Duration, mut outage: Outage) -> Option<Action> {
        let end = self.outage_end(&outage);
        if now >= end {
            return self.give_up();
        }
        let until = now.saturating_add(outage.pause).min(end);
        outage.pause = (outage.pause * 2).min(PAUSES.1);
        self.state = State::Pausing { outage, until };
        None
    }

    /// When an outage has lasted too long.
    fn outage_end(&self, outage: &Outage) -> Duration {
        let progress = &self.progress;
        match progress.doomed {
            _ if !progress.announced => outage.since.saturating_add(self.limits.reconnect),
            Some(since) => since.saturating_add(self.limits.reboot).min(progress.deadline.end()),
            None => progress.deadline.end(),
        }
    }

    fn give_up(&mut self) -> Option<Action> {
        if !self.progress.announced {
            return self.conclude(End::Lost);
        }
        if self.progress.doomed.is_some() {
            let note = self.progress.unrebooted();
            return self.infra(note);
        }
        self.infra(format!(
            "the system did not come back from the reboot that the test announced, within the time limit of {}",
            Shown(self.progress.deadline.limit())
        ))
    }

    fn connected(&mut self, now: Duration) -> Option<Action> {
        let State::Connecting { outage, .. } = self.state else { return None };
        self.state = State::Attaching { since: now, outage: Some(outage) };
        Some(Action::Attach { restart: self.progress.restarts })
    }

    fn refused(&mut self, now: Duration, for_good: bool) -> Option<Action> {
        let State::Connecting { outage, .. } = self.state else { return None };
        if for_good {
            return self.conclude(End::Lost);
        }
        self.pause(now, outage)
    }

    fn time(&mut self, now: Duration) -> Option<Action> {
        if self.wake().is_none_or(|wake| now < wake) {
            return None;
        }
        match self.state.clone() {
            State::Attaching { .. } => self.cut(now),
            State::Connecting { .. } => self.refused(now, false),
            State::Running if self.progress.over => self.infra(format!(
                "nothing came of what the test left for {}",
                Shown(self.limits.collect)
            )),
            State::Running => {
                let note = self.late();
                self.stop(now, End::Late(note))
            }
            State::Pausing { mut outage, .. } => {
                if now >= self.outage_end(&outage) && outage.tried {
                    return self.give_up();
                }
                let anew = std::mem::replace(&mut outage.tried, true);
                self.state = State::Connecting { outage, since: now };
                Some(Action::Connect { anew })
            }
            State::Stopping { .. } => self.infra("the test could not be stopped"),
            State::Over => None,
        }
    }

    /// Why the test that runs took too long.
    fn late(&self) -> String {
        let deadline = &self.progress.deadline;
        if let Some(silence) = self.limits.silence
            && self.heard.saturating_add(silence) < deadline.end()
        {
            return format!("the test said and printed nothing for {}", Shown(silence));
        }
        let note = format!("time limit of {} reached", Shown(deadline.limit()));
        if self.progress.announced {
            return format!(
                "{note}; the reboot that the test announced (`disconnect`) did not come"
            );
        }
        note
    }

    fn end_early(&mut self, now: Duration, why: End) -> Option<Action> {
        match self.state {
            // Nothing was begun, or nobody can be told.
            State::Attaching { .. } if why == End::Broken => self.conclude(why),
            State::Pausing { .. } | State::Connecting { .. } => self.conclude(why),
            State::Attaching { .. } | State::Running => self.stop(now, why),
            State::Stopping { .. } | State::Over => None,
        }
    }

    fn stop(&mut self, now: Duration, why: End) -> Option<Action> {
        self.state = State::Stopping { since: now, why };
        Some(Action::Stop)
    }

    fn infra(&mut self, what: impl Into<String>) -> Option<Action> {
        self.conclude(End::Infra(what.into()))
    }

    fn conclude(&mut self, end: End) -> Option<Action> {
        if self.state == State::Over {
            return None;
        }
        self.state = State::Over;
        Some(Action::Conclude(end))
    }
}

impl Outage {
    fn new(now: Duration) -> Self {
        Self { since: now, pause: PAUSES.0, tried: false }
    }
}

#[cfg(test)]
mod tests;
