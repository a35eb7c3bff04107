//! [`RemoteBarriers`]: tells the main loop that a test came to a barrier, and waits for what it says.

use atex_core::{Attempt, Barriers, RemoteId, RunEvent, Waiting};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::remote::News;

/// How the main loop tells whoever waits at a barrier that it is open, or why it never will be.
pub(super) type Tell = oneshot::Sender<Result<(), String>>;

/// The barriers of one attempt.
#[derive(Debug)]
pub(super) struct RemoteBarriers {
    pub(super) remote: RemoteId,
    pub(super) attempt: Attempt,
    pub(super) news: UnboundedSender<News>,
}

impl Barriers for RemoteBarriers {
    fn reach(&self, barrier: &str) -> Waiting {
        let (tell, told) = oneshot::channel();
        let (remote, attempt, barrier) = (self.remote, self.attempt.clone(), barrier.to_owned());
        let event = RunEvent::BarrierReached { remote, attempt, barrier };
        // Nobody listens when the run was dropped, and then the test is about to be dropped, too.
        self.news.send(News::Reached(event, tell)).ok();
        Box::pin(async move {
            match told.await {
                Ok(told) => told,
                // It ends, or is about to be told to.
                Err(_) => std::future::pending().await,
            }
        })
    }
}
