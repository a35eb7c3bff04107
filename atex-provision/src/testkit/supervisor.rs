//! [`Supervisor`]: keeps a machine running, and boots it again when it goes down for a reboot.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::ground::{Ground, Plot};

/// How long a machine is off during a reboot: long enough that whoever looks sees it away.
const OFF: Duration = Duration::from_millis(300);
/// What reboot(2) ends the init of a pid namespace with, when it is told to start again.
const REBOOT: i32 = 1;
/// The same, when it is told to stop.
const POWER_OFF: i32 = 2;

/// The thread that a machine's processes die with: each is started so that the kernel kills it when the thread ends, for
/// whatever reason. Dropping it ends the machine, and waits until nothing of it runs.
#[derive(Debug)]
pub(super) struct Supervisor {
    plot: Arc<Plot>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    power: bool,
    ended: bool,
    link_cut: bool,
    boots: u32,
    /// The process that holds its namespaces, while it runs and has not been waited for.
    holder: Option<Pid>,
    /// Why it does not boot.
    broken: Option<String>,
}

/// How a machine is booted.
struct Boot {
    script: PathBuf,
    tree: PathBuf,
    plot: Arc<Plot>,
}

impl Supervisor {
    /// Turns a machine on.
    pub(super) fn start(ground: &Ground, plot: Arc<Plot>) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        shared.lock().power = true;
        let (script, tree) = (ground.recipe("boot.sh"), ground.tree());
        let boot = Boot { script, tree, plot: Arc::clone(&plot) };
        let beside = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(plot.name().to_owned());
        let thread = thread.spawn(move || {
            if let Err(error) = keep_running(&beside, &boot) {
                let mut state = beside.lock();
                state.broken = Some(error.to_string());
                // What may still run ends with this thread.
                state.holder = None;
                drop(state);
                beside.changed.notify_all();
            }
        })?;
        Ok(Self { plot, shared, thread: Some(thread) })
    }

    pub(super) fn boots(&self) -> u32 {
        self.shared.lock().boots
    }

    pub(super) fn link_is_cut(&self) -> bool {
        self.shared.lock().link_cut
    }

    /// Waits until it was booted this often.
    pub(super) fn wait_for_boot(&self, number: u32, end: Instant) -> io::Result<()> {
        let mut state = self.shared.lock();
        loop {
            if let Some(why) = &state.broken {
                return Err(io::Error::other(format!("it does not boot: {why}")));
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return Err(io::Error::other("it does not come up"));
            };
            if state.boots >= number {
                return Ok(());
            }
            state = self.shared.wait(state, left);
        }
    }

    /// Waits until something changes, or this long.
    pub(super) fn changed(&self, limit: Duration) {
        drop(self.shared.wait(self.shared.lock(), limit));
    }

    /// The number of its process 1, as this system counts.
    pub(super) fn init(&self) -> Option<i32> {
        self.shared.lock().holder.and_then(child_of).map(Pid::as_raw_pid)
    }

    /// Gives it power; it will have it when it has booted as often as this.
    pub(super) fn power_on(&self) -> u32 {
        let mut state = self.shared.lock();
        let boot = if state.holder.is_some() { state.boots } else { state.boots + 1 };
        state.power = true;
        self.shared.changed.notify_all();
        boot
    }

    /// Takes its power, and waits until nothing of it runs.
    pub(super) fn power_off(&self) {
        let mut state = self.shared.lock();
        state.power = false;
        self.shared.changed.notify_all();
        while let Some(holder) = state.holder {
            // Its init first: when the holder sees that end, everything in there has.
            kill_process(child_of(holder).unwrap_or(holder), Signal::KILL).ok();
            state = self.shared.wait(state, Duration::from_millis(50));
        }
    }

    /// Cuts or mends the link, which is up only while the machine runs.
    pub(super) fn cut_link(&self, cut: bool) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.link_cut = cut;
        self.plot.link(!cut && state.holder.is_some())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.power_off();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Boots the machine whenever it has power, until it is not wanted any more.
fn keep_running(shared: &Shared, boot: &Boot) -> io::Result<()> {
    loop {
        let mut child = {
            let mut state = shared.lock();
            while !state.power && !state.ended {
                state = shared.wait(state, Duration::MAX);
            }
            if state.ended {
                return Ok(());
            }
            boot.plot.link(!state.link_cut)?;
            let child = boot.begin()?;
            state.holder = Pid::from_raw(child.id().cast_signed());
            state.boots += 1;
            shared.changed.notify_all();
            child
        };
        let id = Pid::from_raw(child.id().cast_signed()).unwrap_or(Pid::INIT);
        // Without taking the status yet: nobody else gets the number while others may still signal it.
        waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
        let mut state = shared.lock();
        // All of this before anybody sees that it is off, and may turn it on again.
        let ended = child.wait()?;
        boot.plot.link(false)?;
        state.holder = None;
        let reboots = ended.signal() == Some(REBOOT);
        if state.power && !reboots {
            state.power = false;
            boot.judge(ended)?;
        }
        shared.changed.notify_all();
        let on = Instant::now() + OFF;
        while reboots && !state.ended {
            let Some(left) = on.checked_duration_since(Instant::now()) else { break };
            state = shared.wait(state, left);
        }
    }
}

impl Boot {
    /// Starts its init in namespaces of its own. The process that is returned ends when the init does, as it does.
    fn begin(&self) -> io::Result<Child> {
        let uptime = fs::read_to_string("/proc/uptime")?;
        let uptime = uptime.split('.').next().unwrap_or_default();
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "nsenter"]);
        command.arg(format!("--net=/run/netns/{}", self.plot.name()));
        command.args([
            "unshare",
            "--mount",
            "--uts",
            "--ipc",
            "--pid",
            "--fork",
            "--kill-child",
            "--time",
        ]);
        command.arg(format!("--boottime=-{uptime}")).args(["--propagation", "private", "sh"]);
        command.arg(&self.script).arg(self.plot.dir()).arg(&self.tree).arg(self.plot.name());
        // Away from our terminal: a Ctrl-C there ends us, and the machine with us.
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        command.spawn()
    }

    fn log(&self) -> PathBuf {
        self.plot.dir().join("log")
    }

    /// Whoever took its power away did so from within (which is no error), or it did not get that far.
    fn judge(&self, ended: ExitStatus) -> io::Result<()> {
        if ended.signal() == Some(POWER_OFF) {
            return Ok(());
        }
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(3).collect();
        Err(io::Error::other(format!(
            "{ended}; its last words, the last first: {}",
            last.join("; ")
        )))
    }
}

/// The only child of a process.
fn child_of(process: Pid) -> Option<Pid> {
    let id = process.as_raw_pid();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok().and_then(Pid::from_raw)
}
