//! AArch64 (Arm ARM DDI 0487 L.b, C4.1).

use super::{Flow, Instruction, Touch, signed_field};

/// One instruction.
pub(super) fn decode(address: u64, word: u32) -> Instruction {
    let to = |offset: i64| address.wrapping_add_signed(offset * 4);
    let flow = match word {
        // B, BL: C6.2.
        _ if word >> 26 == 0b00_0101 => Flow::Jump(to(signed_field(word, 0, 26))),
        _ if word >> 26 == 0b10_0101 => Flow::Call(to(signed_field(word, 0, 26))),
        // B.cond and BC.cond; CBZ and CBNZ; TBZ and TBNZ.
        _ if word >> 24 == 0x54 => Flow::Branch(to(signed_field(word, 5, 19))),
        _ if word & 0x7e00_0000 == 0x3400_0000 => Flow::Branch(to(signed_field(word, 5, 19))),
        _ if word & 0x7e00_0000 == 0x3600_0000 => Flow::Branch(to(signed_field(word, 5, 14))),
        // RET, with and without authentication; BLR likewise; every other branch to a register, and ERET.
        _ if word & 0xffff_f000 == 0xd65f_0000 => Flow::Return,
        _ if word & 0xfeff_f000 == 0xd63f_0000 => Flow::UnknownCall,
        _ if word & 0xfe00_0000 == 0xd600_0000 => Flow::Unknown,
        // UDF, BRK; HLT but for semihosting, which comes back.
        _ if word >> 16 == 0 || word & 0xffe0_001f == 0xd420_0000 => Flow::Stop,
        _ if word & 0xffe0_001f == 0xd440_0000 && word >> 5 & 0xffff != 0xf000 => Flow::Stop,
        // Memory copy and set (FEAT_MOPS): a loop of its own.
        _ if word & 0x3b20_0c00 == 0x1900_0400 => Flow::Branch(address),
        _ => Flow::Next,
    };
    Instruction { length: 4, flow, touch: touch(word), writes_mmu_control: is_sctlr_write(word) }
}

/// Loads and stores (op0 = x1x0), and the DC instructions that store: ZVA, GVA, GZVA.
fn touch(word: u32) -> Touch {
    if word & 0xffff_ff00 == 0xd50b_7400 && matches!(word >> 5 & 7, 1 | 3 | 4) {
        return Touch::Stores;
    }
    if word >> 25 & 0b0101 != 0b0100 {
        return Touch::Nothing;
    }
    let is_load = match word >> 27 & 7 {
        // One register: opc is 00 in a store, and 10 in a store of 128 bits; atomics have bit 21 and no index.
        0b111 if word >> 24 & 1 == 0 && word >> 21 & 1 == 1 && word >> 10 & 3 == 0 => false,
        0b111 => word >> 22 & 3 != 0 && (word >> 30 != 0 || word >> 26 & 1 == 0 || word >> 22 & 3 != 2),
        // A pair: L; a literal.
        0b101 => word >> 22 & 1 == 1,
        0b011 => word >> 24 & 1 == 0,
        _ => false,
    };
    match (is_load, word >> 5 & 31) {
        (true, _) => Touch::Loads,
        // Base register 31 is the stack pointer, in the forms that are known here.
        (false, 31) if matches!(word >> 27 & 7, 0b111 | 0b101) => Touch::Stack,
        _ => Touch::Stores,
    }
}

/// MSR SCTLR_EL1, SCTLR_EL2 or SCTLR_EL3.
fn is_sctlr_write(word: u32) -> bool {
    matches!(word & 0xffff_ffe0, 0xd518_1000 | 0xd51c_1000 | 0xd51e_1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(word: u32) -> Flow {
        decode(0x1000, word).flow
    }

    #[test]
    fn branches_go_where_the_assembler_sent_them() {
        assert_eq!(flow(0x17ff_ffff), Flow::Jump(0xffc)); // b .-4
        assert_eq!(flow(0x9400_0002), Flow::Call(0x1008)); // bl .+8
        assert_eq!(flow(0x54ff_ffc3), Flow::Branch(0xff8)); // b.lo .-8
        assert_eq!(flow(0xb4ff_ffe0), Flow::Branch(0xffc)); // cbz x0, .-4
        assert_eq!(flow(0x3707_ffe0), Flow::Branch(0xffc)); // tbnz w0, #0, .-4
        assert_eq!(flow(0xd65f_03c0), Flow::Return); // ret
        assert_eq!(flow(0xd65f_0bff), Flow::Return); // retaa
        assert_eq!(flow(0xd63f_0100), Flow::UnknownCall); // blr x8
        assert_eq!(flow(0xd61f_0100), Flow::Unknown); // br x8
        assert_eq!(flow(0xd69f_03e0), Flow::Unknown); // eret
        assert_eq!(flow(0xd420_0020), Flow::Stop); // brk #1
        assert_eq!(flow(0xd45e_0000), Flow::Next); // hlt #0xf000
        assert_eq!(flow(0xd503_201f), Flow::Next); // nop
        assert_eq!(flow(0x19c2_4420), Flow::Branch(0x1000)); // setm [x0]!, x1!, x2
    }

    #[test]
    fn loads_and_stores_are_seen_and_maintenance_is_none() {
        let all = |touch: Touch, words: &[u32]| {
            for word in words {
                assert_eq!(decode(0, *word).touch, touch, "{word:#x}");
            }
        };
        // str, stxr, ldadd, dc zva, stp to x0, strb, str q0
        all(
            Touch::Stores,
            &[0xf900_0001, 0xc800_7c00, 0xf820_0000, 0xd50b_7420, 0xa900_0400, 0x3900_0001, 0x3d80_0000],
        );
        // ldr post-index, ldr literal, ldp, ldrb, ldrsw, ldr q0
        all(Touch::Loads, &[0xf840_0400, 0x5800_0000, 0xa940_7bfd, 0x3940_0001, 0xb980_0001, 0x3dc0_0000]);
        // stp x29, x30, [sp, #-16]!; str x0, [sp, #8]
        all(Touch::Stack, &[0xa9bf_7bfd, 0xf900_07e0]);
        // dc civac, dc ivac, add, cmp, dsb
        all(Touch::Nothing, &[0xd50b_7e20, 0xd508_7620, 0x9100_4000, 0xeb01_001f, 0xd503_3f9f]);
    }

    #[test]
    fn the_control_register_is_seen() {
        assert!(decode(0, 0xd518_1000).writes_mmu_control); // msr sctlr_el1, x0
        assert!(!decode(0, 0xd538_1000).writes_mmu_control); // mrs x0, sctlr_el1
        assert!(!decode(0, 0xd518_2000).writes_mmu_control); // msr ttbr0_el1, x0
    }
}
