//! Waivers: of a rule that cannot be waived, of one that does not exist, and without a reason.

tablature::memory_map! {
    pub mod virt for aarch64::El1<G4K, 39>;

    physical {
        dram : 0x4000_0000, 1 GiB, normal;
    }
    space kernel {
        tables <= 8 in dram;
        a (rw)  : 0xffff_ff80_0000_0000 => dram, 2 MiB, waive(va_overlap, "they never meet");
        b (rw)  : 0xffff_ff80_0020_0000 => dram + 2 MiB, 2 MiB, waive(w_xor_x, "the self-test patches it");
        c (rwx) : 0xffff_ff80_0040_0000 => dram + 4 MiB, 2 MiB, waive(wx, "");
    }
}

fn main() {}
