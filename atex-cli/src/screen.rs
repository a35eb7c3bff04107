//! The live part of the screen: a few lines at its bottom that are drawn again and again, while everything else goes above them.
//!
//! A frame is written at once, between the marks of a synchronized update, and only if it differs from the one before, so that
//! nothing flickers. Its lines are shorter than the terminal is wide; should the terminal become narrower, they were wrapped, and
//! as many rows are taken back. The cursor stays visible, and nothing has to be restored when the program is killed.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::message;

/// What is drawn.
static LIVE: Mutex<Option<Screen>> = Mutex::new(None);

/// The lines that are on the terminal now.
#[derive(Debug, Default)]
struct Screen {
    lines: Vec<String>,
}

/// Columns and rows of the terminal that standard error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// The size of the terminal, as it is now.
pub(crate) fn size() -> Size {
    let size = terminal_size::terminal_size_of(io::stderr());
    size.map_or(Size { columns: 80, rows: 24 }, |(columns, rows)| Size {
        columns: usize::from(columns.0).max(20),
        rows: usize::from(rows.0).max(4),
    })
}

/// From now on there is a live part, which is empty at first.
pub(crate) fn begin() {
    *live() = Some(Screen::default());
}

/// Shows these lines, which may have colours, instead of those that are there.
pub(crate) fn show(lines: Vec<String>) {
    if let Some(screen) = &mut *live()
        && screen.lines != lines
    {
        screen.draw("", lines, size().columns);
    }
}

/// Writes a text above the live part; says whether there is one.
pub(crate) fn above(text: &str) -> bool {
    let mut live = live();
    let Some(screen) = &mut *live else { return false };
    let lines = screen.lines.clone();
    screen.draw(text, lines, size().columns);
    true
}

/// Takes the live part away.
pub(crate) fn end() {
    if let Some(mut screen) = live().take() {
        screen.draw("", Vec::new(), size().columns);
    }
}

fn live() -> MutexGuard<'static, Option<Screen>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Screen {
    fn draw(&mut self, above: &str, lines: Vec<String>, columns: usize) {
        let text = redraw(&self.lines, (above, &lines), columns);
        self.lines = lines;
        // A screen that cannot be written to is no reason to stop.
        io::stderr().lock().write_all(text.as_bytes()).ok();
    }
}

/// What takes these lines from a terminal, writes a text where they began, and the new lines below it. The cursor is at the end of
/// the last line, before and after.
fn redraw(old: &[String], (above, new): (&str, &[String]), columns: usize) -> String {
    let mut text = String::from("\x1b[?2026h\r");
    let rows: usize = old.iter().map(|line| rows_of(line, columns)).sum();
    if rows > 1 {
        text.push_str(&format!("\x1b[{}A", rows - 1));
    }
    text.push_str("\x1b[J");
    text.push_str(&message::for_terminal(above));
    if !above.is_empty() && !above.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&message::for_terminal(&new.join("\n")));
    text.push_str("\x1b[?2026l");
    text
}

/// How many rows a line takes on a terminal that is now so wide, whatever it was when the line was written.
fn rows_of(line: &str, columns: usize) -> usize {
    let plain = anstream::adapter::strip_str(line).to_string();
    atex_report::columns(&plain).div_ceil(columns.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    /// What a terminal of so many columns shows after it was sent this: a model of the few sequences that are used.
    struct Terminal {
        columns: usize,
        rows: Vec<String>,
        row: usize,
    }

    impl Terminal {
        fn take(&mut self, text: &str) {
            let mut rest = text;
            while let Some(char) = rest.chars().next() {
                if let Some(sequence) = rest.strip_prefix("\x1b[") {
                    let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                    let number = sequence[..end].parse().unwrap_or(0);
                    match &sequence[end..=end] {
                        "A" => self.row -= number,
                        "J" => {
                            self.rows.truncate(self.row);
                            self.rows.push(String::new());
                        }
                        "h" | "l" => assert_eq!(&sequence[..end], "?2026"),
                        other => panic!("{other}"),
                    }
                    rest = &sequence[end + 1..];
                    continue;
                }
                match char {
                    '\r' => {}
                    '\n' => self.next_row(),
                    char => {
                        if self.rows[self.row].chars().count() == self.columns {
                            self.next_row();
                        }
                        self.rows[self.row].push(char);
                    }
                }
                rest = &rest[char.len_utf8()..];
            }
        }

        fn next_row(&mut self) {
            self.row += 1;
            if self.row == self.rows.len() {
                self.rows.push(String::new());
            }
        }

        /// Becomes narrower, as terminals that wrap again do.
        fn shrink(&mut self, columns: usize) {
            let old = std::mem::take(&mut self.rows);
            for row in old {
                let chars: Vec<char> = row.chars().collect();
                let mut pieces: Vec<String> =
                    chars.chunks(columns).map(|piece| piece.iter().collect()).collect();
                pieces.extend(chars.is_empty().then(String::new));
                self.rows.extend(pieces);
            }
            (self.columns, self.row) = (columns, self.rows.len() - 1);
        }
    }

    #[test]
    fn frames_replace_each_other_and_texts_stay_above() {
        let mut terminal = Terminal { columns: 20, rows: vec![String::new()], row: 0 };
        let mut shown = Vec::new();
        let mut step = |terminal: &mut Terminal, above: &str, new: &[&str]| {
            let new = lines(new);
            terminal.take(&redraw(&shown, (above, &new), terminal.columns));
            shown = new;
            terminal.rows.clone()
        };
        assert_eq!(step(&mut terminal, "", &["a", "bar"]), ["a", "bar"]);
        assert_eq!(step(&mut terminal, "failed\n", &["b", "bar"]), ["failed", "b", "bar"]);
        assert_eq!(
            step(&mut terminal, "again", &["b", "c", "bar"]),
            ["failed", "again", "b", "c", "bar"]
        );
        assert_eq!(
            step(&mut terminal, "", &["bar of fifteen"]),
            ["failed", "again", "bar of fifteen"]
        );
        terminal.shrink(8);
        assert_eq!(terminal.rows, ["failed", "again", "bar of f", "ifteen"]);
        assert_eq!(step(&mut terminal, "", &["bar"]), ["failed", "again", "bar"]);
        assert_eq!(step(&mut terminal, "end\n", &[]), ["failed", "again", "end", ""]);
    }
}
