//! The one kind of loop that may store before the MMU is on: start-up code that clears `.bss`.
//!
//! Such a loop is accepted if the range it can store to is a known number and holds no table. It has one register that
//! walks up, one guard that leaves the loop once that register reaches a bound, stores based on that register, and
//! nothing else; register and bound are constants where it is entered. Then no store goes below the first value, nor
//! beyond the larger of first value and bound by more than one round.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Encoding, signed_field};
use crate::elf::Image;

/// Instructions before a loop that are searched for its constants.
const SEARCHED: usize = 16;

/// What an instruction does to registers and memory, as far as such a loop needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Nothing,
    /// Sets a register to a constant.
    Set { register: u32, value: u64 },
    /// Sets a register to another one plus a constant.
    Add { register: u32, from: u32, value: i64 },
    /// Stores bytes at a register plus an offset, then adds to the register.
    Store { base: u32, offset: i64, bytes: u64, then: i64 },
    /// Compares two registers, for the branch behind it.
    Compare { left: u32, right: u32 },
    /// A branch that is taken if the first register is not below the second (unsigned), or if it is.
    Test { operands: Option<(u32, u32)>, taken_below: bool },
    /// Anything else.
    Other,
}

/// The effect of the instruction at an address.
pub(super) fn effect(encoding: Encoding, image: &Image, address: u64) -> Effect {
    let Some(bytes) = image.code_at(address) else { return Effect::Other };
    let word =
        |n: usize| bytes.get(..n).map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)));
    match encoding {
        Encoding::Aarch64 => word(4).map_or(Effect::Other, |word| aarch64(address, word)),
        Encoding::Riscv => match word(2) {
            Some(half) if half & 3 != 3 => compressed(half),
            _ => word(4).map_or(Effect::Other, |word| riscv(address, word)),
        },
        Encoding::X86 | Encoding::X86Long => Effect::Other,
    }
}

/// AArch64: ADR, ADRP, ADD, CMP, STR, STP, NOP, B, B.HS, B.LO (Arm ARM DDI 0487 L.b, C6.2).
fn aarch64(address: u64, word: u32) -> Effect {
    let (d, n) = (word & 31, word >> 5 & 31);
    let page_offset = signed_field(word, 5, 19) << 2 | i64::from(word >> 29 & 3);
    match word {
        _ if word & 0x9f00_0000 == 0x1000_0000 => {
            Effect::Set { register: d, value: address.wrapping_add_signed(page_offset) }
        }
        _ if word & 0x9f00_0000 == 0x9000_0000 => {
            Effect::Set { register: d, value: (address & !0xfff).wrapping_add_signed(page_offset << 12) }
        }
        // Register 31 is the stack pointer here.
        _ if word & 0xff80_0000 == 0x9100_0000 && d != 31 && n != 31 => {
            let value = i64::from(word >> 10 & 0xfff) << (12 * (word >> 22 & 1));
            Effect::Add { register: d, from: n, value }
        }
        _ if word & 0xffe0_fc1f == 0xeb00_001f => Effect::Compare { left: n, right: word >> 16 & 31 },
        _ if word & 0xffc0_0000 == 0xf900_0000 => {
            Effect::Store { base: n, offset: i64::from(word >> 10 & 0xfff) * 8, bytes: 8, then: 0 }
        }
        _ if word & 0xffe0_0c00 == 0xf800_0400 => {
            Effect::Store { base: n, offset: 0, bytes: 8, then: signed_field(word, 12, 9) }
        }
        _ if word & 0xffc0_0000 == 0xa880_0000 => {
            Effect::Store { base: n, offset: 0, bytes: 16, then: signed_field(word, 15, 7) * 8 }
        }
        // NOP, which linkers leave where they shorten ADRP; B.
        _ if word == 0xd503_201f || word >> 26 == 0b00_0101 => Effect::Nothing,
        _ if word >> 24 == 0x54 && matches!(word & 31, 2 | 3) => {
            Effect::Test { operands: None, taken_below: word & 31 == 3 }
        }
        _ => Effect::Other,
    }
}

/// RISC-V: AUIPC, ADDI, SW, SD, JAL x0, BGEU, BLTU, and CSR instructions that set no register.
fn riscv(address: u64, word: u32) -> Effect {
    let (rd, rs1, rs2, funct) = (word >> 7 & 31, word >> 15 & 31, word >> 20 & 31, word >> 12 & 7);
    match word & 0x7f {
        0x17 => {
            let high = i64::from((word & 0xffff_f000) as i32);
            Effect::Set { register: rd, value: address.wrapping_add_signed(high) }
        }
        0x13 if funct == 0 => Effect::Add { register: rd, from: rs1, value: signed_field(word, 20, 12) },
        0x23 if matches!(funct, 2 | 3) => {
            let offset = signed_field(word, 25, 7) << 5 | i64::from(rd);
            Effect::Store { base: rs1, offset, bytes: 1 << funct, then: 0 }
        }
        0x6f if rd == 0 => Effect::Nothing,
        0x63 if matches!(funct, 6 | 7) => Effect::Test { operands: Some((rs1, rs2)), taken_below: funct == 6 },
        0x73 if funct != 0 && rd == 0 => Effect::Nothing,
        _ => Effect::Other,
    }
}

/// RISC-V, 16 bits: C.ADDI, C.J, C.MV.
fn compressed(half: u32) -> Effect {
    let rd = half >> 7 & 31;
    match (half & 3, half >> 13) {
        (1, 0) => {
            let value = signed_field(half, 12, 1) << 5 | i64::from(half >> 2 & 31);
            Effect::Add { register: rd, from: rd, value }
        }
        (1, 5) => Effect::Nothing,
        (2, 4) if half >> 12 & 1 == 0 && half >> 2 & 31 != 0 => {
            Effect::Add { register: rd, from: half >> 2 & 31, value: 0 }
        }
        _ => Effect::Other,
    }
}

/// A loop and what leads to it.
pub(super) struct Loop<'a> {
    pub(super) encoding: Encoding,
    pub(super) image: &'a Image,
    /// Its instructions.
    pub(super) members: &'a BTreeSet<u64>,
    /// Successors of every instruction of the function.
    pub(super) edges: &'a BTreeMap<u64, Vec<u64>>,
    /// Where the function is entered.
    pub(super) entry: u64,
}

impl Loop<'_> {
    /// The physical addresses that it can store to; `None` if it is not known to be of this kind.
    pub(super) fn stores_to(&self) -> Option<Range<u64>> {
        let (walker, bound) = self.guard()?;
        let (mut step, mut reach) = (0u64, 0u64);
        for at in self.members {
            match self.effect(*at) {
                Effect::Nothing | Effect::Compare { .. } | Effect::Test { .. } => {}
                Effect::Add { register, from, value } if register == walker && from == walker => {
                    step = step.checked_add(u64::try_from(value).ok()?)?;
                }
                Effect::Store { base, offset, bytes, then } if base == walker => {
                    reach = reach.max(u64::try_from(offset).ok()?.checked_add(bytes)?);
                    step = step.checked_add(u64::try_from(then).ok()?)?;
                }
                _ => return None,
            }
        }
        let registers = self.constants()?;
        let (first, bound) = (*registers.get(&walker)?, *registers.get(&bound)?);
        Some(first..first.max(bound).checked_add(step)?.checked_add(reach)?)
    }

    fn effect(&self, at: u64) -> Effect {
        effect(self.encoding, self.image, at)
    }

    /// The register that walks and the one that bounds it: every round passes one branch that stays in the loop only
    /// while the first is below the second.
    fn guard(&self) -> Option<(u32, u32)> {
        let mut guards = self.members.iter().filter_map(|at| match self.effect(*at) {
            Effect::Test { operands, taken_below } => Some((*at, operands, taken_below)),
            _ => None,
        });
        let (at, operands, taken_below) = guards.next()?;
        if guards.next().is_some() || self.has_round_without(at) {
            return None;
        }
        // By the order of `successors`: the next instruction, then the target.
        let [next, target] = self.edges.get(&at)?.as_slice() else { return None };
        let (below, above) = if taken_below { (target, next) } else { (next, target) };
        if !self.members.contains(below) || self.members.contains(above) {
            return None;
        }
        operands.or_else(|| self.compared_before(at))
    }

    /// The operands of the comparison whose only successor the branch at `at` is, the branch's only predecessor.
    fn compared_before(&self, at: u64) -> Option<(u32, u32)> {
        match (self.predecessors(at).as_slice(), self.effect(at.checked_sub(4)?)) {
            ([before], Effect::Compare { left, right }) if *before == at - 4 => Some((left, right)),
            _ => None,
        }
    }

    /// Whether the loop goes round on a path that avoids `guard`.
    fn has_round_without(&self, guard: u64) -> bool {
        self.members.iter().filter(|at| **at != guard).any(|start| {
            let mut seen = BTreeSet::new();
            let mut left = vec![*start];
            while let Some(at) = left.pop() {
                let targets = self.edges.get(&at).into_iter().flatten().copied();
                let inside = targets.filter(|to| *to != guard && self.members.contains(to));
                left.extend(inside.filter(|to| seen.insert(*to)));
            }
            seen.contains(start)
        })
    }

    fn predecessors(&self, at: u64) -> Vec<u64> {
        self.edges.iter().filter(|(_, targets)| targets.contains(&at)).map(|(from, _)| *from).collect()
    }

    /// Registers with known values where the loop is entered, which is at one place from one place.
    fn constants(&self) -> Option<BTreeMap<u32, u64>> {
        if self.members.contains(&self.entry) {
            return None;
        }
        let enters = |at: &u64| self.predecessors(*at).into_iter().filter(|from| !self.members.contains(from));
        let [before] = self.members.iter().flat_map(enters).collect::<Vec<_>>()[..] else { return None };
        let mut chain = vec![before];
        while chain.len() < SEARCHED {
            let last = *chain.last()?;
            match self.predecessors(last)[..] {
                [before] if last != self.entry => chain.push(before),
                _ => break,
            }
        }
        let mut registers = BTreeMap::new();
        for at in chain.into_iter().rev() {
            match self.effect(at) {
                Effect::Set { register, value } => {
                    registers.insert(register, value);
                }
                Effect::Add { register, from, value } => {
                    let sum = registers.get(&from).map(|base: &u64| base.wrapping_add_signed(value));
                    match sum {
                        Some(sum) => registers.insert(register, sum),
                        None => registers.remove(&register),
                    };
                }
                Effect::Nothing | Effect::Compare { .. } | Effect::Test { .. } => {}
                Effect::Store { then: 0, .. } => {}
                Effect::Store { .. } | Effect::Other => registers.clear(),
            }
        }
        Some(registers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::tests::{image, proof};
    use super::*;

    const RET: u32 = 0xd65f_03c0;

    /// What aarch64-rt does: x29 from 0x4000_1000 to x30 = 0x4000_1020, then install_map.
    const CLEAR: [u32; 13] = [
        0xb000_001d, // adrp x29, 0x4000_1000
        0x9100_03bd, // add x29, x29, #0
        0xb000_001e, // adrp x30, 0x4000_1000
        0x9100_83de, // add x30, x30, #0x20
        0xeb1e_03bf, // cmp x29, x30
        0x5400_0062, // b.hs .+12
        0xa881_7fbf, // stp xzr, xzr, [x29], #16
        0x17ff_fffd, // b .-12
        0x9400_0003, // bl install_map
        0xd420_0020,
        0xd420_0020,
        0xd518_1000, // install_map: msr sctlr_el1, x0
        RET,
    ];

    #[test]
    fn clearing_memory_beside_the_tables_is_accepted() {
        let image = image(&CLEAR, 11);
        assert_eq!(proof(&image, 0x4000_1040..0x4000_2000).expect("beside").clears, 1);
        assert_eq!(proof(&image, 0x4000_0800..0x4000_1000).expect("below").clears, 1);
    }

    #[test]
    fn addresses_that_the_linker_shortened_are_read() {
        let mut words = CLEAR;
        words[..4].copy_from_slice(&[0xd503_201f, 0x1000_7ffd, 0xd503_201f, 0x1000_80be]); // adr x29, .+0xffc; adr x30, .+0x1014
        let error = proof(&image(&words, 11), 0x4000_1018..0x4000_2000).expect_err("it clears tables").to_string();
        assert!(error.contains("0x40001000..0x40001040"), "{error}");
    }

    #[test]
    fn clearing_tables_is_refused() {
        let image = image(&CLEAR, 11);
        for tables in [0x4000_1018..0x4000_2000, 0x4000_0000..0x4000_1001] {
            let error = proof(&image, tables).expect_err("it clears tables").to_string();
            assert!(error.contains("0x40000010"), "{error}");
        }
    }

    #[test]
    fn a_loop_without_known_bounds_is_refused() {
        let far = 0x5000_0000..0x5000_1000;
        for (index, word) in [
            (0, 0xf940_001du32), // ldr x29, [x0]: start unknown
            (3, 0xf940_001e),    // ldr x30, [x0]: bound unknown
            (5, 0x5400_0060),    // b.eq: another guard
            (6, 0xa8bf_7fbf),    // stp xzr, xzr, [x29], #-16: downwards
            (6, 0xa881_7c1f),    // stp xzr, xzr, [x0], #16: another base
            (7, 0xb4ff_ffe0),    // cbz x0, .-4: round without the guard
            (4, 0xeb1d_03df),    // cmp x30, x29: the wrong way round
        ] {
            let mut words = CLEAR;
            words[index] = word;
            proof(&image(&words, 11), far.clone()).expect_err(&format!("{word:#x} at {index}"));
        }
    }

    #[test]
    fn the_loop_of_a_riscv_start_is_read() {
        let words: [u32; 6] = [
            0x0000_1297, // auipc t0, 1
            0x0002_8293, // addi t0, t0, 0
            0x0000_1317, // auipc t1, 1
            0x0623_0313, // addi t1, t1, 98
            0x0062_f863, // bgeu t0, t1, .+16
            0x0002_b023, // sd zero, 0(t0)
        ];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend([0xa1, 0x02, 0xd5, 0xbf]); // c.addi t0, 8; c.j .-12
        let image = Image::flat(0x8000_0000, &bytes, &[]);
        let members: BTreeSet<u64> = [0x10, 0x14, 0x18, 0x1a].map(|offset| 0x8000_0000 + offset).into();
        let mut edges: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (from, to) in [(0, vec![4]), (4, vec![8]), (8, vec![12]), (12, vec![16]), (16, vec![20, 32])] {
            edges.insert(0x8000_0000 + from, to.into_iter().map(|to| 0x8000_0000 + to).collect());
        }
        edges.extend([
            (0x8000_0014, vec![0x8000_0018]),
            (0x8000_0018, vec![0x8000_001a]),
            (0x8000_001a, vec![0x8000_0010]),
        ]);
        let found =
            Loop { encoding: Encoding::Riscv, image: &image, members: &members, edges: &edges, entry: 0x8000_0000 };
        assert_eq!(found.stores_to(), Some(0x8000_1000..0x8000_106a + 16));
    }
}
