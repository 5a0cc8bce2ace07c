//! Tables (CSV, RFC 4180): telling the forms apart, and reading rows with bounds and places.

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::text::Wrong;
use super::{Imported, MOST_RESULTS, cdk_nag, prowler};

/// Reads a file of rows.
pub(super) fn read(name: &str, text: &str) -> Result<Imported, Wrong> {
    let first = text.lines().next().unwrap_or_default();
    let has =
        |delimiter: char, column: &str| first.split(delimiter).any(|cell| cell.trim_matches('"') == column);
    if has(',', cdk_nag::MARK) {
        cdk_nag::read_csv(name, text)
    } else if has(';', prowler::MARK) {
        prowler::read_csv(text)
    } else if has(';', "REQUIREMENTS_ID") {
        Err(Wrong::form(
            "it is Prowler's table of one compliance framework; import the table of all findings, which lies one folder above it",
        ))
    } else {
        Err(Wrong::form("it is neither JSON nor a CSV whose first line names columns of cdk-nag or Prowler"))
    }
}

/// One row.
pub(super) struct Row<'a> {
    columns: &'a [&'static str],
    places: &'a [usize],
    cells: &'a StringRecord,
    /// Line on which it begins, from 1.
    pub(super) line: usize,
}

impl Row<'_> {
    /// The cell of one of the columns that the table was asked for.
    pub(super) fn cell(&self, column: &str, longest: usize) -> Result<&str, Wrong> {
        let place = self.columns.iter().position(|name| *name == column).and_then(|at| self.places.get(at));
        let cell = place.and_then(|place| self.cells.get(*place)).unwrap_or_default();
        if cell.len() > longest {
            return Err(self.wrong(column, format!("{column} has {} bytes, more than {longest}", cell.len())));
        }
        Ok(cell)
    }

    /// As [`Row::cell`]; an empty one is none.
    pub(super) fn filled(&self, column: &str, longest: usize) -> Result<Option<String>, Wrong> {
        let cell = self.cell(column, longest)?;
        Ok((!cell.is_empty()).then(|| cell.to_owned()))
    }

    /// Something is wrong with a cell.
    pub(super) fn wrong(&self, column: &str, problem: impl Into<String>) -> Wrong {
        let place = self.columns.iter().position(|name| *name == column).and_then(|at| self.places.get(at));
        Wrong::at(self.line, place.map_or(1, |place| place + 1), problem)
    }
}

/// Hands every row to `each`; the table must have all of `columns`, whatever their order and whatever others it has.
pub(super) fn rows(
    text: &str,
    delimiter: u8,
    columns: &[&'static str],
    mut each: impl FnMut(&Row<'_>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    require_whole(text)?;
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let mut lines = Lines { bytes: text.as_bytes(), counted: 0, line: 1 };
    let header = reader.headers().map_err(|error| wrong(&error, &mut lines))?.clone();
    let mut places = Vec::new();
    for column in columns {
        let mut found = header.iter().enumerate().filter(|(_, name)| name == column).map(|(place, _)| place);
        match (found.next(), found.next()) {
            (Some(place), None) => places.push(place),
            (None, _) => return Err(Wrong::at(1, 1, format!("there is no column {column}"))),
            (Some(_), Some(again)) => {
                return Err(Wrong::at(1, again + 1, format!("the column {column} is there twice")));
            }
        }
    }
    let mut cells = StringRecord::new();
    let mut count = 0;
    while reader.read_record(&mut cells).map_err(|error| wrong(&error, &mut lines))? {
        let line = cells.position().map_or(1, |position| lines.at(position.byte()));
        if count == MOST_RESULTS {
            return Err(Wrong::at(line, 1, format!("there are more than {MOST_RESULTS} rows")));
        }
        count += 1;
        each(&Row { columns, places: &places, cells: &cells, line })?;
    }
    Ok(())
}

/// A table that was cut off must not be taken for whole: its last row ends in a line feed, and no quote is left open.
fn require_whole(text: &str) -> Result<(), Wrong> {
    let (mut line, mut column) = (1, 0);
    let mut opened = None;
    for byte in text.bytes() {
        column += 1;
        match byte {
            b'\n' => (line, column) = (line + 1, 0),
            // A quote inside of a cell is doubled: it closes and opens.
            b'"' => opened = if opened.is_some() { None } else { Some((line, column)) },
            _ => {}
        }
    }
    if let Some((line, column)) = opened {
        return Err(Wrong::at(
            line,
            column,
            "a quote is opened here and never closed: the file is cut off or damaged",
        ));
    }
    if column > 0 {
        return Err(Wrong::at(line, column, "the file ends in the middle of a row: it is cut off"));
    }
    Ok(())
}

fn wrong(error: &csv::Error, lines: &mut Lines<'_>) -> Wrong {
    let line = error.position().map_or(1, |position| lines.at(position.byte()));
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let column = usize::try_from(*len.min(expected_len)).unwrap_or(1).max(1);
            Wrong::at(
                line,
                column,
                format!("the row has {len} cells, the first line names {expected_len} columns"),
            )
        }
        _ => Wrong::at(line, 1, format!("it cannot be read as CSV: {error}")),
    }
}

/// Counts lines as it goes on. (Where rows end in two characters, the reader counts the second to the row after.)
struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the row that begins at or right after the line end at a byte; later bytes only.
    fn at(&mut self, byte: u64) -> usize {
        let mut start = usize::try_from(byte).unwrap_or(usize::MAX).min(self.bytes.len());
        while matches!(self.bytes.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        let passed = self.bytes.get(self.counted..start).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.counted = self.counted.max(start);
        self.line
    }
}
