//! What a controller that died left on a remote is removed by the next, with the test that still runs there; what others have there stays.

use std::fs;
use std::sync::Arc;

use atex_core::{Artifacts, CancellationToken, Connection, Executor, Test, TestName, TestSuite};
use atex_exec::FmfExecutor;
use atex_provision::LocalConnection;

#[tokio::test]
async fn what_died_controllers_left_is_swept_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (base, system) = (dir.path().join("base"), dir.path().join("system"));
    fs::create_dir_all(&base).and_then(|()| fs::create_dir(&system)).unwrap();
    let name: &'static TestName = Box::leak(Box::new(TestName::new("/t").unwrap()));
    let pid = dir.path().join("pid");
    let script =
        format!("trap '' HUP; echo $$ >{0}.new; mv {0}.new {0}; sleep 1000", pid.display());
    let suite = Arc::new(TestSuite::new([(name.clone(), Test::new(script))]));
    let executor = |owner: &str| {
        FmfExecutor::new(suite.clone()).work_base(base.to_str().unwrap()).owner(owner)
    };
    let connect = |name: &str| -> Arc<dyn Connection> {
        Arc::new(LocalConnection::new(name, system.clone()))
    };
    let cancel = CancellationToken::new();
    // Another run, another remote of the same run on the same file system, and a folder that only looks like one.
    let _other = executor("other").start(connect("lab"), &cancel).await.unwrap();
    let _beside = executor("ours").start(connect("lab2"), &cancel).await.unwrap();
    let kept = folders(&base);
    assert_eq!(kept.len(), 2);
    let ours = executor("ours");
    let _idle = ours.start(connect("lab"), &cancel).await.unwrap();
    let busy = ours.start(connect("lab"), &cancel).await.unwrap();
    let artifacts: &'static Artifacts =
        Box::leak(Box::new(Artifacts::at(dir.path().join("out")).unwrap()));
    // A controller of its own, whose connection goes with it.
    let controller = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Killed, it would not drop anything.
            let (busy, cancel) = (Box::leak(Box::new(busy)), Box::leak(Box::default()));
            let run = Box::leak(Box::new(busy.run(name, artifacts, cancel)));
            let started = async {
                while !pid.exists() {
                    tokio::task::yield_now().await;
                }
                fs::read_to_string(&pid).unwrap().trim().to_owned()
            };
            tokio::select! {
                pid = started => pid,
                outcome = run => panic!("it ended: {outcome:?}"),
            }
        })
    });
    let pid = controller.join().unwrap();
    assert_eq!(folders(&base).len(), 4);
    ours.sweep(&*connect("lab")).await.unwrap();
    assert_eq!(folders(&base), kept);
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z"), "the test still runs: {state}");
    // Again: nothing is left to do.
    ours.sweep(&*connect("lab")).await.unwrap();
}

fn folders(base: &std::path::Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        fs::read_dir(base).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}
