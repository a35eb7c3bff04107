//! [`Sshd`]: a real ssh server on loopback, for one test.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::need::needed;
use super::tool::run;
use crate::Ssh;

/// Where systems keep the server.
const PROGRAMS: [&str; 4] =
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/lib/openssh/sshd", "/usr/lib/ssh/sshd"];

/// A real ssh server on loopback, with a host key, a user key and an ssh configuration of its own; it lets in the user
/// that we are. Several at once stand for several systems. Dropping it cuts all connections and removes its files.
///
/// It listens in this process, on a free port, and starts one `sshd -i` per connection. Programs that were started through it
/// are not its children: what outlives its connection is not killed by it.
#[derive(Debug)]
pub struct Sshd {
    dir: TempDir,
    program: &'static Path,
    user: String,
    port: u16,
    /// `None` while it is down.
    door: Option<Door>,
}

/// The listener, with the connections that came through it.
#[derive(Debug)]
struct Door {
    thread: JoinHandle<()>,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    closed: bool,
    servers: Vec<Child>,
}

impl Sshd {
    /// Starts one; `None` where no sshd is installed (Debian: `openssh-server`).
    ///
    /// # Errors
    /// When keys cannot be made, or no port can be had.
    pub fn start() -> io::Result<Option<Self>> {
        let found = PROGRAMS.iter().map(Path::new).find(|program| program.exists());
        let Some(program) = found else { return Ok(None) };
        if rustix::process::geteuid().is_root() {
            // Where it locks its unprivileged part in; only a service manager makes it otherwise.
            fs::create_dir_all("/run/sshd")?;
        }
        let private = fs::Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix("atex-sshd-").permissions(private).tempdir()?;
        for key in ["host_key", "user_key"] {
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(dir.path().join(key)))?;
        }
        let user = run(Command::new("id").arg("-un"))?.trim().to_owned();
        let mut sshd = Self { dir, program, user, port: 0, door: None };
        sshd.open()?;
        sshd.configure_server("")?;
        sshd.configure_client()?;
        Ok(Some(sshd))
    }

    /// For a test that needs one: starts it, or says on standard error that `test` is skipped and why.
    ///
    /// # Panics
    /// When it cannot be started; also when no sshd is installed, if the environment variable `ATEX_TEST_REQUIRE` has the
    /// word `sshd` (words are separated by commas).
    pub fn for_test(test: &str) -> Option<Self> {
        let sshd = match Self::start() {
            Ok(sshd) => sshd,
            Err(error) => panic!("cannot start an sshd for {test}: {error}"),
        };
        let missing = || "no sshd is installed (Debian: openssh-server)".to_owned();
        needed("sshd", test, sshd.ok_or_else(missing))
    }

    /// The same, with a login shell that runs this first (bash finds it in `~/.bashrc`, zsh in `~/.zshenv`), of which the programs
    /// know nothing but another `HOME`. Also skipped where the user's login shell is another one.
    ///
    /// # Panics
    /// Like [`for_test`](Self::for_test); also when its files cannot be written.
    #[expect(clippy::print_stderr, reason = "a test that is skipped must say so")]
    pub fn for_test_with_startup(test: &str, script: &str) -> Option<Self> {
        let sshd = Self::for_test(test)?;
        match sshd.start_shells_with(script) {
            Ok(true) => return Some(sshd),
            Ok(false) => eprintln!("skipped: {test}: the login shell is neither bash nor zsh"),
            Err(error) => panic!("cannot prepare the login shell for {test}: {error}"),
        }
        None
    }

    /// `false` when the login shell does not care.
    fn start_shells_with(&self, script: &str) -> io::Result<bool> {
        let home = self.dir.path().join("home");
        fs::create_dir(&home)?;
        // At level 0, bash takes itself for what sshd has started.
        self.configure_server(&format!("SetEnv HOME={} SHLVL=0", home.display()))?;
        let write = |script: &str| {
            [".bashrc", ".zshenv"]
                .into_iter()
                .try_for_each(|name| fs::write(home.join(name), script))
        };
        write("echo started by this")?;
        let mut ssh = Command::new("ssh");
        let said = run(ssh.arg("-F").arg(self.config_file()).args([self.host(), "true"]))?;
        write(script)?;
        Ok(said.contains("started by this"))
    }

    /// Its address.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// Its port. The same after [`go_up`](Self::go_up).
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `USER@HOST`.
    pub fn destination(&self) -> String {
        format!("{}@{}", self.user, self.host())
    }

    /// An ssh configuration that gets in, for `ssh -F`.
    pub fn config_file(&self) -> PathBuf {
        self.dir.path().join("ssh_config")
    }

    /// The private key that it accepts.
    pub fn identity(&self) -> PathBuf {
        self.dir.path().join("user_key")
    }

    /// How it is reached.
    pub fn ssh(&self) -> Ssh {
        Ssh::new(self.destination()).port(self.port).config_file(self.config_file())
    }

    /// Cuts all connections, but takes new ones.
    pub fn cut(&mut self) {
        if let Some(door) = &self.door {
            door.lock().cut();
        }
    }

    /// Cuts all connections, and takes no more: they are refused.
    pub fn go_down(&mut self) {
        let Some(door) = self.door.take() else { return };
        {
            let mut inside = door.lock();
            inside.closed = true;
            inside.cut();
        }
        // Wakes the thread, which then closes the port.
        TcpStream::connect(self.address()).ok();
        door.thread.join().ok();
    }

    /// Takes connections again, on the same port.
    ///
    /// # Errors
    /// When the port is taken by now.
    pub fn go_up(&mut self) -> io::Result<()> {
        if self.door.is_none() { self.open() } else { Ok(()) }
    }

    fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)
    }

    fn open(&mut self) -> io::Result<()> {
        let listener = TcpListener::bind(self.address())?;
        self.port = listener.local_addr()?.port();
        let inside = Arc::<Mutex<Inside>>::default();
        let mut server = Command::new(self.program);
        server.arg("-i").arg("-f").arg(self.dir.path().join("sshd_config"));
        server.arg("-E").arg(self.dir.path().join("log")).process_group(0);
        let shared = Arc::clone(&inside);
        let thread = std::thread::spawn(move || admit(&listener, server, &shared));
        self.door = Some(Door { thread, inside });
        Ok(())
    }

    /// Lets connections that are yet to come be served with these lines in `sshd_config`, in place of earlier ones.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure_server(&self, lines: &str) -> io::Result<()> {
        let dir = self.dir.path().display();
        // What is kept for the next upload is not kept in the cache of whoever runs the tests. SHLVL: else bash, when run by sshd, reads the user's ~/.bashrc, whatever that does.
        let server = format!(
            "{lines}\nHostKey {dir}/host_key\nAuthorizedKeysFile {dir}/user_key.pub\nPidFile none\n\
             UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             KexAlgorithms curve25519-sha256\nMaxSessions 1000\nMaxStartups 1000\nSetEnv SHLVL=5 XDG_CACHE_HOME={dir}/cache\n\
             Subsystem sftp internal-sftp\n"
        );
        fs::write(self.dir.path().join("sshd_config"), server)
    }

    fn configure_client(&self) -> io::Result<()> {
        let (dir, port, user) = (self.dir.path().display(), self.port, &self.user);
        let key = fs::read_to_string(self.dir.path().join("host_key.pub"))?;
        fs::write(self.dir.path().join("known_hosts"), format!("[{}]:{port} {key}", self.host()))?;
        let client = format!(
            "Host *\nUser {user}\nPort {port}\nIdentityFile {dir}/user_key\nIdentitiesOnly yes\n\
             UserKnownHostsFile {dir}/known_hosts\nGlobalKnownHostsFile /dev/null\n\
             StrictHostKeyChecking yes\nKexAlgorithms curve25519-sha256\n"
        );
        fs::write(self.config_file(), client)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.go_down();
    }
}

impl Door {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn cut(&mut self) {
        for mut server in self.servers.drain(..) {
            if let Some(group) = Pid::from_raw(server.id().cast_signed()) {
                // It may have ended by itself, and is only now waited for.
                kill_process_group(group, Signal::KILL).ok();
            }
            server.wait().ok();
        }
    }
}

/// Starts a server for every connection, until the door is closed.
fn admit(listener: &TcpListener, mut server: Command, inside: &Mutex<Inside>) {
    for connection in listener.incoming() {
        let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.closed {
            return;
        }
        let Ok(connection) = connection else { continue };
        let Ok(output) = connection.try_clone() else { continue };
        inside.servers.retain_mut(|server| !matches!(server.try_wait(), Ok(Some(_))));
        server.stdin(OwnedFd::from(connection)).stdout(OwnedFd::from(output)).stderr(Stdio::null());
        match server.spawn() {
            Ok(started) => inside.servers.push(started),
            Err(error) => tracing::warn!(%error, "cannot start sshd"),
        }
        // Our copies of the connection must go, or the client would not see it end.
        server.stdin(Stdio::null()).stdout(Stdio::null());
    }
}
