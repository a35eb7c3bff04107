//! A review of a run as JSON, for programs.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::{Cause, Change, Comparison, DatasetRun, Kind, Review, summary_json};

/// The version of what [`Review`] is serialized as: raised when a key changes its meaning or goes away.
const FORMAT: u64 = 1;

/// As a map with the keys `format`, `run`, those of [`summary_json`], `waivers`, `causes`, `comparison` and `problems`. What does not
/// exist is `null`; times are whole milliseconds. Keys are only ever added, without raising `format`.
impl Serialize for Review<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.run.info();
        let run = json!({"name": info.run, "tool": info.tool, "started": info.started});
        let mut summary = match summary_json(self.report()) {
            Value::Object(summary) => summary,
            _ => Map::new(),
        };
        let conclusion = self.conclusion();
        summary.insert("verdict".into(), json!(conclusion.verdict));
        summary.insert("reason".into(), conclusion.reason.into());
        self.mark_waived(&mut summary);
        let whole = Whole {
            format: FORMAT,
            run,
            summary,
            waivers: self.waivers.map(|_| waivers(self)),
            causes: causes(self),
            comparison: self.comparison.as_ref().map(|(runs, comparison)| ComparisonJson {
                runs: runs.iter().map(|run| run.info().run.as_str()).collect(),
                counts: counts(comparison),
                changes: Changes { review: self, comparison },
            }),
            problems: self.run.problems(),
        };
        whole.serialize(serializer)
    }
}

impl Review<'_> {
    /// Says of each test which waiver it is waived by, by the line in its file.
    fn mark_waived(&self, summary: &mut Map<String, Value>) {
        let tests = summary.get_mut("tests").and_then(Value::as_array_mut).into_iter().flatten();
        for (test, value) in self.report().tests().zip(tests) {
            let waiver = self.waived_tests.by(test);
            let waiver = waiver.and_then(|number| self.waivers?.iter().nth(number));
            if let Some(test) = value.as_object_mut() {
                test.insert("waived".into(), waiver.map(|waiver| waiver.line).into());
            }
        }
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    format: u64,
    run: Value,
    #[serde(flatten)]
    summary: Map<String, Value>,
    waivers: Option<Value>,
    causes: Value,
    comparison: Option<ComparisonJson<'a>>,
    problems: &'a [String],
}

#[derive(Serialize)]
struct ComparisonJson<'a> {
    runs: Vec<&'a str>,
    counts: Value,
    changes: Changes<'a>,
}

/// The changes, one after the other: there may be a million.
struct Changes<'a> {
    review: &'a Review<'a>,
    comparison: &'a Comparison,
}

impl Serialize for Changes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.comparison.changes().iter().map(|change| self.change(change)))
    }
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    kind: &'static str,
    platform: &'a str,
    test: &'a str,
    subtest: Option<&'a str>,
    history: String,
    flaky: bool,
    waived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    median_ms: Option<u128>,
}

impl<'a> Changes<'a> {
    fn change(&self, change: &Change) -> ChangeJson<'a> {
        let dataset = self.review.dataset;
        ChangeJson {
            kind: change.kind.key(),
            platform: dataset.platforms().text(change.item.platform),
            test: dataset.tests().text(change.item.test),
            subtest: change.item.subtest.map(|subtest| dataset.subtests().text(subtest)),
            history: self.comparison.history(change.item),
            flaky: change.flaky,
            waived: self.review.is_waived(change),
            took_ms: change.slower.map(|(now, _)| now.as_millis()),
            median_ms: change.slower.map(|(_, median)| median.as_millis()),
        }
    }
}

fn counts(comparison: &Comparison) -> Value {
    let one = |kind: Kind| {
        let (tests, subtests) = (comparison.tests(kind), comparison.subtests(kind));
        (kind.key().to_owned(), json!({"tests": tests, "subtests": subtests}))
    };
    Kind::ALL.into_iter().map(one).collect::<Map<_, _>>().into()
}

fn waivers(review: &Review<'_>) -> Value {
    let waived = &review.waived;
    let all = review.waivers.into_iter().flat_map(|waivers| waivers.iter()).zip(waived.uses());
    let list: Vec<Value> = all
        .map(|(waiver, used)| {
            json!({
                "line": waiver.line,
                "about": waiver.subject(),
                "reason": waiver.reason,
                "link": waiver.link,
                "until": waiver.until,
                "expired": used.expired,
                "waived": used.waived,
                "missed": used.missed,
                "good": used.good,
            })
        })
        .collect();
    json!({"results": waived.results(), "tests": waived.tests(), "list": list})
}

fn causes(review: &Review<'_>) -> Value {
    let (dataset, run) = (review.dataset, review.run);
    let one = |cause: &Cause| {
        json!({
            "text": cause.text,
            "infra": cause.infra,
            "results": cause.results,
            "tests": cause.tests,
            "platforms": cause.platforms,
            "example": example(run, cause).map(|(attempt, subtest)| json!({
                "platform": dataset.platforms().text(attempt.platform),
                "test": dataset.tests().text(attempt.test),
                "attempt": attempt.number,
                "subtest": subtest.map(|subtest| dataset.subtests().text(subtest)),
            })),
        })
    };
    let list: Vec<Value> = review.causes.iter().map(one).collect();
    json!({"list": list, "unexplained": review.causes.unexplained()})
}

fn example<'a>(
    run: &'a DatasetRun,
    cause: &Cause,
) -> Option<(&'a crate::DatasetAttempt, Option<crate::Key>)> {
    let (id, row) = cause.example;
    let attempt = run.attempt(id);
    let place = row.checked_sub(attempt.rows().start)?;
    run.rows_of(id).nth(place).map(|row| (attempt, row.subtest))
}
