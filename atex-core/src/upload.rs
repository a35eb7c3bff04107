//! The default upload: a tar stream, made here, unpacked by `tar -x` on the remote.

use std::io::{self, PipeWriter, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::connection::tail;
use crate::{Command, Connection, Error, Result, Stdio};
use tokio::io::AsyncReadExt;

/// What to leave out of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyOptions {
    /// Files and folders of these names are left out, wherever they are: `.git`.
    pub exclude: Vec<String>,
}

impl CopyOptions {
    /// Leaves out files and folders of this name, too.
    #[must_use]
    pub fn exclude(mut self, name: impl Into<String>) -> Self {
        self.exclude.push(name.into());
        self
    }
}

/// Unpacks on the remote. `--no-same-owner`: the uids of this machine mean nothing there.
const UNPACK: &str = r#"mkdir -p -- "$1" && exec tar -x --no-same-owner -p -f - -C "$1""#;

pub(crate) async fn tar_through_spawn<C: Connection + ?Sized>(
    connection: &C,
    origin: &str,
    from: &Path,
    to: &str,
    options: &CopyOptions,
) -> Result<()> {
    let broken =
        |source: io::Error| Error::Lost { origin: origin.to_owned(), source: source.into() };
    let (reader, writer) = io::pipe().map_err(broken)?;
    let command = Command::bash(UNPACK).arg(to).stdin(OwnedFd::from(reader)).stderr(Stdio::Piped);
    let mut child = connection.spawn(command).await?;
    let (from, options) = (from.to_owned(), options.clone());
    // The thread ends when the remote has all, or when the pipe breaks, which it does when `child` is dropped.
    let packing = tokio::task::spawn_blocking(move || pack(&from, &options, writer));
    let mut stderr = Vec::new();
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_end(&mut stderr).await.map_err(broken)?;
    }
    let status = child.wait().await?;
    let packed = packing.await.map_err(|error| Error::infra(origin, error))?;
    match packed {
        Err(error) if !is_broken_pipe(&error) => Err(error),
        _ if !status.success() => Err(Error::Failed {
            origin: origin.to_owned(),
            program: "tar".into(),
            status,
            stderr: tail(&stderr),
        }),
        packed => packed,
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes the content of a folder as a tar stream, in the order of names, so that equal trees give equal streams.
fn pack(from: &Path, options: &CopyOptions, writer: PipeWriter) -> Result<()> {
    let mut tar = tar::Builder::new(io::BufWriter::with_capacity(1 << 16, writer));
    tar.follow_symlinks(false);
    let entries =
        WalkDir::new(from).min_depth(1).sort_by_file_name().into_iter().filter_entry(|entry| {
            entry.depth() == 0
                || entry
                    .file_name()
                    .to_str()
                    .is_none_or(|name| !options.exclude.iter().any(|own| own == name))
        });
    for entry in entries {
        let entry = entry.map_err(|error| {
            let path = error.path().map_or_else(|| from.to_owned(), PathBuf::from);
            Error::io("cannot read", path)(error.into())
        })?;
        let kind = entry.file_type();
        if !(kind.is_file() || kind.is_dir() || kind.is_symlink()) {
            tracing::warn!(path = %entry.path().display(), "not uploaded: neither a file nor a folder nor a link");
            continue;
        }
        let inside = entry.path().strip_prefix(from).unwrap_or(entry.path());
        tar.append_path_with_name(entry.path(), inside)
            .map_err(Error::io("cannot pack", entry.path()))?;
    }
    let finish = tar.into_inner().and_then(|mut stream| stream.flush());
    finish.map_err(Error::io("cannot pack", from))
}
