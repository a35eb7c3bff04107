//! The FMF executor against the shared suite of `atex-core`, over every connection there is.

use std::sync::Arc;

use atex_core::testkit::conformance::executor;
use atex_core::{Connection, Executor, TestSuite};
use atex_exec::FmfExecutor;
use atex_provision::LocalConnection;
use atex_provision::testkit::{Podman, Sshd};

#[tokio::test]
async fn over_a_local_connection() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("tmp")).unwrap();
    let connect = async || {
        let connection = LocalConnection::new("local", root.path());
        Ok(Arc::new(connection) as Arc<dyn Connection>)
    };
    let make = |suite: Arc<TestSuite>| Ok(Arc::new(FmfExecutor::new(suite)) as Arc<dyn Executor>);
    executor::all(connect, make).await;
}

#[tokio::test]
async fn over_ssh() {
    let Some(sshd) = Sshd::for_test("the conformance of the FMF executor over ssh") else { return };
    let work = tempfile::tempdir().unwrap();
    let base = work.path().to_str().unwrap().to_owned();
    let connect = async || Ok(Arc::new(sshd.ssh().connect().await?) as Arc<dyn Connection>);
    let make = |suite: Arc<TestSuite>| {
        Ok(Arc::new(FmfExecutor::new(suite).work_base(&base)) as Arc<dyn Executor>)
    };
    executor::all(connect, make).await;
}

#[tokio::test]
async fn in_a_container() {
    let Some(podman) = Podman::for_test("the conformance of the FMF executor in a container")
    else {
        return;
    };
    let connect = async || {
        let connection = podman.container().connect().await?;
        Ok(Arc::new(connection) as Arc<dyn Connection>)
    };
    let make = |suite: Arc<TestSuite>| Ok(Arc::new(FmfExecutor::new(suite)) as Arc<dyn Executor>);
    executor::all(connect, make).await;
}
