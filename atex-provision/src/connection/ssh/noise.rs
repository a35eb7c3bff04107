//! [`Noise`]: what a login shell prints before a program starts, which is none of the program's output.
//!
//! A shell that sshd starts reads its startup files first (bash: `~/.bashrc`), and what those print comes over the outputs of
//! the program. So the program says a [`Word`] on each of them right before it starts, unless the shell is known to be quiet;
//! all that comes up to it is dropped.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::Interest;

use super::relay::Source;

/// So much may come before the word, on one output.
const NOISE_MAX: usize = 1 << 20;
/// So much of it is kept, for messages.
const KEPT: usize = 512;

/// What is known of the login shell of a connection. One that was quiet once is taken for quiet, until it is seen not to be.
#[derive(Debug, Default)]
pub(super) struct Noise {
    known: AtomicBool,
    heard: AtomicBool,
}

impl Noise {
    /// Whether a program that starts now has to say a word.
    pub(super) fn is_possible(&self) -> bool {
        self.heard.load(Ordering::Relaxed) || !self.known.load(Ordering::Relaxed)
    }

    /// Takes in what came before a word.
    pub(super) fn learn(&self, heard: bool) {
        if heard {
            self.heard.store(true, Ordering::Relaxed);
        }
        self.known.store(true, Ordering::Relaxed);
    }
}

/// What a program says on its outputs right before it starts. Each one has its own, which nobody can guess.
#[derive(Debug)]
pub(super) struct Word(String);

impl Word {
    pub(super) fn new() -> Self {
        let half = || format!("{:016x}", RandomState::new().build_hasher().finish());
        Self(half() + &half())
    }

    /// What says it on both outputs. It is not in there as one piece: a shell that prints what it runs (`set -x`) does not say it.
    pub(super) fn script(&self) -> String {
        let (one, other) = self.0.split_at(self.0.len() / 2);
        format!(r#"echo {one}""{other}; echo {one}""{other} >&2; "#)
    }

    /// Begins to listen for it on one output.
    pub(super) fn listen(&self) -> Hearing {
        Hearing { word: format!("{}\n", self.0).into(), came: 0, kept: Vec::new() }
    }
}

/// What came over an output that a word is awaited on.
#[derive(Debug)]
pub(super) struct Hearing {
    word: Vec<u8>,
    came: usize,
    /// The last of it.
    kept: Vec<u8>,
}

/// Why no word will come.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unheard {
    #[error("it ended")]
    Ended,
    #[error("it went on printing")]
    TooMuch,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Hearing {
    /// Reads up to the end of the word, and not a byte more.
    pub(super) async fn hear(&mut self, source: &Source) -> Result<(), Unheard> {
        loop {
            let missing = self.missing();
            if missing == 0 {
                return Ok(());
            }
            if self.came > NOISE_MAX + self.word.len() {
                return Err(Unheard::TooMuch);
            }
            let mut bytes = vec![0; missing];
            let read = source.async_io(Interest::READABLE, |mut from| from.read(&mut bytes));
            match read.await? {
                0 => return Err(Unheard::Ended),
                length => self.take(&bytes[..length]),
            }
        }
    }

    /// So many bytes come before the word can have ended: those that it has after what may be its beginning.
    fn missing(&self) -> usize {
        let begun = (0..=self.word.len()).rev().find(|&len| self.kept.ends_with(&self.word[..len]));
        self.word.len() - begun.unwrap_or_default()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.came += bytes.len();
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > 2 * KEPT {
            self.kept.drain(..self.kept.len() - KEPT);
        }
    }

    /// Whether anything but the word came.
    pub(super) fn is_noisy(&self) -> bool {
        self.came > self.word.len()
    }

    /// The last of what came besides the word.
    pub(super) fn last(&self) -> &[u8] {
        self.kept.strip_suffix(&*self.word).unwrap_or(&self.kept)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_comes_before_the_word_is_dropped_and_nothing_after_it(
            word in "[ab]{1,6}",
            noise in "[ab]{0,40}",
            rest in "[ab]{0,10}",
            steps in prop::collection::vec(1_usize..4, 1..200),
        ) {
            let word = Word(word);
            let stream = format!("{noise}{}\n{rest}", word.0);
            let mut hearing = word.listen();
            let (mut at, mut steps) = (0, steps.into_iter().cycle());
            while hearing.missing() > 0 {
                let length = hearing.missing().min(steps.next().unwrap());
                hearing.take(&stream.as_bytes()[at..at + length]);
                at += length;
            }
            prop_assert_eq!(&stream[at..], rest);
            prop_assert_eq!(hearing.is_noisy(), !noise.is_empty());
        }
    }

    #[test]
    fn a_word_is_not_in_what_says_it() {
        let word = Word::new();
        assert!(!word.script().contains(&word.0));
        assert_ne!(word.0, Word::new().0);
    }

    #[test]
    fn a_shell_is_taken_for_quiet_until_it_is_heard() {
        let noise = Noise::default();
        let mut possible = vec![noise.is_possible()];
        for heard in [false, true, false] {
            noise.learn(heard);
            possible.push(noise.is_possible());
        }
        assert_eq!(possible, [true, false, true, true]);
    }
}
