//! [`PackedTree`]: folders of this machine packed once, to be laid on any number of remotes.

use std::fmt::Write as _;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::connection::tail;
use crate::upload::append_folder;
use crate::{Command, Connection, ConnectionExt, CopyOptions, Error, Result, Stdio};

/// A tree that is larger than this is not kept on a remote.
const KEEP_MAX: u64 = 512 << 20;

/// A tree that is smaller than this is not kept either: asking for it costs more than sending it.
const KEEP_MIN: u64 = 64 << 10;

/// Prints `kept` if the tree of this digest was kept and has been unpacked. The digest is taken anew: whoever runs
/// programs there may have changed the file. It is opened once, so that nobody takes it away half-way.
const UNPACK_KEPT: &str = r#"
{ exec 3<"${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/atex/$2.tar"; } 2>/dev/null || exit 0
found=$(sha256sum /proc/self/fd/3) && [ "${found%% *}" = "$2" ] || exit 0
{ mkdir -p -- "$1" && tar -x --no-same-owner -p -f /proc/self/fd/3 -C "$1"; } 2>/dev/null && echo kept
exit 0
"#;

/// Unpacks what comes, and keeps it in place of whatever was kept before, where that can be done. `$3` says whether to.
const UNPACK_AND_KEEP: &str = r#"
unpack() { tar -x --no-same-owner -p -f - -C "$1"; }
mkdir -p -- "$1" || exit
cache=${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/atex
{ [ "$3" = keep ] && mkdir -p -m 700 -- "$cache" && new=$(mktemp -- "$cache/new-XXXXXX"); } 2>/dev/null || { unpack "$1"; exit; }
trap 'rm -f -- "$new"' EXIT
tee -- "$new" 2>/dev/null | unpack "$1"
status=("${PIPESTATUS[@]}")
found=$(sha256sum <"$new")
if [ "${status[0]}" = 0 ] && [ "${found%% *}" = "$2" ] && mv -f -- "$new" "$cache/$2.tar"; then
    for old in "$cache"/*.tar; do [ "$old" = "$cache/$2.tar" ] || rm -f -- "$old"; done
    find "$cache" -name 'new-*' -mmin +60 -exec rm -f -- {} +
fi 2>/dev/null
exit "${status[1]}"
"#;

/// Folders of this machine, packed into one tar stream that is kept in an unnamed file: nothing of it stays when this is dropped.
/// What is packed and how is said at [`Connection::upload`].
#[derive(Debug)]
pub struct PackedTree {
    file: File,
    bytes: u64,
    digest: String,
}

impl PackedTree {
    /// Packs the content of folders, each below its own path in the tree (which may be empty, for the top). In a thread, which
    /// goes on when the future is dropped.
    ///
    /// # Errors
    /// [`Error::Io`] for what cannot be read, or when there is no room in the folder for temporary files.
    pub async fn pack(parts: Vec<(PathBuf, String)>, options: CopyOptions) -> Result<Self> {
        let packed = tokio::task::spawn_blocking(move || Self::pack_now(&parts, &options)).await;
        packed.map_err(|error| Error::infra("packing", error))?
    }

    fn pack_now(parts: &[(PathBuf, String)], options: &CopyOptions) -> Result<Self> {
        let dir = std::env::temp_dir();
        let cannot = |error| Error::io("cannot pack into", &dir)(error);
        let file = unnamed(&dir).map_err(cannot)?;
        let writer = Hashing { file, hash: Sha256::new() };
        let mut tar = tar::Builder::new(BufWriter::with_capacity(1 << 18, writer));
        tar.follow_symlinks(false);
        for (from, to) in parts {
            append_folder(&mut tar, from, Path::new(to), options)?;
        }
        let written = tar.into_inner().and_then(|out| out.into_inner().map_err(Into::into));
        let Hashing { mut file, hash } = written.map_err(cannot)?;
        let bytes = file.stream_position().map_err(cannot)?;
        let mut digest = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a string does not fail.
            write!(digest, "{byte:02x}").ok();
        }
        Ok(Self { file, bytes, digest })
    }

    /// The SHA-256 of the stream, as 64 digits: trees with the same digest have the same content, modes, links and times.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The length of the stream.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// For backends: the stream from its beginning, as a descriptor of its own.
    ///
    /// # Errors
    /// When no further file can be opened.
    pub fn open(&self) -> Result<File> {
        // Opened anew, not duplicated: those have one position in common.
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        File::open(&path).map_err(Error::io("cannot open", path))
    }

    /// For backends that have no use for keeping it: unpacks it into a folder of the remote, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Failed`] for what cannot be written there; those of [`Connection::spawn`].
    pub async fn unpack<C: Connection + ?Sized>(&self, connection: &C, to: &str) -> Result<()> {
        self.send(connection, to, "once").await
    }

    /// The default of [`Connection::upload_packed`].
    pub(crate) async fn lay<C: Connection + ?Sized>(&self, connection: &C, to: &str) -> Result<()> {
        if self.bytes < KEEP_MIN {
            return self.send(connection, to, "once").await;
        }
        let kept = connection.script(UNPACK_KEPT, &[to, &self.digest]).await?;
        if kept.trim_end() == "kept" {
            return Ok(());
        }
        self.send(connection, to, if self.bytes > KEEP_MAX { "once" } else { "keep" }).await
    }

    async fn send<C: Connection + ?Sized>(
        &self,
        connection: &C,
        to: &str,
        keep: &str,
    ) -> Result<()> {
        let origin = connection.name();
        let command = Command::bash(UNPACK_AND_KEEP).args([to, &self.digest, keep]);
        let command = command.stdin(self.open()?).stderr(Stdio::Piped);
        let mut child = connection.spawn(command).await?;
        let mut stderr = Vec::new();
        if let Some(mut pipe) = child.stderr.take() {
            let read = pipe.read_to_end(&mut stderr).await;
            read.map_err(|source| Error::Lost {
                origin: origin.to_owned(),
                source: source.into(),
            })?;
        }
        let status = child.wait().await?;
        if status.success() {
            return Ok(());
        }
        let (program, stderr) = ("tar".to_owned(), tail(&stderr));
        Err(Error::Failed { origin: origin.to_owned(), program, status, stderr })
    }
}

/// Writes, and takes the digest of what it writes.
struct Hashing {
    file: File,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that only we can read, and that is gone when it is closed. It never has a name, where the file system can do that: a process that
/// is killed leaves nothing.
fn unnamed(dir: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE);
    options.open(dir).or_else(|_| named_for_a_moment(dir))
}

fn named_for_a_moment(dir: &Path) -> io::Result<File> {
    let name = RandomState::new().build_hasher().finish();
    let path = dir.join(format!("atex-tree-{name:016x}"));
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
