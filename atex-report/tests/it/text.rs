//! What people see, at several widths.

use std::fmt::Display;
use std::time::Duration;

use atex_core::{RunEvent, Verdict};
use atex_report::{RunReport, Style, SummaryText, Timeline, TimelineText};
use unicode_width::UnicodeWidthStr;

use crate::run::{Run, eventful};

/// The text, of which no line may be too wide, except those with a path.
fn check(text: impl Display, width: usize) -> String {
    let text = text.to_string();
    for line in text.lines() {
        let ok = line.width() <= width || line.trim_start().starts_with("out/artifacts/");
        assert!(ok, "wider than {width}: {line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    text
}

fn summary(report: &RunReport, width: usize) -> String {
    check(SummaryText::new(report, width).artifacts("out/artifacts"), width)
}

fn timeline(report: &RunReport, width: usize) -> String {
    check(TimelineText::new(&Timeline::of(report), width), width)
}

#[test]
fn an_eventful_run() {
    let report = eventful().report();
    for width in [60, 80, 120] {
        insta::assert_snapshot!(format!("summary_{width}"), summary(&report, width));
        insta::assert_snapshot!(format!("timeline_{width}"), timeline(&report, width));
    }
}

/// Forty remotes and six hundred tests, of very different length.
fn large() -> Run {
    let names: Vec<String> =
        (0..600).map(|n| format!("/suite-{}/component/test-{n:03}", n % 7)).collect();
    let mut run = Run::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut free: Vec<(u64, u32)> = (1..=40).map(|remote| (3000, remote)).collect();
    for remote in 1..=40 {
        run.at(0.0).bring_up(remote);
    }
    for (index, test) in names.iter().enumerate() {
        free.sort_unstable();
        let (at, remote) = free[0];
        let took = if index % 97 == 0 { 60_000 } else { 700 + (index as u64 * 7919) % 9000 };
        let verdict = if index % 50 == 7 { Verdict::Failed } else { Verdict::Passed };
        let seconds = |millis: u64| Duration::from_millis(millis).as_secs_f64();
        run.at(seconds(at)).attempt(remote, (test, 1), (seconds(took), verdict, None));
        run.conclude(test, verdict, (1, None));
        free[0].0 = at + took;
    }
    for (at, remote) in free {
        run.at(Duration::from_millis(at + 500).as_secs_f64()).released(remote);
    }
    run.at(140.0).finish();
    run
}

#[test]
fn a_large_run() {
    let report = large().report();
    for width in [60, 80, 120] {
        insta::assert_snapshot!(format!("large_timeline_{width}"), timeline(&report, width));
    }
    let summary = SummaryText::new(&report, 80).at_most(3);
    insta::assert_snapshot!("large_summary", check(summary, 80));
}

#[test]
fn small_runs() {
    let mut run = Run::of(&["/a"]);
    let nothing = RunReport::new();
    let mut texts = vec![summary(&nothing, 80), timeline(&nothing, 80)];
    run.bring_up(1).at(4.0).start(1, "/a", 1).at(6.0).event(RunEvent::TimePassed);
    texts.extend([summary(&run.report(), 80), timeline(&run.report(), 80)]);
    let outcome = atex_core::Outcome::new(Verdict::Passed, Duration::from_secs(2));
    run.end(1, ("/a", 1), outcome).conclude("/a", Verdict::Passed, (1, None)).released(1).finish();
    texts.extend([summary(&run.report(), 80), timeline(&run.report(), 80)]);
    insta::assert_snapshot!(texts.join("----\n"));
}

#[test]
fn colours_change_nothing_but_colours() {
    let report = eventful().report();
    let plain = SummaryText::new(&report, 80).artifacts("out").to_string();
    let lines = Timeline::of(&report);
    let colourful = [
        SummaryText::new(&report, 80).artifacts("out").style(Style::Ansi).to_string(),
        TimelineText::new(&lines, 80).style(Style::Ansi).to_string(),
    ];
    assert!(colourful[0].contains("\u{1b}[1m\u{1b}[31mfailed:\u{1b}[0m"), "{:?}", colourful[0]);
    assert_eq!(without_colours(&colourful[0]), plain);
    assert_eq!(without_colours(&colourful[1]), TimelineText::new(&lines, 80).to_string());
}

/// Takes out `ESC [ digits ; m`, and nothing else.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (codes, rest) = part.split_once('m').unwrap();
        assert!(codes.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{codes:?}");
        plain.push_str(rest);
    }
    plain
}
