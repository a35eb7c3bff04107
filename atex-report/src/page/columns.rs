//! The results of a run as the columns of a page.

use atex_core::Verdict;
use serde_json::{Map, Value, json};

use super::pack::Pack;
use super::ranks::Ranks;
use super::tails::Tails;
use crate::{AttemptId, DatasetAttempt, Item, Kind, LogTail, Place, Review, Row};

/// The results of a run as the columns of a page, with what else numbers of attempts and texts are needed for.
///
/// Attempts are ordered by test, platform and number; results by attempt, and then as they were reported. Texts are numbers: the place in
/// the sorted table of that kind, from 1; 0 is none.
pub(super) struct Columns<'r> {
    review: &'r Review<'r>,
    pub(super) platforms: Ranks<'r>,
    pub(super) tests: Ranks<'r>,
    pub(super) subtests: Ranks<'r>,
    statuses: Ranks<'r>,
    notes: Ranks<'r>,
    guests: Ranks<'r>,
    files: Ranks<'r>,
    /// The attempts in the order of the page.
    pub(super) order: Vec<AttemptId>,
    /// The place of each attempt in that order.
    pub(super) place: Vec<u32>,
    /// Results that passed are only counted.
    fold: bool,
}

/// From so many results on, how long each took is told to about five percent, in one byte.
const EXACT_MAX: usize = 100_000;
/// Steps of a duration that is told in one byte: eight of them are a factor of two.
const STEPS: f64 = 8.0;

impl<'r> Columns<'r> {
    pub(super) fn new(review: &'r Review<'r>, fold_above: usize) -> Self {
        let (dataset, run) = (review.dataset, review.run);
        let (attempts, outcomes) = (run.attempts(), run.outcomes());
        let platforms = attempts.iter().map(|attempt| attempt.platform);
        let platforms = platforms.chain(outcomes.iter().filter_map(|outcome| outcome.platform));
        let removed = removed(review);
        let platforms = platforms.chain(removed.iter().map(|item| item.platform));
        let platforms = Ranks::new(dataset.platforms(), platforms);
        let tests = attempts.iter().map(|attempt| attempt.test);
        let tests = tests.chain(outcomes.iter().map(|outcome| outcome.test));
        let tests = tests.chain(removed.iter().map(|item| item.test));
        let tests = Ranks::new(dataset.tests(), tests);
        let notes = run.rows().filter_map(|row| row.note);
        let notes = notes.chain(attempts.iter().filter_map(|attempt| attempt.note));
        let notes = notes.chain(outcomes.iter().filter_map(|outcome| outcome.note));
        let subtests = run.rows().filter_map(|row| row.subtest);
        let subtests = subtests.chain(removed.iter().filter_map(|item| item.subtest));
        let mut order: Vec<AttemptId> = run.attempts_by_id().map(|(id, _)| id).collect();
        order.sort_by_key(|id| {
            let attempt = run.attempt(*id);
            let (test, platform) = (Some(attempt.test), Some(attempt.platform));
            (tests.of(test), platforms.of(platform), attempt.number)
        });
        let mut place = vec![0; order.len()];
        for (number, id) in (0..).zip(&order) {
            place[id.index()] = number;
        }
        Self {
            review,
            subtests: Ranks::new(dataset.subtests(), subtests),
            statuses: Ranks::new(dataset.statuses(), run.rows().filter_map(|row| row.status)),
            notes: Ranks::new(dataset.notes(), notes),
            guests: Ranks::new(dataset.guests(), attempts.iter().filter_map(|one| one.guest)),
            files: Ranks::new(dataset.file_lists(), run.rows().filter_map(|row| row.files)),
            platforms,
            tests,
            order,
            place,
            fold: run.len() > fold_above,
        }
    }

    /// Puts everything into a pack; gives what else is to be said in its head.
    pub(super) fn pack(&self, pack: &mut Pack, tails: &Tails) -> Map<String, Value> {
        let tables = [
            ("platforms", &self.platforms),
            ("tests", &self.tests),
            ("subtests", &self.subtests),
            ("statuses", &self.statuses),
            ("notes", &self.notes),
            ("guests", &self.guests),
        ];
        for (name, ranks) in tables {
            pack.texts(name, ranks.texts());
        }
        let files: Vec<String> = self.files.texts().map(short_list).collect();
        pack.texts("files", files.iter().map(String::as_str));
        let folded = self.rows(pack, tails);
        self.attempts(pack, &folded);
        self.outcomes(pack);
        let mut head = Map::new();
        head.insert("folded".to_owned(), folded.iter().map(|one| one.1).sum::<u32>().into());
        head
    }

    /// Puts the results in; gives, for each attempt in the order of the page, how many it has, and how many were folded.
    fn rows(&self, pack: &mut Pack, tails: &Tails) -> Vec<(u32, u32)> {
        let run = self.review.run;
        let pass = self.review.dataset.statuses().find("pass");
        let (waived, causes) = (&self.review.waived, &self.review.causes);
        let changes = self.changes();
        let mut counts = Vec::with_capacity(self.order.len());
        let mut columns: [Vec<u32>; 7] = std::array::from_fn(|_| Vec::with_capacity(run.len()));
        let mut tailed = Vec::new();
        let mut took = Took { exact: run.len() <= EXACT_MAX, ..Took::default() };
        for id in &self.order {
            let (mut kept, mut folded) = (0, 0);
            for (number, row) in run.attempt(*id).rows().zip(run.rows_of(*id)) {
                if self.fold && is_dull(&row, pass) {
                    folded += 1;
                    continue;
                }
                kept += 1;
                tailed.extend(tails.of(number).map(|tail| (columns[0].len(), tail)));
                let waiver = waived.of_row(number).map_or(0, one_more);
                let cause = causes.of_row(number).map_or(0, one_more);
                let values = [
                    self.subtests.of(row.subtest),
                    self.statuses.of(row.status),
                    self.notes.of(row.note),
                    self.files.of(row.files),
                    waiver,
                    cause,
                    u32::from(changes.get(number).copied().unwrap_or(0)),
                ];
                columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
                took.push(&row, row.status != pass);
            }
            counts.push((kept, folded));
        }
        let names = ["subtest", "status", "note", "filelist", "waiver", "cause", "change"];
        for (name, column) in names.iter().zip(&columns) {
            pack.numbers(&format!("row.{name}"), column);
        }
        took.pack(pack);
        pack_tails(&tailed, pack);
        counts
    }

    /// What changed, by the number of the row; nothing if there is nothing to compare with.
    fn changes(&self) -> Vec<u8> {
        let Some((_, comparison)) = &self.review.comparison else { return Vec::new() };
        let mut kinds = vec![0; self.review.run.len()];
        for change in comparison.changes() {
            if let Place::Row(row) = change.place {
                kinds[row] = kind_number(change.kind);
            }
        }
        kinds
    }

    fn attempts(&self, pack: &mut Pack, counts: &[(u32, u32)]) {
        let run = self.review.run;
        let column = |name: &str, pack: &mut Pack, of: &dyn Fn(&DatasetAttempt) -> u32| {
            let values: Vec<u32> = self.order.iter().map(|id| of(run.attempt(*id))).collect();
            pack.numbers(&format!("attempt.{name}"), &values);
        };
        column("platform", pack, &|one| self.platforms.of(Some(one.platform)));
        column("test", pack, &|one| self.tests.of(Some(one.test)));
        column("number", pack, &|one| one.number);
        column("last", pack, &|one| one.last.into());
        column("guest", pack, &|one| self.guests.of(one.guest));
        column("verdict", pack, &|one| verdict_number(one.verdict));
        column("note", pack, &|one| self.notes.of(one.note));
        column("started", pack, &|one| millis(one.started));
        column("took", pack, &|one| millis(one.took));
        pack.numbers("attempt.rows", &counts.iter().map(|one| one.0).collect::<Vec<_>>());
        pack.numbers("attempt.folded", &counts.iter().map(|one| one.1).collect::<Vec<_>>());
    }

    fn outcomes(&self, pack: &mut Pack) {
        let outcomes = self.review.run.outcomes();
        let mut order: Vec<usize> = (0..outcomes.len()).collect();
        order.sort_by_key(|place| {
            let outcome = &outcomes[*place];
            (self.tests.of(Some(outcome.test)), self.platforms.of(outcome.platform), *place)
        });
        let changes = self.changed_outcomes();
        let column = |name: &str, pack: &mut Pack, of: &dyn Fn(usize) -> u32| {
            let values: Vec<u32> = order.iter().map(|place| of(*place)).collect();
            pack.numbers(&format!("outcome.{name}"), &values);
        };
        column("test", pack, &|place| self.tests.of(Some(outcomes[place].test)));
        column("platform", pack, &|place| self.platforms.of(outcomes[place].platform));
        column("verdict", pack, &|place| verdict_number(outcomes[place].verdict));
        column("note", pack, &|place| self.notes.of(outcomes[place].note));
        // The attempts of a test on a platform are together.
        column("first", pack, &|place| {
            outcomes[place].attempts.first().map_or(0, |id| self.place[id.index()])
        });
        column("attempts", pack, &|place| {
            u32::try_from(outcomes[place].attempts.len()).unwrap_or(u32::MAX)
        });
        column("waiver", pack, &|place| self.review.waived.of_outcome(place).map_or(0, one_more));
        column("change", pack, &|place| changes[place].into());
        let Some((_, comparison)) = &self.review.comparison else { return };
        let histories: Vec<String> = order
            .iter()
            .map(|place| {
                let outcome = &outcomes[*place];
                outcome.platform.map_or_else(String::new, |platform| {
                    comparison.history(Item { platform, test: outcome.test, subtest: None })
                })
            })
            .collect();
        pack.texts("histories", histories.iter().map(String::as_str));
    }

    fn changed_outcomes(&self) -> Vec<u8> {
        let mut kinds = vec![0; self.review.run.outcomes().len()];
        let comparison = self.review.comparison.iter();
        for change in comparison.flat_map(|(_, comparison)| comparison.changes()) {
            if let Place::Outcome(place) = change.place {
                kinds[place] = kind_number(change.kind);
            }
        }
        kinds
    }
}

/// The ends of logs, with the numbers of the results that they are of.
fn pack_tails(tails: &[(usize, &LogTail)], pack: &mut Pack) {
    let rows: Vec<u32> = tails.iter().filter_map(|one| u32::try_from(one.0).ok()).collect();
    pack.numbers("tail.row", &rows);
    pack.texts("tailFiles", tails.iter().map(|one| one.1.file.as_str()));
    pack.texts("tailTexts", tails.iter().map(|one| one.1.text.as_str()));
}

/// What is gone since the earlier runs; a page lists so many at most.
const REMOVED_MAX: usize = 10_000;

/// What was in the run before and is not in this one.
pub(super) fn removed(review: &Review<'_>) -> Vec<Item> {
    let comparison = review.comparison.iter();
    let removed = comparison.flat_map(|(_, comparison)| comparison.of_kind(Kind::Removed));
    removed.map(|change| change.item).take(REMOVED_MAX).collect()
}

/// The most of a list of files that a page carries, and of each name.
const FILES_MAX: usize = 100;
const FILE_NAME_MAX: usize = 100;

/// A list of files that is not too long, and still is JSON: too long names are left out, as no file can be called so.
fn short_list(list: &str) -> String {
    if list.len() <= FILES_MAX * FILE_NAME_MAX {
        return list.to_owned();
    }
    let names: Vec<String> = serde_json::from_str(list).unwrap_or_default();
    let short = names.into_iter().filter(|name| name.len() <= FILE_NAME_MAX);
    json!(short.take(FILES_MAX).collect::<Vec<_>>()).to_string()
}

/// Whether nobody misses a result when results are too many.
fn is_dull(row: &Row, pass: Option<crate::Key>) -> bool {
    row.subtest.is_some() && row.status.is_some() && row.status == pass && row.note.is_none()
}

fn one_more(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX - 1) + 1
}

/// The place of a kind in [`Kind::ALL`], from 1.
fn kind_number(kind: Kind) -> u8 {
    let place = Kind::ALL.iter().position(|one| *one == kind);
    place.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or(0)
}

/// The place of a verdict in [`Verdict::ALL`], from 1.
pub(super) fn verdict_number(verdict: Option<Verdict>) -> u32 {
    let place = verdict.and_then(|verdict| Verdict::ALL.iter().position(|one| *one == verdict));
    place.map_or(0, one_more)
}

/// Milliseconds, from 1; 0 is none.
fn millis(time: Option<std::time::Duration>) -> u32 {
    time.map_or(0, |time| u32::try_from(time.as_millis() + 1).unwrap_or(u32::MAX))
}

/// How long results took.
#[derive(Default)]
struct Took {
    exact: bool,
    any: bool,
    /// Milliseconds from 1, or steps from 1; 0 is none.
    values: Vec<u32>,
    /// Rows whose milliseconds are told besides: those that did not pass.
    rows: Vec<u32>,
    millis: Vec<u32>,
}

impl Took {
    fn push(&mut self, row: &Row, notable: bool) {
        let millis = millis(row.took);
        self.any |= millis > 0;
        if self.exact || millis == 0 {
            self.values.push(millis);
            return;
        }
        if notable {
            self.rows.push(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
            self.millis.push(millis);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and 8 × 32"
        )]
        let steps = (f64::from(millis).log2() * STEPS).round() as u32;
        self.values.push((steps + 1).min(255));
    }

    fn pack(self, pack: &mut Pack) {
        if self.any {
            pack.numbers(if self.exact { "row.millis" } else { "row.steps" }, &self.values);
            pack.numbers("exact.row", &self.rows);
            pack.numbers("exact.millis", &self.millis);
        }
    }
}

/// What a page needs to know to make links to files: names whose folders are not called as they are.
pub(super) fn odd_folders<'t>(texts: impl Iterator<Item = &'t str>) -> Value {
    let mut odd = Map::new();
    for (number, text) in (1..).zip(texts) {
        let folder = atex_core::SafePath::new(text);
        let folder = folder.as_ref().map_or("_", atex_core::SafePath::as_str);
        if folder != text.trim_start_matches('/') {
            odd.insert(i32::to_string(&number), json!(folder));
        }
    }
    Value::Object(odd)
}
