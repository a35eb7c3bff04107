//! [`Fate`]: what becomes of a call to a fake.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Failure, Result};

/// What becomes of a call to a fake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Fate {
    /// It does what it should.
    #[default]
    Works,
    /// It fails, with an error that has the fault and the retry of this.
    Fails(Failure),
    /// It never ends by itself.
    Hangs,
    /// It panics.
    Panics,
}

impl Fate {
    pub(super) async fn meet(self, origin: &str) -> Result<()> {
        match self {
            Self::Works => Ok(()),
            Self::Fails(failure) => Err(error_of(origin, failure)),
            Self::Hangs => pending().await,
            Self::Panics => panic!("{origin} panics, as it was told to"),
        }
    }
}

pub(super) fn error_of(origin: &str, failure: Failure) -> Error {
    let Failure { fault, retry, message } = failure;
    Error::Other { origin: origin.to_owned(), what: message, fault, retry, source: None }
}

/// The fates of calls, in order; when they are used up, everything works.
#[derive(Debug, Default)]
pub(super) struct Script(Mutex<VecDeque<Fate>>);

impl Script {
    pub(super) fn extend(&self, fates: impl IntoIterator<Item = Fate>) {
        lock(&self.0).extend(fates);
    }

    pub(super) fn next(&self) -> Fate {
        lock(&self.0).pop_front().unwrap_or_default()
    }
}

/// A lock that a panicking fake cannot spoil.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
