//! [`Ground`]: what machines are made of, and the places where they stand, each of which only one has at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};

use super::tool::run;

/// The range of addresses that is set aside for tests of networks (RFC 2544); a machine has four of them.
const RANGE: u32 = Ipv4Addr::new(198, 18, 0, 0).to_bits();
/// So many fit into it.
const PLACES: u32 = (1 << 17) / 4;
/// The programs that are needed, besides those of every Linux system.
const PROGRAMS: [&str; 6] = ["mmdebstrap", "ip", "unshare", "nsenter", "setpriv", "ssh-keygen"];
/// The namespaces that are needed, tried out.
const TRIAL: [&str; 8] =
    ["--mount", "--uts", "--ipc", "--pid", "--net", "--time", "--fork", "true"];

/// The root file system that machines share, which is not taken away while this process lives, and the recipes.
#[derive(Debug)]
pub(super) struct Ground {
    recipes: PathBuf,
    state: PathBuf,
    rootfs: PathBuf,
    _in_use: File,
}

impl Ground {
    /// Builds the file system unless it is there.
    ///
    /// # Errors
    /// Why no machine can be had here.
    pub(super) fn get() -> Result<&'static Self, &'static str> {
        static GROUND: OnceLock<Result<Ground, String>> = OnceLock::new();
        GROUND.get_or_init(Self::find).as_ref().map_err(String::as_str)
    }

    fn find() -> Result<Self, String> {
        let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("testenv");
        if !recipes.is_dir() {
            return Err(format!("{} is not there", recipes.display()));
        }
        if !rustix::process::geteuid().is_root() {
            return Err("this is not root".to_owned());
        }
        let missing: Vec<&str> =
            PROGRAMS.into_iter().filter(|program| !is_there(program)).collect();
        if !missing.is_empty() {
            return Err(format!("{} missing (see testenv/README.md)", missing.join(", ")));
        }
        run(Command::new("unshare").args(TRIAL)).map_err(|error| error.to_string())?;
        let state =
            std::env::var_os("ATEX_TESTENV").map_or("/var/tmp/atex-testenv".into(), PathBuf::from);
        Self::build(recipes, state).map_err(|error| error.to_string())
    }

    fn build(recipes: PathBuf, state: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(state.join("machines"))?;
        let mut build = Command::new("bash");
        build.arg(recipes.join("rootfs.sh")).env("ATEX_TESTENV", &state);
        let rootfs = PathBuf::from(run(&mut build)?.trim());
        let in_use = File::open(rootfs.join("lock"))?;
        in_use.lock_shared()?;
        let ground = Self { recipes, state, rootfs, _in_use: in_use };
        ground.reap()?;
        Ok(ground)
    }

    /// A script beside this crate.
    pub(super) fn recipe(&self, name: &str) -> PathBuf {
        self.recipes.join(name)
    }

    #[cfg(feature = "podman")]
    /// Where recipes keep what they make.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    /// The tree that is the lower layer of each machine's root.
    pub(super) fn tree(&self) -> PathBuf {
        self.rootfs.join("tree")
    }

    /// Clears the places that killed test runs have left.
    fn reap(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.machines())? {
            let path = entry?.path();
            if path.extension().is_none()
                && let Some(number) = path.file_name().and_then(|name| name.to_str()?.parse().ok())
                && let Some(lock) = self.lock(number)?
            {
                tracing::info!(path = %path.display(), "left by a test run that was killed: removed");
                drop(Plot::new(self, number, lock));
            }
        }
        Ok(())
    }

    /// A place that nobody has.
    pub(super) fn plot(&self) -> io::Result<Plot> {
        for number in 0..PLACES {
            let Some(lock) = self.lock(number)? else { continue };
            let plot = Plot::new(self, number, lock);
            plot.clear();
            // Else somebody has the names whose state is in another folder.
            if plot.is_free() {
                // The folder comes first: it is what tells that the rest is ours.
                plot.furnish(&self.rootfs)?;
                plot.mark_out()?;
                return Ok(plot);
            }
        }
        Err(io::Error::other("there are too many machines"))
    }

    fn machines(&self) -> PathBuf {
        self.state.join("machines")
    }

    /// `None` when somebody has this number.
    fn lock(&self, number: u32) -> io::Result<Option<File>> {
        let path = self.machines().join(format!("{number}.lock"));
        let lock = File::options().create(true).append(true).open(path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The place of a machine: a number, and what goes by it: a folder, a network namespace, a link into it, addresses.
/// Cleared when dropped.
#[derive(Debug)]
pub(super) struct Plot {
    number: u32,
    name: String,
    dir: PathBuf,
    // Dropped last: then the number is free.
    _lock: File,
}

impl Plot {
    fn new(ground: &Ground, number: u32, lock: File) -> Self {
        let dir = ground.machines().join(number.to_string());
        Self { number, name: format!("atex-{number}"), dir, _lock: lock }
    }

    /// The name of the machine, of its network namespace, and of the link into that.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(RANGE + 4 * self.number + 2)
    }

    /// Takes the link up, or down: then packets vanish without a word.
    pub(super) fn link(&self, up: bool) -> io::Result<()> {
        // Its end in there. Were ours down, packets would look for another way out.
        let state = if up { "up" } else { "down" };
        run(Command::new("ip").args(["-n", &self.name, "link", "set", "eth0", state])).map(drop)
    }

    /// Whether nobody uses its names.
    fn is_free(&self) -> bool {
        ["/run/netns", "/sys/class/net"].iter().all(|dir| !Path::new(dir).join(&self.name).exists())
    }

    /// Makes the network.
    fn mark_out(&self) -> io::Result<()> {
        let (name, address) = (&self.name, self.address());
        let gate = Ipv4Addr::from_bits(address.to_bits() - 1);
        batch(
            &["-batch", "-"],
            &format!(
                "netns add {name}\nlink add {name} type veth peer name eth0 netns {name}\n\
             addr add {gate}/30 dev {name}\nlink set {name} up\n"
            ),
        )?;
        batch(
            &["-n", name, "-batch", "-"],
            &format!("link set lo up\naddr add {address}/30 dev eth0\n"),
        )?;
        // A first packet may be sent before the machine is there: its address is asked for again soon, not after a second.
        fs::write(format!("/proc/sys/net/ipv4/neigh/{name}/retrans_time_ms"), "50").ok();
        Ok(())
    }

    /// Makes the folder, with an empty disk.
    fn furnish(&self, rootfs: &Path) -> io::Result<()> {
        let (name, dir, address) = (&self.name, &self.dir, self.address());
        for part in ["upper/etc", "work", "root"] {
            fs::create_dir_all(dir.join(part))?;
        }
        fs::write(dir.join("upper/etc/hostname"), format!("{name}\n"))?;
        fs::write(dir.join("upper/etc/hosts"), format!("127.0.0.1 localhost\n{address} {name}\n"))?;
        let key = fs::read_to_string(rootfs.join("host_key.pub"))?;
        fs::write(dir.join("known_hosts"), format!("{address} {key}"))?;
        let (key, dir) = (rootfs.join("key"), dir.display());
        let config = format!(
            "Host *\nHostName {address}\nUser root\nIdentityFile {}\nIdentitiesOnly yes\n\
             UserKnownHostsFile {dir}/known_hosts\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n",
            key.display()
        );
        fs::write(self.dir.join("ssh_config"), config)
    }

    /// Removes all that goes by this number, whoever made it; nothing of it is there afterwards.
    fn clear(&self) {
        if !self.dir.exists() {
            return;
        }
        let name = &self.name;
        // What a killed test run left may still be ending.
        let processes = run(Command::new("ip").args(["netns", "pids", name])).unwrap_or_default();
        for process in processes.lines().filter_map(|id| Pid::from_raw(id.parse().ok()?)) {
            kill_process(process, Signal::KILL).ok();
        }
        // The link by itself: with its namespace, it would go some time later.
        for delete in [["link", "del", name], ["netns", "del", name]] {
            run(Command::new("ip").args(delete)).ok();
        }
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            tracing::warn!(dir = %self.dir.display(), %error, "cannot remove what a machine left");
        }
    }
}

impl Drop for Plot {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Whether there is such a program.
pub(super) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Gives several commands to `ip`.
fn batch(arguments: &[&str], commands: &str) -> io::Result<()> {
    let mut ip =
        Command::new("ip").args(arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = ip.stdin.take() {
        stdin.write_all(commands.as_bytes())?;
    }
    let output = ip.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("ip: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
