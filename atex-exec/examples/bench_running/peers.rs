//! The other side of every measurement.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bed::{Bed, FILE};
use crate::ours::Over;
use crate::{Arguments, Failure};

const PEER: &str = include_str!("peer.py");

/// What the Python ATEX measured.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    pub(crate) lines: usize,
}

/// Asks the Python ATEX, if there is one; `(what, trivial tests)`.
pub(crate) fn atex(
    arguments: &Arguments,
    bed: &Bed,
    over: Over,
    (what, count): (&str, usize),
) -> Result<Option<Measured>, Failure> {
    let Some(python) = &arguments.peer else { return Ok(None) };
    let place = match over {
        Over::Local => "local".to_owned(),
        Over::Ssh => format!("{}:{}", bed.sshd.port(), bed.sshd.identity().display()),
    };
    let output = Command::new(python)
        // Where no shims of version managers stand before the programs.
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .args(["-c", PEER, what, &place])
        .args([bed.tree(), bed.path().to_owned()])
        .arg(count.to_string())
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let answer: serde_json::Value = serde_json::from_str(&printed).map_err(|_| {
        format!("the Python ATEX failed: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    let number = |key: &str| answer[key].as_f64().unwrap_or_default();
    if what == "file" && number("size") < FILE as f64 {
        return Err("the Python ATEX did not bring the whole file".into());
    }
    Ok(Some(Measured { seconds: number("seconds"), lines: number("lines") as usize }))
}

/// `ssh host cat file > file`, over a master that is ready.
pub(crate) fn ssh_cat(bed: &Bed) -> Result<Duration, Failure> {
    let master = Master::start(bed, 0)?;
    let target = bed.path().join("copy");
    let began = Instant::now();
    let status = master
        .ssh(bed)
        .arg(format!("cat {}", bed.file().display()))
        .stdout(File::create(&target)?)
        .status()?;
    let took = began.elapsed();
    let size = fs::metadata(&target)?.len();
    fs::remove_file(&target)?;
    if !status.success() || size != FILE {
        return Err(format!("ssh cat: {status}, {size} bytes").into());
    }
    Ok(took)
}

/// A multiplexing master, in the background.
pub(crate) struct Master {
    socket: PathBuf,
}

impl Master {
    pub(crate) fn start(bed: &Bed, number: usize) -> Result<Self, Failure> {
        let socket = bed.path().join(format!("m{number}"));
        // It goes to the background once it is ready.
        let status = Command::new("ssh")
            .args(["-f", "-N", "-M", "-S"])
            .arg(&socket)
            .arg("-F")
            .arg(bed.sshd.config_file())
            .args(["-p", &bed.sshd.port().to_string()])
            .arg(bed.sshd.destination())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if status.success() { Ok(Self { socket }) } else { Err(format!("ssh -M: {status}").into()) }
    }

    fn ssh(&self, bed: &Bed) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.arg("-S").arg(&self.socket).arg("-F").arg(bed.sshd.config_file());
        ssh.arg(bed.sshd.destination()).stdin(Stdio::null());
        ssh
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let mut exit = Command::new("ssh");
        exit.args(["-O", "exit", "-S"]).arg(&self.socket).arg("localhost");
        exit.stdin(Stdio::null()).stderr(Stdio::null()).status().ok();
    }
}

/// Whether GNU parallel is there.
pub(crate) fn has_parallel() -> bool {
    Command::new("parallel").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// GNU parallel: so many trivial commands, one at a time over each of these masters.
pub(crate) fn parallel(bed: &Bed, masters: &[Master], count: usize) -> Result<Duration, Failure> {
    let config = bed.path().join("parallel_config");
    let mut text = String::new();
    for (number, master) in masters.iter().enumerate() {
        text.push_str(&format!("Host h{number}\nControlPath {}\n", master.socket.display()));
    }
    text.push_str("Host *\nHostname 127.0.0.1\n");
    fs::write(&config, text)?;
    let hosts: Vec<String> = (0..masters.len()).map(|number| format!("1/h{number}")).collect();
    let began = Instant::now();
    let status = parallel_command(&config, &hosts.join(","), count, bed.path()).status()?;
    let took = began.elapsed();
    if status.success() { Ok(took) } else { Err(format!("parallel: {status}").into()) }
}

fn parallel_command(config: &Path, hosts: &str, count: usize, dir: &Path) -> Command {
    let mut parallel = Command::new("parallel");
    parallel
        .args(["--will-cite", "-S", hosts, "true {} :::"])
        .args((0..count).map(|number| number.to_string()))
        .env("PARALLEL_SSH", format!("ssh -F {}", config.display()))
        .env("PARALLEL_HOME", dir)
        .stdin(Stdio::null());
    parallel
}
