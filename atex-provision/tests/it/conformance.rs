//! Every backend against the shared suites of `atex-core`.

use std::sync::Arc;
use std::time::Duration;

use atex_core::testkit::conformance::provisioner::Systems;
use atex_core::testkit::conformance::volume::Load;
use atex_core::testkit::conformance::{Suite, connection, lifetime, provisioner, recovery, volume};
use atex_core::{Connection, Provisioner, Request};
use atex_provision::testkit::{Machine, Podman, Sshd, TestImage, docker_image};
use atex_provision::{Container, Containers, Host, Hosts, Local, LocalConnection};

#[tokio::test]
async fn local_connection() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("tmp")).unwrap();
    let connect = async || {
        let connection = LocalConnection::new("local", root.path());
        Ok(Arc::new(connection) as Arc<dyn Connection>)
    };
    connection::all(connect).await;
}

#[tokio::test]
async fn ssh_connection() {
    let Some(sshd) = Sshd::for_test("the conformance of the ssh connection") else { return };
    let connect = async || Ok(Arc::new(sshd.ssh().connect().await?) as Arc<dyn Connection>);
    connection::all(connect).await;
}

/// Prints what is no text and ends in no newline, in pieces, more than a pipe holds, and takes its time.
const NOISE: &str =
    "echo welcome; seq 20000; printf '\\377\\0no newline' >&2; sleep 0.05; printf '\\n\\n $'";

#[tokio::test]
async fn ssh_connection_with_a_noisy_shell() {
    let test = "the conformance of ssh with a noisy shell";
    let Some(sshd) = Sshd::for_test_with_startup(test, NOISE) else { return };
    let connect = async || Ok(Arc::new(sshd.ssh().connect().await?) as Arc<dyn Connection>);
    connection::all(connect).await;
    volume::all(connect, load(50)).await;
}

#[tokio::test]
async fn ssh_connection_with_a_slow_shell() {
    let test = "programs at once on ssh with a slow shell";
    let Some(sshd) = Sshd::for_test_with_startup(test, "echo one; sleep 2; echo other >&2") else {
        return;
    };
    let connection = sshd.ssh().connect().await.unwrap();
    let mut suite = Suite::new("an ssh connection with a slow shell");
    suite.check("programs_run_at_once", volume::programs_run_at_once(&connection, 120)).await;
    suite.finish();
}

#[tokio::test]
async fn machine_connection() {
    let Some(machine) = Machine::for_test("the conformance of ssh to a machine") else { return };
    let connect = async || Ok(Arc::new(machine.ssh().connect().await?) as Arc<dyn Connection>);
    connection::all(connect).await;
}

#[tokio::test]
async fn container_connection() {
    let Some(podman) = Podman::for_test("the conformance of the podman connection") else { return };
    let container = podman.container();
    let connect = async || Ok(Arc::new(container.connect().await?) as Arc<dyn Connection>);
    connection::all(connect).await;
}

/// How much is asked: little by default, to be quick, and fewer programs where each is costly; with `ATEX_TEST_LOAD=full`, 200
/// programs and a gigabyte.
fn load(programs: usize) -> Load {
    if std::env::var("ATEX_TEST_LOAD").is_ok_and(|load| load == "full") {
        return Load { programs: 200, bytes: 1 << 30, limit: Duration::from_secs(600) };
    }
    Load { programs, ..Load::default() }
}

#[tokio::test]
async fn local_connection_under_load() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("tmp")).unwrap();
    let connect = async || {
        let connection = LocalConnection::new("local", root.path());
        Ok(Arc::new(connection) as Arc<dyn Connection>)
    };
    volume::all(connect, load(200)).await;
}

#[tokio::test]
async fn ssh_connection_under_load() {
    let Some(sshd) = Sshd::for_test("the ssh connection under load") else { return };
    let connect = async || Ok(Arc::new(sshd.ssh().connect().await?) as Arc<dyn Connection>);
    volume::all(connect, load(200)).await;
}

#[tokio::test]
async fn container_connection_under_load() {
    let Some(podman) = Podman::for_test("the podman connection under load") else { return };
    let container = podman.container();
    let connect = async || Ok(Arc::new(container.connect().await?) as Arc<dyn Connection>);
    volume::all(connect, load(20)).await;
}

#[tokio::test]
async fn ssh_connection_recovers_when_its_server_is_killed() {
    let Some(sshd) = Sshd::for_test("ssh whose server is killed") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let sshd = std::cell::RefCell::new(sshd);
    let down = async || {
        sshd.borrow_mut().go_down();
        Ok(())
    };
    recovery::all(&connection, down, async || Ok(sshd.borrow_mut().go_up()?)).await;
}

#[tokio::test]
async fn ssh_connection_recovers_from_what_befalls_a_machine() {
    let Some(machine) = Machine::for_test("ssh to a machine that goes away") else { return };
    let quick = Duration::from_secs(4);
    let connection =
        machine.ssh().notice_limit(quick).connect_limit(quick).connect().await.unwrap();
    let power_off = async || {
        machine.power_off();
        Ok(())
    };
    // The network is cut; it loses its power without a word; it crashes.
    recovery::all(&connection, async || Ok(machine.cut_link()?), async || Ok(machine.mend_link()?))
        .await;
    let power_on = async || Ok(machine.power_on()?);
    recovery::all(&connection, async || Ok(machine.power_off_silently()?), power_on).await;
    recovery::all(&connection, power_off, power_on).await;
}

/// A stock server takes ten sessions at once.
#[tokio::test]
async fn ssh_connection_with_few_sessions() {
    let Some(sshd) = Sshd::for_test("the conformance of ssh with few sessions") else { return };
    sshd.configure_server("MaxSessions 10").unwrap();
    let ssh = sshd.ssh().connect().await.unwrap();
    let mut suite = Suite::new("an ssh connection with few sessions");
    let dead = lifetime::a_dropped_child_that_reads_from_us_is_dead(&ssh);
    suite.check("a_dropped_child_that_reads_from_us_is_dead", dead).await;
    let nothing = lifetime::a_dropped_spawn_leaves_nothing(&ssh);
    suite.check("a_dropped_spawn_leaves_nothing", nothing).await;
    suite.finish();
}

#[tokio::test]
async fn local_provisioner() {
    let base = tempfile::tempdir().unwrap();
    let make = async || Ok(Arc::new(Local::new().base(base.path()).max(3)) as Arc<dyn Provisioner>);
    provisioner::all(Systems::Made, make).await;
    // What a crashed controller left of its checks was adopted and released, and so was everything else.
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn podman_provisioner() {
    let test = "the conformance of the podman provisioner";
    let Some(podman) = Podman::many_for_test(test, TestImage::Plain) else { return };
    let make = async || Ok(Arc::new(podman.containers().max(3)) as Arc<dyn Provisioner>);
    provisioner::all(Systems::Made, make).await;
}

/// For whoever has an engine that runs: `ATEX_TEST_DOCKER` names an image there, as `docker import` makes it of `tree.tar` of the test
/// environment.
#[tokio::test]
async fn docker_provisioner_and_connection() {
    let Some(image) = docker_image("the conformance of docker") else { return };
    let containers = || Containers::docker(&*image).option("--network=none");
    let make = async || Ok(Arc::new(containers().max(3)) as Arc<dyn Provisioner>);
    provisioner::all(Systems::Made, make).await;
    let containers = containers();
    let remote = containers.provision(&Request::new("docker")).await.unwrap();
    let container = Container::docker(remote.name());
    let connect = async || Ok(Arc::new(container.connect().await?) as Arc<dyn Connection>);
    connection::all(connect).await;
    containers.shutdown().await.unwrap();
}

#[tokio::test]
async fn unlimited_local_provisioner() {
    let base = tempfile::tempdir().unwrap();
    let make = async || Ok(Arc::new(Local::new().base(base.path())) as Arc<dyn Provisioner>);
    provisioner::all(Systems::Made, make).await;
}

#[tokio::test]
async fn hosts_provisioner() {
    let Some(first) = Sshd::for_test("the conformance of the hosts provisioner") else { return };
    let hosts = [first, Sshd::start().unwrap().unwrap(), Sshd::start().unwrap().unwrap()];
    let make = async || {
        let hosts = hosts.iter().map(|sshd| Host::new(sshd.ssh()).fact("arch", "x86_64"));
        Ok(Arc::new(Hosts::new(hosts.collect())?) as Arc<dyn Provisioner>)
    };
    provisioner::all(Systems::Existing, make).await;
}
