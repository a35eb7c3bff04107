//! [`ReviewText`]: what changed, the causes, and the waivers that want attention.

use std::fmt::{self, Display, Formatter};

use atex_core::millis::Shown;

use super::fit::{columns, fit, printable, wrap};
use super::style::{Style, Tone};
use crate::{Cause, Change, Comparison, Item, Kind, Review, Use, Waiver};

/// What a [`Review`] adds to the summary of a run: what changed since earlier runs, which causes failures have, and what is to
/// be said of waivers. Nothing, if there is nothing to say.
///
/// No line is wider than the width. Text that came from tests cannot do anything to the terminal.
#[derive(Debug)]
pub struct ReviewText<'a> {
    review: &'a Review<'a>,
    width: usize,
    style: Style,
    most: usize,
    part_of_suite: bool,
}

impl<'a> ReviewText<'a> {
    /// The text, for a terminal of so many columns (at least 40 are used).
    pub fn new(review: &'a Review<'a>, width: usize) -> Self {
        Self { review, width: width.max(40), style: Style::Plain, most: 10, part_of_suite: false }
    }

    /// With or without colours; without by default.
    #[must_use]
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Shows at most so many of each kind (10 by default), and says how many are not shown.
    #[must_use]
    pub fn at_most(mut self, items: usize) -> Self {
        self.most = items;
        self
    }

    /// Says nothing of waivers for what the run does not have: it may have been told to run a part of the tests.
    #[must_use]
    pub fn part_of_suite(mut self) -> Self {
        self.part_of_suite = true;
        self
    }

    fn title(&self, f: &mut Formatter<'_>, tone: Tone, text: &str) -> fmt::Result {
        let lines = wrap(text, self.width, 3);
        lines.iter().try_for_each(|line| writeln!(f, "{}", self.style.paint(tone, line)))
    }

    fn more(&self, f: &mut Formatter<'_>, all: usize) -> fmt::Result {
        match all.saturating_sub(self.most) {
            0 => Ok(()),
            hidden => writeln!(f, "    … and {hidden} more"),
        }
    }

    fn comparison(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some((runs, comparison)) = &self.review.comparison else { return Ok(()) };
        let last = runs.last().map_or("", |run| run.info().run.as_str());
        let earlier = match runs.len() {
            0 | 1 => String::new(),
            runs => format!(" and {} before it", runs - 1),
        };
        let what = match comparison.changes() {
            [] => format!("nothing changed since {last}{earlier}"),
            _ => format!("compared with {last}{earlier}:"),
        };
        self.title(f, Tone::Heading, &what)?;
        for kind in Kind::ALL {
            let changes = comparison.of_kind(kind);
            if changes.is_empty() {
                continue;
            }
            let count = counted(comparison.tests(kind), comparison.subtests(kind));
            let heading = self.style.paint(tone_of(kind), kind.as_str());
            writeln!(f, "  {heading}: {count}")?;
            for change in changes.iter().take(self.most) {
                self.change(f, comparison, change)?;
            }
            self.more(f, changes.len())?;
        }
        writeln!(f)
    }

    /// `/net/dns: ipv6  rhel-9  ..F`
    fn change(
        &self,
        f: &mut Formatter<'_>,
        comparison: &Comparison,
        change: &Change,
    ) -> fmt::Result {
        let mut about = format!("  [{}]", comparison.history(change.item));
        if let Some((now, median)) = change.slower {
            about.push_str(&format!("  {}, was {}", Shown(now), Shown(median)));
        }
        if change.flaky && change.kind != Kind::Flaky {
            about.push_str("  flaky");
        }
        if self.review.is_waived(change) {
            about.push_str("  waived");
        }
        let room = self.width.saturating_sub(4 + columns(&about)).max(16);
        let platform = printable(self.review.dataset.platforms().text(change.item.platform));
        let platform = fit(&platform, (room / 3).min(24));
        let name = name_of(self.review, change.item);
        let name = fit(&name, room.saturating_sub(2 + columns(&platform)));
        writeln!(f, "    {name}  {}", self.style.paint(Tone::Faint, format!("{platform}{about}")))
    }

    fn causes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let causes = &self.review.causes;
        let kinds = [(false, "what the failures say:"), (true, "what the trouble was:")];
        for (infra, title) in kinds {
            let of_it: Vec<&Cause> = causes.iter().filter(|one| one.infra == infra).collect();
            // With a cause for each result, the results say as much.
            if of_it.iter().all(|cause| cause.results == 1) {
                continue;
            }
            self.title(f, if infra { Tone::Odd } else { Tone::Bad }, title)?;
            for cause in of_it.iter().take(self.most) {
                self.cause(f, cause)?;
            }
            self.more(f, of_it.len())?;
            writeln!(f)?;
        }
        Ok(())
    }

    fn cause(&self, f: &mut Formatter<'_>, cause: &Cause) -> fmt::Result {
        let count = format!("{:>6} × ", cause.results);
        let lines = wrap(&cause.text, self.width - columns(&count), 2);
        for (index, line) in lines.iter().enumerate() {
            let head = if index == 0 { count.clone() } else { " ".repeat(columns(&count)) };
            writeln!(f, "{head}{line}")?;
        }
        let (example, row) = cause.example;
        let attempt = self.review.run.attempt(example);
        let place = row.saturating_sub(attempt.rows().start);
        let subtest = self.review.run.rows_of(example).nth(place).and_then(|row| row.subtest);
        let item = Item { platform: attempt.platform, test: attempt.test, subtest };
        let many = format!("{}, ", counted_as(cause.tests, "test"));
        let many = many + &counted_as(cause.platforms.len(), "platform");
        let room = self.width.saturating_sub(9 + columns(&many) + 7);
        let example = fit(&name_of(self.review, item), room);
        let about = format!("{many}: {example}");
        writeln!(f, "         {}", self.style.paint(Tone::Faint, about))
    }

    fn waivers(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(waivers) = self.review.waivers.filter(|waivers| !waivers.is_empty()) else {
            return Ok(());
        };
        let uses = self.review.waived.uses();
        let at_work = uses.iter().filter(|used| used.waived > 0).count();
        let title = format!(
            "waived: {} and {}, by {at_work} of {}",
            counted_as(self.review.waived.results(), "result"),
            counted_as(self.review.waived.tests(), "test"),
            counted_as(waivers.len(), "waiver"),
        );
        let wanted = |used: &Use| !self.part_of_suite || used.missed + used.good > 0;
        let idle: Vec<(&Waiver, &Use)> = (waivers.iter().zip(uses))
            .filter(|(_, used)| (used.expired || used.is_unused()) && wanted(used))
            .collect();
        if self.part_of_suite && idle.is_empty() && at_work == 0 {
            return Ok(());
        }
        let end = if idle.is_empty() { "" } else { "; these do nothing:" };
        self.title(f, Tone::Heading, &format!("{title}{end}"))?;
        for (waiver, used) in idle.iter().take(self.most) {
            let text =
                format!("line {}, {}: {}", waiver.line, waiver.subject(), why_idle(waiver, used));
            for (index, line) in wrap(&text, self.width - 6, 3).iter().enumerate() {
                writeln!(f, "{}{line}", if index == 0 { "  " } else { "      " })?;
            }
        }
        self.more(f, idle.len())?;
        writeln!(f)
    }
}

/// Why a waiver did nothing.
pub(super) fn why_idle(waiver: &Waiver, used: &Use) -> String {
    let until = waiver.until.map_or(String::new(), |until| until.to_string());
    match (used.expired, used.missed, used.good) {
        (true, 0, _) => format!("expired after {until}, and nothing fails any more"),
        (true, missed, _) => {
            format!("expired after {until}; {} not waived any more", counted_as(missed, "failure"))
        }
        (false, _, 0) => "there is nothing that it is about".to_owned(),
        (false, _, good) => format!("nothing fails, of {}", counted_as(good, "result")),
    }
}

/// `/net/dns: ipv6`, safe to show.
pub(super) fn name_of(review: &Review<'_>, item: Item) -> String {
    let test = atex_core::display::one_line(review.dataset.tests().text(item.test), 300);
    match item.subtest {
        None => test,
        Some(subtest) => {
            let subtest =
                atex_core::display::one_line(review.dataset.subtests().text(subtest), 200);
            format!("{test}: {subtest}")
        }
    }
}

/// `1 test, 14 subtests`
pub(super) fn counted(tests: usize, subtests: usize) -> String {
    match (tests, subtests) {
        (tests, 0) => counted_as(tests, "test"),
        (0, subtests) => counted_as(subtests, "subtest"),
        (tests, subtests) => {
            format!("{}, {}", counted_as(tests, "test"), counted_as(subtests, "subtest"))
        }
    }
}

pub(super) fn counted_as(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn tone_of(kind: Kind) -> Tone {
    match kind {
        Kind::NewFailure => Tone::Bad,
        Kind::Fixed => Tone::Good,
        Kind::Undecided | Kind::Flaky | Kind::Slower => Tone::Odd,
        Kind::StillFailing | Kind::Added | Kind::Removed => Tone::Normal,
    }
}

impl Display for ReviewText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.comparison(f)?;
        self.causes(f)?;
        self.waivers(f)
    }
}
