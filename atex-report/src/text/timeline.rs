//! [`TimelineText`]: a small picture of which remote ran what when.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use atex_core::millis::Shown;
use atex_core::{TestName, Verdict};

use super::fit::{columns, fit, pad, printable};
use super::style::{Style, Tone};
use crate::{RemoteLine, SpanKind, Timeline};

/// A small picture of which remote ran what when: a row for each remote, as wide as the run was long.
///
/// The longest attempts have letters, a capital for one that did not pass; all others are `#`, or `!` if they did not pass. A cell shows what took most of
/// its time. At the end of a row stands the part of the remote's time that it spent on tests.
#[derive(Debug, Clone)]
pub struct TimelineText<'a> {
    timeline: &'a Timeline,
    width: usize,
    style: Style,
    most: usize,
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
/// The room that the legend gives to a test, at least.
const ENTRY: usize = 34;

type Run<'a> = (&'a TestName, u32);

impl<'a> TimelineText<'a> {
    /// The picture, for a terminal of so many columns (at least 40 are used).
    pub fn new(timeline: &'a Timeline, width: usize) -> Self {
        Self { timeline, width: width.max(40), style: Style::Plain, most: 20 }
    }

    /// With or without colours; without by default.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Shows at most so many remotes (20 by default), and says how many are not shown.
    #[must_use]
    pub fn at_most(mut self, remotes: usize) -> Self {
        self.most = remotes;
        self
    }

    fn shown(&self) -> &'a [RemoteLine] {
        &self.timeline.remotes[..self.timeline.remotes.len().min(self.most)]
    }

    /// The attempts that get letters, with the verdict and length of each, in the order in which they began.
    fn lettered(&self, cell: Duration) -> Vec<Lettered<'a>> {
        let mut all: Vec<Lettered<'a>> = Vec::new();
        for span in self.shown().iter().flat_map(|line| &line.spans) {
            if let SpanKind::Test { test, number, verdict } = &span.kind
                && span.length() >= cell
            {
                let (from, length) = (span.from, span.length());
                all.push(Lettered { run: (test, *number), verdict: *verdict, from, length });
            }
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.length));
        all.truncate(LETTERS.len());
        all.sort_by_key(|one| one.from);
        all
    }

    fn axis(&self, f: &mut Formatter<'_>, label: usize, bar: usize) -> fmt::Result {
        let length = self.timeline.length;
        let (middle, end) = (Shown(length / 2).to_string(), Shown(length).to_string());
        let mut line = pad("0s", bar);
        if bar > 30 {
            line.replace_range(bar / 2..bar / 2 + middle.len(), &middle);
        }
        line.replace_range(bar - end.len().min(bar)..bar, &end);
        writeln!(f, "{}{}", " ".repeat(label + 2), self.style.paint(Tone::Faint, line))
    }

    fn legend(&self, f: &mut Formatter<'_>, tests: &[Lettered<'_>]) -> fmt::Result {
        let across = (self.width / ENTRY).max(1);
        let room = self.width / across;
        for row in tests.chunks(across) {
            let mut line = String::new();
            for (index, one) in row.iter().enumerate() {
                let letter = letter(tests, one.run).unwrap_or('#');
                let tone = Tone::of(one.verdict);
                let last = index + 1 == row.len();
                let text = one.describe(room - if last { 2 } else { 4 });
                line.push_str(&format!("{} ", self.style.paint(tone, letter)));
                line.push_str(&if last { text } else { pad(&text, room - 2) });
            }
            writeln!(f, "{line}")?;
        }
        let signs = "~ provision  ^ prepare  . idle  _ release";
        writeln!(f, "{}", self.style.paint(Tone::Faint, signs))?;
        writeln!(
            f,
            "{}",
            self.style.paint(Tone::Faint, "# another test  ! another test, not passed")
        )
    }
}

struct Lettered<'a> {
    run: Run<'a>,
    verdict: Option<Verdict>,
    from: Duration,
    length: Duration,
}

impl Lettered<'_> {
    /// `/smoke/boot (2nd) 3.2s failed`, with the name shortened to fit.
    fn describe(&self, width: usize) -> String {
        let mut about = String::new();
        if self.run.1 > 1 {
            about.push_str(&format!(" again ({})", self.run.1));
        }
        about.push_str(&format!(" {}", Shown(self.length)));
        match self.verdict {
            Some(Verdict::Passed) => {}
            Some(verdict) => about.push_str(&format!(" {verdict}")),
            None => about.push_str(" running"),
        }
        let room = width.saturating_sub(columns(&about));
        format!("{}{about}", fit(&printable(self.run.0.as_str()), room))
    }
}

/// The letter of an attempt, a capital when it did not pass.
fn letter(tests: &[Lettered<'_>], run: Run<'_>) -> Option<char> {
    let index = tests.iter().position(|one| one.run == run)?;
    let letter = LETTERS.chars().nth(index)?;
    Some(if tests[index].verdict.is_none_or(Verdict::is_ok) {
        letter
    } else {
        letter.to_ascii_uppercase()
    })
}

/// What a cell of a row shows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Cell {
    sign: char,
    tone: Tone,
}

/// The cells of a row: each shows what took most of its time, tests being one thing against the others.
fn cells(line: &RemoteLine, tests: &[Lettered<'_>], length: Duration, bar: usize) -> Vec<Cell> {
    let nanos = length.as_nanos().max(1);
    let mut shares: Vec<HashMap<Cell, u128>> = vec![HashMap::new(); bar];
    for span in &line.spans {
        let cell = cell_of(&span.kind, tests);
        // In units of 1/bar of a nanosecond, so that the borders of cells are whole numbers.
        let (from, to) = (span.from.as_nanos() * bar as u128, span.to.as_nanos() * bar as u128);
        let first = usize::try_from(from / nanos).unwrap_or(bar);
        for (index, shares) in shares.iter_mut().enumerate().skip(first) {
            let (left, right) = (index as u128 * nanos, (index as u128 + 1) * nanos);
            if left >= to {
                break;
            }
            *shares.entry(cell).or_default() += right.min(to) - left.max(from);
        }
    }
    shares.iter().map(most).collect()
}

fn cell_of(kind: &SpanKind, tests: &[Lettered<'_>]) -> Cell {
    let (sign, tone) = match kind {
        SpanKind::Provision => ('~', Tone::Faint),
        SpanKind::Prepare => ('^', Tone::Faint),
        SpanKind::Idle => ('.', Tone::Faint),
        SpanKind::Release => ('_', Tone::Faint),
        SpanKind::Test { test, number, verdict } => {
            let other = if verdict.is_none_or(Verdict::is_ok) { '#' } else { '!' };
            (letter(tests, (test, *number)).unwrap_or(other), Tone::of(*verdict))
        }
    };
    Cell { sign, tone }
}

fn most(shares: &HashMap<Cell, u128>) -> Cell {
    let is_test = |cell: &Cell| !"~^._".contains(cell.sign);
    let (mut tests, mut others) = (0, 0);
    for (cell, share) in shares {
        *(if is_test(cell) { &mut tests } else { &mut others }) += share;
    }
    let candidates = shares.iter().filter(|(cell, _)| is_test(cell) == (tests >= others));
    // The sign decides between equals, so that equal runs give equal pictures.
    let best = candidates.max_by_key(|(cell, share)| (**share, std::cmp::Reverse(cell.sign)));
    best.map_or(Cell { sign: ' ', tone: Tone::Normal }, |(cell, _)| *cell)
}

impl Display for TimelineText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = self.shown();
        if rows.is_empty() {
            return writeln!(f, "no system was there");
        }
        let labels: Vec<String> = rows.iter().map(|row| printable(&row.label)).collect();
        let widest = labels.iter().map(|label| columns(label)).max().unwrap_or(0);
        let label = widest.min(self.width / 4);
        // Two spaces after the label, and " 100%" at the end.
        let bar = self.width - label - 2 - 5;
        let tests = self.lettered(self.timeline.length / u32::try_from(bar).unwrap_or(u32::MAX));
        self.axis(f, label, bar)?;
        for (row, name) in rows.iter().zip(&labels) {
            let mut line = String::new();
            for run in
                cells(row, &tests, self.timeline.length, bar).chunk_by(|a, b| a.tone == b.tone)
            {
                let signs: String = run.iter().map(|cell| cell.sign).collect();
                line.push_str(&self.style.paint(run[0].tone, signs));
            }
            let present = row.present().as_millis().max(1);
            let share = row.busy().as_millis() * 100 / present;
            writeln!(f, "{}  {line} {share:>3}%", pad(name, label))?;
        }
        let hidden = self.timeline.remotes.len() - rows.len();
        if hidden > 0 {
            writeln!(f, "… and {hidden} more systems that are not shown")?;
        }
        self.legend(f, &tests)
    }
}
