//! The style sheet: the file, the colours, and the headings that cells have on a narrow screen.

use std::fmt::Write as _;

use super::{memory, proofs, spaces, tables};
use crate::report::palette;

/// Each table's class and columns.
const TABLES: [(&str, &[&str]); 14] = [
    ("regions", &spaces::REGIONS),
    ("sections", &spaces::SECTIONS),
    ("frames", &memory::INTERVALS),
    ("resources", &memory::RESOURCES),
    ("channels", &memory::CHANNELS),
    ("devices", &memory::DEVICES),
    ("theorems", &proofs::THEOREMS),
    ("masters", &proofs::MASTERS),
    ("requirements", &proofs::REQUIREMENTS),
    ("rules", &proofs::RULES),
    ("waivers", &proofs::WAIVERS),
    ("transitions", &tables::TRANSITIONS),
    ("tables", &tables::TABLES),
    ("registers", &tables::REGISTERS),
];

/// All of it.
pub(super) fn sheet() -> String {
    let mut css =
        format!("{}{}@media screen and (max-width:760px){{", include_str!("../assets/page.css"), palette::properties());
    for (class, headings) in TABLES {
        for (index, heading) in headings.iter().enumerate().skip(1) {
            // Writing into a String does not fail.
            let _ = write!(css, ".{class} td:nth-child({}):before{{content:\"{heading}\"}}", index + 1);
        }
    }
    css.push('}');
    css
}
