//! What is not wrong but not right either.
#![deny(warnings)]
#![allow(deprecated)]

tablature::memory_map! {
    pub mod virt for aarch64::El1<G4K, 39>;

    physical {
        dram : 0x4000_0000, 1 GiB, normal;
        rtc  : 0x0901_0000, 4 KiB, device;
    }
    space kernel {
        tables <= 8 in dram, 256 KiB;
        text (rx) : 0xffff_ff80_0000_0000 => dram + 4 KiB, 8 MiB, waive(wx, "left over");
    }
}

fn main() {}
