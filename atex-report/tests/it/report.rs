//! What a run looks like, from its events alone.

use std::time::Duration;

use atex_core::{RemoteId, RunEvent, Verdict};
use atex_report::{Conclusion, RunReport, RunVerdict, Timeline, summary_json};
use proptest::prelude::*;

use crate::run::{Run, eventful, seconds};

fn conclusion(run: &Run) -> (RunVerdict, String) {
    let conclusion = Conclusion::of(&run.report());
    (conclusion.verdict, conclusion.reason)
}

#[test]
fn conclusions() {
    use Verdict::{Failed, Infra, NotRun, Passed, Skipped};
    let of = |verdicts: &[Verdict], last: &[RunEvent]| {
        let names: Vec<String> = (0..verdicts.len()).map(|n| format!("/{n}")).collect();
        let mut run = Run::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for (name, verdict) in names.iter().zip(verdicts) {
            run.conclude(name, *verdict, (1, None));
        }
        for event in last {
            run.event(event.clone());
        }
        let (verdict, reason) = conclusion(&run);
        format!("{verdict}: {reason}")
    };
    let end = [RunEvent::RunFinished];
    let cut = [RunEvent::Interrupted, RunEvent::RunFinished];
    insta::assert_snapshot!([
        of(&[], &end),
        of(&[Passed], &end),
        of(&[Passed, Skipped], &end),
        of(&[Passed, Failed, Infra], &end),
        of(&[Passed, Infra], &end),
        of(&[Infra, NotRun, NotRun], &end),
        of(&[Failed, NotRun], &cut),
        of(&[Passed], &cut),
        of(&[Passed], &[]),
        conclusion(&eventful()).1,
    ].join("\n"), @r"
    passed: there were no tests
    passed: 1 test passed
    passed: 1 of 2 tests passed, 1 skipped
    failed: 1 of 3 tests failed, 1 hit infrastructure trouble
    infra: 1 of 2 tests hit infrastructure trouble
    infra: 1 of 3 tests hit infrastructure trouble, 2 were not run
    interrupted: stopped on request, 1 of 2 tests failed, 1 was not run
    interrupted: stopped on request, 1 test passed
    interrupted: the record ends before the run did
    2 of 10 tests failed, 1 hit infrastructure trouble, 2 were not run, the results of 1 test could not be stored
    ");
    let mut started = Run::of(&["/a"]);
    assert_eq!(
        conclusion(started.finish()),
        (RunVerdict::Infra, "1 of 1 test has no verdict".into())
    );
}

#[test]
fn flaky_is_not_the_same_as_trouble() {
    let mut run = Run::of(&["/f", "/i", "/b"]);
    for (test, first) in [("/f", Verdict::Failed), ("/i", Verdict::Infra), ("/b", Verdict::Passed)]
    {
        run.attempt(1, (test, 1), (1.0, first, None));
        run.attempt(1, (test, 2), (1.0, Verdict::Passed, None));
        run.conclude(test, Verdict::Passed, (2, None));
    }
    let report = run.report();
    let tests = report.tests().map(|test| (test.is_flaky(), test.survived_trouble()));
    assert_eq!(tests.collect::<Vec<_>>(), [(true, false), (false, true), (false, false)]);
}

#[test]
fn times_and_what_is_left() {
    let report = eventful().report();
    assert_eq!(report.wall(), seconds(60.0));
    // m1 from 0 to 58, m2 from 0 to 40.
    assert_eq!(report.machine_time(), seconds(98.0));
    assert_eq!(
        report.test_time(),
        seconds(12.0 + 4.5 + 4.0 + 30.0 + 0.4 + 6.0 + 5.0 + 2.0 + 2.0 + 3.0)
    );
    let left: Vec<_> = report.left_behind().map(|left| (left.remote.id, left.why)).collect();
    assert_eq!(left, [(RemoteId(2), "podman rm did not end within 10s".into())]);
    let mut cut = eventful();
    cut.entries.retain(|entry| !matches!(entry.event, RunEvent::RemoteReleased { .. }));
    assert_eq!(cut.report().left_behind().count(), 2);
}

#[test]
fn as_json() {
    let mut summary = summary_json(&eventful().report());
    let tests = summary["tests"].take();
    insta::assert_json_snapshot!("summary", summary);
    insta::assert_json_snapshot!("test", tests[3]);
}

fn spans_fit(report: &RunReport) -> Result<(), TestCaseError> {
    let timeline = Timeline::of(report);
    for line in &timeline.remotes {
        for pair in line.spans.windows(2) {
            prop_assert_eq!(pair[0].to, pair[1].from, "no gap, no overlap");
        }
        for span in &line.spans {
            prop_assert!(span.from < span.to && span.to <= timeline.length);
        }
        prop_assert!(line.busy() <= line.present());
    }
    Ok(())
}

proptest! {
    /// A journal can be cut off anywhere, and a damaged one can hold events in any order.
    #[test]
    fn no_history_is_too_odd(order in proptest::collection::vec(0..60_usize, 0..60), times in proptest::collection::vec(0..90_u64, 60)) {
        let run = eventful();
        let mut report = RunReport::new();
        for (index, pick) in order.iter().enumerate() {
            let entry = &run.entries[pick % run.entries.len()];
            report.apply(Duration::from_secs(times[index]), &entry.event);
        }
        let timeline = Timeline::of(&report);
        atex_report::TimelineText::new(&timeline, 60).to_string();
        atex_report::SummaryText::new(&report, 60).to_string();
        summary_json(&report);
    }

    #[test]
    fn a_beginning_of_a_run_has_a_timeline_without_gaps(length in 0..60_usize) {
        let mut run = eventful();
        run.entries.sort_by_key(|entry| entry.at);
        run.entries.truncate(length);
        spans_fit(&run.report())?;
    }
}
