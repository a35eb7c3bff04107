//! [`Markdown`]: a run as a comment on a pull request.

use std::fmt::{self, Display, Formatter};

use atex_core::Verdict;
use atex_core::display::one_line;
use atex_core::millis::Shown;

use super::review::{counted, counted_as, name_of, why_idle};
use crate::{Change, Item, Kind, Review, TestReport};

/// A run as a comment on a pull request, in the Markdown of GitHub and its like: the word on the run, the numbers, what changed,
/// what failed and why. What is long is folded.
///
/// It never has more than [`LENGTH_MAX`](Self::LENGTH_MAX) characters; what has no room is counted. Text that came from tests
/// stands as code, so that it can neither be markup nor call on anybody.
#[derive(Debug)]
pub struct Markdown<'a> {
    review: &'a Review<'a>,
    link: Option<String>,
    length: usize,
}

/// So many entries of a list are seen at once; the others are folded.
const OPEN: usize = 15;
/// The longest note or name that is shown, in characters.
const TEXT_MAX: usize = 200;
/// What the end takes at most, in characters.
const RESERVE: usize = 300;

impl<'a> Markdown<'a> {
    /// The longest comment that GitHub takes, in characters, counted as UTF-16 does.
    pub const LENGTH_MAX: usize = 65_536;

    /// The comment on a run.
    pub fn new(review: &'a Review<'a>) -> Self {
        Self { review, link: None, length: Self::LENGTH_MAX }
    }

    /// With a link to all of the results.
    #[must_use]
    pub fn link(mut self, url: impl Into<String>) -> Self {
        self.link = Some(url.into());
        self
    }

    /// At most so many characters (at least 1000, at most [`LENGTH_MAX`](Self::LENGTH_MAX)).
    #[must_use]
    pub fn at_most(mut self, characters: usize) -> Self {
        self.length = characters.clamp(1000, Self::LENGTH_MAX);
        self
    }

    fn head(&self, page: &mut Page) {
        let review = self.review;
        let conclusion = review.conclusion();
        let word = conclusion.verdict.as_str().to_uppercase();
        page.always(&format!("### {word}: {}\n\n", conclusion.reason));
        let (report, tally) = (review.report(), review.report().tally());
        let mut line = format!("{} in {}", code(&review.run.info().run), Shown(report.wall()));
        if tally.total() > 0 {
            line.push_str(&format!(", {}", counted_as(tally.total() as usize, "result")));
            line.push_str(&format!(", {} of them failed", tally.broken()));
        }
        if review.waived.results() > 0 {
            line.push_str(&format!(", {} waived", review.waived.results()));
        }
        if let Some(url) = &self.link {
            let url: String = url.chars().filter(|char| !"<>\n\r ".contains(*char)).collect();
            line.push_str(&format!(" ([all results](<{}>))", one_line(&url, 2000)));
        }
        page.always(&(line + "\n"));
    }

    fn changes(&self, page: &mut Page) {
        let Some((runs, comparison)) = &self.review.comparison else { return };
        let last = runs.last().map_or("", |run| run.info().run.as_str());
        page.always(&format!("\n**Compared with {}**", code(last)));
        page.always(match runs.len() {
            1 => "",
            _ => " and those before it",
        });
        let counts: Vec<String> = Kind::ALL
            .into_iter()
            .filter(|kind| !comparison.of_kind(*kind).is_empty())
            .map(|kind| {
                format!(
                    "{} {}",
                    kind.as_str(),
                    counted(comparison.tests(kind), comparison.subtests(kind))
                )
            })
            .collect();
        let none = "nothing changed".to_owned();
        let counts = if counts.is_empty() { none } else { counts.join("; ") };
        page.always(&format!(": {counts}\n"));
        for kind in [Kind::NewFailure, Kind::Fixed, Kind::Undecided, Kind::Flaky, Kind::Slower] {
            let changes = comparison.of_kind(kind);
            let line = |change: &Change| {
                let mut line = self.item(change.item);
                if let Some((now, median)) = change.slower {
                    line.push_str(&format!(": {} instead of {}", Shown(now), Shown(median)));
                }
                line.push_str(if self.review.is_waived(change) { " (waived)" } else { "" });
                line
            };
            page.list(kind.as_str(), changes.iter().map(line), changes.len());
        }
    }

    fn item(&self, item: Item) -> String {
        let platform = self.review.dataset.platforms().text(item.platform);
        format!("{} on {}", code(&name_of(self.review, item)), code(platform))
    }

    fn tests(&self, page: &mut Page) {
        let report = self.review.report();
        let waived = |test: &&TestReport| self.review.waived_tests.by(test).is_some();
        let titles = [
            (Verdict::Failed, "failed"),
            (Verdict::Infra, "infrastructure trouble"),
            (Verdict::NotRun, "not run"),
        ];
        for (verdict, title) in titles {
            let tests = || report.with_verdict(verdict).filter(|test| !waived(test));
            page.list(title, tests().map(test_line), tests().count());
        }
        let tests = || report.tests().filter(waived);
        let line = |test: &TestReport| {
            let waiver = self.review.waived_tests.by(test);
            let waiver = waiver.and_then(|number| self.review.waivers?.iter().nth(number));
            let because =
                waiver.map_or(String::new(), |waiver| format!(": {}", code(&waiver.because())));
            format!("{}{because}", code(test.name.as_str()))
        };
        page.list("failed, and waived", tests().map(line), tests().count());
        let flaky = || report.tests().filter(|test| test.is_flaky());
        page.list("flaky (passed when run again)", flaky().map(test_line), flaky().count());
    }

    fn systems(&self, page: &mut Page) {
        let report = self.review.report();
        let trouble = || {
            report.troubled_remotes().filter_map(|remote| Some((remote, remote.failure.as_ref()?)))
        };
        let line = |(remote, failure): (&crate::RemoteReport, &atex_core::Failure)| {
            format!("{}: {}", code(&remote.label()), code(&failure.message))
        };
        page.list("trouble with systems", trouble().map(line), trouble().count());
        let line = |left: crate::LeftBehind<'_>| {
            format!("{}: {}", code(&left.remote.label()), code(&left.why))
        };
        page.list(
            "may be left behind",
            report.left_behind().map(line),
            report.left_behind().count(),
        );
    }

    fn causes(&self, page: &mut Page) {
        let causes = &self.review.causes;
        for (infra, title) in [(false, "what the failures say"), (true, "what the trouble was")] {
            let of_it = || causes.iter().filter(|cause| cause.infra == infra && cause.results > 1);
            let line = |cause: &crate::Cause| {
                let tests = counted_as(cause.tests, "test");
                let platforms = counted_as(cause.platforms.len(), "platform");
                format!("{} × in {tests} on {platforms}: {}", cause.results, code(&cause.text))
            };
            page.list(title, of_it().map(line), of_it().count());
        }
    }

    fn waivers(&self, page: &mut Page) {
        let Some(waivers) = self.review.waivers else { return };
        let idle = || {
            let all = waivers.iter().zip(self.review.waived.uses());
            all.filter(|(_, used)| used.expired || used.is_unused())
        };
        let line = |(waiver, used)| {
            let waiver: &crate::Waiver = waiver;
            format!("line {}, {}: {}", waiver.line, code(&waiver.subject()), why_idle(waiver, used))
        };
        page.list("waivers that do nothing", idle().map(line), idle().count());
    }
}

fn test_line(test: &TestReport) -> String {
    let mut line = code(test.name.as_str());
    if let Some(platform) = &test.platform {
        line.push_str(&format!(" on {}", code(platform)));
    }
    line.extend(test.took().map(|took| format!(", {}", Shown(took))));
    let note = test.note.as_deref().or_else(|| {
        let outcome = test.attempts.last()?.outcome.as_ref()?;
        outcome.note.as_deref()
    });
    line.extend(note.map(|note| format!(": {}", code(note))));
    line
}

/// A foreign text as code: on one line, whatever it holds.
fn code(text: &str) -> String {
    let text = one_line(text.trim(), TEXT_MAX);
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    match text.is_empty() {
        true => "(nothing)".to_owned(),
        false => format!("{fence}{space}{text}{space}{fence}"),
    }
}

/// A text that does not become too long.
struct Page {
    text: String,
    left: usize,
    out: usize,
}

impl Page {
    /// Adds what has to be there.
    fn always(&mut self, text: &str) {
        self.left = self.left.saturating_sub(length(text));
        self.text.push_str(text);
    }

    /// Adds a list, as far as there is room: at most half of what is left, so that there is some for what comes after.
    fn list(&mut self, title: &str, lines: impl Iterator<Item = String>, count: usize) {
        const FOLD: &str = "\n<details><summary>… and more</summary>\n\n";
        const UNFOLD: &str = "\n</details>\n";
        let title = format!("\n**{title}** ({count})\n\n");
        let around = length(&title) + length(FOLD) + length(UNFOLD) + 40;
        if count == 0 {
            return;
        }
        if self.left < around {
            self.out += count;
            return;
        }
        let mut room = self.left / 2;
        self.always(&title);
        room = room.saturating_sub(around);
        let mut shown = 0;
        for line in lines {
            let line = format!("- {line}\n");
            if length(&line) > room {
                break;
            }
            if shown == OPEN && count > OPEN + 3 {
                self.always(FOLD);
            }
            room -= length(&line);
            self.always(&line);
            shown += 1;
        }
        if shown > OPEN && count > OPEN + 3 {
            self.always(UNFOLD);
        }
        if shown < count {
            self.always(&format!("- … and {} more\n", count - shown));
            self.out += count - shown;
        }
    }
}

/// As GitHub counts.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

impl Display for Markdown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let left = self.length - RESERVE;
        let mut page = Page { text: String::new(), left, out: 0 };
        self.head(&mut page);
        self.changes(&mut page);
        self.tests(&mut page);
        self.causes(&mut page);
        self.systems(&mut page);
        self.waivers(&mut page);
        if page.out > 0 {
            let out = counted_as(page.out, "line");
            page.always(&format!(
                "\n_{out} left out: a comment has at most {} characters._\n",
                self.length
            ));
        }
        f.write_str(&page.text)
    }
}
