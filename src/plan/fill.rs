//! The words, written in one pass.

use crate::format::{Format, MAX_LEVELS};

use super::shape::Shape;
use super::slot::{Slot, sequence};
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
        /// Link address minus physical address.
        delta: u64,
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
                let add = (offset >> shift).wrapping_add(flags).wrapping_sub(delta >> shift);
                Slot::link(symbol.wrapping_byte_add(add as usize))
            }
        }
    }
}

/// Writes the tables of a space whose shape and steps these are, into `slots`: all of [`Shape::tables`], absent before.
///
/// `table_extra` are bits that each table pointer gets beside those it must have (a preset accessed bit).
/// The cost is one store for each leaf and each table.
pub const fn fill(format: &Format, shape: &Shape, steps: &[Step], base: Base, table_extra: u64, slots: &mut [Slot]) {
    let mut path = Path { format, shape, base, table_extra, key: [None; MAX_LEVELS], used: [0; MAX_LEVELS] };
    let mut i = 0;
    while i < steps.len() {
        path.write(&steps[i], slots);
        i += 1;
    }
}

/// Writes the recursive entry of the root.
pub const fn self_map(format: &Format, base: Base, table_extra: u64, slot: u32, slots: &mut [Slot]) {
    let flags = format.level[format.levels - 1].table_set | table_extra;
    slots[slot as usize] = base.entry(format, 0, flags);
}

/// The tables from the root to the table of the last address written.
struct Path<'a> {
    format: &'a Format,
    shape: &'a Shape,
    base: Base,
    table_extra: u64,
    /// What each level's current table covers: the address shifted right.
    key: [Option<u64>; MAX_LEVELS],
    /// How many tables of each level are in use.
    used: [usize; MAX_LEVELS],
}

impl Path<'_> {
    const fn write(&mut self, step: &Step, slots: &mut [Slot]) {
        let size = self.format.level[step.level].size();
        let entries = 1usize << self.format.index_bits(step.level);
        let (mut virt, mut phys, mut left) = (step.virt, step.phys, step.count);
        while left > 0 {
            let table = self.descend(virt, step.level, slots);
            let index = self.format.index(virt, step.level);
            let room = (entries - index) as u64;
            let n = if left < room { left } else { room };
            if step.flags != 0 {
                self.leaves(step, table, index, n as usize, phys, slots);
            }
            virt = virt.wrapping_add(n * size);
            phys = phys.wrapping_add(n * size);
            left -= n;
        }
    }

    /// The number of the table at `level` for `virt`, linking the tables on the way that are new.
    const fn descend(&mut self, virt: u64, level: usize, slots: &mut [Slot]) -> usize {
        let format = self.format;
        let mut table = self.shape.root(format.split_roots && format.is_upper(virt));
        let mut l = format.levels - 1;
        while l > level {
            let index = format.index(virt, l);
            let flags = format.level[l].table_set | self.table_extra;
            let key = virt >> format.level[l].shift;
            l -= 1;
            let first = self.shape.first(l);
            if !matches!(self.key[l], Some(known) if known == key) {
                let child = first + self.used[l];
                self.key[l] = Some(key);
                self.used[l] += 1;
                let entry = self.base.entry(format, child as u64 * format.table_size(), flags);
                put(format, slots, table, index, entry);
            }
            table = first + self.used[l] - 1;
        }
        table
    }

    /// `n` leaves from `index` of `table` on.
    const fn leaves(&self, step: &Step, table: usize, index: usize, n: usize, phys: u64, slots: &mut [Slot]) {
        let format = self.format;
        let size = format.level[step.level].size();
        let stride = size >> format.address.shift_right;
        let first = format.address.encode(phys);
        let last = format.address.encode(phys.wrapping_add((n as u64 - 1) * size));
        // The words form an arithmetic sequence unless the address has a second field that changes on the way.
        let even = step.fold == 0 && last.wrapping_sub(first) == (n as u64 - 1) * stride;
        if even && format.entry_bytes == 8 {
            let (_, rest) = slots.split_at_mut(table * slots_of(format) + index);
            sequence(rest, n, first | step.flags, stride);
            return;
        }
        let mut i = 0;
        while i < n {
            let mut address = phys.wrapping_add(i as u64 * size);
            if step.fold != 0 {
                address &= !(step.fold - 1);
            }
            put(format, slots, table, index + i, Slot::word(step.flags | format.address.encode(address)));
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
        let shift = (index % 2) * 32;
        let slot = &mut slots[first + index / 2];
        *slot = Slot::word(slot.get() & !(0xffff_ffff << shift) | (entry.get() & 0xffff_ffff) << shift);
    }
}
