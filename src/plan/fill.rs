//! The words, written in one pass.

use crate::attr::{Access, Rights};
use crate::format::{Format, MAX_LEVELS, NOT_ENCODABLE};

use super::sequence::Sequence;
use super::shape::Shape;
use super::slot::Slot;
use super::step::Step;

/// Where the tables lie, as far as it is known when they are written.
#[derive(Clone, Copy, Debug)]
pub enum Base {
    /// At this physical address.
    At(u64),
    /// Where the linker puts them.
    Linked {
        /// Its address is the link address of the first table, shifted right by as much as entries hold addresses
        /// shifted (0, or 2 on RISC-V).
        symbol: *const (),
        /// Link address minus physical address; below zero where the link address is the lower one.
        delta: i128,
    },
}

impl Base {
    /// An entry that points `offset` bytes behind the first table, with `flags`.
    #[must_use]
    pub const fn entry(self, format: &Format, offset: u64, flags: u64) -> Slot {
        match self {
            Self::At(base) => Slot::word(flags | format.address.encode(base.wrapping_add(offset))),
            Self::Linked { symbol, delta } => {
                let shift = format.address.shift_right;
                // Both addresses are shifted before they are subtracted: a delta of 64 bits would lose its sign.
                let add = (offset >> shift).wrapping_add(flags).wrapping_sub((delta >> shift) as u64);
                Slot::link(symbol.wrapping_byte_add(add as usize))
            }
        }
    }
}

/// Writes the tables of a space whose shape and steps these are, into `slots`: all of [`Shape::tables`], absent before.
///
/// `table_extra` are bits that each table pointer gets beside those it must have (a preset accessed bit).
/// The cost is one store for each leaf and each table. At run time it takes 16 KiB of stack: what makes constant
/// evaluation fast is two blocks of words prepared beforehand.
///
/// # Panics
/// Where there are fewer slots, or `shape` was not counted from these steps.
pub const fn fill(format: &Format, shape: &Shape, steps: &[Step], base: Base, table_extra: u64, slots: &mut [Slot]) {
    let mut path = Path::new(format, shape, base, table_extra);
    let mut i = 0;
    while i < steps.len() {
        path.write(&steps[i], slots);
        i += 1;
    }
}

/// Writes the recursive entry of the root.
///
/// Where pointers carry rights (x86), this one grants the kernel reading and writing and nobody else anything: the other
/// pointers grant all, and become the leaves through which the tables are seen.
pub const fn self_map(format: &Format, base: Base, table_extra: u64, slot: u32, slots: &mut [Slot]) {
    let root = format.levels - 1;
    let mut flags = format.pointer_flags(root, table_extra);
    if format.level[root].table_set & format.rights_mask != 0 {
        flags = flags & !format.rights_mask | kernel_data(format);
    }
    put(format, slots, 0, slot as usize, base.entry(format, 0, flags));
}

/// The rights of the kernel's data; with execution, where the format cannot withhold it.
const fn kernel_data(format: &Format) -> u64 {
    match format.rights[Access::kernel(Rights::RW).index()] {
        NOT_ENCODABLE => format.rights[Access::kernel(Rights::RWX).index()],
        rights => rights,
    }
}

/// The tables from the root to the table of the last address written.
///
/// Everything that a level needs is looked up once, because constant evaluation pays for calls.
struct Path<'a> {
    format: &'a Format,
    base: Base,
    at: [At; MAX_LEVELS],
    /// Numbers of the roots: lower range, upper range.
    root: [usize; 2],
    slots_of_table: usize,
    sequence: Sequence,
}

/// One level of the path.
#[derive(Clone, Copy)]
struct At {
    shift: u32,
    index_mask: u64,
    /// Flags of a table pointer.
    flags: u64,
    /// Number of the first table.
    first: usize,
    /// How many tables are in use.
    used: usize,
    /// What the current table covers: the address shifted right.
    key: Option<u64>,
}

impl<'a> Path<'a> {
    const fn new(format: &'a Format, shape: &Shape, base: Base, table_extra: u64) -> Self {
        let mut at = [At { shift: 0, index_mask: 0, flags: 0, first: 0, used: 0, key: None }; MAX_LEVELS];
        let mut level = 0;
        while level < format.levels {
            at[level].shift = format.level[level].shift;
            at[level].index_mask = (1 << format.index_bits(level)) - 1;
            at[level].flags = format.pointer_flags(level, table_extra);
            at[level].first = shape.first(level);
            level += 1;
        }
        let root = [shape.root(false), shape.root(format.split_roots)];
        Self { format, base, at, root, slots_of_table: slots_of(format), sequence: Sequence::new() }
    }

    const fn write(&mut self, step: &Step, slots: &mut [Slot]) {
        let At { shift, index_mask, .. } = self.at[step.level];
        let root = self.root[self.format.is_upper(step.virt) as usize];
        let (mut virt, mut phys, mut left) = (step.virt, step.phys, step.count);
        while left > 0 {
            let table = self.descend(root, virt, step.level, slots);
            let index = virt >> shift & index_mask;
            let room = index_mask + 1 - index;
            let n = if left < room { left } else { room };
            if step.flags != 0 {
                self.leaves(step, table, index as usize, n as usize, phys, slots);
            }
            virt = virt.wrapping_add(n << shift);
            phys = phys.wrapping_add(n << shift);
            left -= n;
        }
    }

    /// The number of the table at `level` for `virt`, linking the tables on the way that are new.
    const fn descend(&mut self, root: usize, virt: u64, level: usize, slots: &mut [Slot]) -> usize {
        let mut table = root;
        let mut l = self.format.levels - 1;
        while l > level {
            let above = self.at[l];
            l -= 1;
            let key = virt >> above.shift;
            let here = self.at[l];
            let known = matches!(here.key, Some(known) if known == key);
            let child = here.first + here.used - known as usize;
            if !known {
                self.at[l].key = Some(key);
                self.at[l].used += 1;
                let entry = self.base.entry(self.format, (child as u64) << self.format.table_shift, above.flags);
                put(self.format, slots, table, (key & above.index_mask) as usize, entry);
            }
            table = child;
        }
        table
    }

    /// `n` leaves from `index` of `table` on.
    const fn leaves(&mut self, step: &Step, table: usize, index: usize, n: usize, phys: u64, slots: &mut [Slot]) {
        let address = self.format.address;
        let size = 1 << self.at[step.level].shift;
        let stride = size >> address.shift_right;
        let first = address.encode(phys);
        let last = address.encode(phys.wrapping_add((n as u64 - 1) * size));
        // The words form an arithmetic sequence unless the address has a second field that changes on the way.
        let even = step.fold == 0 && last.wrapping_sub(first) == (n as u64 - 1) * stride;
        if even && self.format.entry_bytes == 8 {
            let start = table * self.slots_of_table + index;
            self.sequence.write(slots, start, n, first | step.flags, stride);
            return;
        }
        let mut i = 0;
        while i < n {
            let mut phys = phys.wrapping_add(i as u64 * size);
            if step.fold != 0 {
                phys &= !(step.fold - 1);
            }
            put(self.format, slots, table, index + i, Slot::word(step.flags | address.encode(phys)));
            i += 1;
        }
    }
}

/// Slots of one table below the root.
const fn slots_of(format: &Format) -> usize {
    format.table_size() as usize / size_of::<Slot>()
}

/// Stores one entry. Two four-byte entries share a slot, the even one in the lower half.
const fn put(format: &Format, slots: &mut [Slot], table: usize, index: usize, entry: Slot) {
    let first = table * slots_of(format);
    if format.entry_bytes == 8 {
        slots[first + index] = entry;
    } else {
        slots[first + index / 2].set_half(index % 2, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regime::Regime;
    use crate::riscv::Sv39;
    use crate::{x86::Legacy32, x86_64::Level4};

    /// All accesses through the slot pass this entry, and the rights of x86 are those that every level grants.
    #[test]
    fn a_recursive_entry_shows_the_tables_to_the_kernel_alone() {
        let mut slots = [Slot::ABSENT; 512];
        self_map(&Level4::FORMAT, Base::At(0x20_0000), 0, 510, &mut slots);
        assert_eq!(slots[510].get(), 1 << 63 | 0x20_0003);
        self_map(&Legacy32::FORMAT, Base::At(0x20_0000), 0, 1023, &mut slots);
        assert_eq!(slots[511].get(), 0x20_0003 << 32);
    }

    /// The linker shifts the whole link address, in the upper half and below the physical one alike.
    #[test]
    fn a_linked_entry_holds_the_physical_address() {
        let format = <Sv39 as Regime>::FORMAT;
        let tables: u64 = 0x8040_0000;
        for (virt, phys) in
            [(0xffff_ffff_8000_0000, 0x8000_0000), (0x1000_0000, 0x8000_0000), (0x8000_0000, 0x8000_0000)]
        {
            let link = (tables - phys).wrapping_add(virt);
            let delta = i128::from(virt) - i128::from(phys);
            let symbol = core::ptr::without_provenance((link >> 2) as usize);
            let entry = Base::Linked { symbol, delta }.entry(&format, 0x3000, 1).get();
            assert_eq!(entry, format.encode_table(1, tables + 0x3000), "{virt:#x}");
        }
    }
}
