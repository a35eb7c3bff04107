//! [`Junit`]: JUnit XML, a `<testsuite>` a test.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use atex_core::{Tally, Verdict};

use super::Earlier;
use super::shape::{Buffer, Shape, Told};
use super::source::{Reported, Said, Stop, said};

/// The longest text of an attribute, in bytes. Readers of JUnit files hold all of them in memory, and some refuse big ones.
const TEXT_MAX: usize = 64 << 10;
/// The same, once the file has become too big.
const SHORT_MAX: usize = 1 << 10;

/// A test is a `<testsuite>` with the properties `atex.platform` and `atex.test`. Its own result is a `<testcase>` with the platform as class
/// name, those of its subtests have the platform and the test.
///
/// Once the file has reached its limit, subtests that did not fail are counted only, and notes are short; at twice the limit, just tests themselves
/// go in.
#[derive(Debug)]
pub(super) struct Junit {
    limit: u64,
    written: AtomicU64,
}

impl Junit {
    /// A file of about so many bytes.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, written: AtomicU64::new(0) }
    }

    fn detail(&self) -> Detail {
        let written = self.written.load(Ordering::Relaxed);
        if written < self.limit {
            Detail::All
        } else if written / 2 < self.limit {
            Detail::Broken
        } else {
            Detail::Own
        }
    }
}

/// What of a test there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    All,
    /// What failed, and results of the test itself.
    Broken,
    /// Results of the test itself.
    Own,
}

impl Detail {
    fn has(self, one: &Reported<'_>) -> bool {
        let status = one.status.as_ref().and_then(Said::text);
        match self {
            _ if said(&one.name).is_none() => true,
            Self::All => true,
            Self::Broken => matches!(status, Some("fail" | "error" | "infra")),
            Self::Own => false,
        }
    }

    fn text_max(self) -> usize {
        if self == Self::All { TEXT_MAX } else { SHORT_MAX }
    }
}

impl Shape for Junit {
    fn name(&self) -> &'static str {
        "JUnit XML"
    }

    fn head(&self) -> &'static str {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"atex\">\n"
    }

    fn foot(&self) -> &'static str {
        "</testsuites>\n"
    }

    fn write(&self, told: &Told<'_>, out: &mut dyn Write) -> Result<(), Stop> {
        let (mut counts, mut cases) = (Counts::default(), Buffer::default());
        let detail = self.detail();
        let left_out = cases_of((told, detail), |status| counts.tally.count(status), &mut cases)?;
        let platform = &*told.record.platform;
        let seconds = told.record.outcome.took.as_secs_f64();
        let counts = counts.attributes();
        let (name, platform) = (escaped(told.name), escaped(platform));
        writeln!(
            out,
            "<testsuite name=\"{name}\" hostname=\"{platform}\" {counts} time=\"{seconds:.3}\">"
        )?;
        writeln!(out, "<properties>")?;
        property("atex.platform", &told.record.platform, out)?;
        property("atex.test", told.name, out)?;
        if left_out > 0 {
            property("atex.left_out", &left_out.to_string(), out)?;
        }
        writeln!(out, "</properties>")?;
        match cases.bytes() {
            Some(bytes) => out.write_all(bytes)?,
            None => drop(cases_of((told, detail), |_| {}, out)?),
        }
        Ok(writeln!(out, "</testsuite>")?)
    }

    fn written(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Counts {
    tally: Tally,
}

impl Counts {
    fn attributes(&self) -> String {
        let tally = &self.tally;
        let (failures, errors) = (tally.fail, tally.error + tally.infra);
        let all = tally.total();
        format!(
            "tests=\"{all}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{}\"",
            tally.skip
        )
    }
}

/// Writes all results that there is room for. Tells how many others there are.
fn cases_of(
    (told, detail): (&Told<'_>, Detail),
    mut count: impl FnMut(Option<&str>),
    out: &mut dyn Write,
) -> Result<u64, Stop> {
    // The attempts before are told once, with the first result of the test itself.
    let (mut earlier, mut left_out) = (told.earlier, 0);
    let all = told.source.each(|one| {
        if !detail.has(one) {
            left_out += 1;
            return Ok(());
        }
        count(one.status.as_ref().and_then(Said::text));
        let attempts = if said(&one.name).is_none() { std::mem::take(&mut earlier) } else { &[] };
        Ok(case((told, detail.text_max()), one, attempts, out)?)
    });
    all.map(|()| left_out)
}

fn case(
    (told, most): (&Told<'_>, usize),
    one: &Reported<'_>,
    earlier: &[Earlier],
    out: &mut dyn Write,
) -> io::Result<()> {
    let (platform, test) = (&*told.record.platform, told.name);
    match said(&one.name) {
        None => {
            let seconds = told.record.outcome.took.as_secs_f64();
            let (name, class) = (escaped(test), escaped(platform));
            writeln!(
                out,
                "<testcase name=\"{name}\" classname=\"{class}\" time=\"{seconds:.3}\">"
            )?;
        }
        Some(name) => {
            let (name, class) = (name.shown(), format!("{platform} {test}"));
            writeln!(
                out,
                "<testcase name=\"{}\" classname=\"{}\">",
                escaped(&name),
                escaped(&class)
            )?;
        }
    }
    let status = said(&one.status);
    let note = said(&one.note);
    let kind = match status.and_then(Said::text) {
        Some("fail") => Some("failure"),
        Some("error" | "infra") => Some("error"),
        Some("skip") => Some("skipped"),
        _ => None,
    };
    properties((told, most), one, kind.is_some(), out)?;
    if let (Some(kind), Some(status)) = (kind, status) {
        write!(out, "<{kind}")?;
        if kind != "skipped" {
            write!(out, " type=\"{}\"", escaped(&status.shown()))?;
        }
        if let Some(note) = note {
            write!(out, " message=\"{}\"", escaped(cut(&note.shown(), most)))?;
        }
        writeln!(out, "/>")?;
    }
    let passed = told.record.outcome.verdict == Verdict::Passed;
    earlier.iter().try_for_each(|attempt| rerun(attempt, passed, out))?;
    writeln!(out, "</testcase>")
}

/// What a `<testcase>` has no place for: most statuses and notes, the names of files.
fn properties(
    (told, most): (&Told<'_>, usize),
    one: &Reported<'_>,
    has_message: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (status, note, files) = (said(&one.status), said(&one.note), told.files(one));
    let usual = status.and_then(Said::text) == Some("pass");
    let exact = !is_carried(told, one);
    let note = note.filter(|_| !has_message);
    if (usual || has_message) && note.is_none() && files.is_empty() && !exact {
        return Ok(());
    }
    writeln!(out, "<properties>")?;
    if let Some(status) = status.filter(|_| !usual && !has_message) {
        property("atex.status", &status.shown(), out)?;
    } else if !usual && !has_message {
        property("atex.status", "", out)?;
    }
    if let Some(note) = note {
        property("atex.note", cut(&note.shown(), most), out)?;
    }
    files.iter().try_for_each(|file| property("atex.file", cut(&file.shown(), most), out))?;
    if exact {
        let mut line = Vec::new();
        let parts = (&*told.record.platform, &one.status, told.name, &one.name, files, &one.note);
        atex_core::ascii_json::write(&mut line, &parts)?;
        if line.len() <= most {
            property("atex.result", &String::from_utf8_lossy(&line), out)?;
        }
    }
    writeln!(out, "</properties>")
}

/// Whether attributes say all of it: texts that XML can hold.
fn is_carried(told: &Told<'_>, one: &Reported<'_>) -> bool {
    let text = |text: &str| text.chars().all(is_xml) && text.len() <= TEXT_MAX;
    let carried = |what: &Said<'_>| what.text().is_some_and(text);
    let maybe = |what: &Option<Said<'_>>| what.as_ref().is_none_or(carried);
    maybe(&one.status)
        && one.status.as_ref().and_then(Said::text) != Some("")
        && maybe(&one.name)
        && maybe(&one.note)
        && one.files.iter().all(carried)
        && text(&told.record.platform)
        && text(told.name)
}

/// An attempt before the one that counts, as Maven's Surefire calls it.
fn rerun(attempt: &Earlier, passed: bool, out: &mut dyn Write) -> io::Result<()> {
    let kind = match attempt.outcome.verdict {
        Verdict::Failed => "Failure",
        Verdict::Infra => "Error",
        Verdict::Passed | Verdict::Skipped | Verdict::NotRun => return Ok(()),
    };
    let how = if passed { "flaky" } else { "rerun" };
    let note = attempt.outcome.note.as_deref().unwrap_or_default();
    let status = if kind == "Failure" { "fail" } else { "infra" };
    let message = escaped(cut(note, TEXT_MAX));
    let seconds = attempt.outcome.took.as_secs_f64();
    writeln!(out, "<{how}{kind} type=\"{status}\" message=\"{message}\" time=\"{seconds:.3}\"/>")
}

fn property(name: &str, value: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<property name=\"{name}\" value=\"{}\"/>", escaped(value))
}

/// The beginning of a text that is too long.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The text as the value of an attribute. White space is kept; what XML 1.0 cannot hold, however it is written, becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Between quotes, a reader takes them for spaces.
            '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' => {
                write!(out, "&#{};", c as u32).ok();
            }
            c if is_xml(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

/// XML 1.0, production 2.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
