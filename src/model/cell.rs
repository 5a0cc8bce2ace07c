//! Text in a cell of a spreadsheet: names and reasons are chosen by strangers, and some programs run what looks like a formula.

use super::harmless;

/// A spreadsheet program takes at most 32,767 characters.
const LONGEST_CELL: usize = 30_000;

/// `text` as a cell that no spreadsheet program takes for a formula: one that would be begins with an apostrophe. Control
/// and invisible characters are shown by their numbers, and what is longer than a cell may be is cut.
pub fn spreadsheet_cell(text: &str) -> String {
    let cell = harmless(text, LONGEST_CELL);
    // Full-width forms are taken for the plain ones in some places.
    let formula = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    if cell.trim_start().starts_with(formula) { format!("'{cell}") } else { cell }
}
