//! What a [`Connection`] promises about the end: of a program that is dropped or killed, and of itself.

use std::sync::Arc;

use super::program::{Scratch, Watch};
use super::{Check, Suite, ensure, run_checks};
use crate::{Command, Connection, ConnectionExt, Error, Result, Status, Stdio};

/// Runs all checks of this module as a part of the suite for connections.
pub(super) async fn run(
    suite: &mut Suite,
    connect: &impl AsyncFn() -> Result<Arc<dyn Connection>>,
) {
    run_checks!(
        suite,
        &*connect().await?,
        [
            a_dropped_child_is_dead,
            a_dropped_child_that_reads_from_us_is_dead,
            a_killed_child_is_dead,
            a_dropped_spawn_leaves_nothing,
            an_open_connection_answers,
            a_closed_connection_runs_nothing
        ]
    );
}

/// Dropping a child kills the program, with what it started in its process group.
pub async fn a_dropped_child_is_dead(connection: &dyn Connection) -> Check {
    let scratch = Scratch::new(connection).await?;
    let watch = Watch::start(connection, scratch.path()).await?;
    let mut victim = connection.spawn(watch.victim()).await?;
    Watch::ready(&mut victim).await?;
    drop(victim);
    watch.all_dead().await?;
    Ok(scratch.remove().await?)
}

/// The same with an input of ours, which stays open.
pub async fn a_dropped_child_that_reads_from_us_is_dead(connection: &dyn Connection) -> Check {
    let scratch = Scratch::new(connection).await?;
    let watch = Watch::start(connection, scratch.path()).await?;
    let mut victim = connection.spawn(watch.victim().stdin(Stdio::Piped)).await?;
    let stdin = victim.stdin.take();
    Watch::ready(&mut victim).await?;
    drop(victim);
    watch.all_dead().await?;
    drop(stdin);
    Ok(scratch.remove().await?)
}

/// A child that is killed did not exit by itself, and is dead. It may be killed again.
pub async fn a_killed_child_is_dead(connection: &dyn Connection) -> Check {
    let scratch = Scratch::new(connection).await?;
    for stdin in [Stdio::Null, Stdio::Piped] {
        let watch = Watch::start(connection, scratch.path()).await?;
        let mut victim = connection.spawn(watch.victim().stdin(stdin)).await?;
        Watch::ready(&mut victim).await?;
        victim.start_kill()?;
        victim.start_kill()?;
        let status = victim.wait().await?;
        ensure!(matches!(status, Status::Signal(9) | Status::Killed), "a killed child: {status}");
        victim.start_kill()?;
        watch.all_dead().await?;
        connection.script(r#"rm -- "$1/alive""#, &[scratch.path()]).await?;
    }
    Ok(scratch.remove().await?)
}

/// Giving up while a program is being started starts nothing, or kills it.
pub async fn a_dropped_spawn_leaves_nothing(connection: &dyn Connection) -> Check {
    let scratch = Scratch::new(connection).await?;
    let watch = Watch::start(connection, scratch.path()).await?;
    for moments in 0..20 {
        let stdin = if moments % 2 == 0 { Stdio::Null } else { Stdio::Piped };
        let patience = async {
            for _ in 0..moments {
                tokio::task::yield_now().await;
            }
        };
        let spawned = tokio::select! {
            biased;
            child = connection.spawn(watch.victim().stdin(stdin)) => Some(child?),
            () = patience => None,
        };
        drop(spawned);
    }
    watch.all_dead().await?;
    Ok(scratch.remove().await?)
}

/// While it is open, it answers, and `closed` stays pending.
pub async fn an_open_connection_answers(connection: &dyn Connection) -> Check {
    ensure!(!connection.name().is_empty(), "it has no name");
    tokio::select! {
        biased;
        error = connection.closed() => return Err(format!("closed already: {error}").into()),
        checked = connection.check() => checked?,
    }
    Ok(())
}

/// After closing, which may be repeated, programs are dead and no more are started.
pub async fn a_closed_connection_runs_nothing(connection: &dyn Connection) -> Check {
    let mut child = connection.spawn(Command::new("sleep").arg("100000")).await?;
    connection.close().await?;
    connection.close().await?;
    match child.wait().await {
        Ok(Status::Signal(_) | Status::Killed)
        | Err(Error::Lost { .. } | Error::NotConnected { .. }) => {}
        other => return Err(format!("a program that ran gave {other:?}").into()),
    }
    match connection.spawn(Command::new("true")).await {
        Err(Error::NotConnected { .. }) => Ok(()),
        other => Err(format!("another program gave {other:?}").into()),
    }
}
