//! [`Meetings`]: the barriers that a test waits at, and how it is told that it may go on.

use std::collections::{BTreeMap, BTreeSet};

use atex_core::Status;
use tokio::task::JoinSet;

use super::Running;
use crate::attempt::{Action, Event};

/// What came of a barrier: nothing if it is open, else why it never will be.
type Answer = Result<(), String>;

/// The barriers that a test waits at.
#[derive(Default)]
pub(super) struct Meetings {
    /// Those whose answer is waited for, and their names.
    waiting: JoinSet<(String, Answer)>,
    names: BTreeSet<String>,
    /// Answers that the test does not have yet.
    answers: BTreeMap<String, Answer>,
}

impl Meetings {
    /// The next answer. Never comes when none is waited for.
    pub(super) async fn next(&mut self) -> (String, Answer) {
        match self.waiting.join_next().await {
            Some(Ok(answer)) => answer,
            // The run comes to its end.
            Some(Err(_)) | None => std::future::pending().await,
        }
    }
}

impl Running<'_> {
    /// Says where the test has come, as far as nobody was told. What is wrong with that, if something is.
    pub(super) fn meet(&mut self) -> Option<String> {
        let meetings = &mut self.meetings;
        let new = self.attempt.progress.barriers.iter().filter(|name| {
            !meetings.names.contains(*name) && !meetings.answers.contains_key(*name)
        });
        for name in new.cloned().collect::<Vec<String>>() {
            let Some(barriers) = self.run.barriers else {
                return Some(format!(
                    "there is no barrier {name}: the test runs together with no other"
                ));
            };
            let reached = barriers.reach(&name);
            meetings.names.insert(name.clone());
            meetings.waiting.spawn(async move { (name, reached.await) });
        }
        None
    }

    /// The answer of a barrier came.
    pub(super) async fn told(&mut self, name: String, answer: Answer) -> Option<Action> {
        self.meetings.names.remove(&name);
        self.meetings.answers.insert(name, answer);
        self.tell_answers().await
    }

    /// Tells the test what it does not know yet, if it can be told now. What cannot is told when it is attached to again.
    pub(super) async fn tell_answers(&mut self) -> Option<Action> {
        if self.meetings.answers.is_empty() || !self.attempt.hears() {
            return None;
        }
        let command = self.run.guest.answer(self.run.number, &self.meetings.answers);
        let connection = self.run.connection;
        let telling = async { connection.spawn(command).await?.wait().await };
        match self.promptly("telling about", self.run.limits.stop, telling).await {
            Ok(Status::Code(0)) => {
                for name in std::mem::take(&mut self.meetings.answers).into_keys() {
                    self.attempt.progress.barriers.remove(&name);
                }
                None
            }
            Ok(status) => {
                let why = format!("the test cannot be told that it may go on: {status}");
                self.on(Event::Untold(why))
            }
            Err(error) => self.broke(error),
        }
    }
}
