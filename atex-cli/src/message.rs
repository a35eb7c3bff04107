//! The only file that prints. Results go to standard output, everything else to standard error; colours only where they are
//! wanted.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice, eprintln, print, println};

use crate::args::ColorWhen;

/// Standard output, as a writer.
#[derive(Debug)]
pub(crate) struct Out;

/// Decides on colours, for all that is printed afterwards.
pub(crate) fn set_color(when: ColorWhen) {
    match when {
        ColorWhen::Auto => {}
        ColorWhen::Always => ColorChoice::Always.write_global(),
        ColorWhen::Never => ColorChoice::Never.write_global(),
    }
}

/// Prints a line on standard output.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Prints a text that ends its own lines on standard output.
pub(crate) fn text(text: &str) {
    print!("{text}");
}

/// Prints a line on standard error.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Prints an error with its causes, and the place in the metadata that it is about.
pub(crate) fn error(error: &anyhow::Error) {
    let (red, plain) = (anstyle(true), anstyle(false));
    eprintln!("{red}error{plain}: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // Some errors have their cause in their own text, too.
        if !said.contains(&text) {
            eprintln!("  because: {text}");
        }
        said = text;
    }
    for cause in error.chain().filter_map(|cause| cause.downcast_ref::<atex_fmf::Error>()) {
        if let Some(snippet) = cause.snippet() {
            eprintln!("{snippet}");
        }
        if let Some(hint) = cause.hint() {
            eprintln!("  hint: {hint}");
        }
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

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        AutoStream::auto(io::stdout()).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// A text for somebody else to print on standard error: without colours where they are not wanted.
pub(crate) fn for_terminal(text: &str) -> String {
    match AutoStream::choice(&io::stderr()) {
        ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    }
}
