//! [`Ending`]: how the end of a program is learned without cutting off what it printed.
//!
//! The exit code may come before the last of the output. The crate's `Child::wait` takes the code and hangs up, upon which
//! ssh throws away what is still in its hands. So that future is looked at once, before the program may start, and then not
//! before it was woken, which says that the code is there, and all of the output is out.

use std::error::Error as _;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use openssh::{Error, Session};
use tokio::sync::Notify;

type Wait = dyn Future<Output = Result<ExitStatus, Error>> + Send;

/// A program that was asked for. Dropping it makes ssh close the program's streams.
pub(super) struct Ending {
    wait: Pin<Box<Wait>>,
    exit: Option<Exit>,
    bell: Arc<Bell>,
    _place: Place,
}

/// What ssh says of a program that has ended.
#[derive(Debug)]
pub(super) enum Exit {
    Code(i32),
    /// Nothing but this: it was killed by a signal, or the connection broke.
    Unknown(String),
}

impl Ending {
    pub(super) fn new(child: openssh::Child<Arc<Session>>, place: Place) -> Self {
        // Without a budget: a task that did much already must not ring the bell.
        let wait = Box::pin(tokio::task::unconstrained(child.wait()));
        Self { wait, exit: None, bell: Arc::default(), _place: place }
    }

    /// Looks whether the exit code is there, and has [`called`](Self::called) tell when it may be. What is not in the pipes
    /// of the outputs yet is lost if it is.
    pub(super) fn look(&mut self) -> bool {
        if self.exit.is_none() {
            let waker = Waker::from(Arc::clone(&self.bell));
            if let Poll::Ready(ended) = self.wait.as_mut().poll(&mut Context::from_waker(&waker)) {
                self.exit = Some(exit(ended));
            }
        }
        self.exit.is_some()
    }

    /// Resolves when another look is worth it.
    pub(super) async fn called(&mut self) {
        self.bell.0.notified().await;
    }

    /// What the last look saw; nothing yet, as long as looks say so.
    pub(super) fn into_exit(self) -> Exit {
        self.exit.unwrap_or_else(|| Exit::Unknown("nothing is known of it yet".to_owned()))
    }
}

fn exit(ended: Result<ExitStatus, Error>) -> Exit {
    match ended {
        Ok(status) => status.code().map_or_else(|| Exit::Unknown(status.to_string()), Exit::Code),
        // The crate's way to say 127.
        Err(Error::Remote(_)) => Exit::Code(127),
        Err(error) => Exit::Unknown(reason(&error)),
    }
}

/// The innermost cause, which is what ssh or the system said.
pub(super) fn reason(error: &Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text.trim_end_matches('.').to_owned()
}

#[derive(Debug, Default)]
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// One of the sessions that are open, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    pub(super) fn take(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
