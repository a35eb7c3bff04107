//! What tests that run together have of each other: their roles and addresses, and [`RemoteBarriers`], where they wait for each other.

use atex_core::{Attempt, Barriers, RemoteId, RunEvent, Waiting};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::conductor::Conductor;
use super::remote::News;
use crate::action::Peer;

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

impl Conductor {
    /// A test came to a barrier, and waits to be told how that goes on.
    pub(super) fn reached(&mut self, event: RunEvent, tell: Tell) {
        if let RunEvent::BarrierReached { remote, barrier, .. } = &event {
            self.waiting.entry((*remote, barrier.clone())).or_default().push(tell);
        }
        self.happened(event);
    }

    /// Tells whoever waits at a barrier how that goes on.
    pub(super) fn answer(&mut self, remote: RemoteId, barrier: String, broken: Option<String>) {
        for tell in self.waiting.remove(&(remote, barrier)).unwrap_or_default() {
            // It may have been stopped meanwhile.
            tell.send(broken.clone().map_or(Ok(()), Err)).ok();
        }
    }

    /// What a test is told of those that it runs together with: the roles and addresses of all, and which is its own; nothing if
    /// it runs alone.
    pub(super) fn roles(
        &self,
        remote: RemoteId,
        together: &[Peer],
    ) -> Option<Vec<(String, String)>> {
        let own = together.iter().find(|peer| peer.remote == remote)?;
        let address = |peer: &Peer| {
            let handle = self.remotes.get(&peer.remote);
            handle.map(|handle| handle.address.clone()).unwrap_or_default()
        };
        let peers: Vec<String> =
            together.iter().map(|peer| format!("{}={}", peer.role, address(peer))).collect();
        let own = ("ATEX_ROLE".to_owned(), own.role.clone());
        Some(vec![own, ("ATEX_PEERS".to_owned(), peers.join(" "))])
    }
}
