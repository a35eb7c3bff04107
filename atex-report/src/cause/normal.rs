//! [`normal`]: a message without what differs from one failure to the next.

use atex_core::display::is_harmless;

/// How much of a line is looked at, in bytes.
const LOOKED_AT: usize = 4 << 10;
/// The longest that a normalised message gets, in characters.
const LENGTH_MAX: usize = 240;

/// A message without what differs from one failure to the next: its first line and its last, with placeholders for numbers
/// (`<n>`), hexadecimal (`<hex>`), UUIDs (`<uuid>`), dates and times (`<time>`), addresses (`<addr>`), and for folders
/// (`<path>/name`; nothing is left of what lies in a folder for temporary files).
///
/// The work is bounded, however long the message is, and the result is one line that is safe to show.
pub(super) fn normal(message: &str) -> String {
    let mut out = String::new();
    let (first, last) = ends(message);
    line(first, &mut out);
    if let Some(last) = last {
        out.push_str(" … ");
        line(last, &mut out);
    }
    match out.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => format!("{}…", out[..end].trim_end()),
        None => out,
    }
}

/// The first line and the last, if that is another one, of a message; of each no more than is looked at.
fn ends(message: &str) -> (&str, Option<&str>) {
    let message = message.trim();
    let begin = |line: &'_ str| line.floor_char_boundary(LOOKED_AT);
    let first = message.lines().next().unwrap_or_default();
    let last = message.rfind('\n').map(|end| &message[end + 1..]);
    (&first[..begin(first)], last.map(|last| &last[..begin(last)]))
}

/// Appends a line, word by word.
fn line(line: &str, out: &mut String) {
    let begin = out.len();
    for word in line.split_whitespace() {
        if out.len() > begin {
            out.push(' ');
        }
        word_of(word, out);
        if out.len() - begin > 4 * LENGTH_MAX {
            break;
        }
    }
}

/// Appends a word without blanks: brackets and the like around it stay.
fn word_of(word: &str, out: &mut String) {
    let is_around = |char: char| "()[]{}<>\"'`,;:=!?".contains(char);
    let mut rest = word;
    while !rest.is_empty() {
        let around = rest.len() - rest.trim_start_matches(is_around).len();
        out.push_str(&rest[..around]);
        rest = &rest[around..];
        // A colon belongs to times and addresses; elsewhere it ends a piece.
        let end = rest.find(|char| is_around(char) && char != ':').unwrap_or(rest.len());
        let whole = rest[..end].trim_end_matches(['.', ':']);
        if let Some(placeholder) = placeholder(whole) {
            out.push_str(placeholder);
            rest = &rest[whole.len()..];
            let stop = rest.len() - rest.trim_start_matches(['.', ':']).len();
            out.push_str(&rest[..stop]);
            rest = &rest[stop..];
        } else {
            let end = rest.find(is_around).unwrap_or(rest.len());
            piece(&rest[..end], out);
            rest = &rest[end..];
        }
    }
}

/// What a whole piece is, if it is something that differs from run to run.
fn placeholder(piece: &str) -> Option<&'static str> {
    if piece.len() > 80 || !piece.is_ascii() || !piece.bytes().any(|byte| byte.is_ascii_hexdigit())
    {
        return None;
    }
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    if is_time(piece) {
        return Some("<time>");
    }
    if piece.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && piece.split('-').all(hex) {
        return Some("<uuid>");
    }
    let groups = piece.split(':').count();
    let is_address = groups == 6 && piece.split(':').all(|part| part.len() == 2 && hex(part))
        || piece.contains(':') && piece.parse::<std::net::Ipv6Addr>().is_ok()
        || piece.parse::<std::net::Ipv4Addr>().is_ok()
        || piece.parse::<std::net::SocketAddr>().is_ok();
    if is_address {
        return Some("<addr>");
    }
    let is_hex = piece.strip_prefix("0x").is_some_and(hex)
        || piece.len() >= 7
            && hex(piece)
            && digits(piece)
            && piece.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_hex.then_some("<hex>")
}

/// `2026-11-23`, `12:30`, `12:30:05.123`, `2026-11-23T12:30:05Z`, `+01:00` and the like.
fn is_time(piece: &str) -> bool {
    let shape: String =
        piece.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    let (date, clock) = match shape.split_once(['T', '_']) {
        Some((date, clock)) => (Some(date), Some(clock)),
        None if shape.contains(':') => (None, Some(shape.as_str())),
        None => (Some(shape.as_str()), None),
    };
    let is_date = |text: &str| matches!(text, "0000-00-00" | "0000/00/00" | "00000000");
    let is_clock = |text: &str| {
        let text = text.trim_end_matches('Z');
        let zone = text.find(['+', '-']).map_or(text.len(), |at| at);
        let text = text[..zone].split(['.', ',']).next().unwrap_or_default();
        matches!(text, "00:00" | "0:00" | "00:00:00" | "0:00:00" | "000000")
    };
    match (date, clock) {
        (Some(date), Some(clock)) => is_date(date) && is_clock(clock),
        (Some(date), None) => is_date(date) && date != "00000000",
        (None, Some(clock)) => is_clock(clock),
        (None, None) => false,
    }
}

/// Appends a piece with its folders and numbers replaced.
fn piece(piece: &str, out: &mut String) {
    let temporary = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/"];
    let rest = match piece.rfind('/') {
        Some(_) if temporary.iter().any(|folder| piece.starts_with(folder)) => {
            out.push_str("<path>");
            return;
        }
        Some(last) if piece.starts_with('/') && last > 0 => {
            out.push_str("<path>/");
            &piece[last + 1..]
        }
        _ => piece,
    };
    let mut left = rest;
    while let Some(char) = left.chars().next() {
        let number = number_of(left);
        if number > 0 {
            out.push_str("<n>");
            left = &left[number..];
        } else {
            push_harmless(char, out);
            left = &left[char.len_utf8()..];
        }
    }
}

/// The length of the number that a text begins with: `17`, `3.25`, and `9.6.2` as well.
fn number_of(text: &str) -> usize {
    let mut length = 0;
    for part in text.split('.') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            break;
        }
        let point = usize::from(length > 0);
        length += point + digits;
        if digits < part.len() {
            break;
        }
    }
    length
}

fn push_harmless(char: char, out: &mut String) {
    match is_harmless(char) {
        true => out.push(char),
        false => out.extend(char.escape_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_differs_is_gone() {
        let table = [
            ("expected 3 answers, got 17", "expected <n> answers, got <n>"),
            ("timed out after 3.25s", "timed out after <n>s"),
            ("rule v9.6.2 failed.", "rule v<n> failed."),
            ("at 0x7ffe12ab: segfault", "at <hex>: segfault"),
            ("commit 9139899f is bad", "commit <hex> is bad"),
            ("deadbeef is a word", "deadbeef is a word"),
            ("id=8c7f2a10-9f3e-4a51-b1c2-0123456789ab.", "id=<uuid>."),
            ("2026-11-23T12:30:05.123Z failed", "<time> failed"),
            ("2026-11-23T12:30:05+01:00 failed", "<time> failed"),
            ("on 2026-11-23 at 12:30:05,5: no", "on <time> at <time>,<n>: no"),
            ("no route to 10.0.2.15:22", "no route to <addr>"),
            ("peer fe80::1 or [fe80::2], 52:54:00:ab:cd:ef", "peer <addr> or [<addr>], <addr>"),
            ("cannot open /var/lib/app/db-3.sqlite: no", "cannot open <path>/db-<n>.sqlite: no"),
            ("cannot open '/tmp/tmp.aX3/x.log'", "cannot open '<path>'"),
            ("test /root is /", "test /root is /"),
            ("File \"a.py\", line 17", "File \"a.py\", line <n>"),
            ("a\u{1b}[31mred", "a\\u{1b}[<n>mred"),
            ("  two \t words\r\n\n", "two words"),
            ("first 1\nsecond\nlast 2\n", "first <n> … last <n>"),
            ("...", "..."),
            ("std::io::Error: no", "std::io::Error: no"),
            ("", ""),
        ];
        for (message, expected) in table {
            assert_eq!(normal(message), expected, "{message:?}");
        }
    }

    #[test]
    fn long_messages_cost_no_more_than_their_ends() {
        for part in ["x", "7", ".", ":", "/", "1.", "a ", "\u{1b}", "ž\n", "fe80:", "<n>.<n>"] {
            let normal = normal(&part.repeat((8 << 20) / part.len()));
            assert!(normal.chars().count() <= 2 * LENGTH_MAX, "{part:?} {}", normal.len());
        }
    }

    proptest! {
        #[test]
        fn is_one_harmless_line(message in "(\\PC|[\\x00-\\x1f\u{202e}0-9a-f:./ -]){0,300}") {
            let normal = normal(&message);
            prop_assert!(normal.chars().all(is_harmless), "{normal:?}");
            prop_assert!(normal.chars().count() <= LENGTH_MAX + 1);
        }

        #[test]
        fn numbers_make_no_difference(a in 0..99999_u32, b in 0..99999_u32, text in "[g-z ]{0,9}") {
            let with = |number| normal(&format!("{text} {number} of {text}{number}"));
            prop_assert_eq!(with(a), with(b));
        }
    }
}
