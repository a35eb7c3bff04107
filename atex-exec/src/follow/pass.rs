//! A long file that comes past the attachment: when it may, from where, and where what follows goes on.

use std::fs;

use atex_core::Error;

use super::Running;
use crate::attempt::Action;
use crate::shortcut::{LONG, Shortcut};

impl Running<'_> {
    /// Asks for a shortcut, if a long file is coming and there can be one.
    pub(super) fn ask_shortcut(&mut self) {
        if self.shortcut.is_some() || !self.run.connection.shares_files() {
            return;
        }
        let Some(place) = self.intake.long_file(LONG) else { return };
        let folder = self.run.guest.run_folder(self.run.number);
        match Shortcut::ask(folder, &place) {
            Ok(shortcut) => self.shortcut = Some(shortcut),
            // Such as one that a controller left behind that is gone; the supervisor will come to it.
            Err(error) => tracing::trace!(%error, "a long file comes as a short one does"),
        }
    }

    /// Takes the shortcut that is offered, once all is here that came before.
    pub(super) fn take_shortcut(&mut self) -> Option<Action> {
        let shortcut = self.shortcut.as_ref()?;
        let from = shortcut.offer()?;
        if self.attempt.listens() && !self.intake.is_at(from) {
            return None;
        }
        let Some(count) = self.intake.begin_shortcut(from, |place| shortcut.leads_to(place)) else {
            self.leave_shortcut();
            return None;
        };
        // Known before it is done: whatever comes to the file from now on must not be taken back.
        let taken = self.intake.checkpoint(self.now(), &self.attempt.progress, true);
        let taken = taken.and_then(|()| match &mut self.shortcut {
            Some(shortcut) => shortcut.take(count).map_err(|error| self.lost(error)),
            None => Ok(()),
        });
        taken.err().and_then(|error| self.broke(error))
    }

    /// The supervisor need not wait for us: nobody needs the shortcut any more.
    pub(super) fn leave_shortcut(&mut self) {
        self.shortcut.take_if(|shortcut| !shortcut.is_taken());
    }

    /// Something comes, or the attachment is at its end: if a shortcut came to its end before that, it is known from here on.
    pub(super) fn end_shortcut(&mut self) -> Option<Action> {
        let to = self.shortcut.as_ref()?.end()?;
        self.intake.end_shortcut(to);
        tracing::debug!(test = %self.run.name, to, "a long file took a shortcut");
        let done = self.intake.checkpoint(self.now(), &self.attempt.progress, true);
        if let Some(shortcut) = self.shortcut.take() {
            shortcut.forget();
        }
        done.err().and_then(|error| self.broke(error))
    }

    /// How much of a file is there that is on its shortcut.
    pub(super) fn passed(&self) -> u64 {
        if !self.shortcut.as_ref().is_some_and(Shortcut::is_taken) {
            return 0;
        }
        let place = self.intake.shortcut_place();
        place.and_then(|place| fs::metadata(place).ok()).map_or(0, |file| file.len())
    }

    fn lost(&self, error: std::io::Error) -> Error {
        Error::Lost { origin: self.run.connection.name().to_owned(), source: error.into() }
    }
}
