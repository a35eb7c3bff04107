//! Values of dimensions, compared as names with versions: `rhel-9.6`, `centos-stream-10`, `x86_64`.

use std::cmp::Ordering;

use crate::integer::Int;
use crate::root::parse_int;

/// A value split into a name and the parts of a version.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    text: String,
    name: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    text: String,
    number: Option<Int>,
}

impl Part {
    fn compare(&self, other: &Self, insensitive: bool) -> Ordering {
        match (&self.number, &other.number) {
            (Some(a), Some(b)) => a.cmp(b),
            _ if insensitive => fold(&self.text).cmp(&fold(&other.text)),
            _ => self.text.cmp(&other.text),
        }
    }
}

/// The text without differences of case. Letters that only differ by a longer form (`ß`, `ss`) are folded too.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // These fold to more than, or something else than, their lower case.
            'ß' | 'ẞ' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            'ſ' => folded.push('s'),
            'µ' => folded.push('μ'),
            'ŉ' => folded.push_str("ʼn"),
            'ﬀ' => folded.push_str("ff"),
            'ﬁ' => folded.push_str("fi"),
            'ﬂ' => folded.push_str("fl"),
            'ﬃ' => folded.push_str("ffi"),
            'ﬄ' => folded.push_str("ffl"),
            'ﬅ' | 'ﬆ' => folded.push_str("st"),
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

impl Version {
    pub(crate) fn new(text: &str) -> Self {
        let mut parts = text.split([':', '-', '.']).map(str::to_owned);
        let name = parts.next().unwrap_or_default();
        let parts = parts.map(|text| Part { number: parse_int(&text), text }).collect();
        Self { text: text.to_owned(), name, parts }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether this value is the same as `right`, as far as `right` goes; none if that cannot be said.
    pub(crate) fn equals(&self, right: &Self, minor: bool, insensitive: bool) -> Option<bool> {
        if !same(&self.name, &right.name, insensitive) {
            return Some(false);
        }
        if minor && !right.parts.is_empty() && !self.same_major(right, insensitive)? {
            return Some(false);
        }
        match self.first_difference(right, insensitive) {
            Some(_) => Some(false),
            None if right.parts.len() <= self.parts.len() => Some(true),
            None if minor => None,
            None => Some(false),
        }
    }

    /// How this value is ordered against `right`, as far as `right` goes; none if that cannot be said.
    pub(crate) fn order(&self, right: &Self, minor: bool, insensitive: bool) -> Option<Ordering> {
        if !same(&self.name, &right.name, insensitive) {
            return None;
        }
        // Within one major version only; but an order against a major version alone is always known.
        if minor
            && !right.parts.is_empty()
            && !self.same_major(right, insensitive)?
            && right.parts.len() > 1
        {
            return None;
        }
        match self.first_difference(right, insensitive) {
            Some(order) => Some(order),
            None if right.parts.len() <= self.parts.len() => Some(Ordering::Equal),
            None if minor || self.parts.is_empty() => None,
            None => Some(Ordering::Less),
        }
    }

    /// None if this value has no version at all. `right` must have one.
    fn same_major(&self, right: &Self, insensitive: bool) -> Option<bool> {
        let own = self.parts.first()?;
        Some(right.parts.first().is_some_and(|other| same(&own.text, &other.text, insensitive)))
    }

    fn first_difference(&self, right: &Self, insensitive: bool) -> Option<Ordering> {
        let mut pairs = self.parts.iter().zip(&right.parts);
        pairs.find_map(|(a, b)| Some(a.compare(b, insensitive)).filter(|order| order.is_ne()))
    }
}

fn same(a: &str, b: &str, insensitive: bool) -> bool {
    a == b || (insensitive && fold(a) == fold(b))
}
