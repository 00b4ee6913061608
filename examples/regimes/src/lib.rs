//! The memory maps of `edit-aarch64`, one for each regime of AArch64, all of one image.
#![no_std]

use tablature::map::Map;

/// Bytes.
const GIB: u64 = 1 << 30;

/// Declares the map of a regime that the firmware itself runs under: everything where it is.
macro_rules! declare {
    ($name:ident, $kind:ident<$granule:ident, $bits:tt>, { $($cpu:tt)* }, { $($half:tt)* }, { $($more:tt)* }) => {
        tablature::memory_map! {
            /// QEMU `virt` with 4 GiB of RAM.
            pub mod $name for aarch64::$kind<$granule, $bits>;
            cpu { $($cpu)* }
            physical {
                dram  : 0x4000_0000, 4 GiB, normal;
                uart0 : 0x0900_0000, 64 KiB, device;
            }
            space kernel {
                tables <= 16 in data;
                image firmware {
                    entry 0x4021_0000, symbol _start;
                    // What a guest runs has a region of its own in the second stage.
                    section ".guest"  (rx) in text, 64 KiB, keep ".text.guest";
                    section ".text"   (rx) in text + 64 KiB, 4 MiB - (64 KiB + 4), from ".init", from ".text";
                    // An instruction, to be probed.
                    section ".text_last" (rx) in text + (4 MiB - 4), keep ".text_last";
                    section ".rodata" (r)  in rodata, from ".rodata", from ".got";
                    section ".data"   (rw) in data, 12 MiB;
                    section ".bss"    (rw) in data + 12 MiB, nobits;
                    section ".stack"  (rw) in stack, reserve;
                }
                /// A null pointer faults.
                null   (guard) : 0x0, 64 KiB;
                uart0  (rw) : identity => uart0;
                text   (rx) : identity => dram + 0x20_0000, 4 MiB;
                rodata (r)  : identity => dram + 0x60_0000, 2 MiB;
                data   (rw) : identity => dram + 0x80_0000, 16 MiB;
                /// Tables that the edits need.
                pool   (rw) : identity => dram + 0x200_0000, 30 MiB;
                stack  (rw, stack) : identity => dram + 0x401_0000, 128 KiB, guard below 64 KiB;
                /// What the edits map.
                frames (rw) : identity => dram + 0x2000_0000, 2 GiB;
                $($half)*
            }
            $($more)*
        }
    };
}

/// Hands the regimes that the firmware itself can run under to a macro, each as
/// `NAME: LEVEL, KIND<GRANULE, BITS>, { what the CPU has }, { what is in the upper half };`.
///
/// Features that change what is flushed, and how, are spread over the regimes. Ranges are not asked for with VHE: with
/// HCR_EL2.E2H set, QEMU before 8.1 invalidates by RVAE2 what EL2 without it has cached.
#[macro_export]
macro_rules! own {
    ($then:ident) => {
        $then! {
                el1_4k_39: El1, El1<G4K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el1_4k_48: El1, El1<G4K, 48>, { features = [bbml2]; }, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el1_4k_52: El1, El1<G4K, 52>, { features = [lpa2, tlbirange]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el1_16k_39: El1, El1<G16K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el1_16k_48: El1, El1<G16K, 48>, { features = [tlbirange]; }, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el1_16k_52: El1, El1<G16K, 52>, { features = [lpa2]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el1_64k_39: El1, El1<G64K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el1_64k_48: El1, El1<G64K, 48>, { features = [tlbirange, bbml2]; }, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el1_64k_52: El1, El1<G64K, 52>, { features = [lva, lpa]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_4k_39: El1, El2And0<G4K, 39>, { features = [bbml2]; }, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_4k_48: El1, El2And0<G4K, 48>, {}, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_4k_52: El1, El2And0<G4K, 52>, { features = [lpa2]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_16k_39: El1, El2And0<G16K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_16k_48: El1, El2And0<G16K, 48>, {}, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_16k_52: El1, El2And0<G16K, 52>, { features = [lpa2]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_64k_39: El1, El2And0<G64K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_64k_48: El1, El2And0<G64K, 48>, {}, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                vhe_64k_52: El1, El2And0<G64K, 52>, { features = [lva, lpa, bbml2]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
                el2_4k_39: El2, El2<G4K, 39>, {}, {};
                el2_4k_48: El2, El2<G4K, 48>, { features = [bbml2]; }, {};
                el2_4k_52: El2, El2<G4K, 52>, { features = [lpa2, tlbirange]; }, {};
                el2_16k_39: El2, El2<G16K, 39>, { features = [tlbirange]; }, {};
                el2_16k_48: El2, El2<G16K, 48>, {}, {};
                el2_16k_52: El2, El2<G16K, 52>, { features = [lpa2]; }, {};
                el2_64k_39: El2, El2<G64K, 39>, {}, {};
                el2_64k_48: El2, El2<G64K, 48>, {}, {};
                el2_64k_52: El2, El2<G64K, 52>, { features = [lva, lpa, tlbirange]; }, {};
                el3_4k_39: El3, El3<G4K, 39>, { features = [tlbirange]; }, {};
                el3_4k_48: El3, El3<G4K, 48>, {}, {};
                el3_4k_52: El3, El3<G4K, 52>, { features = [lpa2]; }, {};
                el3_16k_39: El3, El3<G16K, 39>, {}, {};
                el3_16k_48: El3, El3<G16K, 48>, {}, {};
                el3_16k_52: El3, El3<G16K, 52>, { features = [lpa2, tlbirange]; }, {};
                el3_64k_39: El3, El3<G64K, 39>, { features = [tlbirange]; }, {};
                el3_64k_48: El3, El3<G64K, 48>, {}, {};
                el3_64k_52: El3, El3<G64K, 52>, { features = [lva, lpa, bbml2]; }, {};
        }
    };
}

/// Hands the second stages under the firmware at EL2 to a macro, each as `NAME: KIND<GRANULE, BITS>, { what the CPU has };`.
///
/// With 16 KiB pages and 52 bits, stage 2 starts at level 0, which QEMU 7.2 refuses.
#[macro_export]
macro_rules! second {
    ($then:ident) => {
        $then! {
                stage2_4k_40: Stage2<G4K, 40>, {};
                stage2_4k_48: Stage2<G4K, 48>, { features = [tlbirange]; };
                stage2_4k_52: Stage2<G4K, 52>, { pa_bits = 52; features = [lpa2, bbml2]; };
                stage2_16k_40: Stage2<G16K, 40>, {};
                stage2_16k_48: Stage2<G16K, 48>, { features = [tlbirange]; };
                stage2_16k_51: Stage2<G16K, 51>, { pa_bits = 52; features = [lpa2]; };
                stage2_64k_40: Stage2<G64K, 40>, { features = [bbml2]; };
                stage2_64k_48: Stage2<G64K, 48>, {};
                stage2_64k_52: Stage2<G64K, 52>, { pa_bits = 52; features = [lva, lpa]; };
        }
    };
}

macro_rules! declare_own {
    ($($name:ident: $level:ident, $kind:ident<$granule:ident, $bits:tt>, $cpu:tt, $half:tt;)*) => {
        $(declare! { $name, $kind<$granule, $bits>, $cpu, $half, {} })*

        /// The maps of the regimes that the firmware itself can run under.
        pub const OWN: &[&Map<'static>] = &[$($name::MAP),*];
    };
}

macro_rules! declare_second {
    ($($name:ident: $kind:ident<$granule:ident, $bits:tt>, $cpu:tt;)*) => {
        $(declare! { $name, El2<$granule, 48>, $cpu, {}, {
            space vm (guest) for aarch64::$kind<$granule, $bits> {
                tables <= 24 in dram;
                null  (guard) : 0x0, 64 KiB;
                /// What the guest runs.
                guest (rx) : identity => dram + 0x20_0000, 64 KiB;
                /// Its memory.
                ram   (rw) : 0x8000_0000 => dram + 0xa000_0000, 512 MiB;
            }
        } })*

        /// The maps with a second stage.
        pub const SECOND: &[&Map<'static>] = &[$($name::MAP),*];
    };
}

own! { declare_own }
second! { declare_second }
