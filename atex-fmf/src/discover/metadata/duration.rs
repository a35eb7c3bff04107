//! Durations as people write them: `90`, `5m`, `1h 30m`, `2h *1.5`.

use std::time::Duration;

/// A sum of numbers with one of the units `s`, `m`, `h`, `d` (seconds without one), times numbers after `*`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut factor = 1.0;
    let mut any = false;
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('*') {
            let after = after.trim_start();
            let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
            factor *= after[..end].parse::<f64>().ok()?;
            rest = after[end..].trim_start();
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..end].parse().ok()?;
        let (unit, after) = match rest[end..].chars().next() {
            None | Some(' ' | '*') => (1, end),
            Some('s') => (1, end + 1),
            Some('m') => (60, end + 1),
            Some('h') => (60 * 60, end + 1),
            Some('d') => (24 * 60 * 60, end + 1),
            Some(_) => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        any = true;
        rest = rest[after..].trim_start();
    }
    if factor == 1.0 {
        return any.then_some(Duration::from_secs(seconds));
    }
    Duration::try_from_secs_f64((Duration::from_secs(seconds).as_secs_f64() * factor).ceil())
        .ok()
        .filter(|_| any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_every_form() {
        let table = [
            ("90", Some(90)),
            ("90s", Some(90)),
            (" 5m ", Some(300)),
            ("2h", Some(7200)),
            ("1d", Some(86400)),
            ("1h 30m", Some(5400)),
            ("1h30m15", Some(5415)),
            ("2h *1.5", Some(10800)),
            ("10 * 2 * 3", Some(60)),
            ("0", Some(0)),
            ("", None),
            ("*2", None),
            ("soon", None),
            ("5 m", None),
            ("-5m", None),
            ("1.5h", None),
            ("5w", None),
            ("1h *", None),
            ("99999999999999999999", None),
            ("999999999999999999d", None),
        ];
        for (text, seconds) in table {
            assert_eq!(parse(text), seconds.map(Duration::from_secs), "{text:?}");
        }
    }
}
