//! [`Machine`]: a system with a boot of its own, which can be rebooted, lose its power and lose its network.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ground::{Ground, Plot};
use super::need::needed;
use super::supervisor::Supervisor;
use super::tool::run;
use crate::Ssh;

/// How long a machine may take to answer after it was told to boot, on the busiest of systems.
const UP_LIMIT: Duration = Duration::from_secs(60);

/// A Linux system in namespaces of this one: with its own root file system (on disk, kept over reboots), processes, host name,
/// uptime, boot id, network and sshd, on an address that only this system reaches. Dropping it removes all of it, also
/// in a panic; what a killed test run left is removed when the next one makes a machine.
///
/// `reboot`, `reboot -f` and `poweroff` work inside. During a reboot, `/run`, `/tmp` and all processes go, connections are
/// cut, and for a moment nothing answers. bash, coreutils, python3 and sudo are there; the users are root and `tester`.
///
/// A machine needs root, Linux 5.6, and the programs of the Debian packages `mmdebstrap`, `iproute2`, `util-linux` and
/// `openssh-client`. The file system that they all share is built once, which takes one to four minutes, and is kept in
/// `/var/tmp/atex-testenv` or the folder that the environment variable `ATEX_TESTENV` names; then a machine takes about a
/// third of a second. Any number of tests may have them at once, in any number of processes.
///
/// All methods may be called from several threads, and block: the longest until the machine is up.
#[derive(Debug)]
pub struct Machine {
    // In this order: first its processes go, then its place.
    supervisor: Supervisor,
    plot: Arc<Plot>,
}

impl Machine {
    /// For a test that needs one: makes it and waits until it is up, or says on standard error that `test` is skipped and why.
    ///
    /// # Panics
    /// When it cannot be had, if the environment variable `ATEX_TEST_REQUIRE` has the word `machines` (words are separated
    /// by commas); when it can, but does not come up.
    pub fn for_test(test: &str) -> Option<Self> {
        let missing = |why| format!("no machine can be made here: {why}");
        let ground = needed("machines", test, Ground::get().map_err(missing))?;
        match Self::start(ground) {
            Ok(machine) => Some(machine),
            Err(error) => panic!("cannot start a machine for {test}: {error}"),
        }
    }

    fn start(ground: &'static Ground) -> io::Result<Self> {
        let plot = Arc::new(ground.plot()?);
        let supervisor = Supervisor::start(ground, Arc::clone(&plot))?;
        let machine = Self { supervisor, plot };
        machine.wait_for_boot(1)?;
        Ok(machine)
    }

    /// Its host name.
    pub fn name(&self) -> &str {
        self.plot.name()
    }

    /// Its address. The port of ssh is 22.
    pub fn address(&self) -> Ipv4Addr {
        self.plot.address()
    }

    /// `root@ADDRESS`.
    pub fn destination(&self) -> String {
        format!("root@{}", self.address())
    }

    /// An ssh configuration that gets in, for `ssh -F`; as root, unless the destination names the user `tester`.
    pub fn config_file(&self) -> PathBuf {
        self.plot.dir().join("ssh_config")
    }

    /// How it is reached.
    pub fn ssh(&self) -> Ssh {
        Ssh::new(self.destination()).config_file(self.config_file())
    }

    /// How often it has booted.
    pub fn boots(&self) -> u32 {
        self.supervisor.boots()
    }

    /// Waits until it has booted this often, and then until its sshd answers.
    ///
    /// # Errors
    /// When that takes longer than a minute, or it does not boot.
    pub fn wait_for_boot(&self, number: u32) -> io::Result<()> {
        let end = Instant::now() + UP_LIMIT;
        self.supervisor.wait_for_boot(number, end)?;
        while !answers(self.address()) {
            self.supervisor.wait_for_boot(number, end)?;
            // Nobody tells when it listens.
            self.supervisor.changed(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The boot id, as programs there read it; `None` while it is down.
    pub fn boot_id(&self) -> Option<String> {
        let init = self.supervisor.init()?;
        let id = fs::read_to_string(format!("/proc/{init}/root/run/boot_id")).ok()?;
        Some(id.trim().to_owned())
    }

    /// Reboots it as `reboot` does there: processes are told to end, then killed, which takes two seconds. Does not wait: see
    /// [`wait_for_boot`](Self::wait_for_boot).
    ///
    /// # Errors
    /// When it is down, or refuses.
    pub fn reboot(&self) -> io::Result<()> {
        self.inside(&["reboot"]).map(drop)
    }

    /// Runs a program there, not over ssh, as root, and gives what it printed.
    ///
    /// # Errors
    /// When the machine is down, or the program fails.
    pub fn inside(&self, argv: &[&str]) -> io::Result<String> {
        let down = || io::Error::other(format!("{} is down", self.name()));
        let init = self.supervisor.init().ok_or_else(down)?;
        let mut command = Command::new("nsenter");
        command.args(["-t", &init.to_string(), "-a", "-r", "-w", "--"]);
        command.args(["env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        run(command.args(argv))
    }

    /// Takes the power away, at once. The connections are closed, as they are when sshd crashes; afterwards nothing answers.
    pub fn power_off(&self) {
        self.supervisor.power_off();
    }

    /// Takes the power away, at once, and as it really is: nothing more is heard of it, its connections included.
    ///
    /// # Errors
    /// When the link cannot be taken down first.
    pub fn power_off_silently(&self) -> io::Result<()> {
        self.plot.link(false)?;
        self.power_off();
        Ok(())
    }

    /// Gives the power back, and waits until the machine is up; while its link is cut, only until it boots.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn power_on(&self) -> io::Result<()> {
        let boot = self.supervisor.power_on();
        if self.supervisor.link_is_cut() {
            return self.supervisor.wait_for_boot(boot, Instant::now() + UP_LIMIT);
        }
        self.wait_for_boot(boot)
    }

    /// Cuts the network: packets vanish in both directions, and nobody is told.
    ///
    /// # Errors
    /// When the link cannot be taken down.
    pub fn cut_link(&self) -> io::Result<()> {
        self.supervisor.cut_link(true)
    }

    /// Mends the network: what is sent again arrives.
    ///
    /// # Errors
    /// When the link cannot be brought up.
    pub fn mend_link(&self) -> io::Result<()> {
        self.supervisor.cut_link(false)
    }
}

/// Whether an sshd greets whoever comes to this address.
fn answers(address: Ipv4Addr) -> bool {
    let limit = Duration::from_millis(500);
    let greeting = || {
        let stream = TcpStream::connect_timeout(&SocketAddrV4::new(address, 22).into(), limit)?;
        stream.set_read_timeout(Some(limit))?;
        let mut line = Vec::new();
        BufReader::new(stream).read_until(b'\n', &mut line)?;
        io::Result::Ok(line)
    };
    greeting().is_ok_and(|line| line.starts_with(b"SSH-2.0"))
}
