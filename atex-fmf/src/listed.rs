//! Lists as prose: `a, b and c`, `3 tests`.

use std::fmt::Display;

/// How a list is put into words.
///
/// ```
/// use atex_fmf::Listed;
/// assert_eq!(Listed::new().items(["a", "b", "c"]), "a, b and c");
/// assert_eq!(Listed::new().join("or").quote("'").items(["a", "b"]), "'a' or 'b'");
/// assert_eq!(Listed::new().max(2).noun("test").items(["a", "b", "c"]), "a, b and 1 more test");
/// assert_eq!(Listed::new().noun("category").count(2), "2 categories");
/// ```
#[derive(Debug, Clone)]
#[must_use = "the words come from 'items' or 'count'"]
pub struct Listed {
    join: String,
    quote: String,
    max: Option<usize>,
    noun: Option<(String, String)>,
}

impl Default for Listed {
    fn default() -> Self {
        Self::new()
    }
}

impl Listed {
    /// All items, the last two joined by `and`.
    pub fn new() -> Self {
        Self { join: "and".to_owned(), quote: String::new(), max: None, noun: None }
    }

    /// What stands before the last item.
    pub fn join(mut self, word: &str) -> Self {
        word.clone_into(&mut self.join);
        self
    }

    /// What stands around each item.
    pub fn quote(mut self, quote: &str) -> Self {
        quote.clone_into(&mut self.quote);
        self
    }

    /// How many items are named; the others are only counted.
    pub fn max(mut self, max: usize) -> Self {
        self.max = Some(max);
        self
    }

    /// What an item is called. The plural follows from the word; see [`Listed::plural`] for words that it is wrong for.
    pub fn noun(mut self, singular: &str) -> Self {
        let plural = match singular.strip_suffix('y') {
            Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
            _ if singular.ends_with('s') => format!("{singular}es"),
            _ => format!("{singular}s"),
        };
        self.noun = Some((singular.to_owned(), plural));
        self
    }

    /// What an item and what several items are called.
    pub fn plural(mut self, singular: &str, plural: &str) -> Self {
        self.noun = Some((singular.to_owned(), plural.to_owned()));
        self
    }

    /// The number with the noun in the right form; without a noun, the number alone.
    #[must_use]
    pub fn count(&self, count: usize) -> String {
        format!("{count}{}", self.noun_for(count))
    }

    /// The items in words. With a noun but without a maximum, they are only counted.
    #[must_use]
    pub fn items<I: IntoIterator<Item: Display>>(&self, items: I) -> String {
        let quote = &self.quote;
        let mut words: Vec<String> =
            items.into_iter().map(|item| format!("{quote}{item}{quote}")).collect();
        let count = words.len();
        match self.max {
            None if self.noun.is_some() => return self.count(count),
            Some(max) if count > max => {
                words.truncate(max);
                words.push(format!("{} more{}", count - max, self.noun_for(count - max)));
            }
            _ => {}
        }
        match words.split_last() {
            Some((last, before)) if !before.is_empty() => {
                format!("{} {} {last}", before.join(", "), self.join)
            }
            Some((only, _)) => only.clone(),
            None => String::new(),
        }
    }

    fn noun_for(&self, count: usize) -> String {
        match &self.noun {
            Some((singular, _)) if count == 1 => format!(" {singular}"),
            Some((_, plural)) => format!(" {plural}"),
            None => String::new(),
        }
    }
}
