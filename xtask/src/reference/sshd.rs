//! [`Sshd`]: a real ssh server on loopback for as long as the comparison takes.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result, ensure};

use crate::needs::program_folders;

/// A real ssh server on loopback, with keys and configurations of its own in one folder. It lets in the user that we are.
///
/// It listens in this process, on a free port, and starts one `sshd -i` per connection. Dropping it closes the port and ends
/// the connections.
#[derive(Debug)]
pub(super) struct Sshd {
    /// What `--pool` calls it.
    pub(super) pool: String,
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sshd {
    /// Starts one with its files in `dir`; `None` where there is no sshd.
    pub(super) fn start(dir: &Path) -> Result<Option<Self>> {
        let folders = program_folders();
        let mut programs = folders.iter().map(|folder| folder.join("sshd"));
        let Some(program) = programs.find(|program| program.is_file()) else { return Ok(None) };
        let user = output(Command::new("id").arg("-un"))?;
        if user == "root" {
            // Where it locks its unprivileged part in; only a service manager makes it otherwise.
            fs::create_dir_all("/run/sshd").context("cannot make /run/sshd")?;
        }
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .with_context(|| format!("cannot make {}", dir.display()))?;
        for key in ["host_key", "user_key"] {
            output(
                Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                    .arg(dir.join(key)),
            )?;
        }
        configure(dir)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let address = listener.local_addr().context("no free port")?;
        let closed = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (closed, dir) = (Arc::clone(&closed), dir.to_owned());
            move || admit(&listener, &program, &dir, &closed)
        });
        let dir = dir.display();
        let pool =
            format!("ssh:{user}@{address},identity={dir}/user_key,ssh_config={dir}/ssh_config");
        Ok(Some(Self { pool, address, closed, thread: Some(thread) }))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the thread.
        TcpStream::connect(self.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn configure(dir: &Path) -> Result<()> {
    let here = dir.display();
    let server = format!(
        "HostKey {here}/host_key\nAuthorizedKeysFile {here}/user_key.pub\nPidFile none\nUsePAM no\nStrictModes no\n\
         PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         MaxSessions 100\nSubsystem sftp internal-sftp\n"
    );
    let client = format!(
        "Host *\nIdentitiesOnly yes\nUserKnownHostsFile {here}/known_hosts\nGlobalKnownHostsFile /dev/null\n\
         StrictHostKeyChecking accept-new\n"
    );
    fs::write(dir.join("sshd_config"), server)
        .and_then(|()| fs::write(dir.join("ssh_config"), client))
        .with_context(|| format!("cannot write to {here}"))
}

/// Starts a server for every connection, until it is closed.
fn admit(listener: &TcpListener, program: &PathBuf, dir: &Path, closed: &AtomicBool) {
    let mut servers: Vec<Child> = Vec::new();
    for connection in listener.incoming() {
        if closed.load(Ordering::SeqCst) {
            break;
        }
        servers.retain_mut(|server| !matches!(server.try_wait(), Ok(Some(_))));
        let Ok(connection) = connection else { continue };
        let Ok(copy) = connection.try_clone() else { continue };
        let mut server = Command::new(program);
        server.arg("-i").arg("-f").arg(dir.join("sshd_config")).arg("-E").arg(dir.join("log"));
        // A group of its own: Ctrl-C is for `atex`, which then still needs its connections.
        server.process_group(0).stderr(Stdio::null());
        server.stdin(OwnedFd::from(connection)).stdout(OwnedFd::from(copy));
        match server.spawn() {
            Ok(server) => servers.push(server),
            Err(error) => println!("    cannot start sshd: {error}"),
        }
    }
    for mut server in servers {
        server.kill().and_then(|()| server.wait()).ok();
    }
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    ensure!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
