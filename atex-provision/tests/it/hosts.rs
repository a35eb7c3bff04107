//! [`Hosts`]: which host is handed out, and what is said when none is reached.

use std::net::TcpListener;

use atex_core::{Error, Failure, Fault, Provisioner, Request};
use atex_provision::testkit::Sshd;
use atex_provision::{Host, Hosts, Ssh};

/// A host where nobody listens.
fn down() -> Host {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Host::new(Ssh::new("127.0.0.1").port(port).config_file("/dev/null"))
}

fn request() -> Request {
    Request::new("test")
}

#[tokio::test]
async fn another_host_is_tried_when_one_is_down() {
    let Some(sshd) = Sshd::for_test("another_host_is_tried_when_one_is_down") else { return };
    let hosts = Hosts::new(vec![down(), Host::new(sshd.ssh()).fact("rack", "7")]).unwrap();
    let remote = hosts.provision(&request()).await.unwrap();
    assert_eq!(remote.name(), sshd.ssh().name());
    assert_eq!(remote.facts().to_string(), "address=127.0.0.1 rack=7");
    hosts.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_host_in_use_is_waited_for_when_the_others_are_down() {
    let Some(sshd) = Sshd::for_test("a_host_in_use_is_waited_for") else { return };
    let hosts = Hosts::new(vec![down(), Host::new(sshd.ssh())]).unwrap();
    let first = hosts.provision(&request()).await.unwrap();
    let request = request();
    let (second, released) = tokio::join!(hosts.provision(&request), first.release());
    released.unwrap();
    assert_eq!(second.unwrap().name(), sshd.ssh().name());
    hosts.shutdown().await.unwrap();
}

#[tokio::test]
async fn when_none_is_reached_each_is_named_with_the_reason() {
    let list = vec![down(), down()];
    let names: Vec<String> = list.iter().map(Host::name).collect();
    let hosts = Hosts::new(list).unwrap();
    let error = hosts.provision(&request()).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Infra);
    let message = Failure::from(&error).message;
    assert!(message.starts_with("no host can be reached: "), "{message}");
    for name in names {
        assert!(
            message.contains(&format!("cannot connect to {name}: ssh: connect to")),
            "{message}"
        );
    }
}

#[tokio::test]
async fn the_only_host_fails_with_its_own_error() {
    let hosts = Hosts::new(vec![down()]).unwrap();
    let error = hosts.provision(&request()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    // It is not put aside for good.
    let error = hosts.provision(&request()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn a_lease_of_another_host_is_not_adopted() {
    let hosts = Hosts::new(vec![down()]).unwrap();
    for data in [serde_json::json!({"host": "elsewhere"}), serde_json::json!({})] {
        let error = hosts.adopt(&atex_core::Lease::new("ssh", "x", data)).await.unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
    }
}

#[tokio::test]
async fn others_find_a_host_by_what_ssh_connects_to() {
    let Some(sshd) = Sshd::for_test("others_find_a_host_by_what_ssh_connects_to") else { return };
    let alias = |name: &str, at: &str| {
        let ssh = Ssh::new(format!("{}@{name}", sshd.destination().split('@').next().unwrap()));
        let ssh = ssh.port(sshd.port()).config_file(sshd.config_file());
        Host::new(ssh.option(format!("HostName={at}")))
    };
    let given = alias("lab2", "127.0.0.1").fact("address", "10.0.0.3");
    for (host, expected) in [
        (Host::new(sshd.ssh()), "127.0.0.1"),
        (alias("lab1", "127.0.0.1"), "127.0.0.1"),
        (given, "10.0.0.3"),
    ] {
        let name = host.name();
        let hosts = Hosts::new(vec![host]).unwrap();
        let remote = hosts.provision(&request()).await.unwrap();
        assert_eq!(remote.facts().get("address"), [expected], "{name}");
        hosts.shutdown().await.unwrap();
    }
}
