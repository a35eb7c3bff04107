//! [`Database`]: all results in a table of an SQLite database.

use std::path::{Path, PathBuf};

use atex_core::{Error, Result};
use rusqlite::Connection;

use super::shape::Told;
use super::source::{Said, Stop, said};

/// The table is the one that the pages of atex-html look into.
const SCHEMA: &str = "\
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE results (
    platform TEXT NOT NULL,
    status TEXT,
    test TEXT NOT NULL,
    subtest TEXT,
    files JSONB NOT NULL,
    note TEXT
);";

/// Made when all is in: each costs as much as the table while it grows.
const END: &str = "\
CREATE INDEX IF NOT EXISTS results_test ON results (test, platform, subtest);
CREATE INDEX IF NOT EXISTS results_status ON results (status, platform, test);
PRAGMA wal_checkpoint(TRUNCATE);
PRAGMA journal_mode = DELETE;";

const INSERT: &str = "INSERT INTO results VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// A database with the table `results`, a row a result. What is no text in a result is there as JSON.
///
/// While it is added to, there are two files beside it (`-wal`, `-shm`), without which the last tests are missing; what reads the database after a
/// crash puts them into it. The end leaves the one file.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    connection: Connection,
    closed: bool,
}

impl Database {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let create = Error::io("cannot create", path);
        std::fs::File::create_new(path).map_err(create)?;
        let begun = Connection::open(path).and_then(|connection| {
            connection.execute_batch(SCHEMA)?;
            Ok(connection)
        });
        match begun {
            Ok(connection) => Ok(Self { path: path.to_owned(), connection, closed: false }),
            Err(error) => {
                std::fs::remove_file(path).map_err(Error::io("cannot remove", path))?;
                Err(failed(path, error))
            }
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.closed {
            let path = self.path.display();
            return Err(Error::Usage(format!(
                "nothing more can be added to {path}: it was finished"
            )));
        }
        Ok(())
    }

    /// Adds all results of a test, or none.
    pub(super) fn add(&mut self, told: &Told<'_>) -> Result<()> {
        self.check()?;
        let path = &self.path;
        let all = self.connection.transaction().map_err(|error| failed(path, error))?;
        let mut insert = all.prepare_cached(INSERT).map_err(|error| failed(path, error))?;
        let written = told.source.each(|one| {
            let text = |what: Option<&Said<'_>>| what.map(|what| what.shown().into_owned());
            let files = serde_json::to_string(&told.files(one)).map_err(std::io::Error::from)?;
            let row = (
                &told.record.platform,
                text(said(&one.status)),
                told.name,
                text(said(&one.name)),
                files,
                text(said(&one.note)),
            );
            insert.execute(row).map_err(std::io::Error::other)?;
            Ok(())
        });
        drop(insert);
        written.map_err(|stop: Stop| stop.into_error(path))?;
        all.commit().map_err(|error| failed(path, error))
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        self.connection.execute_batch(END).map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &Path, error: rusqlite::Error) -> Error {
    Error::io("cannot write", path)(std::io::Error::other(error))
}
