//! What becomes of a remote whose controller died: gone on with, or given back with all that was left on it.

use std::collections::BTreeMap;
use std::fs;

use atex_core::{
    Artifacts, Attempt, CancellationToken, Error, Failure, Fault, Lease, Result, Retry, RunEvent,
};
use tokio::time::Instant;

use super::deadlines::{bounded, stoppable};
use super::fallback;
use super::remote::{News, Order, Provisioned, RemoteTask, infra};
use super::resume::artifacts_of;

/// Goes on with the test that ran on a remote, says how it ended, and does from then on what it is told.
pub(super) async fn go_on(
    mut task: RemoteTask,
    lease: Lease,
    (attempt, together): (Attempt, bool),
    cancel: CancellationToken,
) {
    let begin = Instant::now();
    let artifacts = artifacts_of(&task.artifacts, &task.platform, &attempt);
    let mut remote = None;
    let done = match take_over(&task, &lease, (&artifacts, &cancel), &mut remote).await {
        Err(failure) => Err(failure),
        Ok(mut taken) => {
            if let Some(session) = taken.session.as_mut().filter(|_| together) {
                session.set_barriers(task.barriers(&attempt));
            }
            let done = task.run_into(&mut taken, &attempt, (&artifacts, &cancel)).await;
            remote = Some(taken);
            done
        }
    };
    let (outcome, failure) = match done {
        Ok(outcome) => (outcome, None),
        Err(failure) => {
            // The controller may have died before there was such a folder.
            fs::create_dir_all(artifacts.dir()).ok();
            let failure = fallback::complete(&artifacts, failure);
            (infra(&failure, begin), Some(failure))
        }
    };
    let ended = RunEvent::TestEnded { remote: task.id, attempt, outcome, failure };
    task.news.send(News::Ended(ended, Ok(artifacts))).ok();
    match remote {
        Some(remote) if remote.session.is_some() => task.obey(remote).await,
        Some(remote) => {
            if task.orders.recv().await.is_some() {
                sweep(&task, remote).await;
            }
        }
        None => {
            while let Some(order) = task.orders.recv().await {
                if matches!(order, Order::Release) {
                    return give_back(&task, &lease, true).await;
                }
            }
        }
    }
}

/// The remote with the session of the test. One that is there without is left in `remote`.
async fn take_over(
    task: &RemoteTask,
    lease: &Lease,
    (artifacts, cancel): (&Artifacts, &CancellationToken),
    remote: &mut Option<Provisioned>,
) -> Result<Provisioned, Failure> {
    let what = format!("taking over {lease}");
    let limits = (cancel, task.deadlines.cancel);
    let adopt = async { task.provisioner.adopt(lease).await };
    let adopted = stoppable(&what, task.deadlines.adopt, limits, adopt).await;
    let system = match adopted {
        Ok(Some(system)) => system,
        Ok(None) => return Err(orphaned(&format!("{lease} is gone"))),
        Err(error) => return Err(orphaned(&Failure::from(&error).message)),
    };
    let taken = Provisioned {
        name: lease.name.clone(),
        remote: system,
        session: None,
        noted: BTreeMap::new(),
        lost: None,
    };
    let taken = remote.insert(taken);
    let connection = taken.remote.connection().clone();
    let resume = async { task.executor.resume(connection, artifacts, cancel).await };
    match stoppable(&what, task.deadlines.adopt, limits, resume).await {
        Ok(Some(session)) => {
            taken.session = Some(session);
            remote.take().ok_or_else(|| orphaned("nobody has it"))
        }
        Ok(None) => Err(orphaned("nobody can go on with the test")),
        Err(error) => Err(orphaned(&Failure::from(&error).message)),
    }
}

/// A test came to nothing because its controller died.
fn orphaned(why: &str) -> Failure {
    let message = format!("the controller of the run died, and {why}");
    Failure { fault: Fault::Cancelled, retry: Retry::NewRemote, message }
}

/// Gives back what a lease stands for: by itself if that is all there is to do, else by connecting and removing what was left.
pub(super) async fn give_back(task: &RemoteTask, lease: &Lease, was_there: bool) {
    let what = format!("giving back {lease}");
    let reaped =
        bounded(&what, task.deadlines.adopt, async { task.provisioner.reap(lease).await }).await;
    // It was there before us, or is gone. Nothing was put on what was not handed out.
    if matches!(reaped, Ok(false)) && was_there {
        let adopt = async { task.provisioner.adopt(lease).await };
        match bounded(&what, task.deadlines.adopt, adopt).await {
            Ok(Some(system)) => {
                let name = lease.name.clone();
                let remote = Provisioned {
                    remote: system,
                    name,
                    session: None,
                    noted: BTreeMap::new(),
                    lost: None,
                };
                return sweep(task, remote).await;
            }
            Ok(None) => {}
            Err(error) => return told(task, Err(error)),
        }
    }
    told(task, reaped.map(drop));
}

/// Tries once more to give back what could not be given back before.
pub(super) async fn reap(task: &RemoteTask, lease: &Lease) {
    let what = format!("giving back {lease}");
    let work = async { task.provisioner.reap(lease).await };
    told(task, bounded(&what, task.deadlines.adopt, work).await.map(drop));
}

/// Removes what was left on a remote, and gives it back.
async fn sweep(task: &RemoteTask, remote: Provisioned) {
    let what = format!("removing what was left on {}", remote.name);
    let connection = remote.remote.connection().clone();
    let work = async { task.executor.sweep(&*connection).await };
    let swept = bounded(&what, task.deadlines.stop, work).await;
    let what = format!("releasing {}", remote.name);
    let work = async { remote.remote.release().await };
    let released = bounded(&what, task.deadlines.release, work).await;
    told(task, swept.and(released));
}

fn told(task: &RemoteTask, done: Result<(), Error>) {
    let remote = task.id;
    task.tell(match done {
        Ok(()) => RunEvent::RemoteReleased { remote },
        Err(error) => RunEvent::ReleaseFailed { remote, failure: Failure::from(&error) },
    });
}
