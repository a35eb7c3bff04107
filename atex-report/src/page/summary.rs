//! What a page says without its script: the verdict, the totals, what failed, and what was wrong with the infrastructure.

use std::fmt::{self, Display, Formatter};

use atex_core::Verdict;

use super::escape::Escaped;
use super::head::counts;
use super::pack::cut;
use crate::{Review, TestOutcome};

/// Tests that are listed.
const TESTS_MAX: usize = 200;
/// Remotes that are listed.
const REMOTES_MAX: usize = 50;
/// Characters of a note that are shown.
const NOTE_MAX: usize = 300;

/// The static summary, as the content of an element.
pub(super) struct StaticSummary<'r>(pub(super) &'r Review<'r>, pub(super) (String, String));

impl Display for StaticSummary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(review, (verdict, reason)) = self;
        let info = review.run.info();
        writeln!(f, "<h1>{}</h1>", Escaped(&info.run))?;
        writeln!(
            f,
            "<p><strong class=\"v-{verdict}\">{verdict}</strong>: {}.</p>",
            Escaped(reason)
        )?;
        let (started, tool) = (info.started.to_string(), Escaped(&info.tool));
        writeln!(f, "<p>Started {} by {tool}.</p>", Escaped(&started))?;
        let counts = counts(review);
        f.write_str("<table><caption>Tests by verdict</caption><tbody>")?;
        for verdict in Verdict::ALL {
            writeln!(
                f,
                "<tr><th scope=\"row\">{verdict}</th><td>{}</td></tr>",
                counts.of(verdict)
            )?;
        }
        writeln!(
            f,
            "<tr><th scope=\"row\">all</th><td>{}</td></tr></tbody></table>",
            counts.total()
        )?;
        self.statuses(f)?;
        for verdict in [Verdict::Failed, Verdict::Infra, Verdict::NotRun] {
            self.tests(f, verdict)?;
        }
        self.remotes(f)
    }
}

impl StaticSummary<'_> {
    fn statuses(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Review { dataset, run, .. } = self.0;
        let mut counts = vec![0_usize; dataset.statuses().len()];
        for row in run.rows().filter(|row| run.attempt(row.attempt).last) {
            if let Some(status) = row.status {
                counts[status.index()] += 1;
            }
        }
        f.write_str("<table><caption>Results by status</caption><tbody>")?;
        let mut all: Vec<_> = dataset.statuses().iter().collect();
        all.sort_by_key(|(key, text)| (std::cmp::Reverse(counts[key.index()]), *text));
        for (key, text) in all.into_iter().filter(|(key, _)| counts[key.index()] > 0).take(20) {
            let (text, count) = (shortened(text), counts[key.index()]);
            writeln!(f, "<tr><th scope=\"row\">{}</th><td>{count}</td></tr>", Escaped(&text))?;
        }
        f.write_str("</tbody></table>\n")
    }

    fn tests(&self, f: &mut Formatter<'_>, verdict: Verdict) -> fmt::Result {
        let Review { dataset, run, .. } = self.0;
        let of_verdict = |outcome: &&TestOutcome| outcome.verdict == Some(verdict);
        let count = run.outcomes().iter().filter(of_verdict).count();
        if count == 0 {
            return Ok(());
        }
        writeln!(f, "<h2>Tests: {verdict} ({count})</h2><ul>")?;
        for outcome in run.outcomes().iter().filter(of_verdict).take(TESTS_MAX) {
            write!(
                f,
                "<li><code>{}</code>",
                Escaped(&shortened(dataset.tests().text(outcome.test)))
            )?;
            if let Some(platform) = outcome.platform {
                write!(f, " on {}", Escaped(&shortened(dataset.platforms().text(platform))))?;
            }
            if let Some(note) = outcome.note {
                write!(f, ": {}", Escaped(&shortened(dataset.notes().text(note))))?;
            }
            f.write_str("</li>\n")?;
        }
        if count > TESTS_MAX {
            writeln!(f, "<li>and {} more</li>", count - TESTS_MAX)?;
        }
        f.write_str("</ul>\n")
    }

    fn remotes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(report) = self.0.run.report() else { return Ok(()) };
        let count = report.troubled_remotes().count();
        if count == 0 {
            return Ok(());
        }
        writeln!(f, "<h2>Systems with trouble ({count})</h2><ul>")?;
        for remote in report.troubled_remotes().take(REMOTES_MAX) {
            let why = remote.failure.as_ref().map_or("", |failure| failure.message.as_str());
            let (label, why) = (shortened(&remote.label()), shortened(why));
            writeln!(f, "<li>{}: {}</li>", Escaped(&label), Escaped(&why))?;
        }
        if count > REMOTES_MAX {
            writeln!(f, "<li>and {} more</li>", count - REMOTES_MAX)?;
        }
        f.write_str("</ul>\n")
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(NOTE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => cut(text),
    }
}
