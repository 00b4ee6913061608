//! Tables written by hand: shifts, pointers and leaves as the manuals have them, nothing of the library's formats.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tablature::addr::PhysAddr;
use tablature::edit::{Reader, Roots};
use tablature::regime::Regime;

/// A kind of tables.
pub(crate) struct Machine {
    /// Shift of each level, the root first.
    pub(crate) shifts: &'static [u32],
    /// Index bits of the root, and of the other tables.
    pub(crate) bits: (u32, u32),
    pub(crate) entry_bytes: u64,
    /// A pointer from the level of that shift to a table.
    pub(crate) pointer: fn(u32, u64) -> u64,
    /// A leaf of the level of that shift: writable data of the kernel, or, with `true`, read-only.
    pub(crate) leaf: fn(u32, u64, bool) -> u64,
    /// The first address of the upper half, and whether it has a root of its own.
    pub(crate) upper: Option<(u64, bool)>,
    /// Where data lies.
    pub(crate) phys: u64,
}

const PHYS: u64 = 0x000f_ffff_ffff_f000;
const XN2: u64 = 3 << 53;
const NX: u64 = 1 << 63;

const fn x86_leaf(shift: u32, phys: u64, read_only: bool) -> u64 {
    let large = if shift > 12 { 0x80 } else { 0 };
    phys | NX | large | if read_only { 1 } else { 3 }
}

const fn arm_leaf(shift: u32, phys: u64, read_only: bool, page: u32) -> u64 {
    let block = if shift > page { 0x701 } else { 0x703 };
    phys | XN2 | block | 1 << 2 | if read_only { 0x80 } else { 0 }
}

const fn riscv_leaf(_: u32, phys: u64, read_only: bool) -> u64 {
    phys >> 2 | if read_only { 0xc3 } else { 0xc7 }
}

pub(crate) const LEVEL4: Machine = Machine {
    shifts: &[39, 30, 21, 12],
    bits: (9, 9),
    entry_bytes: 8,
    pointer: |_, table| table | 7,
    leaf: x86_leaf,
    upper: Some((0xffff_8000_0000_0000, false)),
    phys: 0x4000_0000,
};

pub(crate) const LEVEL5: Machine =
    Machine { shifts: &[48, 39, 30, 21, 12], upper: Some((0xff00_0000_0000_0000, false)), ..LEVEL4 };

pub(crate) const EPT: Machine = Machine {
    leaf: |shift, phys, read_only| phys | 0x30 | if shift > 12 { 0x80 } else { 0 } | if read_only { 1 } else { 3 },
    upper: None,
    ..LEVEL4
};

pub(crate) const PAE: Machine = Machine {
    shifts: &[30, 21, 12],
    bits: (2, 9),
    pointer: |shift, table| table | if shift == 30 { 1 } else { 7 },
    upper: None,
    ..LEVEL4
};

pub(crate) const LEGACY: Machine = Machine {
    shifts: &[22, 12],
    bits: (10, 10),
    entry_bytes: 4,
    leaf: |shift, phys, read_only| x86_leaf(shift, phys, read_only) & !NX,
    upper: None,
    ..LEVEL4
};

pub(crate) const ARM_4K: Machine = Machine {
    shifts: &[30, 21, 12],
    bits: (9, 9),
    entry_bytes: 8,
    pointer: |_, table| table | 3,
    leaf: |shift, phys, read_only| arm_leaf(shift, phys, read_only, 12),
    upper: Some((0xffff_ff80_0000_0000, true)),
    phys: 0x4000_0000,
};

pub(crate) const ARM_16K: Machine = Machine {
    shifts: &[36, 25, 14],
    bits: (11, 11),
    leaf: |shift, phys, read_only| arm_leaf(shift, phys, read_only, 14),
    upper: Some((0xffff_8000_0000_0000, true)),
    ..ARM_4K
};

pub(crate) const ARM_64K: Machine = Machine {
    shifts: &[42, 29, 16],
    bits: (6, 13),
    leaf: |shift, phys, read_only| arm_leaf(shift, phys, read_only, 16),
    upper: Some((0xffff_0000_0000_0000, true)),
    ..ARM_4K
};

/// Output address bits 51:50 are bits 9:8 of the descriptor, which hold shareability elsewhere.
pub(crate) const ARM_LPA2: Machine = Machine {
    shifts: &[48, 39, 30, 21, 12],
    bits: (4, 9),
    pointer: |_, table| table & ((1 << 50) - 1) | (table >> 50) << 8 | 3,
    leaf: |shift, phys, read_only| arm_leaf(shift, phys & ((1 << 50) - 1), read_only, 12) & !0x300 | (phys >> 50) << 8,
    upper: Some((0xfff0_0000_0000_0000, true)),
    phys: 0xc_0000_4000_0000,
    ..ARM_4K
};

/// A root of two tables side by side.
pub(crate) const STAGE2: Machine = Machine {
    bits: (10, 9),
    leaf: |shift, phys, read_only| {
        phys | 1 << 54 | if shift > 12 { 0x7fd } else { 0x7ff } & !if read_only { 0x80 } else { 0 }
    },
    upper: None,
    ..ARM_4K
};

pub(crate) const LPAE: Machine = Machine { bits: (2, 9), upper: None, ..ARM_4K };

/// Sections of 1 MiB have their fields elsewhere than pages.
pub(crate) const SHORT: Machine = Machine {
    shifts: &[20, 12],
    bits: (12, 8),
    entry_bytes: 4,
    pointer: |_, table| table | 1,
    leaf: |shift, phys, read_only| match shift {
        20 => phys | 0x1_141e | if read_only { 0x8000 } else { 0 },
        _ => phys | 0x45f | if read_only { 0x200 } else { 0 },
    },
    upper: None,
    phys: 0x4000_0000,
};

pub(crate) const SV39: Machine = Machine {
    shifts: &[30, 21, 12],
    bits: (9, 9),
    entry_bytes: 8,
    pointer: |_, table| table >> 2 | 1,
    leaf: riscv_leaf,
    upper: Some((0xffff_ffc0_0000_0000, false)),
    phys: 0x4000_0000,
};

/// A root of four tables side by side, and leaves that all are the user's.
pub(crate) const SV39X4: Machine = Machine {
    bits: (11, 9),
    leaf: |shift, phys, read_only| riscv_leaf(shift, phys, read_only) | 0x10,
    upper: None,
    ..SV39
};

pub(crate) const SV48: Machine =
    Machine { shifts: &[39, 30, 21, 12], upper: Some((0xffff_8000_0000_0000, false)), ..SV39 };

pub(crate) const SV32: Machine = Machine { shifts: &[22, 12], bits: (10, 10), entry_bytes: 4, upper: None, ..SV39 };

pub(crate) const LA64: Machine = Machine {
    shifts: &[39, 30, 21, 12],
    bits: (9, 9),
    entry_bytes: 8,
    pointer: |_, table| table & PHYS,
    leaf: |shift, phys, read_only| {
        phys | 1 << 62 | if shift > 12 { 0xd1 } else { 0x91 } | if read_only { 0 } else { 0x102 }
    },
    upper: Some((0xffff_8000_0000_0000, true)),
    phys: 0x4000_0000,
};

impl Machine {
    pub(crate) fn page(&self) -> u64 {
        1 << self.shifts[self.shifts.len() - 1]
    }

    /// Bytes of a leaf one level above the pages.
    pub(crate) fn large(&self) -> u64 {
        1 << self.shifts[self.shifts.len() - 2]
    }

    /// The last address of the lower half.
    pub(crate) fn lower_last(&self) -> u64 {
        let bits = self.shifts[0] + self.bits.0;
        match self.upper {
            Some((start, _)) => !start,
            None => (1 << bits) - 1,
        }
    }
}

/// Tables of one machine in memory that starts at `BASE`.
pub(crate) struct Tables {
    pub(crate) machine: &'static Machine,
    pub(crate) words: RefCell<BTreeMap<u64, u64>>,
    next: u64,
    pub(crate) roots: Roots,
}

pub(crate) const BASE: u64 = 0x100_0000;

impl Tables {
    pub(crate) fn new(machine: &'static Machine) -> Self {
        let mut tables = Self {
            machine,
            words: RefCell::new(BTreeMap::new()),
            next: BASE,
            roots: Roots { lower: None, upper: None },
        };
        tables.roots.lower = Some(tables.table());
        if let Some((_, true)) = machine.upper {
            tables.roots.upper = Some(tables.table());
        }
        tables
    }

    /// A new table: memory of the largest granule.
    fn table(&mut self) -> u64 {
        self.next += 0x1_0000;
        self.next - 0x1_0000
    }

    pub(crate) fn root_of(&self, virt: u64) -> u64 {
        let upper = matches!(self.machine.upper, Some((start, true)) if virt >= start);
        (if upper { self.roots.upper } else { self.roots.lower }).expect("a root")
    }

    fn index(&self, virt: u64, level: usize) -> u64 {
        let bits = if level == 0 { self.machine.bits.0 } else { self.machine.bits.1 };
        virt >> self.machine.shifts[level] & ((1 << bits) - 1)
    }

    /// The place of the entry for `virt` in the table of the level of that shift; tables on the way are made.
    pub(crate) fn place(&mut self, virt: u64, shift: u32) -> u64 {
        let machine = self.machine;
        let mut table = self.root_of(virt);
        let mut level = 0;
        loop {
            let place = table + self.index(virt, level) * machine.entry_bytes;
            if machine.shifts[level] == shift {
                return place;
            }
            let known = self.words.borrow().get(&(place | 1)).copied();
            table = known.unwrap_or_else(|| {
                let table = self.table();
                self.set(place, (machine.pointer)(machine.shifts[level], table));
                // The same at an odd address, as a note for the builder.
                self.set(place | 1, table);
                table
            });
            level += 1;
        }
    }

    pub(crate) fn set(&self, place: u64, word: u64) {
        self.words.borrow_mut().insert(place, word);
    }

    /// Maps one leaf of the size `1 << shift`.
    pub(crate) fn leaf(&mut self, virt: u64, phys: u64, shift: u32, read_only: bool) {
        let place = self.place(virt, shift);
        self.set(place, (self.machine.leaf)(shift, phys, read_only));
    }

    /// Maps `size` bytes with the largest leaves of two sizes.
    pub(crate) fn map(&mut self, virt: u64, phys: u64, size: u64, read_only: bool) {
        let shifts = self.machine.shifts;
        let (page, large) = (shifts[shifts.len() - 1], shifts[shifts.len() - 2]);
        let mut done = 0;
        while done < size {
            let fits =
                |shift: u32| ((virt + done) | (phys + done)) & ((1 << shift) - 1) == 0 && size - done >= 1 << shift;
            let shift = if fits(large) { large } else { page };
            self.leaf(virt + done, phys + done, shift, read_only);
            done += 1 << shift;
        }
    }

    /// A reader of them. Memory ends where the tables do.
    pub(crate) fn reader<R: Regime>(&self) -> Reader<R, impl Fn(PhysAddr) -> Option<u64> + Copy + '_> {
        Reader::new(self.roots, |address: PhysAddr| {
            let address = address.as_u64();
            (BASE..self.next).contains(&address).then(|| self.words.borrow().get(&address).copied().unwrap_or(0))
        })
    }
}

/// Calls a test with each regime and its machine.
macro_rules! every_machine {
    ($($test:ident)*) => {$(
        #[test]
        fn $test() {
            use crate::machine::*;
            use tablature::aarch64::{El1, G4K, G16K, G64K};
            use tablature::attr::Features;
            use tablature::regime::With;
            type Lpa2 = With<El1<G4K, 52>, { Features::LPA2.bits() }>;

            super::$test::<tablature::x86_64::Level4>(&LEVEL4);
            super::$test::<tablature::x86_64::Level5>(&LEVEL5);
            super::$test::<tablature::x86_64::Ept4>(&EPT);
            super::$test::<tablature::x86::Pae>(&PAE);
            super::$test::<tablature::x86::Legacy32>(&LEGACY);
            super::$test::<El1<G4K, 39>>(&ARM_4K);
            super::$test::<El1<G16K, 47>>(&ARM_16K);
            super::$test::<El1<G64K, 48>>(&ARM_64K);
            super::$test::<Lpa2>(&ARM_LPA2);
            super::$test::<tablature::armv7::Lpae>(&LPAE);
            super::$test::<tablature::armv7::Short>(&SHORT);
            super::$test::<tablature::riscv::Sv32>(&SV32);
            super::$test::<tablature::riscv::Sv39>(&SV39);
            super::$test::<tablature::riscv::Sv48>(&SV48);
            super::$test::<tablature::riscv::Sv39x4>(&SV39X4);
            super::$test::<tablature::aarch64::Stage2<G4K, 40>>(&STAGE2);
            super::$test::<tablature::loongarch64::La64>(&LA64);
        }
    )*};
}
pub(crate) use every_machine;
