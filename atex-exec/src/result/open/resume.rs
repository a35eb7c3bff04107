//! [`OpenState`]: what a checkpoint keeps of open partial results, and going on from it.

use std::path::Path;

use atex_core::Error;
use serde::{Deserialize, Serialize};

use super::{CLOSED, NEAR, OpenResults, Slot};
use crate::result::Report;
use crate::result::spill::{Spill, SpillState};

/// What a checkpoint keeps of the open results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpenState<R = Report> {
    spill: Option<SpillState>,
    /// Those in memory, with their places.
    near: Vec<(u32, bool, R)>,
}

impl<R> Default for OpenState<R> {
    fn default() -> Self {
        Self { spill: None, near: Vec::new() }
    }
}

impl OpenResults {
    /// Goes on where a checkpoint was made.
    pub(crate) fn resume(folder: &Path, state: OpenState) -> Result<Self, Error> {
        let mut open = Self::with(Spill::resume(folder.to_owned(), state.spill)?);
        let mut at = 0;
        while at < open.spill.length() {
            let header = open.spill.header(at)?;
            let hash = match header.is_closed() {
                true => None,
                false => {
                    let key = open.spill.read(at, header)?.key();
                    Some(open.hash(key.as_deref()))
                }
            };
            let slot = Slot { hash: hash.unwrap_or_default(), at: hash.map_or(CLOSED, |_| at) };
            open.set(header.place, slot);
            at += header.size();
        }
        for (place, logged, report) in state.near {
            let slot = Slot { hash: open.hash(report.key().as_deref()), at: NEAR };
            open.set(place, slot);
            open.keep(place, report, logged);
        }
        for slot in open.slots.iter().filter(|slot| slot.at < CLOSED) {
            open.used += u64::from(open.spill.header(slot.at)?.size());
        }
        open.fill_table();
        Ok(open)
    }

    /// Sees to it that what is not in memory can be found by another controller.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        self.spill.flush()
    }

    /// What a checkpoint has to know, once everything is [flushed](Self::flush).
    pub(crate) fn state(&self) -> OpenState<&Report> {
        let near = self.near.iter().map(|(place, near)| (*place, near.logged, &near.report));
        OpenState { spill: self.spill.state(), near: near.collect() }
    }

    /// There is a checkpoint with the state of this moment.
    pub(crate) fn checkpointed(&mut self) {
        self.spill.checkpointed();
    }

    /// Puts a slot to its place.
    fn set(&mut self, place: u32, slot: Slot) {
        let place = place as usize;
        if place >= self.slots.len() {
            self.slots.resize(place + 1, Slot { hash: 0, at: CLOSED });
        }
        self.slots[place] = slot;
    }
}
