//! [`OpenResults`]: the partial results of a test that are open, a few of them in memory, all others on disk.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use atex_core::Error;
use hashbrown::HashTable;

use super::spill::Spill;
use super::weight::{self, MAX_WEIGHT};
use super::{Report, SinkError};
use crate::control::ControlError;

mod resume;

pub(super) use resume::OpenState;

/// The partial results of a test that are still open, in the order in which they first appeared.
///
/// Those in memory weigh half a megabyte, or are one that weighs more; each of the others takes about 16 bytes, and lies in
/// `partials-N.temp` in the folder of the artifacts.
///
/// ```
/// use atex_exec::result::{OpenResults, Report};
///
/// let mut open = OpenResults::new("never made: so few stay in memory");
/// let report = |json: &str| Report::parse(json.as_bytes());
/// assert!(open.add(report(r#"{"name": "sub", "status": "fail", "partial": true}"#)?)?.is_none());
/// let closed = open.add(report(r#"{"name": "sub", "note": "late"}"#)?)?.unwrap();
/// assert_eq!(serde_json::Value::from(closed.fields).to_string(), r#"{"name":"sub","status":"fail","note":"late"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OpenResults {
    /// All that were opened, by their places in the order of their first appearance; closed ones go when there are too many.
    slots: Vec<Slot>,
    /// The places of those that are open, by what they are named.
    table: HashTable<u32>,
    hasher: RandomState,
    near: HashMap<u32, Near>,
    /// What those in memory weigh.
    weight: usize,
    spill: Spill,
    /// How much of the file counts.
    used: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    /// Where it is: an offset in the file, [`NEAR`] or [`CLOSED`].
    at: u32,
}

const NEAR: u32 = u32::MAX;
const CLOSED: u32 = u32::MAX - 1;

/// An open result in memory.
#[derive(Debug)]
struct Near {
    report: Report,
    weight: usize,
    /// Whether there is a record of it in the file, which counts no more.
    logged: bool,
}

/// What one in memory takes beside its values.
const NEAR_COST: usize = size_of::<Near>() + 64;
/// How much those in memory may weigh together, beside the one that came last.
const MAX_NEAR: usize = 512 << 10;
/// How many places and bytes that count no more are not worth a thought.
const FEW: (usize, u64) = (1 << 10, 1 << 20);

fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl OpenResults {
    /// How many may be open at once.
    pub const MAX_OPEN: usize = 220_000;

    /// None are open. What does not fit into memory will go into a file in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self::with(Spill::new(folder.into()))
    }

    fn with(spill: Spill) -> Self {
        let (slots, table, near) = (Vec::new(), HashTable::new(), HashMap::new());
        Self { slots, table, hasher: RandomState::new(), near, weight: 0, spill, used: 0 }
    }
}

impl OpenResults {
    /// Takes a reported result. A partial one is merged into the open one of its name and kept; any other closes the open
    /// one of its name, if there is one, and is given back, complete.
    ///
    /// # Errors
    /// [`SinkError::Control`] when too many are open, or one became too big; [`SinkError::Local`] when the file cannot be
    /// written or read.
    pub fn add(&mut self, report: Report) -> Result<Option<Report>, SinkError> {
        if self.table.is_empty() && !report.partial {
            return Ok(Some(report));
        }
        let key = report.key();
        let weight = weight::of_fields(&report.fields);
        let Some(place) = self.find(key.as_deref(), weight)? else {
            if !report.partial {
                return Ok(Some(report));
            }
            if self.table.len() >= Self::MAX_OPEN {
                let problem = format!("more than {} partial results are open", Self::MAX_OPEN);
                return Err(malformed(problem));
            }
            let place = self.insert(key.as_deref(), report);
            self.spill(place)?;
            return Ok(None);
        };
        let is_partial = report.partial;
        self.merge(place, report, weight)?;
        if is_partial {
            self.spill(place)?;
            return Ok(None);
        }
        let closed = self.take(place)?;
        self.compact()?;
        Ok(closed)
    }

    /// The open result of the test itself.
    ///
    /// # Errors
    /// [`SinkError::Local`] when the file cannot be read.
    pub fn own(&mut self) -> Result<Option<&mut Report>, SinkError> {
        let place = self.find(None, 0)?;
        Ok(place.and_then(|place| self.near.get_mut(&place)).map(|near| &mut near.report))
    }

    /// Opens a result of the test itself, after all others that are open, unless there is one. However many are open, this one
    /// can be.
    ///
    /// # Errors
    /// [`SinkError::Local`] when the file cannot be read.
    pub fn open_own(&mut self) -> Result<Option<&mut Report>, SinkError> {
        if self.find(None, 0)?.is_none() {
            self.insert(None, Report::default());
        }
        self.own()
    }

    /// Closes all, in order. One that cannot be read any more does not take the others with it.
    pub fn close(&mut self) -> impl Iterator<Item = Result<Report, SinkError>> + use<'_> {
        let slots = std::mem::take(&mut self.slots);
        self.table.clear();
        self.weight = 0;
        slots.into_iter().enumerate().filter_map(|(place, slot)| match slot.at {
            CLOSED => None,
            NEAR => self.near.remove(&(place as u32)).map(|near| Ok(near.report)),
            at => Some(self.read(at).map_err(SinkError::from)),
        })
    }

    /// Removes the files in this folder.
    pub(crate) fn sweep(folder: &Path) {
        Spill::sweep(folder);
    }

    fn hash(&self, key: Option<&str>) -> u32 {
        self.hasher.hash_one(key) as u32
    }

    fn read(&mut self, at: u32) -> Result<Report, Error> {
        let header = self.spill.header(at)?;
        self.spill.read(at, header)
    }

    fn keep(&mut self, place: u32, report: Report, logged: bool) {
        let weight = NEAR_COST + weight::of_fields(&report.fields);
        self.weight += weight;
        self.near.insert(place, Near { report, weight, logged });
    }

    fn fill_table(&mut self) {
        let Self { table, slots, .. } = self;
        table.clear();
        for (place, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.at != CLOSED) {
            let hash = |place: &u32| spread(slots[*place as usize].hash);
            table.insert_unique(spread(slot.hash), place as u32, hash);
        }
    }

    /// The place of the open result with this name, which is in memory then. Merging something of this weight into it must
    /// be possible.
    fn find(&mut self, key: Option<&str>, weight: usize) -> Result<Option<u32>, SinkError> {
        let hash = self.hash(key);
        let Self { table, slots, near, spill, .. } = self;
        let (mut loaded, mut trouble) = (None, None);
        let found = table.find(spread(hash), |place| {
            let slot = slots[*place as usize];
            if slot.hash != hash || trouble.is_some() {
                return false;
            }
            if slot.at == NEAR {
                return near.get(place).is_some_and(|near| near.report.key().as_deref() == key);
            }
            match load(spill, slot.at, key, weight) {
                Ok(report) => loaded = report,
                Err(error) => trouble = Some(error),
            }
            loaded.is_some()
        });
        let found = found.copied();
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        if let (Some(place), Some((report, size))) = (found, loaded) {
            self.slots[place as usize].at = NEAR;
            self.used -= u64::from(size);
            self.keep(place, report, true);
        }
        Ok(found)
    }

    fn insert(&mut self, key: Option<&str>, report: Report) -> u32 {
        let (hash, place) = (self.hash(key), self.slots.len() as u32);
        if self.slots.len() == self.slots.capacity() {
            // By a sixteenth: doubling what is big already would waste as much.
            self.slots.reserve_exact((self.slots.len() / 16).max(64));
        }
        self.slots.push(Slot { hash, at: NEAR });
        let Self { table, slots, .. } = self;
        table.insert_unique(spread(hash), place, |place| spread(slots[*place as usize].hash));
        self.keep(place, report, false);
        place
    }

    fn merge(&mut self, place: u32, report: Report, weight: usize) -> Result<(), SinkError> {
        let Some(near) = self.near.get_mut(&place) else { return Ok(()) };
        if near.weight + weight > MAX_WEIGHT {
            // What was replaced weighs no more.
            let exact = NEAR_COST + weight::of_fields(&near.report.fields);
            self.weight = self.weight - near.weight + exact;
            near.weight = exact;
        }
        near.weight += weight;
        self.weight += weight;
        if near.weight > MAX_WEIGHT {
            return Err(too_big(near.weight));
        }
        near.report.merge(report);
        Ok(())
    }

    /// Closes one that is in memory.
    fn take(&mut self, place: u32) -> Result<Option<Report>, SinkError> {
        let Some(near) = self.near.remove(&place) else { return Ok(None) };
        self.weight -= near.weight;
        let slot = &mut self.slots[place as usize];
        slot.at = CLOSED;
        if let Ok(entry) = self.table.find_entry(spread(slot.hash), |other| *other == place) {
            entry.remove();
        }
        if near.logged {
            self.spill.write_closed(place)?;
        }
        Ok(Some(near.report))
    }

    /// Writes what is in memory into the file, if it is too much; all but one, which came last and may go on.
    fn spill(&mut self, last: u32) -> Result<(), SinkError> {
        let heavy = self.near.get(&last).map_or(0, |near| near.weight);
        if self.weight - heavy <= MAX_NEAR {
            return Ok(());
        }
        let mut places: Vec<u32> =
            self.near.keys().copied().filter(|place| *place != last).collect();
        places.sort_unstable();
        for place in places {
            let Some(near) = self.near.get(&place) else { continue };
            if self.spill.length() >= Spill::MAX {
                let most = Spill::MAX >> 20;
                return Err(malformed(format!("more than {most} MiB of partial results are open")));
            }
            let before = self.spill.length();
            let exact = NEAR_COST + weight::of_fields(&near.report.fields);
            let at = self.spill.write(place, exact, &near.report)?;
            self.slots[place as usize].at = at;
            self.used += u64::from(self.spill.length() - before);
            self.weight -= near.weight;
            self.near.remove(&place);
        }
        self.compact()
    }

    /// Lets go of closed ones, and of what counts no more in the file, if that is most of it.
    fn compact(&mut self) -> Result<(), SinkError> {
        let closed = self.slots.len() - self.table.len();
        let unused = u64::from(self.spill.length()) - self.used;
        if closed <= self.table.len() + FEW.0 && unused <= self.used + FEW.1 {
            return Ok(());
        }
        let mut slots = Vec::with_capacity(self.table.len());
        let (mut places, mut next) = (Vec::with_capacity(self.near.len()), self.spill.next());
        for (old, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.at != CLOSED) {
            let new = slots.len() as u32;
            let at = match slot.at {
                NEAR => {
                    places.push((old as u32, new));
                    NEAR
                }
                at => next.copy(&mut self.spill, at, new)?,
            };
            slots.push(Slot { at, ..*slot });
        }
        self.used = next.length().into();
        self.spill.replace(next);
        self.slots = slots;
        let mut near = std::mem::take(&mut self.near);
        self.near = places
            .into_iter()
            .filter_map(|(old, new)| Some((new, Near { logged: false, ..near.remove(&old)? })))
            .collect();
        self.fill_table();
        Ok(())
    }
}

/// Reads the result at a place of the file, with the length of its record; nothing if its name is another.
fn load(
    spill: &mut Spill,
    at: u32,
    key: Option<&str>,
    weight: usize,
) -> Result<Option<(Report, u32)>, SinkError> {
    let header = spill.header(at)?;
    // Known before it is read, so that both are never in memory. (That the name is another is as good as impossible.)
    let merged = header.weight as usize + weight;
    if merged > MAX_WEIGHT {
        return Err(too_big(merged));
    }
    let report = spill.read(at, header)?;
    Ok((report.key().as_deref() == key).then(|| (report, header.size())))
}

fn too_big(weight: usize) -> SinkError {
    malformed(weight::too_heavy("the partial results of one name take", weight, MAX_WEIGHT))
}

fn malformed(problem: String) -> SinkError {
    SinkError::Control(ControlError::Report { problem, json: String::new() })
}
