//! From the values of a file to waivers: which keys there are, and what is wrong with others.

use std::rc::Rc;

use atex_core::display::one_line;
use jiff::civil::Date;

use super::document::{Content, Node};
use super::error::Mistake;
use super::pattern::Pattern;
use super::{Blame, Subtest, Waiver};

/// The keys of a waiver.
const KEYS: [&str; 8] =
    ["reason", "link", "until", "platform", "test", "subtest", "note", "status"];

/// Words that people use for some of these keys.
const OTHER_WORDS: [(&str, &str); 9] = [
    ("expires", "until"),
    ("expiry", "until"),
    ("expire", "until"),
    ("name", "test"),
    ("bug", "link"),
    ("url", "link"),
    ("issue", "link"),
    ("comment", "reason"),
    ("description", "reason"),
];

/// The waivers of a document.
pub(super) fn waivers(document: Option<Rc<Node>>) -> Result<Vec<Waiver>, Mistake> {
    let Some(root) = document.filter(|root| !root.is_null()) else { return Ok(Vec::new()) };
    let Content::List(items) = &root.content else {
        let message = format!("expected a list of waivers, found {}", root.kind());
        return Err(Mistake::new(root.at, message).hint("begin each waiver with '- '"));
    };
    items.iter().map(|item| waiver(item)).collect()
}

fn waiver(node: &Node) -> Result<Waiver, Mistake> {
    let Content::Map(pairs) = &node.content else {
        return Err(Mistake::new(node.at, format!("expected a waiver, found {}", node.kind()))
            .hint("a waiver is a map: 'test: /net/dns', 'reason: …'"));
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut waiver = Waiver {
        reason: String::new(),
        link: None,
        until: None,
        platform: None,
        test: None,
        subtest: None,
        note: None,
        blames: vec![Blame::Fail, Blame::Error],
        line: node.at.line,
    };
    for (key, value) in pairs {
        let name = key_of(key)?;
        if seen.contains(&name) {
            return Err(Mistake::new(key.at, format!("'{name}' is there a second time")));
        }
        seen.push(name);
        match name {
            "reason" => waiver.reason = text(name, value)?,
            "link" => waiver.link = Some(text(name, value)?),
            "until" => waiver.until = Some(date(value)?),
            "platform" => waiver.platform = Some(pattern(name, value)?),
            "test" => waiver.test = Some(pattern(name, value)?),
            "subtest" if value.is_null() => waiver.subtest = Some(Subtest::None),
            "subtest" => waiver.subtest = Some(Subtest::Named(pattern(name, value)?)),
            "note" => waiver.note = Some(pattern(name, value)?),
            _ => waiver.blames = blames(value)?,
        }
    }
    if waiver.reason.is_empty() {
        return Err(Mistake::new(node.at, "a waiver needs a 'reason'")
            .hint("say in a few words why this may fail: 'reason: fixed in the next release'"));
    }
    if !seen.iter().any(|key| ["platform", "test", "subtest", "note"].contains(key)) {
        return Err(Mistake::new(node.at, "this would waive every failure")
            .hint("say which: by 'test', 'subtest', 'platform' or 'note'"));
    }
    Ok(waiver)
}

fn key_of(key: &Node) -> Result<&'static str, Mistake> {
    let Content::Text { text, .. } = &key.content else {
        return Err(Mistake::new(key.at, format!("expected a key, found {}", key.kind())));
    };
    if let Some(known) = KEYS.iter().find(|known| *known == text) {
        return Ok(known);
    }
    let mistake = Mistake::new(key.at, format!("unknown key '{}'", one_line(text, 60)));
    Err(match meant(text) {
        Some(meant) => mistake.hint(format!("did you mean '{meant}'?")),
        None => mistake.hint(format!("the keys are {}", KEYS.join(", "))),
    })
}

/// The key that somebody most likely meant.
fn meant(word: &str) -> Option<&'static str> {
    let plain: String = word.chars().take(40).collect::<String>().to_lowercase();
    let other = OTHER_WORDS.iter().find(|(other, _)| *other == plain).map(|(_, key)| *key);
    other.or_else(|| nearest(&plain, &KEYS))
}

/// The known word that differs by a slip or two.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |known: &str| strsim::osa_distance(word, known);
    let (distance, nearest) = known.iter().map(|known| (distance(known), *known)).min()?;
    (distance <= 1 + word.len() / 5).then_some(nearest)
}

fn text(key: &str, value: &Node) -> Result<String, Mistake> {
    match &value.content {
        Content::Text { text, .. } if !value.is_null() && !text.trim().is_empty() => {
            Ok(text.trim().to_owned())
        }
        Content::Text { .. } => Err(Mistake::new(value.at, format!("'{key}' is empty"))),
        Content::List(_) | Content::Map(_) => {
            Err(Mistake::new(value.at, format!("'{key}' is a text, found {}", value.kind())))
        }
    }
}

fn date(value: &Node) -> Result<Date, Mistake> {
    let written = text("until", value)?;
    written.parse().map_err(|_| {
        let message = format!("'until' is no date: '{}'", one_line(&written, 40));
        Mistake::new(value.at, message)
            .hint("the last day on which it holds, as in 'until: 2027-01-31'")
    })
}

fn pattern(key: &str, value: &Node) -> Result<Pattern, Mistake> {
    let mut pattern = Pattern::none();
    match &value.content {
        Content::List(several) if several.is_empty() => {
            return Err(Mistake::new(value.at, format!("'{key}' is an empty list")));
        }
        Content::List(several) => several.iter().try_for_each(|one| add(key, one, &mut pattern))?,
        Content::Text { .. } | Content::Map(_) => add(key, value, &mut pattern)?,
    }
    Ok(pattern)
}

/// Adds a glob, or a map with the one key `regex`.
fn add(key: &str, value: &Node, pattern: &mut Pattern) -> Result<(), Mistake> {
    let (added, at) = match &value.content {
        Content::Text { .. } => (pattern.add_glob(&text(key, value)?), value.at),
        Content::Map(pairs) => match pairs.as_slice() {
            [(how, regex)] if matches!(&how.content, Content::Text { text, .. } if text == "regex") => {
                (pattern.add_regex(&text("regex", regex)?), regex.at)
            }
            _ => {
                let at = pairs.first().map_or(value.at, |(first, _)| first.at);
                return Err(Mistake::new(at, format!("'{key}' is a glob, or a map with 'regex'"))
                    .hint(format!("'{key}: glob*' or '{key}: {{regex: \"^expr\"}}'")));
            }
        },
        Content::List(_) => {
            return Err(Mistake::new(value.at, format!("'{key}' has a list in its list")));
        }
    };
    added.map_err(|why| Mistake::new(at, format!("'{key}' cannot be understood: {why}")))
}

fn blames(value: &Node) -> Result<Vec<Blame>, Mistake> {
    let one = |node: &Node| {
        let word = text("status", node)?;
        Blame::of(Some(&word)).ok_or_else(|| {
            let message = format!("'{}' is no status that can be waived", one_line(&word, 40));
            let mistake = Mistake::new(node.at, message);
            let known = Blame::ALL.map(Blame::as_str);
            match nearest(&word.to_lowercase(), &known) {
                Some(meant) => mistake.hint(format!("did you mean '{meant}'?")),
                None => mistake.hint(format!("these can: {}", known.join(", "))),
            }
        })
    };
    match &value.content {
        Content::List(several) if several.is_empty() => {
            Err(Mistake::new(value.at, "'status' is an empty list"))
        }
        Content::List(several) => several.iter().map(|node| one(node)).collect(),
        Content::Text { .. } | Content::Map(_) => Ok(vec![one(value)?]),
    }
}
