//! [`Podman`]: a real container, for one test.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::ground::{Ground, is_there};
use super::need::needed;
use super::tool::run;
use crate::{Container, Containers};

/// What `run` is told. A root without all capabilities cannot raise limits, as podman would by itself.
const OPTIONS: [&str; 4] =
    ["--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096", "--pids-limit=-1"];

/// Process 1 of the container: it ends, and the container with it, when we close its input, or die.
const INIT: &str = "echo up; while read -r _; do :; done";

/// A real container of podman, with bash, coreutils and tar, and without a network. It is gone when this is dropped,
/// and when the test run is killed.
///
/// It needs what a [`Machine`](super::Machine) needs, and the Debian packages `podman` and `runc`. Images are kept apart from the
/// user's own. A container takes about half a second; the first one, the building of the file system (some minutes, once).
#[derive(Debug)]
pub struct Podman {
    how: &'static How,
    name: String,
    run: Child,
}

/// What containers for tests are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestImage {
    /// bash, coreutils, tar, python3, apt.
    Plain,
    /// The same with a systemd, which is `/sbin/init`.
    Systemd,
    /// The same with dnf and rpm instead of apt, and a repository of small packages (see `testenv/packages.sh`).
    Dnf,
}

/// How containers of podman are made here.
#[derive(Debug, Clone, Copy)]
pub struct PodmanWords {
    /// The words that stand for `podman`.
    pub tool: &'static [String],
    /// The image.
    pub image: &'static str,
    /// What `podman run` has to be told.
    pub options: &'static [String],
}

/// The words that stand for `podman`, and the image.
#[derive(Debug)]
struct How {
    tool: Vec<String>,
    image: String,
    /// [`OPTIONS`], and a label with the process that tests run in.
    options: Vec<String>,
}

/// What containers are marked with, so that those of a test that panicked can be told from others.
const LABEL: &str = "atex.test";

impl Podman {
    /// For a test that needs one: starts it, or says on standard error that `test` is skipped and why.
    ///
    /// # Panics
    /// When it cannot be had, if the environment variable `ATEX_TEST_REQUIRE` has the word `podman` (words are separated by
    /// commas); when it can, but does not start.
    pub fn for_test(test: &str) -> Option<Self> {
        let how = TestImage::Plain.for_test(test)?;
        match Self::start(how) {
            Ok(container) => Some(container),
            Err(error) => panic!("cannot start a container for {test}: {error}"),
        }
    }

    /// For a test that needs many: how they are made.
    ///
    /// # Panics
    /// As [`for_test`](Self::for_test).
    pub fn many_for_test(test: &str, image: TestImage) -> Option<PodmanWords> {
        let how = image.for_test(test)?;
        Some(PodmanWords { tool: &how.tool, image: &how.image, options: &how.options })
    }

    fn start(how: &'static How) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("atex-test-{}-{number}", std::process::id());
        let mut run = how.podman();
        run.args(["run", "-i", "--rm", "--pull=never", "--log-driver=none"]).args(OPTIONS);
        run.args(["--name", &name, &how.image, "bash", "-c", INIT]);
        let mut run =
            run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = run.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        if line != "up\n" {
            let output = run.wait_with_output()?;
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(Self { how, name, run })
    }

    /// How it is reached.
    pub fn container(&self) -> Container {
        Container::podman(&self.name).tool(&self.how.tool)
    }

    /// The words that stand for `podman` here.
    pub fn tool(&self) -> &[String] {
        &self.how.tool
    }

    /// Runs `podman` with these arguments: `["pause", container.name()]`.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub fn podman(&self, arguments: &[&str]) -> io::Result<String> {
        run(self.how.podman().args(arguments))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // It may be gone already.
        run(self.how.podman().args(["rm", "-f", "-t", "0", &self.name])).ok();
        self.run.wait().ok();
    }
}

impl PodmanWords {
    /// A provisioner of such containers.
    pub fn containers(&self) -> Containers {
        let containers = Containers::podman(self.image).tool(self.tool);
        self.options.iter().fold(containers, Containers::option)
    }

    /// A provisioner of such containers that can connect to each other, for a test that needs them; else says on standard error that it is
    /// skipped. They need the Debian packages `netavark` and `iptables`.
    ///
    /// # Panics
    /// When there are none, and `ATEX_TEST_REQUIRE` has the word `podman-network`.
    pub fn connected(&self, test: &str) -> Option<Containers> {
        const PROGRAMS: [&str; 3] =
            ["/usr/lib/podman/netavark", "/usr/libexec/podman/netavark", "/usr/lib/cni/bridge"];
        let found = PROGRAMS.iter().any(|program| Path::new(program).exists());
        let found = found.then_some(()).ok_or_else(|| "netavark is not installed".to_owned());
        needed("podman-network", test, found)?;
        let containers = Containers::podman(self.image).tool(self.tool);
        let options = self.options.iter().filter(|option| !option.starts_with("--network="));
        Some(options.fold(containers, Containers::option).option("--network=bridge"))
    }
}

impl TestImage {
    /// The word for it in `ATEX_TEST_REQUIRE`, and the recipe that makes it with the words that it is told.
    fn recipe(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::Plain => ("podman", "podman.sh", &[]),
            Self::Systemd => ("podman", "derived.sh", &["systemd"]),
            Self::Dnf => ("packages", "derived.sh", &["dnf"]),
        }
    }

    fn for_test(self, test: &str) -> Option<&'static How> {
        static HOW: [OnceLock<Result<How, String>>; 3] = [const { OnceLock::new() }; 3];
        let (need, ..) = self.recipe();
        let how = HOW[self as usize].get_or_init(|| How::find(self)).as_ref();
        needed(need, test, how.map_err(|why| format!("no container can be run here: {why}")))
    }
}

impl How {
    fn find(image: TestImage) -> Result<Self, String> {
        let ground = Ground::get()?;
        let (need, recipe, words) = image.recipe();
        let programs: &[&str] = if need == "packages" {
            &["podman", "runc", "rpmbuild", "createrepo_c"]
        } else {
            &["podman", "runc"]
        };
        if let Some(missing) = programs.iter().find(|program| !is_there(program)) {
            return Err(format!("{missing} is not installed"));
        }
        let mut recipe_run = Command::new("bash");
        recipe_run.arg(ground.recipe(recipe)).args(words).env("ATEX_TESTENV", ground.state());
        let words = run(&mut recipe_run).map_err(|error| error.to_string())?;
        let mut tool: Vec<String> = words.lines().map(str::to_owned).collect();
        let image = tool.pop().ok_or("the recipe prints nothing")?;
        let label = format!("--label={LABEL}={}", std::process::id());
        let options = OPTIONS.iter().map(|option| (*option).to_owned()).chain([label]).collect();
        let how = Self { tool, image, options };
        how.sweep().map_err(|error| error.to_string())?;
        Ok(how)
    }

    /// Removes the containers of test processes that are gone: of tests that panicked, or were killed.
    fn sweep(&self) -> io::Result<()> {
        let filter = format!("label={LABEL}");
        let format = format!("{{{{.Names}}}} {{{{index .Labels \"{LABEL}\"}}}}");
        let listed =
            run(self.podman().args(["ps", "--all", "--filter", &filter, "--format", &format]))?;
        for (name, process) in listed.lines().filter_map(|line| line.split_once(' ')) {
            let goes_on =
                process.parse::<u32>().is_ok_and(|id| Path::new(&format!("/proc/{id}")).exists());
            if !goes_on {
                // Somebody else may be about to remove it as well.
                run(self.podman().args(["rm", "-f", "-t", "0", "--volumes", name])).ok();
            }
        }
        Ok(())
    }

    fn podman(&self) -> Command {
        let mut podman = Command::new(&self.tool[0]);
        podman.args(&self.tool[1..]);
        podman
    }
}
