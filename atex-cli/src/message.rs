//! What is printed, by this file and (while a run goes on) [`screen`] alone. Results go to standard output, everything else to standard error; colours only where they are
//! wanted.
//!
//! Standard error may be gone at any time (a terminal that was closed, a full disk): what cannot be said there is not said, and
//! the work goes on. Results that cannot be printed are an error; a reader who has had enough (`| head`) is not.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io::{self, ErrorKind, Write};

use anstream::{AutoStream, ColorChoice};
use atex_core::ascii_json;
use atex_report::WaiverError;
use serde::Serialize;

use crate::args::ColorWhen;
use crate::screen;

/// Standard error, as a writer that takes everything, whether it can be written or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notes;

/// Standard output could not be written.
#[derive(Debug)]
pub(crate) struct OutputError(io::Error);

/// Decides on colours, for all that is printed afterwards.
pub(crate) fn set_color(when: ColorWhen) {
    match when {
        ColorWhen::Auto => {}
        ColorWhen::Always => ColorChoice::Always.write_global(),
        ColorWhen::Never => ColorChoice::Never.write_global(),
    }
}

/// Prints a line on standard output.
pub(crate) fn line(line: &str) -> Result<(), OutputError> {
    text(&format!("{line}\n"))
}

/// Prints a text that ends its own lines on standard output.
pub(crate) fn text(text: &str) -> Result<(), OutputError> {
    let mut out = AutoStream::auto(io::stdout()).lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(OutputError(error)),
        _ => Ok(()),
    }
}

/// Prints a value as a line of JSON on standard output: pure ASCII, so that no text in it can do anything to a terminal.
pub(crate) fn json(value: &impl Serialize) -> Result<(), OutputError> {
    line(&json_text(value)?)
}

/// The same, for somebody else to print.
pub(crate) fn json_text(value: &impl Serialize) -> Result<String, OutputError> {
    let mut text = Vec::new();
    ascii_json::write(&mut text, value).map_err(OutputError)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Prints a line on standard error.
pub(crate) fn note(text: &str) {
    if screen::above(text) {
        return;
    }
    AutoStream::auto(io::stderr()).lock().write_all(format!("{text}\n").as_bytes()).ok();
}

/// Prints an error with its causes, and the place in the metadata that it is about.
pub(crate) fn error(error: &anyhow::Error) {
    let (red, plain) = (anstyle(true), anstyle(false));
    note(&format!("{red}error{plain}: {error}"));
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // Some errors have their cause in their own text, too.
        if !said.contains(&text) {
            note(&format!("  because: {text}"));
        }
        said = text;
    }
    for cause in error.chain().filter_map(|cause| cause.downcast_ref::<atex_fmf::Error>()) {
        if let Some(snippet) = cause.snippet() {
            note(&snippet.to_string());
        }
        for written in cause.history() {
            note(&format!("  after {written}"));
        }
        if let Some(hint) = hint(cause) {
            note(&format!("  hint: {hint}"));
        }
    }
    waiver_mistake(error);
}

/// Prints the place of a mistake in a file of waivers, and what to do about it.
fn waiver_mistake(error: &anyhow::Error) {
    for cause in error.chain().filter_map(|cause| cause.downcast_ref::<WaiverError>()) {
        cause.snippet().into_iter().for_each(|snippet| note(&snippet));
        cause.hint().into_iter().for_each(|hint| note(&format!("  hint: {hint}")));
    }
}

/// What to try, in terms of this program.
fn hint(error: &atex_fmf::Error) -> Option<&str> {
    match error.kind() {
        // With a place in a file it is about another tree that the metadata name.
        atex_fmf::ErrorKind::Root if error.location().is_none() => Some(
            "run 'atex fmf init' in the top folder of the metadata, or name one of their folders by --root",
        ),
        _ => error.hint(),
    }
}

/// Bold red, or the end of it.
fn anstyle(on: bool) -> &'static str {
    if on { "\x1b[1;31m" } else { "\x1b[0m" }
}

/// The width of the terminal that standard output is, or a width that suits a file.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0).clamp(40, 140))
}

impl Write for Notes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !screen::above(&String::from_utf8_lossy(bytes)) {
            io::stderr().write_all(bytes).ok();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Display for OutputError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write to standard output: {}", self.0)
    }
}

impl Error for OutputError {}

/// A text for somebody else to print on standard error: without colours where they are not wanted.
pub(crate) fn for_terminal(text: &str) -> String {
    match AutoStream::choice(&io::stderr()) {
        ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    }
}
