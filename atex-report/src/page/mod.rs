//! [`HtmlPage`]: a run as one HTML file, which shows a million results offline.

mod columns;
mod escape;
mod head;
mod pack;
mod ranks;
mod shell;
mod summary;
mod tails;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use self::columns::Columns;
use self::escape::Escaped;
use self::pack::Pack;
use self::summary::StaticSummary;
pub use self::tails::LogTail;
use self::tails::Tails;
use crate::{AttemptId, Review, Row, StoreError};

/// A run as one HTML file: verdict, list, matrix, causes, timeline, changes, with its own script and styles and all data inside.
///
/// It needs no network and no server, and may be mailed; links to files of tests are relative to it. Without a script, it is a
/// static summary. A policy of its own (CSP) lets nothing run but its script, and texts that came from tests are only ever shown as text.
///
/// The same review gives the same bytes. Time is linear in the number of results; memory is some 40 bytes a result, besides the dataset.
///
/// ```
/// use atex_report::{Asked, Dataset, HtmlPage, NewRow, Review, RunInfo};
///
/// let mut dataset = Dataset::builder();
/// let mut run = dataset.run(RunInfo::new("nightly", "import", "2026-11-22T15:00:00Z".parse()?));
/// let attempt = run.attempt("rhel-9", "/net/<b>dns</b>", 1);
/// run.row(attempt, NewRow { status: Some("fail"), ..NewRow::default() });
/// run.finish();
/// let dataset = dataset.finish();
/// let review = Review::of(&dataset, 0, &Asked::default(), |_, _| None);
/// let mut html = Vec::new();
/// HtmlPage::new(&review).write(&mut html)?;
/// let html = String::from_utf8(html)?;
/// assert!(html.contains("1 of 1 tests failed"));
/// assert!(html.contains("&lt;b&gt;dns&lt;/b&gt;") && !html.contains("<b>dns</b>"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct HtmlPage<'r> {
    review: &'r Review<'r>,
    folder: Option<(String, FileLayout)>,
    fold_above: usize,
    refresh: Option<u32>,
    tails: Tails,
}

/// How the files of tests lie in the folder of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileLayout {
    /// `artifacts/PLATFORM/TEST/attempt-N/files/SUBTEST/FILE`: as the run left them.
    Artifacts,
    /// `files/PLATFORM/TEST/SUBTEST/FILE`: as aggregators keep them, of the last attempt of each test.
    Files,
}

impl<'r> HtmlPage<'r> {
    /// From so many results on, those of subtests that passed without a word are only counted: three million.
    pub const FOLD_ABOVE: usize = 3_000_000;

    /// The page of what is known of a run.
    pub fn new(review: &'r Review<'r>) -> Self {
        let (fold_above, tails) = (Self::FOLD_ABOVE, Tails::default());
        Self { review, folder: None, fold_above, refresh: None, tails }
    }

    /// With links to the files of tests, which lie in this folder of a run, relative to the page: `.` if the page is in it.
    #[must_use]
    pub fn files_in(mut self, folder: impl Into<String>, layout: FileLayout) -> Self {
        self.folder = Some((folder.into(), layout));
        self
    }

    /// With another limit than [`FOLD_ABOVE`](Self::FOLD_ABOVE). What is folded is still in all totals, and the page says so.
    #[must_use]
    pub fn fold_above(mut self, results: usize) -> Self {
        self.fold_above = results;
        self
    }

    /// With the ends of the logs of failing tests, so that a page that was mailed still explains them: `read` is asked for each result
    /// that is broken, those that count and of whole tests first, until the page carries [`LogTail::PAGE_MAX`] bytes of them.
    #[must_use]
    pub fn tails(mut self, read: impl FnMut(AttemptId, &Row) -> Option<LogTail>) -> Self {
        self.tails = Tails::read(self.review, read);
        self
    }

    /// The page loads itself again each so many seconds: for one that is written again while a run goes on.
    #[must_use]
    pub fn refresh(mut self, seconds: u32) -> Self {
        self.refresh = Some(seconds.max(1));
        self
    }

    /// Writes the page.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let info = self.review.run.info();
        let title = format!("{}: {}", info.run, self.conclusion().0);
        writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        let policy = shell::policy();
        writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(out, "<meta name=\"color-scheme\" content=\"light dark\">")?;
        writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
        writeln!(out, "<title>{}</title>", Escaped(&title))?;
        writeln!(out, "<style>{}</style>\n</head>\n<body>", shell::STYLE)?;
        writeln!(out, "<div id=\"app\" hidden></div>\n<main id=\"static\">")?;
        writeln!(out, "{}</main>", StaticSummary(self.review, self.conclusion()))?;
        write!(out, "<script type=\"application/octet-stream;base64\" id=\"d\">")?;
        self.write_data(out)?;
        writeln!(out, "</script>")?;
        let data = "<script type=\"application/octet-stream;base64\"";
        writeln!(out, "{data} id=\"s\">{}</script>", *shell::PACKED)?;
        writeln!(out, "<script>{}</script>\n</body>\n</html>", shell::STARTER)
    }

    /// The word on the run, and why.
    fn conclusion(&self) -> (String, String) {
        match self.refresh {
            Some(_) if !self.review.report().is_finished() => head::so_far(self.review),
            _ => head::conclusion(self.review),
        }
    }

    fn write_data(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = Columns::new(self.review, self.fold_above);
        let mut pack = Pack::default();
        let mut more = columns.pack(&mut pack, &self.tails);
        let mut head = head::head(self.review, &columns, self.conclusion());
        drop(columns);
        head.append(&mut more);
        head.insert("refresh".to_owned(), json!(self.refresh));
        let folder = self.folder.as_ref().map_or(Value::Null, |(folder, layout)| {
            json!([folder, *layout == FileLayout::Artifacts])
        });
        head.insert("folder".to_owned(), folder);
        let base64 = EncoderWriter::new(out, &STANDARD);
        let mut gzip =
            GzEncoder::new(BufWriter::with_capacity(3 << 14, base64), Compression::new(6));
        pack.write(head, &mut gzip)?;
        let mut base64 = gzip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        base64.finish().map(|_| ())
    }

    /// Writes the page into a file, which appears when it is whole: whoever reads one that was there before never sees half of it.
    ///
    /// # Errors
    /// [`StoreError::Io`]; a file that was there before is still there then.
    pub fn save(&self, path: &Path) -> Result<(), StoreError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        let write = || {
            let mut out = BufWriter::with_capacity(1 << 16, File::create(beside)?);
            self.write(&mut out)?;
            out.into_inner().map_err(io::IntoInnerError::into_error)?;
            std::fs::rename(beside, path)
        };
        write().map_err(|source| {
            // Nothing is to be said of what cannot be removed: it may not even be there.
            drop(std::fs::remove_file(beside));
            StoreError::io("cannot write", path)(source)
        })
    }
}
