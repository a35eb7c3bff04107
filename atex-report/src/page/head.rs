//! What a page says of a run as a whole: everything that is no column.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::columns::{Columns, odd_folders, removed, verdict_number};
use super::pack::cut;
use crate::{
    Conclusion, Counts, Kind, Release, RemoteReport, Review, RunVerdict, SpanKind, Timeline,
};

/// The most that a page tells of texts that nobody chose: the rest is in the journal.
const LIST_MAX: usize = 1000;

/// The number of tests by verdict, also where only results are known.
pub(super) fn counts(review: &Review<'_>) -> Counts {
    review.run.outcomes().iter().map(|outcome| outcome.verdict).collect()
}

/// The word on the run, also where only results are known.
pub(super) fn conclusion(review: &Review<'_>) -> (String, String) {
    if review.run.report().is_some() {
        let Conclusion { verdict, reason, .. } = review.conclusion();
        return (verdict.to_string(), reason);
    }
    of_results(&counts(review), review.waived.tests())
}

/// The same, as if there were no waivers.
fn unwaived(review: &Review<'_>) -> (String, String) {
    match review.run.report() {
        Some(report) => {
            let Conclusion { verdict, reason, .. } = Conclusion::of(report);
            (verdict.to_string(), reason)
        }
        None => of_results(&counts(review), 0),
    }
}

/// What is to be said while a run goes on.
pub(super) fn so_far(review: &Review<'_>) -> (String, String) {
    let counts = counts(review);
    let (all, done) = (counts.total(), counts.total() - counts.open);
    let mut reason = format!("{done} of {all} tests have a verdict");
    for (count, what) in [(counts.failed, "failed"), (counts.infra, "hit infrastructure trouble")] {
        if count > 0 {
            reason.push_str(&format!(", {count} {what}"));
        }
    }
    ("running".to_owned(), reason)
}

fn of_results(counts: &Counts, waived: usize) -> (String, String) {
    let failed = counts.failed.saturating_sub(waived);
    let verdict = match (failed, counts.infra + counts.not_run) {
        (0, 0) => RunVerdict::Passed,
        (0, _) => RunVerdict::Infra,
        _ => RunVerdict::Failed,
    };
    let mut reason = format!("{failed} of {} tests failed", counts.total());
    if counts.infra > 0 {
        reason.push_str(&format!(", {} hit infrastructure trouble", counts.infra));
    }
    if waived > 0 {
        reason.push_str(&format!(", {waived} waived"));
    }
    (verdict.to_string(), reason)
}

/// The head, but for what the columns add.
pub(super) fn head(
    review: &Review<'_>,
    columns: &Columns<'_>,
    (verdict, reason): (String, String),
) -> Map<String, Value> {
    let (run, report) = (review.run, review.run.report());
    let info = run.info();
    let mut head = Map::new();
    let mut say = |key: &str, value: Value| head.insert(key.to_owned(), value);
    say("version", json!(1));
    say("run", json!(info.run));
    say("tool", json!(info.tool));
    say("started", json!(info.started.to_string()));
    say("started_ms", json!(info.started.as_millisecond()));
    say("asked", info.asked.clone());
    say("verdict", json!(verdict));
    say("reason", json!(reason));
    say("unwaived", review.waivers.map_or(Value::Null, |_| json!(unwaived(review))));
    say("tags", tags(review, columns));
    say("finished", json!(report.is_none_or(crate::RunReport::is_finished)));
    say("problems", json!(run.problems()));
    say("causes", causes(review));
    say("unexplained", json!(review.causes.unexplained()));
    say("waivers", waivers(review));
    say("changes", changes(review, columns));
    let tests = columns.tests.texts();
    say(
        "odd",
        json!({
            "platforms": odd_folders(columns.platforms.texts()),
            "tests": odd_folders(tests),
            "subtests": odd_folders(columns.subtests.texts()),
        }),
    );
    if let Some(report) = report {
        say("wall", millis(report.wall()));
        say("machine", millis(report.machine_time()));
        say("testing", millis(report.test_time()));
        let pools = report.pools().iter();
        let pools = pools.map(|pool| json!([pool.name, pool.platform, pool.max]));
        say("pools", pools.collect());
        say("remotes", report.remotes().map(remote).collect());
        say("lanes", lanes(review, columns));
        let lost = report.tests().flat_map(|test| test.attempts.iter().map(move |one| (test, one)));
        let lost = lost.filter_map(|(test, attempt)| {
            let why = &attempt.not_ingested.as_ref()?.message;
            Some(json!([test.name, attempt.number, cut(why)]))
        });
        say("lost", lost.take(LIST_MAX).collect());
        let left = report.left_behind();
        let left = left.map(|left| json!([left.remote.label(), cut(&left.why)]));
        say("left", if report.is_finished() { left.collect() } else { json!([]) });
    }
    head
}

/// The tags of the tests of the page: of each tag, the tests that have it.
fn tags(review: &Review<'_>, columns: &Columns<'_>) -> Value {
    let tags = review.run.tags().take(LIST_MAX).map(|(tag, tests)| {
        let tests = tests.iter().map(|test| columns.tests.of(Some(*test))).filter(|test| *test > 0);
        json!([cut(tag), tests.collect::<Vec<_>>()])
    });
    tags.collect()
}

fn millis(time: Duration) -> Value {
    json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn remote(remote: &RemoteReport) -> Value {
    let at = |time: Option<Duration>| time.map(millis);
    let release = match &remote.release {
        Release::Failed(failure) => Some(cut(&failure.message)),
        Release::Pending | Release::Done => None,
    };
    json!({
        "name": remote.label(),
        "pool": remote.pool,
        "requested": at(Some(remote.requested)),
        "provisioned": at(remote.provisioned),
        "prepared": at(remote.prepared),
        "gone": at(remote.gone),
        "failed": at(remote.failed),
        "failure": remote.failure.as_ref().map(|failure| cut(&failure.message)),
        "quarantined": remote.quarantined,
        "release": release,
    })
}

/// The timeline: of each remote that was there its place among all, and what it did when.
fn lanes(review: &Review<'_>, columns: &Columns<'_>) -> Value {
    let report = review.report();
    let dataset = review.dataset;
    let ids: Vec<_> = report.remotes().map(|remote| remote.id).collect();
    let place = |test: &str, guest: &str, number: u32| {
        let test = dataset.tests().find(test)?;
        let of_test = columns.order.partition_point(|id| {
            columns.tests.of(Some(review.run.attempt(*id).test)) < columns.tests.of(Some(test))
        });
        let same =
            columns.order[of_test..].iter().take_while(|id| review.run.attempt(**id).test == test);
        let guest = dataset.guests().find(guest);
        same.zip(of_test..)
            .find(|(id, _)| {
                let attempt = review.run.attempt(**id);
                attempt.number == number && attempt.guest == guest
            })
            .map(|(_, place)| place)
    };
    let timeline = Timeline::of(report);
    let lanes = timeline.remotes.iter().map(|line| {
        let spans = line.spans.iter().map(|span| {
            let (from, to) = (millis(span.from), millis(span.to));
            match &span.kind {
                SpanKind::Provision => json!([from, to, 0]),
                SpanKind::Prepare => json!([from, to, 1]),
                SpanKind::Idle => json!([from, to, 3]),
                SpanKind::Release => json!([from, to, 4]),
                SpanKind::Test { test, number, verdict } => {
                    let attempt = place(test.as_str(), &line.label, *number);
                    json!([from, to, 2, attempt, verdict_number(*verdict)])
                }
            }
        });
        let remote = ids.binary_search(&line.remote).unwrap_or(0);
        json!([remote, spans.collect::<Vec<_>>()])
    });
    lanes.collect()
}

fn causes(review: &Review<'_>) -> Value {
    let causes = review.causes.iter().map(|cause| {
        let platforms: Vec<_> = cause.platforms.iter().take(LIST_MAX).collect();
        json!([cut(&cause.text), cause.infra, cause.results, cause.tests, platforms])
    });
    causes.collect()
}

fn waivers(review: &Review<'_>) -> Value {
    let Some(waivers) = review.waivers else { return json!([]) };
    let list = waivers.iter().zip(review.waived.uses()).map(|(waiver, uses)| {
        json!({
            "subject": waiver.subject(),
            "reason": waiver.reason,
            "link": waiver.link,
            "until": waiver.until.map(|until| until.to_string()),
            "waived": uses.waived,
            "missed": uses.missed,
            "good": uses.good,
            "expired": uses.expired,
        })
    });
    list.collect()
}

fn changes(review: &Review<'_>, columns: &Columns<'_>) -> Value {
    let Some((runs, comparison)) = &review.comparison else { return Value::Null };
    let runs = runs.iter().map(|run| json!([run.info().run, run.info().started.to_string()]));
    let counts = Kind::ALL.map(|kind| (comparison.tests(kind), comparison.subtests(kind)));
    let removed = removed(review);
    let removed = removed.iter().map(|item| {
        json!([
            columns.tests.of(Some(item.test)),
            columns.platforms.of(Some(item.platform)),
            columns.subtests.of(item.subtest),
        ])
    });
    let slower = comparison.changes().iter().filter_map(|change| {
        let (now, median) = change.slower?;
        let (test, platform) = (change.item.test, change.item.platform);
        let (test, platform) = (columns.tests.of(Some(test)), columns.platforms.of(Some(platform)));
        change.item.subtest.is_none().then(|| json!([test, platform, millis(now), millis(median)]))
    });
    json!({
        "runs": runs.collect::<Vec<_>>(),
        "counts": counts,
        "removed": removed.collect::<Vec<_>>(),
        "slower": slower.take(LIST_MAX).collect::<Vec<_>>(),
    })
}
