//! RISC-V, RV64GC (Unprivileged ISA 20240411, chapters 2, 26 and 35; Privileged ISA 20240411, chapter 2).

use super::{Flow, Instruction, Touch, signed_field};
use crate::elf::Image;

/// CSR number of satp.
const SATP: u32 = 0x180;

/// One instruction; `None` where the bytes end.
pub(super) fn decode(image: &Image, address: u64, bytes: &[u8]) -> Option<Instruction> {
    let half = u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?);
    if half & 3 != 3 {
        return Some(compressed(address, u32::from(half)));
    }
    let word = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let plain = Instruction::plain(4);
    let to = |offset: i64| address.wrapping_add_signed(offset);
    Some(match word & 0x7f {
        0x63 => plain.flowing(Flow::Branch(to(branch_offset(word)))),
        0x6f => plain.flowing(link(word >> 7 & 31, to(jal_offset(word)))),
        0x67 => plain.flowing(indirect(image, address, word)),
        // LOAD, LOAD-FP; STORE, STORE-FP, based on sp or not; AMO.
        0x03 | 0x07 => Instruction { touch: Touch::Loads, ..plain },
        0x23 | 0x27 if word >> 15 & 31 == 2 => Instruction { touch: Touch::Stack, ..plain },
        0x23 | 0x27 | 0x2f => Instruction { touch: Touch::Stores, ..plain },
        // MISC-MEM: cbo.zero stores.
        0x0f if word >> 12 & 7 == 2 && word >> 20 == 4 => Instruction { touch: Touch::Stores, ..plain },
        0x73 => system(word),
        _ => plain,
    })
}

/// ebreak, mret, sret, unimp, CSR instructions.
fn system(word: u32) -> Instruction {
    let plain = Instruction::plain(4);
    match word {
        0x0010_0073 | 0xc000_1073 => plain.flowing(Flow::Stop),
        0x3020_0073 | 0x1020_0073 => plain.flowing(Flow::Unknown),
        _ => {
            let is_csr = word >> 12 & 3 != 0;
            // csrrs and csrrc with x0 or 0 only read.
            let writes = word >> 12 & 3 == 1 || word >> 15 & 31 != 0;
            Instruction { writes_mmu_control: is_csr && writes && word >> 20 == SATP, ..plain }
        }
    }
}

/// A jump with or without a link.
const fn link(register: u32, target: u64) -> Flow {
    if register == 0 { Flow::Jump(target) } else { Flow::Call(target) }
}

/// JALR: a return by `ra`; a far jump or call if the `auipc` that makes its base stands before it.
fn indirect(image: &Image, address: u64, word: u32) -> Flow {
    let (rd, rs) = (word >> 7 & 31, word >> 15 & 31);
    if rd == 0 && rs == 1 {
        return Flow::Return;
    }
    let before = address.checked_sub(4).and_then(|before| image.code_at(before)).and_then(|bytes| bytes.get(..4));
    let before = before.and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    match before {
        Some(auipc) if auipc & 0x7f == 0x17 && auipc >> 7 & 31 == rs => {
            let high = i64::from((auipc & 0xffff_f000) as i32);
            link(rd, (address - 4).wrapping_add_signed(high).wrapping_add_signed(signed_field(word, 20, 12)))
        }
        _ if rd == 0 => Flow::Unknown,
        _ => Flow::UnknownCall,
    }
}

/// The 16-bit instructions.
fn compressed(address: u64, half: u32) -> Instruction {
    let plain = Instruction::plain(2);
    let to = |offset: i64| address.wrapping_add_signed(offset);
    let touching = |touch| Instruction { touch, ..plain };
    match (half & 3, half >> 13) {
        _ if half == 0 || half == 0x9002 => plain.flowing(Flow::Stop),
        // c.addi4spn computes; the rest of quadrant 0 loads and stores.
        (0, 0) => plain,
        (0, 1..=3) => touching(Touch::Loads),
        (0, _) => touching(Touch::Stores),
        (1, 5) => plain.flowing(Flow::Jump(to(c_jump_offset(half)))),
        (1, 6 | 7) => plain.flowing(Flow::Branch(to(c_branch_offset(half)))),
        // Relative to sp.
        (2, 1..=3) => touching(Touch::Loads),
        (2, 5..=7) => touching(Touch::Stack),
        // c.jr and c.jalr have no second register.
        (2, 4) if half >> 2 & 31 == 0 && half >> 7 & 31 != 0 => plain.flowing(match (half >> 12 & 1, half >> 7 & 31) {
            (0, 1) => Flow::Return,
            (0, _) => Flow::Unknown,
            _ => Flow::UnknownCall,
        }),
        _ => plain,
    }
}

/// imm[12|10:5] rs2 rs1 funct3 imm[4:1|11].
const fn branch_offset(word: u32) -> i64 {
    signed_field(word, 31, 1) << 12 | ((word >> 7 & 1) << 11 | (word >> 25 & 0x3f) << 5 | (word >> 8 & 0xf) << 1) as i64
}

/// imm[20|10:1|11|19:12] rd.
const fn jal_offset(word: u32) -> i64 {
    signed_field(word, 31, 1) << 20
        | ((word >> 12 & 0xff) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1) as i64
}

/// imm[11|4|9:8|10|6|7|3:1|5] in bits 12 to 2.
const fn c_jump_offset(half: u32) -> i64 {
    let low = (half >> 11 & 1) << 4
        | (half >> 9 & 3) << 8
        | (half >> 8 & 1) << 10
        | (half >> 7 & 1) << 6
        | (half >> 6 & 1) << 7
        | (half >> 3 & 7) << 1
        | (half >> 2 & 1) << 5;
    signed_field(half, 12, 1) << 11 | low as i64
}

/// imm[8|4:3] in bits 12 to 10, imm[7:6|2:1|5] in bits 6 to 2.
const fn c_branch_offset(half: u32) -> i64 {
    let low = (half >> 10 & 3) << 3 | (half >> 5 & 3) << 6 | (half >> 3 & 3) << 1 | (half >> 2 & 1) << 5;
    signed_field(half, 12, 1) << 8 | low as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_at(bytes: &[u8], offset: u64) -> Instruction {
        let image = Image::flat(0x1000, bytes, &[]);
        decode(&image, 0x1000 + offset, &bytes[offset as usize..]).expect("an instruction")
    }

    fn word(word: u32) -> Instruction {
        decode_at(&word.to_le_bytes(), 0)
    }

    fn half(half: u16) -> Instruction {
        decode_at(&half.to_le_bytes(), 0)
    }

    #[test]
    fn branches_go_where_the_assembler_sent_them() {
        assert_eq!(word(0xfe72_ece3).flow, Flow::Branch(0xff8)); // bltu t0, t2, .-8
        assert_eq!(word(0xff9f_f06f).flow, Flow::Jump(0xff8)); // j .-8
        assert_eq!(word(0x0100_00ef).flow, Flow::Call(0x1010)); // jal ra, .+16
        assert_eq!(word(0x0000_8067).flow, Flow::Return); // ret
        assert_eq!(word(0x0002_8067).flow, Flow::Unknown); // jr t0
        assert_eq!(half(0xbfe5).flow, Flow::Jump(0xff8)); // c.j .-8
        assert_eq!(half(0xdd65).flow, Flow::Branch(0xff8)); // c.beqz a0, .-8
        assert_eq!(half(0x8082).flow, Flow::Return); // c.jr ra
        assert_eq!(half(0x9282).flow, Flow::UnknownCall); // c.jalr t0
        assert_eq!(half(0x9002).flow, Flow::Stop); // c.ebreak
        assert_eq!(half(0).flow, Flow::Stop);
    }

    #[test]
    fn a_far_call_is_read_with_its_first_half() {
        let mut bytes = 0x0000_0097u32.to_le_bytes().to_vec(); // auipc ra, 0
        bytes.extend(0x0180_80e7u32.to_le_bytes()); // jalr ra, 24(ra)
        assert_eq!(decode_at(&bytes, 4).flow, Flow::Call(0x1018));
    }

    #[test]
    fn loads_and_stores_are_seen() {
        assert_eq!(word(0x0002_b023).touch, Touch::Stores); // sd zero, 0(t0)
        assert_eq!(word(0x0002_b283).touch, Touch::Loads); // ld t0, 0(t0)
        assert_eq!(word(0x0011_3423).touch, Touch::Stack); // sd ra, 8(sp)
        assert_eq!(word(0x0045_200f).touch, Touch::Stores); // cbo.zero (a0)
        assert_eq!(word(0x00b5_302f).touch, Touch::Stores); // amoadd.d zero, a1, (a0)
        assert_eq!(half(0xe388).touch, Touch::Stores); // c.sd a0, 0(a5)
        assert_eq!(half(0x6388).touch, Touch::Loads); // c.ld a0, 0(a5)
        assert_eq!(half(0xe022).touch, Touch::Stack); // c.sdsp s0, 0(sp)
        for other in [0x1200_0073, 0x0025_200f, 0x0082_8293] {
            assert_eq!(word(other).touch, Touch::Nothing, "{other:#x}"); // sfence.vma, cbo.flush (a0), addi
        }
        assert_eq!(half(0x1000).touch, Touch::Nothing); // c.addi4spn
    }

    #[test]
    fn satp_is_seen_where_it_is_written() {
        assert!(word(0x1805_1073).writes_mmu_control); // csrw satp, a0
        assert!(!word(0x1800_2573).writes_mmu_control); // csrr a0, satp
        assert!(!word(0x1000_1073).writes_mmu_control); // csrw sstatus, zero
    }
}
