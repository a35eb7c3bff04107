//! What is told of a run besides its summary: at several widths, as Markdown and as JSON, whatever the tests say.

use std::path::Path;

use atex_core::display::is_harmless;
use atex_core::{Attempt, Outcome, RemoteId, RunEvent, Verdict};
use atex_report::{
    Asked, Dataset, Markdown, NewAttempt, NewRow, Review, ReviewText, RunInfo, Style, SummaryText,
    Waivers,
};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use crate::run::{Run, name, seconds};

/// A result: test, subtest, status, note; all tests ran on one platform.
type Results<'a> = &'a [(&'a str, Option<&'a str>, &'a str, Option<&'a str>)];

const PLATFORM: &str = "rhel-9.6@x86_64";

/// Adds a run in which these are the results: its events, and the rows.
fn add(dataset: &mut atex_report::DatasetBuilder, day: usize, results: Results<'_>) {
    let mut tests: Vec<&str> = results.iter().map(|result| result.0).collect();
    tests.dedup();
    let mut run = Run::of(&tests);
    run.bring_up(1).at(3.0);
    for test in &tests {
        let own = results.iter().find(|result| result.0 == *test && result.1.is_none());
        let verdict = own.map_or(Verdict::Passed, |own| Verdict::from_status(Some(own.2), Some(1)));
        let attempt = Attempt::new(name(test), 1);
        let remote = RemoteId(1);
        run.event(RunEvent::TestStarted { remote, attempt: attempt.clone() });
        let note = own.and_then(|own| own.3).map(str::to_owned);
        let outcome = Outcome::new(verdict, seconds(2.0)).note(note.clone());
        run.event(RunEvent::TestEnded { remote, attempt, outcome, failure: None });
        run.conclude(test, verdict, (1, note.as_deref()));
    }
    run.at(60.0).released(1).finish();
    let started = format!("2026-11-{day:02}T15:04:05Z").parse().unwrap();
    let mut builder = dataset.run(RunInfo::new(format!("run-{day}"), "atex 0.1.0", started));
    builder.report(run.report());
    for (test, subtest, status, note) in results {
        let id = builder.attempt(PLATFORM, test, 1);
        builder.describe(id, NewAttempt::default());
        let (subtest, status, note) = (*subtest, Some(*status), *note);
        builder.row(id, NewRow { subtest, status, note, ..NewRow::default() });
    }
    builder.finish();
}

const WAIVERS: &str = "- {test: /known, reason: 'the lab has no IPv6', link: 'https://example.org/7', until: 2027-01-31}
- {test: /scan, subtest: rule-1*, reason: 'rules of the next release, which are there already although nobody knows them yet'}
- {test: /old, until: 2026-11-01, reason: expired}
- {test: /fixed, reason: it was broken}
- {test: /nowhere, reason: gone}
";

fn eventful() -> Dataset {
    let rules: Vec<String> = (0..40).map(|number| format!("rule-{number}")).collect();
    let long =
        format!("{}: expected 17 answers, got 4", "what happened is a long story ".repeat(9));
    let mut before = vec![
        ("/known", None, "fail", None),
        ("/old", None, "pass", None),
        ("/fixed", None, "fail", None),
        ("/gone", None, "pass", None),
        ("/lost", None, "pass", None),
    ];
    let mut now = vec![
        ("/known", None, "fail", Some("no route to 2001:db8::1")),
        ("/old", None, "fail", Some("exit code 3 after 12:30:05\n\u{1b}[2J\u{202e}")),
        ("/fixed", None, "pass", None),
        ("/lost", None, "infra", Some("connection to vm-17 was lost")),
        ("/lost-too", None, "infra", Some("connection to vm-3 was lost")),
        ("/new/with/a/name/that/is/rather/long/for/a/line", None, "fail", Some(long.as_str())),
    ];
    for rule in rules.iter().map(String::as_str) {
        before.push(("/scan", Some(rule), "pass", None));
        now.push(("/scan", Some(rule), "fail", Some("exit code 4 after 9:30:05\nbye")));
    }
    before.push(("/scan", None, "pass", None));
    now.push(("/scan", None, "fail", None));
    let mut dataset = Dataset::builder();
    add(&mut dataset, 20, &before);
    add(&mut dataset, 21, &before);
    add(&mut dataset, 22, &now);
    dataset.finish()
}

fn reviewed<T>(dataset: &Dataset, waivers: &str, work: impl FnOnce(&Review<'_>) -> T) -> T {
    let waivers = Waivers::parse(Path::new("w.yaml"), waivers).unwrap();
    let now = dataset.runs().len() - 1;
    // In any order: they are brought into that of their starts.
    let before: Vec<usize> = (0..now).rev().collect();
    let asked = Asked { waivers: Some(&waivers), before: &before, ..Asked::default() };
    work(&Review::of(dataset, now, &asked, |_, _| None))
}

/// The summary with all that the review adds, of which no line may be too wide.
fn summary(review: &Review<'_>, width: usize, style: Style) -> String {
    let more = ReviewText::new(review, width).at_most(4).style(style).to_string();
    let summary = SummaryText::new(review.report(), width).style(style).before_numbers(more);
    let text = summary.waived(review.waivers.unwrap(), &review.waived_tests).to_string();
    if style == Style::Plain {
        for line in text.lines() {
            assert!(line.width() <= width, "wider than {width}: {line:?}");
            assert!(line.chars().all(is_harmless), "{line:?}");
        }
    }
    text
}

#[test]
fn a_run_with_everything() {
    reviewed(&eventful(), WAIVERS, |review| {
        for width in [60, 100] {
            let text = summary(review, width, Style::Plain);
            insta::assert_snapshot!(format!("everything_{width}"), text);
        }
        insta::assert_snapshot!(
            "everything_markdown",
            Markdown::new(review).link("https://example.org/a b\n<c>")
        );
        assert!(
            summary(review, 100, Style::Ansi).contains("\u{1b}[1m\u{1b}[31mnew failures\u{1b}[0m")
        );
    });
}

#[test]
fn nothing_to_say_is_said_briefly() {
    let mut dataset = Dataset::builder();
    for day in [20, 21] {
        add(&mut dataset, day, &[("/a", None, "pass", None)]);
    }
    reviewed(&dataset.finish(), "", |review| {
        let text = summary(review, 80, Style::Plain);
        insta::assert_snapshot!(format!("{text}----\n{}", Markdown::new(review)));
    });
}

/// As GitHub counts.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

#[test]
fn a_comment_is_never_too_long_and_says_what_is_left_out() {
    let names: Vec<String> =
        (0..3000).map(|number| format!("/suite/test-{number:04}-{}", "é".repeat(90))).collect();
    let note = "𝒳`".repeat(500);
    let results: Vec<_> =
        names.iter().map(|name| (name.as_str(), None, "fail", Some(note.as_str()))).collect();
    let before: Vec<_> = names.iter().map(|name| (name.as_str(), None, "pass", None)).collect();
    let mut dataset = Dataset::builder();
    add(&mut dataset, 20, &before);
    add(&mut dataset, 21, &results);
    reviewed(&dataset.finish(), "", |review| {
        for most in [1000, 1500, 5000, Markdown::LENGTH_MAX, usize::MAX] {
            let text = Markdown::new(review).at_most(most).to_string();
            assert!(length(&text) <= most.min(Markdown::LENGTH_MAX), "{} of {most}", length(&text));
            assert!(text.contains("3000 of 3000 tests failed"), "{text}");
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            // Each list tells how many it has, and how many it shows.
            let out = |line: &str| {
                let rest = line.strip_prefix("- … and ")?.strip_suffix(" more")?;
                rest.parse::<usize>().ok()
            };
            let shown = text.lines().filter(|line| line.starts_with("- `")).count();
            let hidden: usize = text.lines().filter_map(out).sum();
            let left_out = text
                .lines()
                .find_map(|line| line.strip_prefix('_')?.split(' ').next()?.parse::<usize>().ok());
            assert!(
                left_out.unwrap() >= hidden && shown + left_out.unwrap() >= 6000,
                "{shown} {hidden} {left_out:?}"
            );
        }
        let text = Markdown::new(review).to_string();
        assert!(length(&text) > 45_000, "the room is used: {}", length(&text));
    });
}

#[test]
fn names_of_a_megabyte_cost_no_more_than_their_beginning() {
    let huge = "<script>`|\u{202e}日\u{1b}[31m\n@everyone ".repeat(30_000);
    let mut dataset = Dataset::builder();
    let results = [
        ("/a", Some(huge.as_str()), "fail", Some(huge.as_str())),
        ("/a", None, "fail", Some(huge.as_str())),
    ];
    add(&mut dataset, 20, &[("/a", None, "pass", None)]);
    add(&mut dataset, 21, &results);
    reviewed(&dataset.finish(), "- {subtest: '*script*', note: '*', reason: x}\n", |review| {
        for width in [48, 80] {
            assert!(summary(review, width, Style::Plain).len() < 20_000);
        }
        let text = Markdown::new(review).to_string();
        assert!(text.len() < 10_000, "{}", text.len());
        for line in text.lines() {
            assert!(line.chars().all(is_harmless), "{line:?}");
        }
        assert!(
            !outside_of_code(&text).contains("<script")
                && !outside_of_code(&text).contains("@everyone"),
            "{text}"
        );
    });
}

/// What of a text is no code span, as CommonMark has them.
fn outside_of_code(text: &str) -> String {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let fence = run(rest);
        let inside = &rest[fence..];
        let mut from = 0;
        let end = loop {
            let Some(next) = inside[from..].find('`') else { break None };
            let length = run(&inside[from + next..]);
            if length == fence {
                break Some(from + next + length);
            }
            from += next + length;
        };
        match end {
            Some(end) => rest = &inside[end..],
            None => {
                out.push_str(&rest[..fence]);
                rest = inside;
            }
        }
    }
    out + rest
}

proptest! {
    /// Nothing that a test says is more than text, and no line is too wide.
    #[test]
    fn hostile_text_stays_text(
        texts in prop::collection::vec("(\\PC|[\\x00-\\x1f\u{202e}`<>@*_|日\u{301} ]){0,60}", 6),
        width in 48..120_usize,
    ) {
        let some = |number: usize| Some(texts[number].as_str());
        let results = [
            ("/a", some(0), "fail", some(1)), ("/a", None, "fail", some(2)),
            ("/b", some(3), texts[4].as_str(), some(5)), ("/b", None, "infra", some(2)),
        ];
        let mut dataset = Dataset::builder();
        add(&mut dataset, 20, &[("/a", some(0), "pass", None), ("/a", None, "pass", None)]);
        add(&mut dataset, 21, &results);
        reviewed(&dataset.finish(), "- {test: /b, status: infra, reason: x}\n", |review| {
            summary(review, width, Style::Plain);
            let text = Markdown::new(review).to_string();
            for line in text.lines() {
                assert!(line.chars().all(is_harmless), "{line:?}");
            }
            let outside = outside_of_code(&text.replace("<details><summary>… and more</summary>", "").replace("</details>", ""));
            assert!(!outside.contains(['<', '>', '@', '`']), "{outside:?}");
            let value: serde_json::Value = serde_json::from_str(&serde_json::to_string(review).unwrap()).unwrap();
            assert_eq!(value["format"].as_u64(), Some(1));
        });
    }
}
