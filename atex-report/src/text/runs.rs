//! [`RunsText`]: stored runs, a line each.

use std::fmt;

use atex_core::millis;
use jiff::tz::TimeZone;

use super::fit::{columns, fit, pad, printable};
use super::style::{Style, Tone};
use crate::StoredRun;

/// Stored runs as a table: when they were started, what came of them, how many tests they had, how long they took and what they take on
/// the disk. Displays as lines that each end.
#[derive(Debug)]
pub struct RunsText<'a> {
    runs: &'a [StoredRun],
    zone: &'a TimeZone,
    width: usize,
    style: Style,
}

impl<'a> RunsText<'a> {
    /// These runs in a text of so many columns, with times of this zone.
    pub fn new(runs: &'a [StoredRun], zone: &'a TimeZone, width: usize) -> Self {
        Self { runs, zone, width, style: Style::Plain }
    }

    /// With colours, or without.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    fn cells(&self, run: &StoredRun) -> [String; 6] {
        let started = run.info.started.to_zoned(self.zone.clone());
        let verdict = if run.goes_on { "goes on" } else { run.conclusion.verdict.as_str() };
        [
            started.strftime("%Y-%m-%d %H:%M").to_string(),
            verdict.to_owned(),
            tests(run),
            bytes_shown(run.size),
            millis::Shown(run.took).to_string(),
            printable(&run.dir.display().to_string()),
        ]
    }
}

fn tests(run: &StoredRun) -> String {
    let counts = &run.counts;
    let broken = [
        (counts.failed, "failed"),
        (counts.infra, "infra"),
        (counts.not_run + counts.open, "not run"),
        (counts.skipped, "skipped"),
    ];
    let mut text = format!("{} of {} passed", counts.passed, counts.total());
    for (count, what) in broken.into_iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {what}"));
    }
    text
}

/// A number of bytes, as people say it: `1.5 GB`.
pub fn bytes_shown(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) if bytes < 10 * unit => {
            format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
        }
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} B"),
    }
}

impl fmt::Display for RunsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["STARTED", "VERDICT", "TESTS", "SIZE", "TOOK", "RUN"].map(str::to_owned);
        let rows: Vec<[String; 6]> = self.runs.iter().map(|run| self.cells(run)).collect();
        let mut widths = [0; 6];
        for row in rows.iter().chain([&head]) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = columns(cell).max(*width);
            }
        }
        let tones = self.runs.iter().map(|run| match run.goes_on {
            true => Tone::Faint,
            false => Tone::of_run(run.conclusion.verdict),
        });
        for (row, tone) in
            [&head].into_iter().chain(&rows).zip([Tone::Faint].into_iter().chain(tones))
        {
            let used: usize = widths[..5].iter().map(|width| width + 2).sum();
            let [started, verdict, tests, size, took, dir] = row;
            let right = |text: &str, width: usize| {
                format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
            };
            writeln!(
                f,
                "{}  {}  {}  {}  {}  {}",
                pad(started, widths[0]),
                self.style.paint(tone, pad(verdict, widths[1])),
                pad(tests, widths[2]),
                right(size, widths[3]),
                right(took, widths[4]),
                fit(dir, self.width.saturating_sub(used).max(20)),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_as_people_do() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (42_000_000, "42 MB"),
            (1_960_000_000, "1.9 GB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(bytes_shown(bytes), text);
        }
    }
}
