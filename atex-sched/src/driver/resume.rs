//! How a run is taken up whose controller died: what its new main loop does besides.

use std::path::Path;

use atex_core::{Artifacts, Attempt, CancellationToken, Lease, RemoteId};

use super::adoption;
use super::conductor::{Conductor, Ended, Handle, address};

/// The artifacts of an attempt on a remote of this platform.
pub(super) fn artifacts_of(root: &Path, platform: &str, attempt: &Attempt) -> Artifacts {
    Artifacts::open(Artifacts::path_of(root, platform, attempt.test.as_str(), attempt.number))
}

impl Conductor {
    /// Takes up what is known of the run's former life, before its first event: nothing, if it had none.
    pub(super) fn take_up(&mut self) {
        self.summary.conclusions.extend_from_slice(&self.standing.conclusions);
        let ended = self.standing.tests.iter().filter(|(_, test)| !test.concluded);
        for (key, test) in ended {
            let Some(last) = test.ended.last() else { continue };
            if test.running.is_some() {
                continue;
            }
            let Some(pool) = self.pools.iter().find(|pool| pool.name == last.pool) else {
                continue;
            };
            let attempt = Attempt::of(key.clone(), test.attempts);
            let artifacts = Ok(artifacts_of(&self.artifacts, &pool.platform, &attempt));
            let ended = Ended { outcome: last.outcome.clone(), artifacts, when: None };
            self.ended.insert(key.clone(), ended);
        }
        self.retry_releases();
    }

    /// Gives back what could not be given back before. The scheduler does not know of it.
    fn retry_releases(&mut self) {
        let stuck = self.standing.remotes.iter().filter(|(_, remote)| remote.stuck);
        let stuck: Vec<RemoteId> = stuck.map(|(remote, _)| *remote).collect();
        for remote in stuck {
            let Some((index, lease, _)) = self.left(remote) else { continue };
            let (task, _) = self.task(remote, index);
            self.reaping.insert(remote);
            self.tasks.spawn(async move { adoption::reap(&task, &lease).await });
        }
    }

    /// What is left of a remote: the position of its pool, its lease, what people call it, and where others find it.
    fn left(&self, remote: RemoteId) -> Option<(usize, Lease, [String; 2])> {
        let standing = self.standing.remotes.get(&remote)?;
        let index = self.pools.iter().position(|pool| pool.name == standing.pool)?;
        let lease = standing.lease.clone()?;
        let name = standing.name.clone().unwrap_or_else(|| lease.name.clone());
        let address = address(&name, &standing.facts);
        Some((index, lease, [name, address]))
    }

    /// Goes on with a test.
    pub(super) fn adopt(&mut self, remote: RemoteId, attempt: Attempt, together: bool) {
        let Some((index, lease, [name, address])) = self.left(remote) else { return };
        let (task, orders) = self.task(remote, index);
        let cancel = CancellationToken::new();
        self.tasks.spawn(adoption::go_on(task, lease, (attempt, together), cancel.clone()));
        self.remotes.insert(remote, Handle { orders, cancel, address, name });
    }

    /// Gives a remote back that nobody goes on with.
    pub(super) fn give_back(&mut self, remote: RemoteId) {
        let Some((index, lease, [name, address])) = self.left(remote) else { return };
        let was_there = self.standing.remotes.get(&remote).is_some_and(|left| left.name.is_some());
        let (task, orders) = self.task(remote, index);
        let cancel = CancellationToken::new();
        self.remotes.insert(remote, Handle { orders, cancel, address, name });
        self.tasks.spawn(async move { adoption::give_back(&task, &lease, was_there).await });
    }
}
