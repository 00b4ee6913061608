//! AArch64 (Arm ARM DDI 0487 L.b, C4.1).

use super::{Flow, Instruction, signed_field};

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
    Instruction { length: 4, flow, touches_memory: touches_memory(word), writes_mmu_control: is_sctlr_write(word) }
}

/// Loads and stores (op0 = x1x0), and the DC instructions that store: ZVA, GVA, GZVA.
fn touches_memory(word: u32) -> bool {
    let is_load_store = word >> 25 & 0b0101 == 0b0100;
    let is_zeroing = word & 0xffff_ff00 == 0xd50b_7400 && matches!(word >> 5 & 7, 1 | 3 | 4);
    is_load_store || is_zeroing
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
        for word in [0xf900_0001, 0xf840_0400, 0xa9bf_7bfd, 0x5800_0000, 0xc85f_7c00, 0xf820_0000, 0xd50b_7420] {
            assert!(decode(0, word).touches_memory, "{word:#x}"); // str, ldr, stp, ldr literal, ldxr, ldadd, dc zva
        }
        for word in [0xd50b_7e20, 0xd508_7620, 0x9100_4000, 0xeb01_001f, 0xd503_3f9f] {
            assert!(!decode(0, word).touches_memory, "{word:#x}"); // dc civac, dc ivac, add, cmp, dsb
        }
    }

    #[test]
    fn the_control_register_is_seen() {
        assert!(decode(0, 0xd518_1000).writes_mmu_control); // msr sctlr_el1, x0
        assert!(!decode(0, 0xd538_1000).writes_mmu_control); // mrs x0, sctlr_el1
        assert!(!decode(0, 0xd518_2000).writes_mmu_control); // msr ttbr0_el1, x0
    }
}
