//! What the tables say, decoded by nobody's library.

use crate::arena::pointer;
use crate::mapper::{Region, Rights};

/// How an entry is read.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Whether there is something.
    present: fn(u64) -> bool,
    /// Whether an entry above the last level is a leaf.
    large: fn(u64) -> bool,
    /// Whether it takes writing away, for all below.
    read_only: fn(u64) -> bool,
    /// Whether it takes executing away, for all below.
    no_execute: fn(u64) -> bool,
}

/// x86-64, four levels.
pub const X86: Format = Format {
    present: |word| word & 1 != 0,
    large: |word| word & 1 << 7 != 0,
    read_only: |word| word & 2 == 0,
    no_execute: |word| word >> 63 != 0,
};

/// AArch64, EL1, granule 4 KiB, four levels; tables withhold nothing.
pub const ARM: Format = Format {
    present: |word| word & 1 != 0,
    large: |word| word & 2 == 0,
    read_only: |word| word & 1 << 7 != 0,
    no_execute: |word| word & 1 << 53 != 0,
};

/// All that is mapped in the lower half, neighbours joined, and by how many leaves. In the upper one some have tables.
#[must_use]
pub fn walk(root: u64, format: Format) -> (Vec<Region>, u64) {
    let mut found = Found { format, regions: Vec::new(), leaves: 0 };
    found.table(root, 3, 0, true, true);
    (found.regions, found.leaves)
}

/// Regions in ascending order, neighbours joined.
pub fn join(regions: impl Iterator<Item = Region>) -> Vec<Region> {
    let mut joined = Vec::new();
    regions.for_each(|region| add(&mut joined, region));
    joined
}

fn add(regions: &mut Vec<Region>, next: Region) {
    match regions.last_mut() {
        Some(last)
            if last.virt + last.bytes == next.virt
                && last.phys + last.bytes == next.phys
                && last.rights == next.rights =>
        {
            last.bytes += next.bytes;
        }
        _ => regions.push(Region { device: false, ..next }),
    }
}

struct Found {
    format: Format,
    regions: Vec<Region>,
    leaves: u64,
}

impl Found {
    fn table(&mut self, table: u64, level: u32, virt: u64, write: bool, execute: bool) {
        let bytes = 1 << (12 + 9 * level);
        for index in 0..if level == 3 { 256 } else { 512 } {
            // SAFETY: a table of the arena or of an image, 512 words, and nobody writes meanwhile.
            let word = unsafe { pointer(table).wrapping_add(index).read_volatile() };
            if !(self.format.present)(word) {
                continue;
            }
            let virt = virt + bytes * index as u64;
            let write = write && !(self.format.read_only)(word);
            let execute = execute && !(self.format.no_execute)(word);
            let phys = word & 0x0000_ffff_ffff_f000;
            if level > 0 && !(self.format.large)(word) {
                self.table(phys, level - 1, virt, write, execute);
                continue;
            }
            let rights = match (write, execute) {
                (true, false) => Rights::Rw,
                (false, true) => Rights::Rx,
                (false, false) => Rights::R,
                (true, true) => panic!("{virt:#x} can be written and executed"),
            };
            self.leaves += 1;
            // Below the leaf's size there is no address: bit 12 of a large x86-64 leaf is PAT.
            add(&mut self.regions, Region { virt, phys: phys & !(bytes - 1), bytes, rights, device: false });
        }
    }
}
