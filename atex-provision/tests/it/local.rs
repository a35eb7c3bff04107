//! [`Local`]: the folder of a remote, and what is left of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use atex_core::{Command, ConnectionExt, Provisioner, Remote, Request};
use atex_provision::Local;

async fn remote(base: &Path) -> (Local, Arc<dyn Remote>, PathBuf) {
    let local = Local::new().base(base);
    let remote = local.provision(&Request::new("my/run")).await.unwrap();
    let root = PathBuf::from(remote.lease().data["root"].as_str().unwrap());
    (local, remote, root)
}

#[tokio::test]
async fn programs_start_in_a_private_folder() {
    let base = tempfile::tempdir().unwrap();
    let (local, remote, root) = remote(base.path()).await;
    assert!(root.file_name().unwrap().to_str().unwrap().starts_with("atex-my-run-"), "{root:?}");
    let script = "pwd -P; stat -c %a .; echo \"$TMPDIR\"; echo \"${CARGO:-nothing of ours}\"";
    let printed = remote.connection().script(script, &[]).await.unwrap();
    let real = root.canonicalize().unwrap();
    let expected = format!("{}\n700\n{}/tmp\nnothing of ours\n", real.display(), root.display());
    assert_eq!(printed, expected);
    local.shutdown().await.unwrap();
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn release_kills_daemons_that_left_their_group_and_removes_what_is_locked() {
    let base = tempfile::tempdir().unwrap();
    let (_local, remote, root) = remote(base.path()).await;
    let script = "mkdir locked; touch locked/x; chmod 0 locked
        setsid bash -c 'echo $$ >daemon; exec sleep 1000' >/dev/null 2>&1 &
        while [ ! -s daemon ]; do :; done; cat daemon";
    let daemon: u32 =
        remote.connection().script(script, &[]).await.unwrap().trim().parse().unwrap();
    assert!(Path::new(&format!("/proc/{daemon}")).exists());
    remote.release().await.unwrap();
    let cmdline = std::fs::read(format!("/proc/{daemon}/cmdline")).unwrap_or_default();
    assert!(cmdline.is_empty(), "still running: {}", String::from_utf8_lossy(&cmdline));
    assert!(!root.exists());
    let error = remote.connection().spawn(Command::new("true")).await.unwrap_err();
    assert_eq!(error.to_string(), "local-1: not connected");
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that is skipped must say so")]
async fn what_a_test_mounted_is_taken_off_and_not_removed() {
    let (base, precious) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(precious.path().join("file"), "dear").unwrap();
    let local = Local::new().base(base.path());
    let remote = local.provision(&Request::new("test")).await.unwrap();
    let script = r#"mkdir 'a mount' && mount --bind "$1" 'a mount'"#;
    let mounted = remote.connection().script(script, &[precious.path().to_str().unwrap()]).await;
    remote.release().await.unwrap();
    assert_eq!(std::fs::read_to_string(precious.path().join("file")).unwrap(), "dear");
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
    if mounted.is_err() {
        eprintln!("skipped: what a test mounted: only root can mount");
    }
}
