//! What a [`Connection`] promises about being broken: it is noticed, everybody is told, and it can be opened again.

use super::{Check, Suite, ensure};
use crate::{Command, Connection, ConnectionExt, Error, Failure, Result, Stdio};

/// Runs the check of this module: see [`it_breaks_and_is_mended`].
///
/// # Panics
/// When the promise does not hold.
pub async fn all(
    connection: &dyn Connection,
    break_it: impl AsyncFnOnce() -> Check,
    mend: impl AsyncFnOnce() -> Check,
) {
    let mut suite = Suite::new("Connection that breaks");
    let check = it_breaks_and_is_mended(connection, break_it, mend);
    suite.check("it_breaks_and_is_mended", check).await;
    suite.finish();
}

/// Whoever waits for the connection or for a program is told that it is lost, in the same words when asked again; nothing is
/// started through it, and it is not opened again while the system is away; then it is, for everybody who asks at once.
///
/// `break_it` makes the system go away (a server that is killed, a network that is cut), `mend` brings it back.
pub async fn it_breaks_and_is_mended(
    connection: &dyn Connection,
    break_it: impl AsyncFnOnce() -> Check,
    mend: impl AsyncFnOnce() -> Check,
) -> Check {
    let sleep = || Command::new("sleep").arg("100000");
    let mut child = connection.spawn(sleep()).await?;
    let mut fed = connection.spawn(sleep().stdin(Stdio::Piped)).await?;
    break_it().await?;
    let (closed, one, other) = tokio::join!(connection.closed(), child.wait(), fed.wait());
    ensure!(matches!(closed, Error::Lost { .. }), "who waited for the end got {closed:?}");
    for (mut child, ended) in [(child, one), (fed, other)] {
        let again = child.wait().await;
        match (&ended, &again) {
            (Err(Error::Lost { .. }), Err(again)) if is_same(&ended, again) => {}
            _ => return Err(format!("a program that ran gave {ended:?}, then {again:?}").into()),
        }
    }
    let spawned = connection.spawn(Command::new("true")).await.map(drop);
    for ended in [connection.check().await, spawned] {
        let told = matches!(ended, Err(Error::Lost { .. } | Error::NotConnected { .. }));
        ensure!(told, "what came later got {ended:?}");
    }
    let refused = connection.reconnect().await;
    ensure!(matches!(refused, Err(Error::Connect { .. })), "while it was away: {refused:?}");
    let closed = connection.closed().await;
    ensure!(matches!(closed, Error::NotConnected { .. }), "then, it was closed by {closed:?}");
    mend().await?;
    let (one, other) = tokio::join!(connection.reconnect(), connection.reconnect());
    one.and(other)?;
    let printed = connection.script("echo back", &[]).await?;
    ensure!(printed == "back\n", "afterwards, it printed {printed:?}");
    Ok(())
}

fn is_same(first: &Result<crate::Status>, again: &Error) -> bool {
    first.as_ref().is_err_and(|first| Failure::from(first) == Failure::from(again))
}
