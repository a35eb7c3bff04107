//! A table with the columns `platform,status,test,subtest,files,note`.

use std::io::BufRead;

use super::Stop;
use super::pieces::Pieces;
use super::store_writer::{Found, StoreWriter};
use crate::aggregate::{Reported, Said};

const COLUMNS: [&str; 6] = ["platform", "status", "test", "subtest", "files", "note"];

pub(super) fn read(reader: impl BufRead, writer: &mut StoreWriter) -> Result<(), Stop> {
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(Pieces::new(reader));
    let head = rows.headers().map_err(|error| stop(&error))?;
    let column = |name: &str| head.iter().position(|column| column == name);
    let places = COLUMNS.map(column);
    if places[0].is_none() || places[2].is_none() {
        return Err(Stop::mistake(1, format!("the columns must be {}", COLUMNS.join(","))));
    }
    let mut row = csv::StringRecord::new();
    while rows.read_record(&mut row).map_err(|error| stop(&error))? {
        rows.get_mut().next_piece();
        let line =
            row.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
        let [platform, status, test, subtest, files, note] =
            places.map(|place| place.and_then(|place| row.get(place)).and_then(of_cell));
        let Some(test) = test else {
            return Err(Stop::mistake(line, "the row has no test"));
        };
        let files = match files {
            None => Vec::new(),
            Some(files) => serde_json::from_str::<Vec<Said<'_>>>(files).map_err(|error| {
                Stop::mistake(line, format!("files are a list in JSON: {error}"))
            })?,
        };
        let said = |text: &str| Said::Text(text.to_owned().into());
        let one = Reported {
            status: status.map(said),
            name: subtest.map(said),
            note: note.map(said),
            files,
        };
        writer.add(Found { platform, test, ..Found::default() }, one)?;
    }
    Ok(())
}

/// What a cell stands for.
fn of_cell(cell: &str) -> Option<&str> {
    match cell {
        "" => None,
        cell => Some(cell.strip_prefix('\'').unwrap_or(cell)),
    }
}

fn stop(error: &csv::Error) -> Stop {
    let line = error.position().map_or(1, |position| usize::try_from(position.line()).unwrap_or(1));
    match error.kind() {
        csv::ErrorKind::Io(error) => Stop::io(line, error),
        _ => Stop::mistake(line, error),
    }
}
