//! [`SummaryText`]: what became of a run, for people.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use atex_core::millis::Shown;
use atex_core::{Artifacts, Tally, Verdict};

use super::fit::{fit, pad, printable, wrap};
use super::style::{Style, Tone};
use crate::{AttemptReport, Conclusion, RunReport, TestReport, WaivedTests, Waivers};

/// What became of a run, for people: what is wrong first, each with its note and where its artifacts lie; then the numbers;
/// the last line is the word on the run.
///
/// No line is wider than the width, except those with a path, which stay whole so that they can be copied. Text that came from
/// tests or remotes cannot do anything to the terminal.
#[derive(Debug, Clone)]
pub struct SummaryText<'a> {
    report: &'a RunReport,
    width: usize,
    style: Style,
    artifacts: Option<PathBuf>,
    most: usize,
    waived: Option<(&'a Waivers, &'a WaivedTests)>,
    before_numbers: String,
}

/// How many lines of a note are shown.
const NOTE_LINES: usize = 4;

impl<'a> SummaryText<'a> {
    /// The summary of a run, for a terminal of so many columns (at least 40 are used).
    pub fn new(report: &'a RunReport, width: usize) -> Self {
        Self {
            report,
            width: width.max(40),
            style: Style::Plain,
            artifacts: None,
            most: 50,
            waived: None,
            before_numbers: String::new(),
        }
    }

    /// Knows which tests are waived: they are apart from the others, with the reason, and do not count for the word on the run.
    #[must_use]
    pub fn waived(mut self, waivers: &'a Waivers, tests: &'a WaivedTests) -> Self {
        self.waived = Some((waivers, tests));
        self
    }

    /// Says this, too, before the numbers: a text that ends its own lines and is safe to show.
    #[must_use]
    pub fn before_numbers(mut self, text: impl Into<String>) -> Self {
        self.before_numbers = text.into();
        self
    }

    fn waiver_of(&self, test: &TestReport) -> Option<&'a crate::Waiver> {
        let (waivers, tests) = self.waived?;
        waivers.iter().nth(tests.by(test)?)
    }

    /// With or without colours; without by default.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Says where the artifacts of a test lie: the folder is [`RunStore::artifacts_dir`](crate::RunStore::artifacts_dir), as
    /// it should be shown.
    #[must_use]
    pub fn artifacts(mut self, dir: impl Into<PathBuf>) -> Self {
        self.artifacts = Some(dir.into());
        self
    }

    /// Shows at most so many tests in each section (50 by default), and says how many are not shown.
    #[must_use]
    pub fn at_most(mut self, tests: usize) -> Self {
        self.most = tests;
        self
    }

    fn section<'t>(
        &self,
        f: &mut Formatter<'_>,
        title: (Tone, &str),
        tests: impl Iterator<Item = &'t TestReport>,
    ) -> fmt::Result {
        let mut tests = tests.peekable();
        if tests.peek().is_none() {
            return Ok(());
        }
        writeln!(f, "{}", self.style.paint(title.0, title.1))?;
        for test in tests.by_ref().take(self.most) {
            self.test(f, test)?;
        }
        let more = tests.count();
        if more > 0 {
            writeln!(f, "  … and {more} more")?;
        }
        writeln!(f)
    }

    fn test<'t>(&self, f: &mut Formatter<'_>, test: &'t TestReport) -> fmt::Result {
        self.headline(f, test)?;
        // Of a test that passed in the end, the attempts that did not are what one wants to know about.
        let passed = test.verdict == Some(Verdict::Passed);
        let bad = |attempt: &&AttemptReport| {
            !passed || attempt.verdict().is_some_and(|verdict| !verdict.is_ok())
        };
        let attempt = test.attempts.iter().rev().find(bad);
        let of_attempt = |attempt: &'t AttemptReport| {
            let note = attempt.outcome.as_ref().and_then(|outcome| outcome.note.as_deref());
            note.or_else(|| attempt.failure.as_ref().map(|failure| failure.message.as_str()))
        };
        let of_test = test.note.as_deref().filter(|_| !passed);
        let note = of_test.or_else(|| attempt.and_then(of_attempt)).unwrap_or_default();
        for line in wrap(note, self.width - 6, NOTE_LINES) {
            writeln!(f, "      {line}")?;
        }
        if let Some(waiver) = self.waiver_of(test) {
            for line in wrap(&waiver.because(), self.width - 6, NOTE_LINES) {
                writeln!(f, "      {}", self.style.paint(Tone::Faint, line))?;
            }
        }
        let lost = test.attempts.iter().rev().find(|attempt| attempt.not_ingested.is_some());
        if let Some(failure) = lost.and_then(|attempt| attempt.not_ingested.as_ref()) {
            let text = format!("not stored: {}", failure.message);
            for line in wrap(&text, self.width - 6, NOTE_LINES) {
                writeln!(f, "      {line}")?;
            }
        }
        match (attempt.or(lost), &self.artifacts) {
            (Some(attempt), Some(root)) => self.path(f, root, test, attempt),
            _ => Ok(()),
        }
    }

    /// `/name  platform, attempt 2, 3.2s`
    fn headline(&self, f: &mut Formatter<'_>, test: &TestReport) -> fmt::Result {
        let mut about: Vec<String> = Vec::new();
        let platform = test.platform.as_deref().or(test.wanted.as_deref());
        about.extend(platform.map(|platform| fit(&printable(platform), 24)));
        match test.attempts.len() {
            0 | 1 => {}
            attempts => about.push(format!("{attempts} attempts")),
        }
        about.extend(test.took().map(|took| Shown(took).to_string()));
        let about = about.join(", ");
        let room = self.width.saturating_sub(4 + super::fit::columns(&about)).max(16);
        let name = fit(&printable(test.name.as_str()), room);
        if about.is_empty() {
            writeln!(f, "  {name}")
        } else {
            writeln!(f, "  {name}  {}", self.style.paint(Tone::Faint, about))
        }
    }

    fn path(
        &self,
        f: &mut Formatter<'_>,
        root: &Path,
        test: &TestReport,
        attempt: &AttemptReport,
    ) -> fmt::Result {
        let platform = attempt.platform.as_deref().or(test.platform.as_deref()).unwrap_or_default();
        let dir = Artifacts::path_of(root, platform, test.name.as_str(), attempt.number);
        let dir = printable(&dir.to_string_lossy());
        writeln!(f, "      {}", self.style.paint(Tone::Faint, dir))
    }

    fn remotes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let trouble: Vec<(String, &str)> = (self.report.troubled_remotes())
            .filter_map(|remote| Some((remote.label(), remote.failure.as_ref()?.message.as_str())))
            .collect();
        self.list(f, (Tone::Odd, "trouble with systems:"), &trouble)?;
        let left: Vec<_> = self.report.left_behind().collect();
        let left: Vec<(String, &str)> = left
            .iter()
            .map(|left| {
                let lease = left.remote.lease.as_ref();
                let label = lease.map_or_else(|| left.remote.label(), ToString::to_string);
                (label, left.why.as_str())
            })
            .collect();
        let title = match self.report.is_finished() {
            true => "may be left behind:",
            false => "in use when the record ends, may be left behind:",
        };
        self.list(f, (Tone::Bad, title), &left)
    }

    fn list(
        &self,
        f: &mut Formatter<'_>,
        title: (Tone, &str),
        items: &[(String, &str)],
    ) -> fmt::Result {
        if items.is_empty() {
            return Ok(());
        }
        writeln!(f, "{}", self.style.paint(title.0, title.1))?;
        for (label, why) in items.iter().take(self.most) {
            let text = format!("{label}: {why}");
            for (index, line) in wrap(&text, self.width - 6, NOTE_LINES).iter().enumerate() {
                writeln!(f, "{}{line}", if index == 0 { "  " } else { "      " })?;
            }
        }
        if items.len() > self.most {
            writeln!(f, "  … and {} more", items.len() - self.most)?;
        }
        writeln!(f)
    }

    /// One line of numbers: a label, and what fits of the text beside it.
    fn numbers(&self, f: &mut Formatter<'_>, label: &str, parts: &[(Tone, String)]) -> fmt::Result {
        let label = self.style.paint(Tone::Heading, pad(label, 10));
        let mut line = String::new();
        let mut used = 10;
        for (index, (tone, part)) in parts.iter().enumerate() {
            let comma = match index {
                0 => "",
                1 => ": ",
                _ => ", ",
            };
            // The comma after it needs room as well.
            if index > 0 && used + 2 + part.len() + 1 > self.width {
                line.push_str(",\n          ");
                used = 10;
            } else {
                line.push_str(comma);
                used += comma.len();
            }
            line.push_str(&self.style.paint(*tone, part));
            used += part.len();
        }
        writeln!(f, "{label}{line}")
    }

    fn counts(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let counts = self.report.counts();
        let mut parts = vec![(Tone::Heading, counts.total().to_string())];
        for verdict in Verdict::ALL {
            if counts.of(verdict) > 0 {
                let more =
                    if verdict == Verdict::Passed { self.flaky() } else { self.known(verdict) };
                let part = format!("{} {verdict}{more}", counts.of(verdict));
                parts.push((Tone::of(Some(verdict)), part));
            }
        }
        if counts.open > 0 {
            parts.push((Tone::Odd, format!("{} without a verdict", counts.open)));
        }
        self.numbers(f, "tests", &parts)?;
        let tally = self.report.tally();
        if tally.total() > 0 {
            self.numbers(f, "results", &tally_parts(&tally))?;
        }
        Ok(())
    }

    fn flaky(&self) -> String {
        match self.report.tests().filter(|test| test.is_flaky()).count() {
            0 => String::new(),
            flaky => format!(" ({flaky} flaky)"),
        }
    }

    fn known(&self, verdict: Verdict) -> String {
        let count = |(_, tests): (_, &WaivedTests)| tests.count(verdict, self.report.tests());
        match self.waived.map_or(0, count) {
            0 => String::new(),
            waived => format!(" ({waived} waived)"),
        }
    }

    fn times(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let mut parts = vec![(Tone::Heading, Shown(report.wall()).to_string())];
        let systems = report.remotes().filter(|remote| remote.provisioned.is_some()).count();
        if systems > 0 {
            let plural = if systems == 1 { "" } else { "s" };
            let (held, tests) = (Shown(report.machine_time()), Shown(report.test_time()));
            parts.push((Tone::Normal, format!("{systems} system{plural} held for {held} in all")));
            parts.push((Tone::Normal, format!("{tests} of it in tests")));
        }
        self.numbers(f, "time", &parts)
    }
}

fn tally_parts(tally: &Tally) -> Vec<(Tone, String)> {
    let kinds = [
        (tally.pass, "pass", Tone::Good),
        (tally.fail, "fail", Tone::Bad),
        (tally.error, "error", Tone::Bad),
        (tally.infra, "infra", Tone::Odd),
        (tally.warn, "warn", Tone::Odd),
        (tally.info, "info", Tone::Normal),
        (tally.skip, "skip", Tone::Faint),
        (tally.other, "other", Tone::Normal),
    ];
    let mut parts = vec![(Tone::Heading, tally.total().to_string())];
    parts.extend(
        kinds
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, name, tone)| (tone, format!("{count} {name}"))),
    );
    parts
}

impl Display for SummaryText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let unknown = |test: &&TestReport| self.waiver_of(test).is_none();
        let failed = report.with_verdict(Verdict::Failed).filter(unknown);
        self.section(f, (Tone::Bad, "failed:"), failed)?;
        let infra = report.with_verdict(Verdict::Infra).filter(unknown);
        self.section(f, (Tone::Odd, "infrastructure trouble:"), infra)?;
        let known = report.tests().filter(|test| !unknown(test));
        self.section(f, (Tone::Faint, "failed, and waived:"), known)?;
        let lost = report.tests().filter(|test| {
            test.verdict.is_some_and(Verdict::is_ok)
                && test.attempts.iter().any(|attempt| attempt.not_ingested.is_some())
        });
        self.section(f, (Tone::Odd, "ran, but the results could not be stored:"), lost)?;
        self.section(f, (Tone::Odd, "not run:"), report.with_verdict(Verdict::NotRun))?;
        let open = report.tests().filter(|test| test.verdict.is_none());
        self.section(f, (Tone::Odd, "without a verdict:"), open)?;
        let flaky = report.tests().filter(|test| test.is_flaky());
        self.section(f, (Tone::Odd, "flaky (passed when run again):"), flaky)?;
        self.remotes(f)?;
        f.write_str(&self.before_numbers)?;
        self.counts(f)?;
        self.times(f)?;
        let conclusion = match self.waived {
            Some((_, tests)) => Conclusion::waiving(report, tests),
            None => Conclusion::of(report),
        };
        let word = conclusion.verdict.as_str().to_uppercase();
        let lines = wrap(&format!("{word}: {}", conclusion.reason), self.width, NOTE_LINES);
        for line in lines {
            writeln!(f, "{}", self.style.paint(Tone::of_run(conclusion.verdict), line))?;
        }
        Ok(())
    }
}
