//! A database with the table `results`.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::Stop;
use super::store_writer::{Found, StoreWriter};
use crate::aggregate::{Reported, Said};

/// Files are JSON, as text or in the form of SQLite's own.
const SELECT: &str =
    "SELECT platform, status, test, subtest, json(files), note FROM results ORDER BY rowid";

pub(super) fn read(path: &Path, writer: &mut StoreWriter) -> Result<(), Stop> {
    // Nothing of the file is run, whatever its schema says, and nothing is changed.
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(stop)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF;").map_err(stop)?;
    let mut select = connection.prepare(SELECT).map_err(stop)?;
    let mut rows = select.query(()).map_err(stop)?;
    while let Some(row) = rows.next().map_err(stop)? {
        let (platform, test) = (text(row, 0)?, text(row, 2)?);
        let Some(test) = test else { return Err(Stop::mistake(1, "a row has no test")) };
        let files = match text(row, 4)? {
            None => Vec::new(),
            Some(files) => serde_json::from_str::<Vec<Said<'_>>>(&files)
                .map(|files| {
                    files
                        .into_iter()
                        .map(|file| Said::Text(file.shown().into_owned().into()))
                        .collect()
                })
                .map_err(|error| Stop::mistake(1, format!("files are a list: {error}")))?,
        };
        let said = |text: Option<String>| text.map(|text| Said::Text(text.into()));
        let one = Reported {
            status: said(text(row, 1)?),
            name: said(text(row, 3)?),
            note: said(text(row, 5)?),
            files,
        };
        let found = Found { platform: platform.as_deref(), test: &test, ..Found::default() };
        writer.add(found, one)?;
    }
    Ok(())
}

fn text(row: &Row<'_>, column: usize) -> Result<Option<String>, Stop> {
    Ok(match row.get_ref(column).map_err(stop)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            Some(String::from_utf8_lossy(text).into_owned())
        }
    })
}

fn stop(error: rusqlite::Error) -> Stop {
    Stop::mistake(1, format!("cannot read the table 'results': {error}"))
}
