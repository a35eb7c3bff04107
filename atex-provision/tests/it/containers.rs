//! [`Containers`]: what is made, how it is marked, what goes wrong, and what is left.

use std::collections::HashSet;
use std::process::Command as Tool;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Command, ConnectionExt, Error, Fault, Lease, Provisioner, Remote, Request, Retry, Stdio,
};
use atex_provision::testkit::{Podman, PodmanWords, TestImage};
use atex_provision::{Containers, Image};
use futures::future::join_all;
use tokio::io::AsyncReadExt;

fn plain(test: &str) -> Option<PodmanWords> {
    Podman::many_for_test(test, TestImage::Plain)
}

/// What podman prints, trimmed.
fn podman(words: &PodmanWords, arguments: &[&str]) -> String {
    let output = Tool::new(&words.tool[0]).args(&words.tool[1..]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn one(containers: &Containers, run: &str) -> Arc<dyn Remote> {
    containers.provision(&Request::new(run)).await.unwrap()
}

#[tokio::test]
async fn a_container_is_marked_by_run_and_lease_and_goes_with_its_volumes() {
    let Some(words) = plain("a_container_is_marked_by_run_and_lease") else { return };
    let containers = words.containers().option("--volume=/data");
    let remote = one(&containers, "my run/1").await;
    assert!(remote.name().starts_with("atex-my-run-1-"), "{}", remote.name());
    let format = r#"{{index .Config.Labels "atex.run"}} {{index .Config.Labels "atex.lease"}} {{(index .Mounts 0).Name}}"#;
    let marks = podman(&words, &["inspect", "--format", format, remote.name()]);
    let (marks, volume) = marks.rsplit_once(' ').unwrap();
    assert_eq!(marks, format!("my run/1 {}", remote.name()));
    let volumes = || podman(&words, &["volume", "ls", "--quiet"]);
    assert!(volumes().contains(volume), "{volume} is none of {:?}", volumes());
    containers.shutdown().await.unwrap();
    assert!(!volumes().contains(volume), "{volume} was left");
    let label = format!("label=atex.lease={}", remote.name());
    assert_eq!(podman(&words, &["ps", "--all", "--quiet", "--filter", &label]), "");
}

#[tokio::test]
async fn what_is_wrong_with_a_pool_is_told_from_trouble() {
    let Some(words) = plain("what_is_wrong_with_a_pool") else { return };
    let refused = async |containers: Containers| {
        let error = containers.provision(&Request::new("test")).await.unwrap_err();
        containers.shutdown().await.unwrap();
        error
    };
    let of = |image: &str| Containers::podman(image).tool(words.tool);
    for (containers, expected) in [
        (of("localhost/atex-no-such-image"), "the image is not here; pull or build it first"),
        (of("-v"), "is no name of an image"),
        (of(words.image).option("--no-such-option"), "unknown flag"),
        (of(words.image).tool(["atex-no-such-tool"]), "is it installed?"),
    ] {
        let error = refused(containers).await;
        assert_eq!((error.fault(), error.retry()), (Fault::Usage, Retry::Never), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("mktemp"), "{error}");
    }
    // A container that cannot start is no mistake of the caller that we know of, and leaves nothing.
    let error = refused(words.containers().option("--label=x=y").option("--memory=1k")).await;
    assert_eq!(error.fault(), Fault::Infra, "{error}");
    assert_eq!(podman(&words, &["ps", "--all", "--quiet", "--filter", "label=x=y"]), "");
}

/// What a test that panicked left goes when the next process begins that makes containers.
#[tokio::test]
async fn containers_are_marked_by_the_process_of_their_test() {
    let Some(words) = plain("containers_are_marked_by_the_process") else { return };
    let containers = words.containers();
    let remote = one(&containers, "test").await;
    let format = r#"{{index .Config.Labels "atex.test"}}"#;
    let mark = podman(&words, &["inspect", "--format", format, remote.name()]);
    assert_eq!(mark, std::process::id().to_string());
    containers.shutdown().await.unwrap();
}

/// One that was begun and does not run cannot be connected to; it is given back all the same.
#[tokio::test]
async fn what_does_not_run_is_reaped() {
    let Some(words) = plain("what_does_not_run_is_reaped") else { return };
    let containers = words.containers();
    let name = format!("atex-test-begun-{}", std::process::id());
    podman(&words, &["create", "--name", &name, "--network=none", words.image, "true"]);
    let lease = Lease::new("podman", &name, serde_json::json!({ "container": name }));
    let adopted = containers.adopt(&lease).await.unwrap_err();
    assert!(matches!(adopted, Error::Connect { .. }), "{adopted:?}");
    assert!(containers.reap(&lease).await.unwrap());
    assert!(!containers.reap(&lease).await.unwrap());
    let foreign = Lease::new("podman", "x", serde_json::json!({ "container": "precious" }));
    assert!(matches!(containers.reap(&foreign).await, Err(Error::Usage(_))));
    containers.shutdown().await.unwrap();
}

/// The main program of a container waits for whatever is left to it.
#[tokio::test]
async fn orphans_are_buried() {
    let Some(words) = plain("orphans_are_buried") else { return };
    let containers = words.containers();
    let remote = one(&containers, "test").await;
    let connection = remote.connection();
    let orphan = connection.script("setsid sh -c ': & exec sleep 0' & echo $!", &[]).await.unwrap();
    let gone = r#"while [ -e "/proc/$1" ]; do :; done; ps -e -o stat= | grep -c Z; true"#;
    assert_eq!(connection.script(gone, &[orphan.trim()]).await.unwrap().trim(), "0");
    containers.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_image_is_built_once_and_again_when_its_recipe_changes() {
    let Some(words) = plain("an_image_is_built_once") else { return };
    let mark = std::process::id();
    let image = |text: &str| {
        Image::recipe(format!("FROM {}\nRUN echo {mark} {text} >/made\n", words.image))
    };
    let of = |image: Image| {
        let containers = Containers::podman(image).tool(words.tool);
        words.options.iter().fold(containers, Containers::option)
    };
    // Two at once, as of two processes: each has its own handle of everything.
    let both = join_all([image("one"), image("one"), image("two")].map(async |image| {
        let containers = of(image);
        let remote = one(&containers, "test").await;
        let made = remote.connection().script("cat /made", &[]).await.unwrap();
        let format = "--format={{.ImageName}}";
        let name = podman(&words, &["container", "inspect", format, remote.name()]);
        containers.shutdown().await.unwrap();
        (made, name)
    }));
    let [first, same, other] = both.await.try_into().unwrap();
    assert_eq!(first, same);
    assert_eq!(first.0, format!("{mark} one\n"));
    assert_eq!(other.0, format!("{mark} two\n"));
    assert!(first.1.starts_with("localhost/atex-built:"), "{first:?}");
    assert_ne!(first.1, other.1);
    for (_, name) in [first, other] {
        podman(&words, &["rmi", "--force", &name]);
    }
    let broken = of(Image::recipe(format!("FROM {}\nRUN echo oh no >&2; exit 3\n", words.image)));
    let error = broken.provision(&Request::new("test")).await.unwrap_err();
    assert!(error.to_string().contains("podman cannot build the image"), "{error}");
}

#[tokio::test]
async fn an_image_that_has_the_tools_gets_no_more() {
    let Some(words) = plain("an_image_that_has_the_tools") else { return };
    let containers = Containers::podman(Image::with_tools(words.image)).tool(words.tool);
    let containers = words.options.iter().fold(containers, Containers::option);
    let remote = one(&containers, "test").await;
    remote.connection().script("command -v bash timeout tar", &[]).await.unwrap();
    containers.shutdown().await.unwrap();
    let nowhere = Containers::podman(Image::with_tools("localhost/atex-no-such")).tool(words.tool);
    let error = nowhere.provision(&Request::new("test")).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Usage, "{error}");
}

#[tokio::test]
async fn systemd_is_up_when_its_container_is_handed_out() {
    let test = "systemd_is_up_when_its_container_is_handed_out";
    let Some(words) = Podman::many_for_test(test, TestImage::Systemd) else { return };
    let containers = words.containers().systemd();
    let remote = one(&containers, "test").await;
    let connection = remote.connection();
    let script = "cat /proc/1/comm; systemctl is-system-running || true; systemd-run --quiet --wait touch /there; ls /there";
    let said = connection.script(script, &[]).await.unwrap();
    assert!(
        matches!(&*said, "systemd\nrunning\n/there\n" | "systemd\ndegraded\n/there\n"),
        "{said}"
    );
    containers.shutdown().await.unwrap();
    // Where there is no systemctl, nothing is waited for; what never comes up is told, and removed.
    let never = words.containers().systemd_within(Duration::ZERO);
    let error = never.provision(&Request::new("test")).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    never.shutdown().await.unwrap();
}

/// A container with a systemd that reboots comes back, with what is on its disk.
#[tokio::test]
async fn a_container_with_systemd_reboots() {
    let test = "a_container_with_systemd_reboots";
    let Some(words) = Podman::many_for_test(test, TestImage::Systemd) else { return };
    let containers = words.containers().systemd();
    let remote = one(&containers, "test").await;
    let connection = remote.connection();
    connection.script("touch /kept /run/lost", &[]).await.unwrap();
    let reboot = Command::new("systemctl").args(["--no-block", "reboot"]);
    connection.output(reboot).await.ok();
    connection.closed().await;
    let script = "[ -e /kept ] && [ ! -e /run/lost ] && echo rebooted";
    let rebooted = async {
        // It may be reached while it still goes down.
        while connection.script(script, &[]).await.ok().as_deref() != Some("rebooted\n") {
            connection.reconnect().await.ok();
        }
    };
    tokio::time::timeout(Duration::from_secs(120), rebooted).await.unwrap();
    containers.shutdown().await.unwrap();
}

/// Stands for podman: counts how many containers are just being removed, in a folder.
const COUNTING: &str = r#"case " $* " in
  *" rm --force "*) mkdir "$0/$$"; ls -d "$0"/[0-9]* | wc -l >>"$0/counts"; "$@"; status=$?; rmdir "$0/$$"; exit "$status" ;;
  *) exec "$@" ;;
esac"#;

/// With `ATEX_TEST_LOAD=full`, 50; else a few more than are made at once.
#[tokio::test]
async fn many_are_there_at_once() {
    let Some(words) = plain("many_are_there_at_once") else { return };
    let full = std::env::var("ATEX_TEST_LOAD").is_ok_and(|load| load == "full");
    let want = if full { 50 } else { 12 };
    let folder = tempfile::tempdir().unwrap();
    let tool =
        [&["bash", "-c", COUNTING, folder.path().to_str().unwrap()].map(str::to_owned), words.tool];
    let containers = words.containers().tool(tool.concat());
    let remotes = join_all((0..want).map(|_| one(&containers, "many"))).await;
    let hosts = remotes.iter().map(|remote| remote.connection().script("hostname", &[]));
    let hosts: HashSet<String> = join_all(hosts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(hosts.len(), want);
    containers.shutdown().await.unwrap();
    for remote in remotes {
        assert!(containers.reap(remote.lease()).await.is_ok_and(|was_there| !was_there));
    }
    // They are removed side by side, but not all at once.
    let counts = std::fs::read_to_string(folder.path().join("counts")).unwrap();
    let most = counts.lines().filter_map(|line| line.trim().parse::<usize>().ok()).max().unwrap();
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    assert!(counts.lines().count() >= want && most <= 2 * processors, "{most}: {counts}");
}

#[tokio::test]
async fn a_container_is_reached_by_another_at_its_address() {
    let test = "a_container_is_reached_by_another_at_its_address";
    let Some(words) = plain(test) else { return };
    let Some(containers) = words.connected(test) else { return };
    let request = Request::new("test").address(true);
    let (server, client) =
        tokio::join!(containers.provision(&request), containers.provision(&request));
    let (server, client) = (server.unwrap(), client.unwrap());
    let [address] = server.facts().get("address") else { panic!("{}", server.facts()) };
    assert_ne!(server.facts(), client.facts());
    let serve = "import socket; s = socket.create_server(('', 7777)); print('up', flush=True); s.accept()[0].sendall(b'hello')";
    let serving = Command::new("python3").args(["-c", serve]).stdout(Stdio::Piped);
    let mut serving = server.connection().spawn(serving).await.unwrap();
    let mut line = [0; 3];
    serving.stdout.take().unwrap().read_exact(&mut line).await.unwrap();
    let call = format!("exec 3<>/dev/tcp/{address}/7777 && cat <&3");
    let called = client.connection().output(Command::bash(call)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&called.stdout), "hello");
    containers.shutdown().await.unwrap();

    // Nobody asked, or there is none: then there is no such fact.
    for (containers, request) in
        [(words.connected(test).unwrap(), Request::new("test")), (words.containers(), request)]
    {
        let remote = containers.provision(&request).await.unwrap();
        assert_eq!(remote.facts().get("address"), [""; 0]);
        containers.shutdown().await.unwrap();
    }
}
