//! A map, drawn in the terminal.

use std::fmt::Write as _;

use tablature::attr::Rights;
use tablature::map::{Kind, Region};

use crate::tables::{Declaration, Tables};

/// The regions in the order of their addresses, with what lies between them.
pub(crate) fn drawing(declaration: &Declaration, tables: &Tables<'_>) -> String {
    let mut lines = String::new();
    let mut line = |text: String| {
        // Writing into a String does not fail.
        let _ = writeln!(lines, "{}", text.trim_end());
    };
    line(format!("  {:<18}   {:<14} {:>9}  {:<8} {:<14} leaves", "virtual", "region", "size", "krn usr", "physical"));
    let mut end = 0;
    for (region, extent) in declaration.regions() {
        // A hole in a region lies inside of what was drawn.
        if extent.v_lo > end {
            line(format!("  {:18} ┆ {:<14} {:>9}", "", "·", about(extent.v_lo - end)));
        }
        let rights = format!("{} {}", letters(region.access.privileged), letters(region.access.user));
        let (rights, physical) = match region.kind {
            Kind::Guard => ("unmapped".to_owned(), String::new()),
            _ if !extent.has_phys => (rights, String::new()),
            _ => (rights, format!("{:#x}", extent.p_lo)),
        };
        let leaves = tables.leaves(extent).into_iter();
        let leaves = leaves.map(|(bytes, count)| format!("{count} × {}", size(u128::from(bytes))));
        let leaves = leaves.collect::<Vec<_>>().join(" + ");
        line(format!(
            "  {:#018x} {} {:<14} {:>9}  {rights:<8} {physical:<14} {leaves}",
            extent.v_lo,
            edge(region),
            region.name,
            size(extent.v_hi - extent.v_lo),
        ));
        end = end.max(extent.v_hi);
    }
    lines
}

/// What the left edge of a region shows.
fn edge(region: &Region<'_>) -> char {
    match region.kind {
        Kind::Guard => '░',
        _ if region.access.any().contains(Rights::X) => '█',
        _ if region.access.any().contains(Rights::W) => '▒',
        _ => '▓',
    }
}

fn letters(rights: Rights) -> String {
    [(Rights::R, 'r'), (Rights::W, 'w'), (Rights::X, 'x')]
        .map(|(right, letter)| if rights.contains(right) { letter } else { '-' })
        .iter()
        .collect()
}

/// Bytes in the largest unit that needs no fraction.
pub(crate) fn size(bytes: u128) -> String {
    let mut unit = 0;
    while unit + 1 < UNITS.len() && bytes > 0 && bytes.is_multiple_of(1 << (10 * (unit + 1))) {
        unit += 1;
    }
    format!("{} {}", bytes >> (10 * unit), UNITS[unit])
}

/// Bytes in a unit that keeps the number short; with a tilde where that rounds down.
fn about(bytes: u128) -> String {
    let mut unit = 0;
    while unit + 1 < UNITS.len() && bytes >> (10 * (unit + 1)) >= 8 {
        unit += 1;
    }
    let value = bytes >> (10 * unit);
    if value << (10 * unit) == bytes { size(bytes) } else { format!("~{value} {}", UNITS[unit]) }
}

/// Powers of 1024.
const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::tests::{formats, small};

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [(0, "0 B"), (4096, "4 KiB"), (0x60_0000, "6 MiB"), (5120, "5 KiB"), (1 << 40, "1 TiB")] {
            assert_eq!(size(bytes), text);
        }
        for (bytes, text) in
            [((1 << 39) - 4096, "~511 GiB"), (1 << 30, "1 GiB"), (5120, "5 KiB"), ((1 << 20) + 1, "~1024 KiB")]
        {
            assert_eq!(about(bytes), text);
        }
    }

    #[test]
    fn regions_gaps_and_leaves_are_drawn() {
        let declaration = small(formats()[2]);
        let drawn = drawing(&declaration, &Tables::planned(&declaration, 0x8800_0000));
        let lines: Vec<&str> = drawn.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "  0x0000000000000000 ░ null               4 KiB  unmapped",
                "                     ┆ ·              ~2047 MiB",
                "  0x0000000080000000 █ text               2 MiB  r-x ---  0x80000000     1 × 2 MiB",
                "  0x0000000080200000 ▓ rodata            12 KiB  r-- ---  0x80200000     3 × 4 KiB",
                "                     ┆ ·               2036 KiB",
                "  0x0000000080400000 ▒ data            4100 KiB  rw- ---  0x80400000     2 × 2 MiB + 1 × 4 KiB",
            ]
        );
    }
}
