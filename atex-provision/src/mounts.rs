//! Mounts below a folder that is about to be removed: they are taken off first, so that nothing behind them is removed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::mount::{UnmountFlags, unmount};

/// Takes off what is mounted below a folder.
///
/// # Errors
/// When something stays mounted: then the folder must not be removed.
pub(crate) fn take_off(folder: &Path) -> io::Result<()> {
    // The kernel tells the places without symbolic links.
    let folder = match fs::canonicalize(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        folder => folder?,
    };
    let Ok(table) = fs::read("/proc/self/mountinfo") else { return Ok(()) };
    // The last ones are on top of the others.
    for place in below(&table, &folder).into_iter().rev() {
        unmount(&place, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)?;
    }
    Ok(())
}

/// The mounted places below a folder, of a table as in `proc(5)`, in its order.
fn below(table: &[u8], folder: &Path) -> Vec<PathBuf> {
    let lines = table.split(|byte| *byte == b'\n');
    let places = lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4)).map(unescaped);
    places.filter(|place| place != folder && place.starts_with(folder)).collect()
}

/// Blanks and the like stand in the table as `\040`.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let code =
            digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_below_a_folder_are_found() {
        let table = b"22 1 0:20 / / rw - ext4 /dev/a rw\n\
            30 22 0:21 / /tmp/x rw - tmpfs t rw\n\
            31 30 0:22 / /tmp/x/a\\040b rw - tmpfs t rw\n\
            32 30 0:22 / /tmp/xy rw - tmpfs t rw\n\
            33 31 0:22 / /tmp/x/a\\040b/c rw - tmpfs t rw\n";
        let found = below(table, Path::new("/tmp/x"));
        assert_eq!(found, [Path::new("/tmp/x/a b"), Path::new("/tmp/x/a b/c")]);
    }
}
