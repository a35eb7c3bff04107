//! What a [`Connection`] promises under load: many programs at once, and streams that are longer than any memory.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Check, LIMIT, Suite, ensure};
use crate::{BoxError, Child, Command, Connection, Result, Stdio};

/// So many bytes are read and written at once.
const STEP: usize = 1 << 17;

/// How much is asked of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// So many programs at once.
    pub programs: usize,
    /// So many bytes in each stream.
    pub bytes: u64,
    /// How long each check may take.
    pub limit: Duration,
}

impl Default for Load {
    /// 200 programs, 64 MiB, and the [`LIMIT`] of all checks.
    fn default() -> Self {
        Self { programs: 200, bytes: 64 << 20, limit: LIMIT }
    }
}

/// Runs all checks against one connection of this factory.
///
/// # Panics
/// With the list of the promises that are broken.
pub async fn all(connect: impl AsyncFn() -> Result<Arc<dyn Connection>>, load: Load) {
    let mut suite = Suite::new("Connection under load");
    let connection = match connect().await {
        Ok(connection) => connection,
        Err(error) => panic!("cannot connect: {}", crate::Failure::from(&error).message),
    };
    let connection = &*connection;
    let many = programs_run_at_once(connection, load.programs);
    suite.check_within(load.limit, "programs_run_at_once", many).await;
    let out = a_long_output_is_read(connection, load.bytes);
    suite.check_within(load.limit, "a_long_output_is_read", out).await;
    let down = a_long_output_reaches_a_descriptor(connection, load.bytes);
    suite.check_within(load.limit, "a_long_output_reaches_a_descriptor", down).await;
    let up = a_long_input_is_written(connection, load.bytes);
    suite.check_within(load.limit, "a_long_input_is_written", up).await;
    suite.finish();
}

/// So many programs run at once, and none gets the streams of another.
pub async fn programs_run_at_once(connection: &dyn Connection, programs: usize) -> Check {
    let start = async |number: usize| {
        let command = Command::bash("read -r line; echo $line $1").arg(number.to_string());
        connection.spawn(command.stdin(Stdio::Piped).stdout(Stdio::Piped)).await
    };
    // Each is asked for while others are.
    let mut running = futures_in_order((0..programs).map(start).collect()).await?;
    for (number, child) in running.iter_mut().enumerate() {
        let Some(mut stdin) = child.stdin.take() else { return Err("there is no input".into()) };
        stdin.write_all(format!("hello {number}\n").as_bytes()).await?;
    }
    for (number, mut child) in running.into_iter().enumerate() {
        let mut printed = String::new();
        let Some(mut stdout) = child.stdout.take() else { return Err("there is no output".into()) };
        stdout.read_to_string(&mut printed).await?;
        ensure!(printed == format!("hello {number} {number}\n"), "{number} printed {printed:?}");
        let status = child.wait().await?;
        ensure!(status.success(), "{number} {status}");
    }
    Ok(())
}

/// Awaits all, at the same time.
async fn futures_in_order<T>(futures: Vec<impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    let mut pending: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in &mut pending {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(ready) => *output = Some(ready),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    pending.into_iter().filter_map(|(_, output)| output).collect()
}

fn zeros(bytes: u64) -> Command {
    Command::new("head").arg("-c").arg(bytes.to_string()).arg("/dev/zero")
}

async fn succeeds(child: &mut Child) -> Check {
    let status = child.wait().await?;
    ensure!(status.success(), "the program {status}");
    Ok(())
}

/// All of a long output comes through a pipe.
pub async fn a_long_output_is_read(connection: &dyn Connection, bytes: u64) -> Check {
    let mut child = connection.spawn(zeros(bytes).stdout(Stdio::Piped)).await?;
    let Some(mut stdout) = child.stdout.take() else { return Err("there is no output".into()) };
    let (mut buffer, mut arrived) = (vec![0; STEP], 0);
    loop {
        match stdout.read(&mut buffer).await? {
            0 => break,
            length => arrived += length as u64,
        }
    }
    ensure!(arrived == bytes, "{arrived} of {bytes} bytes arrived");
    succeeds(&mut child).await
}

/// All of a long output comes to a descriptor of ours, which is a pipe that somebody else reads.
pub async fn a_long_output_reaches_a_descriptor(connection: &dyn Connection, bytes: u64) -> Check {
    let (mut reader, writer) = std::io::pipe()?;
    let counted = tokio::task::spawn_blocking(move || {
        let (mut buffer, mut arrived) = (vec![0; STEP], 0);
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok::<u64, std::io::Error>(arrived),
                length => arrived += length as u64,
            }
        }
    });
    let mut child = connection.spawn(zeros(bytes).stdout(OwnedFd::from(writer))).await?;
    let ended = succeeds(&mut child).await;
    drop(child);
    let arrived = counted.await??;
    ensure!(arrived == bytes, "{arrived} of {bytes} bytes arrived");
    ended
}

/// All of a long input gets there.
pub async fn a_long_input_is_written(connection: &dyn Connection, bytes: u64) -> Check {
    let command = Command::new("wc").arg("-c").stdin(Stdio::Piped).stdout(Stdio::Piped);
    let mut child = connection.spawn(command).await?;
    let Some(mut stdin) = child.stdin.take() else { return Err("there is no input".into()) };
    let buffer = vec![0; STEP];
    let mut left = bytes;
    while left > 0 {
        let length = usize::try_from(left).map_or(STEP, |left| left.min(STEP));
        stdin.write_all(&buffer[..length]).await?;
        left -= length as u64;
    }
    stdin.shutdown().await?;
    drop(stdin);
    let mut printed = String::new();
    let Some(mut stdout) = child.stdout.take() else { return Err("there is no output".into()) };
    stdout.read_to_string(&mut printed).await?;
    let arrived: u64 = printed.trim().parse().map_err(BoxError::from)?;
    ensure!(arrived == bytes, "{arrived} of {bytes} bytes arrived");
    succeeds(&mut child).await
}
