//! [`SessionLogs`]: where lies what a session leaves besides the artifacts of its tests.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use atex_core::{Artifacts, Error, Result, SafePath};
use tempfile::TempDir;

/// The logs of one session: a folder, which is made when there is something to keep.
#[derive(Debug)]
pub(crate) struct SessionLogs {
    /// The folder for the logs of all sessions; without one, they are kept until the session ends.
    base: Option<PathBuf>,
    made: Option<Made>,
}

#[derive(Debug)]
enum Made {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl SessionLogs {
    pub(crate) fn new(base: Option<PathBuf>) -> Self {
        Self { base, made: None }
    }

    /// A new folder in that of the session, for something with this name. The folder of the session is called like its remote, with
    /// a number from its second session on.
    pub(crate) fn folder(&mut self, remote: &str, name: &str) -> Result<Artifacts> {
        let made = match self.made.take() {
            Some(made) => made,
            None => self.make(remote)?,
        };
        let folder = match self.made.insert(made) {
            Made::Kept(folder) => folder.clone(),
            Made::Temporary(folder) => folder.path().to_owned(),
        };
        Artifacts::at(match SafePath::new(name) {
            Some(name) => name.below(&folder),
            None => folder.join("_"),
        })
    }

    fn make(&self, remote: &str) -> Result<Made> {
        let Some(base) = &self.base else {
            let temporary = TempDir::new();
            return temporary
                .map(Made::Temporary)
                .map_err(Error::io("cannot make a folder in", std::env::temp_dir()));
        };
        fs::create_dir_all(base).map_err(Error::io("cannot create", base))?;
        let name = SafePath::new(&remote.replace('/', "_"));
        let name = name.as_ref().map_or("_", SafePath::as_str);
        let mut number = 1;
        loop {
            let folder = match number {
                1 => base.join(name),
                _ => base.join(format!("{name}-{number}")),
            };
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                done => {
                    return done
                        .map(|()| Made::Kept(folder.clone()))
                        .map_err(Error::io("cannot create", &folder));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_session_has_a_folder_of_its_own() {
        let base = tempfile::tempdir().unwrap();
        let folder = |logs: &mut SessionLogs, name| {
            let path = logs.folder("ssh:me@lab/1", name).unwrap().dir().to_owned();
            path.strip_prefix(base.path()).unwrap().display().to_string()
        };
        let (mut one, mut other) = (
            SessionLogs::new(Some(base.path().join("s"))),
            SessionLogs::new(Some(base.path().join("s"))),
        );
        assert_eq!(folder(&mut one, "prepare-1"), "s/ssh:me@lab_1/prepare-1");
        assert_eq!(folder(&mut other, "prepare-1"), "s/ssh:me@lab_1-2/prepare-1");
        assert_eq!(folder(&mut one, "../finish-1"), "s/ssh:me@lab_1/finish-1");
        let temporary = SessionLogs::new(None).folder("x", "y").unwrap();
        assert!(!temporary.dir().exists());
    }
}
