//! What [`Connection::upload`] promises.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::program::Scratch;
use super::{Check, Suite, ensure, run_checks};
use crate::{Connection, ConnectionExt, CopyOptions, Error, PackedTree, Result};

/// Runs all checks of this module as a part of the suite for connections.
pub(super) async fn run(
    suite: &mut Suite,
    connect: &impl AsyncFn() -> Result<Arc<dyn Connection>>,
) {
    run_checks!(
        suite,
        &*connect().await?,
        [
            uploads_keep_what_makes_a_file,
            uploads_leave_out_what_is_excluded,
            uploads_replace_what_is_there_and_leave_the_rest,
            uploads_that_cannot_be_are_told,
            packed_trees_arrive_as_often_as_they_are_laid,
        ]
    );
}

const ODD_NAMES: [&str; 6] = ["a b", "it's", "-x", "line\nbreak", "žluť", "*"];

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    fs::write(path, text).map_err(Error::io("cannot write", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(Error::io("cannot write", path))
}

/// What a shell of the remote finds at a path below a folder: kind, mode and content or target.
async fn found(connection: &dyn Connection, folder: &str, name: &str) -> Result<String> {
    let script = r#"cd -- "$1" || exit; path=./$2
        if [ -L "$path" ]; then echo "link to $(readlink -- "$path")"
        elif [ -d "$path" ]; then echo "folder $(stat -c %a -- "$path")"
        elif [ -f "$path" ]; then echo "file $(stat -c %a -- "$path") $(cat -- "$path")"
        else echo nothing; fi"#;
    Ok(connection.script(script, &[folder, name]).await?.trim_end().to_owned())
}

/// Content, modes, times, links, empty folders and names of any kind arrive; the target folder is made.
pub async fn uploads_keep_what_makes_a_file(connection: &dyn Connection) -> Check {
    let here = tempfile::tempdir()?;
    let scratch = Scratch::new(connection).await?;
    for (name, mode) in [("script", 0o755), ("plain", 0o644), ("secret", 0o600)] {
        write(&here.path().join(name), name, mode)?;
    }
    for name in ODD_NAMES {
        write(&here.path().join(name), "odd", 0o640)?;
    }
    fs::create_dir_all(here.path().join("deep/er/empty"))?;
    fs::set_permissions(here.path().join("deep/er/empty"), fs::Permissions::from_mode(0o750))?;
    symlink("../script", here.path().join("deep/link"))?;
    symlink("/no/such/target", here.path().join("dangling"))?;
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(here.path().join("plain"))?.set_modified(then)?;
    let there = format!("{}/not yet/there", scratch.path());
    connection.upload(here.path(), &there, &CopyOptions::default()).await?;
    let mut expected = vec![
        ("script".to_owned(), "file 755 script"),
        ("plain".to_owned(), "file 644 plain"),
        ("secret".to_owned(), "file 600 secret"),
        ("deep/er/empty".to_owned(), "folder 750"),
        ("deep/link".to_owned(), "link to ../script"),
        ("dangling".to_owned(), "link to /no/such/target"),
    ];
    expected.extend(ODD_NAMES.map(|name| (name.to_owned(), "file 640 odd")));
    for (name, what) in expected {
        let is = found(connection, &there, &name).await?;
        ensure!(is == what, "{name:?} should be {what:?}, is {is:?}");
    }
    let time = connection.script(r#"stat -c %Y -- "$1/plain""#, &[&there]).await?;
    ensure!(time.trim() == "1000000000", "the time of a file became {time}");
    Ok(scratch.remove().await?)
}

/// Excluded names are left out wherever they are.
pub async fn uploads_leave_out_what_is_excluded(connection: &dyn Connection) -> Check {
    let here = tempfile::tempdir()?;
    let scratch = Scratch::new(connection).await?;
    fs::create_dir_all(here.path().join(".git/objects"))?;
    fs::create_dir_all(here.path().join("sub/.git"))?;
    write(&here.path().join("sub/.gitignore"), "x", 0o644)?;
    let options = CopyOptions::default().exclude(".git");
    connection.upload(here.path(), scratch.path(), &options).await?;
    for (name, what) in
        [(".git", "nothing"), ("sub/.git", "nothing"), ("sub/.gitignore", "file 644 x")]
    {
        let is = found(connection, scratch.path(), name).await?;
        ensure!(is == what, "{name:?} should be {what:?}, is {is:?}");
    }
    Ok(scratch.remove().await?)
}

/// A second upload replaces files, also those that are links there by now, and leaves others alone.
pub async fn uploads_replace_what_is_there_and_leave_the_rest(
    connection: &dyn Connection,
) -> Check {
    let here = tempfile::tempdir()?;
    let scratch = Scratch::new(connection).await?;
    write(&here.path().join("changed"), "old", 0o644)?;
    write(&here.path().join("linked"), "own", 0o644)?;
    let options = CopyOptions::default();
    connection.upload(here.path(), scratch.path(), &options).await?;
    let script =
        r#"cd -- "$1" && echo other >other && chmod 644 other && rm linked && ln -s other linked"#;
    connection.script(script, &[scratch.path()]).await?;
    write(&here.path().join("changed"), "new", 0o755)?;
    connection.upload(here.path(), scratch.path(), &options).await?;
    let expected =
        [("changed", "file 755 new"), ("linked", "file 644 own"), ("other", "file 644 other")];
    for (name, what) in expected {
        let is = found(connection, scratch.path(), name).await?;
        ensure!(is == what, "{name:?} should be {what:?}, is {is:?}");
    }
    Ok(scratch.remove().await?)
}

/// A folder that is not here is [`Error::Io`], a target that cannot be written [`Error::Failed`].
pub async fn uploads_that_cannot_be_are_told(connection: &dyn Connection) -> Check {
    let here = tempfile::tempdir()?;
    let scratch = Scratch::new(connection).await?;
    let options = CopyOptions::default();
    let missing = here.path().join("missing");
    match connection.upload(&missing, scratch.path(), &options).await {
        Err(Error::Io { .. }) => {}
        other => return Err(format!("a missing folder gave {other:?}").into()),
    }
    write(&here.path().join("file"), "x", 0o644)?;
    connection.script(r#": >"$1/blocked""#, &[scratch.path()]).await?;
    let blocked = format!("{}/blocked/below", scratch.path());
    match connection.upload(here.path(), &blocked, &options).await {
        Err(Error::Failed { stderr, .. }) => ensure!(!stderr.is_empty(), "no reason is given"),
        other => return Err(format!("a blocked target gave {other:?}").into()),
    }
    Ok(scratch.remove().await?)
}

/// A tree that was packed once arrives whole each time, whatever else was laid in between, and wherever each part belongs.
pub async fn packed_trees_arrive_as_often_as_they_are_laid(connection: &dyn Connection) -> Check {
    let here = tempfile::tempdir()?;
    let scratch = Scratch::new(connection).await?;
    write(&here.path().join("script"), "one", 0o755)?;
    fs::create_dir(here.path().join(".git"))?;
    symlink("script", here.path().join("link"))?;
    let parts = || {
        vec![
            (here.path().to_owned(), String::new()),
            (here.path().to_owned(), "libs/a b".to_owned()),
        ]
    };
    let options = CopyOptions::default().exclude(".git");
    let first = PackedTree::pack(parts(), options.clone()).await?;
    ensure!(
        first.digest() == PackedTree::pack(parts(), options.clone()).await?.digest(),
        "one tree has two digests"
    );
    write(&here.path().join("script"), "other", 0o700)?;
    let second = PackedTree::pack(parts(), options).await?;
    ensure!(first.digest() != second.digest(), "two trees have one digest");
    for (number, tree) in [&first, &first, &second, &first, &second].into_iter().enumerate() {
        let to = format!("{}/it's {number}", scratch.path());
        connection.upload_packed(tree, &to).await?;
        let script =
            if tree.digest() == first.digest() { "file 755 one" } else { "file 700 other" };
        let expected = [
            ("script", script),
            ("link", "link to script"),
            ("libs/a b/script", script),
            (".git", "nothing"),
        ];
        for (name, expected) in expected {
            let found = found(connection, &to, name).await?;
            ensure!(
                found == expected,
                "the {number}. time, {name:?} is {found:?}, not {expected:?}"
            );
        }
    }
    connection.script(r#": >"$1/blocked""#, &[scratch.path()]).await?;
    for tree in [&second, &first] {
        match connection.upload_packed(tree, &format!("{}/blocked/below", scratch.path())).await {
            Err(Error::Failed { stderr, .. }) => ensure!(!stderr.is_empty(), "no reason is given"),
            other => return Err(format!("a blocked target gave {other:?}").into()),
        }
    }
    Ok(scratch.remove().await?)
}
