//! From one declared space to another.

use tablature::space::{Destination, Switcher};

macro_rules! partitions {
    ($regime:path $(, $feature:ident)*) => {
        tablature::memory_map! {
            /// Two partitions.
            pub mod partitions for $regime;
            cpu { features = [$($feature),*]; }
            physical { dram : 0x8000_0000, 1 GiB, normal; }
            space one (user) {
                asid 1;
                tables at dram + 8 MiB;
                code (rx, user) : 0x1_0000 => dram, 2 MiB;
            }
            space other (user) {
                asid 2;
                tables at dram + 9 MiB;
                code (rx, user) : 0x1_0000 => dram + 4 MiB, 2 MiB;
            }
        }
    };
}

#[cfg(target_arch = "aarch64")]
partitions!(aarch64::El1<G4K, 39>);
#[cfg(target_arch = "riscv64")]
partitions!(riscv::Sv39);
#[cfg(target_arch = "x86_64")]
partitions!(x86_64::Level4, nx, pcid);

/// A space that has the kernel of these.
pub type Family = partitions::one::Space;

/// Makes another space of the family live.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn notation_switch(core: &mut Switcher<Family>, to: &Destination<Family>) {
    core.switch(to);
}

// It is the word that is written, and the proof is nothing.
const _: () = {
    assert!(size_of::<Destination<Family>>() == size_of::<u64>());
    assert!(size_of::<Switcher<Family>>() == 0);
};
