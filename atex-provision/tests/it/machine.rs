//! [`Machine`]: that it really boots, reboots and falls silent, and that nothing of it stays.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};

use atex_core::{Connection, ConnectionExt};
use atex_provision::testkit::Machine;

/// What the system shows of a machine: its folder, namespace and link; not those of another one, which may have taken its place.
#[derive(Debug, PartialEq)]
struct Traces([Option<String>; 3]);

impl Traces {
    fn of(folder: &Path) -> Self {
        let name = format!("atex-{}", folder.file_name().unwrap().display());
        let seen = |path: &Path| {
            let seen = path.metadata().ok()?;
            Some(format!("{} {} {}", path.display(), seen.dev(), seen.ino()))
        };
        let link = Path::new("/sys/class/net").join(&name).join("ifindex");
        let link = std::fs::read_to_string(link).ok().map(|index| format!("{name} {index}"));
        Self([seen(folder), seen(&Path::new("/run/netns").join(&name)), link])
    }

    fn all_there(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// What of these is there still.
    fn left(&self, folder: &Path) -> Vec<String> {
        let now = Self::of(folder).0;
        self.0
            .iter()
            .flatten()
            .filter(|trace| now.iter().flatten().any(|n| n == *trace))
            .cloned()
            .collect()
    }
}

fn folder(machine: &Machine) -> PathBuf {
    machine.config_file().parent().unwrap().to_owned()
}

#[tokio::test]
async fn a_reboot_is_one_with_the_disk_kept_and_the_rest_new() {
    let Some(machine) = Machine::for_test("a_reboot_is_one") else { return };
    let connection = machine.ssh().connect().await.unwrap();
    let look =
        "cat /proc/sys/kernel/random/boot_id; hostname; ls /tmp /root; cut -d. -f1 /proc/uptime";
    let before = connection.script(look, &[]).await.unwrap();
    let first = machine.boot_id().unwrap();
    assert_eq!(before.lines().next().unwrap(), first);
    connection
        .script("echo kept >/root/disk; echo gone >/tmp/memory; sync; setsid reboot", &[])
        .await
        .ok();
    machine.wait_for_boot(2).unwrap();
    connection.closed().await;
    connection.reconnect().await.unwrap();
    let after = connection.script(look, &[]).await.unwrap();
    let lines: Vec<&str> = after.lines().collect();
    assert_ne!(lines[0], first);
    assert_eq!(lines[0], machine.boot_id().unwrap());
    assert_eq!(&lines[1..5], [machine.name(), "/root:", "disk", ""]);
    assert_eq!(machine.boots(), 2);
}

#[tokio::test]
async fn power_and_link_come_and_go() {
    let Some(machine) = Machine::for_test("power_and_link_come_and_go") else { return };
    let quick = machine.ssh().connect_limit(std::time::Duration::from_millis(1500));
    machine.cut_link().unwrap();
    quick.connect().await.unwrap_err();
    machine.mend_link().unwrap();
    let connection = machine.ssh().connect().await.unwrap();
    machine.power_off();
    assert_eq!(machine.boot_id(), None);
    connection.closed().await;
    quick.connect().await.unwrap_err();
    machine.power_on().unwrap();
    connection.reconnect().await.unwrap();
    assert_eq!(connection.script("echo back", &[]).await.unwrap(), "back\n");
    // Whoever is inside may turn it off as well.
    machine.inside(&["poweroff", "-f"]).ok();
    connection.closed().await;
    machine.power_off_silently().unwrap();
    machine.power_on().unwrap();
    assert_eq!(machine.boots(), 3);
}

#[tokio::test]
async fn machines_are_apart_and_leave_nothing() {
    let Some(first) = Machine::for_test("machines_are_apart") else { return };
    let second = Machine::for_test("machines_are_apart").unwrap();
    assert_ne!((first.name(), first.address()), (second.name(), second.address()));
    assert_ne!(first.boot_id(), second.boot_id());
    first.inside(&["touch", "/root/mine"]).unwrap();
    assert_eq!(second.inside(&["ls", "/root"]).unwrap(), "");
    let folders = [folder(&first), folder(&second)];
    let traces = folders.each_ref().map(|folder| Traces::of(folder));
    assert!(traces.iter().all(Traces::all_there), "{traces:?}");
    drop(first);
    let panicked = std::thread::spawn(move || {
        let _second = second;
        panic!("to see what it leaves");
    });
    panicked.join().unwrap_err();
    for (traces, folder) in traces.iter().zip(&folders) {
        assert_eq!(traces.left(folder), <[String; 0]>::default());
    }
}

/// Not a test by itself: what [`what_a_killed_test_left_is_reaped`] runs in a process of its own, to kill it.
#[test]
fn holds_a_machine_until_it_is_killed() {
    if std::env::var_os("ATEX_TEST_HOLD_MACHINE").is_none() {
        return;
    }
    let machine = Machine::for_test("holds_a_machine_until_it_is_killed").unwrap();
    let told = format!("{}\n", machine.config_file().display());
    std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn what_a_killed_test_left_is_reaped() {
    let Some(_machine) = Machine::for_test("what_a_killed_test_left_is_reaped") else { return };
    let run = |name: &str| {
        let mut test = Program::new(std::env::current_exe().unwrap());
        test.args(["--exact", name, "--nocapture"]).stdout(Stdio::null()).stderr(Stdio::piped());
        test
    };
    let mut holder = run("machine::holds_a_machine_until_it_is_killed");
    let mut holder = holder.env("ATEX_TEST_HOLD_MACHINE", "1").spawn().unwrap();
    let mut told = String::new();
    let mut stderr = std::io::BufReader::new(holder.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut stderr, &mut told).unwrap();
    let folder = Path::new(told.trim()).parent().unwrap().to_owned();
    let traces = Traces::of(&folder);
    assert!(traces.all_there(), "{traces:?}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    // Whoever makes the next one sees to it.
    let next = run("machine::machines_are_apart_and_leave_nothing").output().unwrap();
    assert!(next.status.success(), "{}", String::from_utf8_lossy(&next.stderr));
    assert_eq!(traces.left(&folder), <[String; 0]>::default());
}
