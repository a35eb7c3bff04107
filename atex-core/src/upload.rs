//! The default upload: a tar stream, made here, unpacked by `tar -x` on the remote.

use std::fs::File;
use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::connection::tail;
use crate::{Command, Connection, Error, Result, Stdio};
use tokio::io::AsyncReadExt;

/// What to leave out of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyOptions {
    /// Files and folders of these names are left out, wherever they are: `.git`.
    pub exclude: Vec<String>,
    /// These files and folders of this machine are left out.
    pub exclude_paths: Vec<PathBuf>,
}

impl CopyOptions {
    /// Leaves out files and folders of this name, too.
    #[must_use]
    pub fn exclude(mut self, name: impl Into<String>) -> Self {
        self.exclude.push(name.into());
        self
    }

    /// Leaves out this file or folder of this machine, too, by whatever path it is named.
    #[must_use]
    pub fn exclude_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.exclude_paths.push(path.into());
        self
    }

    /// The paths that are left out of this folder, relative to it. What does not exist need not be left out.
    fn paths_in(&self, folder: &Path) -> Vec<PathBuf> {
        let Ok(folder) = folder.canonicalize() else { return Vec::new() };
        let real = self.exclude_paths.iter().filter_map(|path| path.canonicalize().ok());
        real.filter_map(|path| path.strip_prefix(&folder).map(Path::to_owned).ok()).collect()
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

/// Writes the content of a folder as a tar stream.
fn pack(from: &Path, options: &CopyOptions, writer: PipeWriter) -> Result<()> {
    let mut tar = tar::Builder::new(io::BufWriter::with_capacity(1 << 16, writer));
    tar.follow_symlinks(false);
    append_folder(&mut tar, from, Path::new(""), options)?;
    let finish = tar.into_inner().and_then(|mut stream| stream.flush());
    finish.map_err(Error::io("cannot pack", from))
}

/// Adds the content of a folder, below a path, in the order of names, so that equal trees give equal streams.
pub(crate) fn append_folder(
    tar: &mut tar::Builder<impl Write>,
    from: &Path,
    below: &Path,
    options: &CopyOptions,
) -> Result<()> {
    let paths = options.paths_in(from);
    let is_wanted = |entry: &DirEntry| {
        let is_named = |name: &str| options.exclude.iter().any(|own| own == name);
        let inside = entry.path().strip_prefix(from).unwrap_or(entry.path());
        !entry.file_name().to_str().is_some_and(is_named) && !paths.iter().any(|own| own == inside)
    };
    let entries = WalkDir::new(from)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || is_wanted(entry));
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
        let inside = below.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        let packed = if kind.is_file() {
            append_file(tar, entry.path(), &inside)
        } else {
            tar.append_path_with_name(entry.path(), &inside)
        };
        packed.map_err(Error::io("cannot pack", entry.path()))?;
    }
    Ok(())
}

/// Packs a file with exactly as many bytes as its header says, also when somebody writes to it meanwhile: what it grows by is
/// left out, what it lacks is zeros. Otherwise all that follows in the stream would be taken for something else.
fn append_file(tar: &mut tar::Builder<impl Write>, path: &Path, inside: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&metadata);
    let mut read = Counted { file, bytes: 0 };
    let whole = (&mut read).take(metadata.len()).chain(io::repeat(0)).take(metadata.len());
    tar.append_data(&mut header, inside, whole)?;
    if read.bytes < metadata.len() {
        tracing::warn!(path = %path.display(), "uploaded with zeros at its end: it shrank meanwhile");
    }
    Ok(())
}

/// A file that knows how much of it was read.
struct Counted {
    file: File,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names and contents of a packed folder.
    fn packed(from: &Path, options: &CopyOptions) -> Vec<(String, Vec<u8>)> {
        let (reader, writer) = io::pipe().unwrap();
        pack(from, options, writer).unwrap();
        let mut archive = tar::Archive::new(reader);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), content)
        });
        entries.collect()
    }

    #[test]
    fn excluded_paths_are_left_out_and_their_namesakes_are_not() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["runs", "deep/runs"] {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
            std::fs::write(folder.path().join(path).join("file"), path).unwrap();
        }
        let options = CopyOptions::default().exclude_path(folder.path().join("runs"));
        let names: Vec<_> =
            packed(folder.path(), &options).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["deep", "deep/runs", "deep/runs/file"]);
    }

    /// Files of `/proc` hold more than the nothing that they are said to: as one that grew since it was looked at.
    #[test]
    fn a_file_that_is_longer_than_its_header_does_not_spoil_the_stream() {
        let mut tar = tar::Builder::new(Vec::new());
        append_file(&mut tar, Path::new("/proc/self/status"), Path::new("grows")).unwrap();
        append_file(&mut tar, Path::new("/proc/self/status"), Path::new("next")).unwrap();
        let stream = tar.into_inner().unwrap();
        let mut archive = tar::Archive::new(&*stream);
        let names: Vec<_> = (archive.entries().unwrap())
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["grows", "next"]);
    }
}
