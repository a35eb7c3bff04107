//! [`SafePath`]: a path made of a hostile name, which cannot leave the folder it is joined to.

use std::fmt;
use std::path::{Path, PathBuf};

/// A relative path that stays below whatever it is joined to, made of a name that somebody else chose: the name of a
/// test, of a subtest, of an uploaded file.
///
/// The rules, which are those of the Python ATEX where it has one:
/// * the name is split at `/`; empty parts, `.` and `..` are dropped, so `../../etc/x` becomes `etc/x`;
/// * control characters become `_`;
/// * a part of more than 200 bytes, or a whole of more than 1,000, is cut and ends with `~` and a digest of what it was, so that
///   long names stay apart.
///
/// Equal names give equal paths; names that differ may give the same one (`a/../b` and `a/b`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafePath(String);

const PART_MAX: usize = 200;
const WHOLE_MAX: usize = 1000;

impl SafePath {
    /// The path for a name; `None` when nothing of the name is left (`..`, `/`, empty).
    pub fn new(name: &str) -> Option<Self> {
        let parts: Vec<String> = name
            .split('/')
            .filter(|part| !matches!(*part, "" | "." | ".."))
            .map(safe_part)
            .collect();
        let mut path = parts.join("/");
        if path.is_empty() {
            return None;
        }
        if path.len() > WHOLE_MAX {
            path = shortened(&path.replace('/', "_"));
        }
        Some(Self(path))
    }

    /// This path with another below it.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        let joined = format!("{}/{}", self.0, below.0);
        if joined.len() > WHOLE_MAX {
            Self(shortened(&joined.replace('/', "_")))
        } else {
            Self(joined)
        }
    }

    /// As text, with `/` between the parts: what reports store as the name of the file.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This path below a folder.
    pub fn below(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }
}

impl AsRef<Path> for SafePath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn safe_part(part: &str) -> String {
    let part: String = part.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    if part.len() > PART_MAX { shortened(&part) } else { part }
}

fn shortened(text: &str) -> String {
    let mut end = PART_MAX - 20;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{:016x}", &text[..end], stable_hash(text.as_bytes()))
}

/// FNV-1a, 64 bits: stable over runs and versions, unlike the standard library's hasher, and only has to keep long names
/// apart, not to resist an attacker (a collision would append two files of the same test to each other).
pub fn stable_hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_paths() {
        let cases = [
            ("out.txt", Some("out.txt")),
            ("/smoke/boot", Some("smoke/boot")),
            ("../../etc/x", Some("etc/x")),
            ("a/../b", Some("a/b")),
            ("a//./b/", Some("a/b")),
            ("..", None),
            ("/", None),
            ("", None),
            ("a\nb\0c\u{7f}", Some("a_b_c_")),
            ("...", Some("...")),
        ];
        for (name, expected) in cases {
            assert_eq!(SafePath::new(name).as_ref().map(SafePath::as_str), expected, "{name:?}");
        }
    }

    #[test]
    fn long_names_stay_apart() {
        let (a, b) = (format!("{}a", "x".repeat(300)), format!("{}b", "x".repeat(300)));
        let (a, b) = (SafePath::new(&a).unwrap(), SafePath::new(&b).unwrap());
        assert_ne!(a, b);
        assert!(a.as_str().len() <= 255, "{a}");
    }

    proptest! {
        #[test]
        fn never_leaves_the_folder(name in "(\\PC|[/.\\x00-\\x1f]){0,400}") {
            if let Some(path) = SafePath::new(&name) {
                prop_assert!(Path::new(path.as_str()).components().all(|part| matches!(part, std::path::Component::Normal(_))));
                prop_assert!(path.as_str().split('/').all(|part| !part.is_empty() && part.len() <= 255));
                prop_assert!(path.as_str().len() <= WHOLE_MAX);
            }
        }
    }
}
