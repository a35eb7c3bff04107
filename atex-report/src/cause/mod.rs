//! [`Causes`]: failures that say the same, but for numbers, times and the like.

mod normal;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{AttemptId, Blame, Dataset, DatasetRun, Key, Row};

/// The failures of a run by what they say: "147 results, 1 cause".
///
/// Two failures have one cause when their messages are the same without what differs from one failure to the next: numbers,
/// hexadecimal, times, addresses and folders are placeholders in [`Cause::text`]. The message of a result is its note; one
/// without a note has none, and no cause, unless somebody [says](Causes::find) what else there is (the last lines that it
/// printed, for example). Trouble of infrastructure is apart from failures, whatever it says.
#[derive(Debug, Clone, Default)]
pub struct Causes {
    list: Vec<Cause>,
    /// By the number of a row.
    of_row: HashMap<usize, usize>,
    unexplained: usize,
}

/// Failures that say the same.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cause {
    /// What they say, with placeholders: one line that is safe to show.
    pub text: String,
    /// Whether it is trouble of infrastructure.
    pub infra: bool,
    /// How many results it has.
    pub results: usize,
    /// In how many tests, each of which may have run on several platforms.
    pub tests: usize,
    /// On which platforms, with the number of results on each, in the order of their names.
    pub platforms: BTreeMap<String, usize>,
    /// One of its results: the attempt, and the number of the row.
    pub example: (AttemptId, usize),
}

/// What is gathered of a cause.
struct Gathered {
    cause: Cause,
    rows: Vec<usize>,
    tests: HashSet<Key>,
}

impl Causes {
    /// The causes of all failures of a run that count: those of the last attempt of each test, except those that `skip` names by
    /// the number of their row (waived ones, for example).
    pub fn of(dataset: &Dataset, run: &DatasetRun, skip: impl Fn(usize) -> bool) -> Self {
        Self::find(dataset, run, skip, |_, _| None)
    }

    /// The same, where `says` tells what a failure without a note has to say, from its attempt and row: it may look into files,
    /// and is asked once for each such failure.
    pub fn find(
        dataset: &Dataset,
        run: &DatasetRun,
        skip: impl Fn(usize) -> bool,
        mut says: impl FnMut(AttemptId, &Row) -> Option<String>,
    ) -> Self {
        let blames: Vec<_> =
            dataset.statuses().iter().map(|(_, status)| Blame::of(Some(status))).collect();
        let mut texts: Vec<String> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        // Each different note is normalised once.
        let mut of_note: HashMap<Key, usize> = HashMap::new();
        let mut found: HashMap<(bool, usize), Gathered> = HashMap::new();
        let mut unexplained = 0;
        let mut number_of = |message: &str| {
            let text = normal::normal(message);
            *known.entry(text).or_insert_with_key(|text| {
                texts.push(text.clone());
                texts.len() - 1
            })
        };
        for (id, attempt) in run.attempts_by_id().filter(|(_, attempt)| attempt.last) {
            for (number, row) in attempt.rows().zip(run.rows_of(id)) {
                let blame = row.status.and_then(|status| blames[status.index()]);
                let Some(blame) = blame.filter(|_| !skip(number)) else { continue };
                let text = match row.note {
                    Some(note) => Some(
                        *of_note
                            .entry(note)
                            .or_insert_with(|| number_of(dataset.notes().text(note))),
                    ),
                    None => says(id, &row).map(|message| number_of(&message)),
                };
                let Some(text) = text else {
                    unexplained += 1;
                    continue;
                };
                let platform = dataset.platforms().text(attempt.platform);
                let gathered = found
                    .entry((blame == Blame::Infra, text))
                    .or_insert_with(|| Gathered::new(blame, (id, number)));
                gathered.add(number, attempt.test, platform);
            }
        }
        Self::sorted(found, &texts, unexplained)
    }

    fn sorted(
        found: HashMap<(bool, usize), Gathered>,
        texts: &[String],
        unexplained: usize,
    ) -> Self {
        let mut all: Vec<Gathered> = found
            .into_iter()
            .map(|((_, text), mut gathered)| {
                gathered.cause.text.clone_from(&texts[text]);
                gathered.cause.tests = gathered.tests.len();
                gathered
            })
            .collect();
        // Failures before trouble, the biggest first; the earlier one between equals.
        all.sort_by_key(|one| {
            (one.cause.infra, std::cmp::Reverse(one.cause.results), one.cause.example.1)
        });
        let mut causes = Self { unexplained, ..Self::default() };
        for (number, gathered) in all.into_iter().enumerate() {
            causes.of_row.extend(gathered.rows.into_iter().map(|row| (row, number)));
            causes.list.push(gathered.cause);
        }
        causes
    }

    /// The causes: those of failures, then those of trouble with infrastructure, each with the biggest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Cause> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The number of the cause of a result, by the number of its row.
    pub fn of_row(&self, row: usize) -> Option<usize> {
        self.of_row.get(&row).copied()
    }

    /// How many failures have nothing to say.
    pub fn unexplained(&self) -> usize {
        self.unexplained
    }
}

impl Gathered {
    fn new(blame: Blame, example: (AttemptId, usize)) -> Self {
        let cause = Cause {
            text: String::new(),
            infra: blame == Blame::Infra,
            results: 0,
            tests: 0,
            platforms: BTreeMap::new(),
            example,
        };
        Self { cause, rows: Vec::new(), tests: HashSet::new() }
    }

    fn add(&mut self, row: usize, test: Key, platform: &str) {
        self.rows.push(row);
        self.tests.insert(test);
        self.cause.results += 1;
        match self.cause.platforms.get_mut(platform) {
            Some(count) => *count += 1,
            None => {
                self.cause.platforms.insert(platform.to_owned(), 1);
            }
        }
    }
}
