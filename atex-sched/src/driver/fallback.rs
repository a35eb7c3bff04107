//! What stands in the results of a test whose executor could not write them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Seek, SeekFrom, Write};

use atex_core::bounded_lines::{BoundedLines, Next};
use atex_core::{Artifacts, Error, Failure, Result, ResultLine, ascii_json};
use serde_json::json;

/// Sees to it that the artifacts of a test that did not come to its own end can be read, and say so.
///
/// An executor leaves them complete, unless it panicked, was dropped, or was never asked. Then a line that was only half
/// written is cut off, and a result of the test itself is added. Whole lines are never touched, so they outlast a full disk.
/// When the result cannot be written, the failure says so as well.
pub(super) fn complete(artifacts: &Artifacts, mut failure: Failure) -> Failure {
    if let Err(error) = try_complete(artifacts, &failure.message) {
        failure.message = format!("{}; {}", failure.message, Failure::from(&error));
    }
    failure
}

fn try_complete(artifacts: &Artifacts, note: &str) -> Result<()> {
    let path = artifacts.results_file();
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(Error::io("cannot open", &path))?;
    let found = Found::scan(&file).map_err(Error::io("cannot read", &path))?;
    if !found.torn && found.own {
        return Ok(());
    }
    add(&mut file, found.whole, note).map_err(|error| {
        // Nothing, rather than half a line.
        if let Err(error) = file.set_len(found.whole) {
            tracing::warn!(path = %path.display(), %error, "cannot cut off half a result");
        }
        Error::io("cannot write", &path)(error)
    })
}

fn add(file: &mut File, whole: u64, note: &str) -> io::Result<()> {
    let mut line = Vec::new();
    ascii_json::write(&mut line, &json!({"status": "infra", "note": note}))?;
    line.push(b'\n');
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    file.write_all(&line)
}

/// What stands in the results already.
struct Found {
    /// Where the last whole line ends.
    whole: u64,
    /// Whether there is half a line after it.
    torn: bool,
    /// Whether there is a result of the test itself.
    own: bool,
}

impl Found {
    fn scan(file: &File) -> io::Result<Self> {
        let mut lines = BoundedLines::new(BufReader::new(file), Artifacts::RESULT_MAX);
        let mut own = false;
        loop {
            match lines.next_line()? {
                Next::Whole(line) => own = own || is_own(line),
                Next::Torn(_) | Next::TooLong => {}
                Next::End => break,
            }
        }
        let whole = lines.position();
        Ok(Self { whole, torn: file.metadata()?.len() > whole, own })
    }
}

fn is_own(line: &[u8]) -> bool {
    serde_json::from_slice::<ResultLine>(line).is_ok_and(|result| result.is_own())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::symlink;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    use super::*;

    fn artifacts() -> (tempfile::TempDir, Artifacts) {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::at(dir.path().join("a")).unwrap();
        (dir, artifacts)
    }

    #[test]
    fn half_a_line_goes_and_the_reason_comes() {
        let own = "{\"status\": \"pass\"}\n";
        let sub = "{\"name\": \"x\"}\n";
        let infra = "{\"status\": \"infra\", \"note\": \"boom\"}\n";
        let cases = [
            (String::new(), infra.to_owned()),
            (own.to_owned(), own.to_owned()),
            (sub.to_owned(), format!("{sub}{infra}")),
            (format!("{own}{{\"na"), format!("{own}{infra}")),
            (format!("{sub}{{\"status\": \"pass\"}}"), format!("{sub}{infra}")),
            ("{\"na".to_owned(), infra.to_owned()),
        ];
        for (before, after) in cases {
            let (_dir, artifacts) = artifacts();
            fs::write(artifacts.results_file(), before).unwrap();
            assert_eq!(complete(&artifacts, Failure::infra("boom")).message, "boom");
            assert_eq!(fs::read_to_string(artifacts.results_file()).unwrap(), after);
        }
    }

    #[test]
    fn a_full_disk_costs_nothing_that_was_collected() {
        let (_dir, artifacts) = artifacts();
        // A file that cannot grow, as on a full disk.
        let fd = memfd_create("results", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap();
        let mut full = File::from(fd);
        full.write_all(b"{\"name\": \"x\"}\n{\"na").unwrap();
        fcntl_add_seals(&full, SealFlags::GROW).unwrap();
        let path = format!("/proc/self/fd/{}", full.as_raw_fd());
        symlink(&path, artifacts.results_file()).unwrap();
        let failure = complete(&artifacts, Failure::infra("boom"));
        assert!(failure.message.starts_with("boom; cannot write "), "{failure}");
        assert_eq!(fs::read_to_string(path).unwrap(), "{\"name\": \"x\"}\n");
    }
}
