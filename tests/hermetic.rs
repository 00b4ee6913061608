//! Maps in the least welcoming surroundings: no prelude, another name for the crate, no `unsafe`, every lint denied.

#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic)]

extern crate tablature as tab;

/// What shadows the names that a careless expansion would use.
pub mod shadows {
    #![allow(dead_code, non_camel_case_types, missing_docs, unreachable_pub, reason = "they only stand in the way")]

    pub struct Option;
    pub struct Some;
    pub struct None;
    pub struct u64;
    pub struct usize;
    pub struct bool;
    pub struct u16;
    pub mod core {}
    pub mod std {}
    pub mod tablature {}
    pub mod map {}
    pub mod aarch64 {
        pub const BASE: ::core::primitive::u64 = 0x4000_0000;
    }

    ::tab::memory_map! {
        pub mod shadowed for ::tab::riscv::Sv39;
        physical { dram : aarch64::BASE, 1 GiB, normal; }
        space kernel {
            tables <= 4;
            text (rx) : 0x8000_0000 => dram, 2 MiB;
            data (rw) : after text => dram + 2 MiB, 2 MiB;
        }
    }
}

/// Where the map's own paths lead.
pub mod places {
    const HERE: ::core::primitive::u64 = 0x4000_0000;
    type Mine = ::tab::riscv::Sv39;

    /// Two maps in one module.
    pub mod inner {
        use ::core::primitive::usize;

        const SIZE: usize = 0x20_0000;

        ::tab::memory_map! {
            /// The first.
            pub mod first for super::Mine;
            physical { dram : super::HERE, crate::places::inner::SIZE, normal; }
            space kernel { tables; all (rw) : identity => dram; }
        }

        ::tab::memory_map! {
            mod second for riscv::Sv48;
            physical { dram : super::HERE, self::SIZE, normal; }
            space kernel { tables; all (rw) : identity => dram; }
            space other (user) { tables; all (r, user) : 0x10_0000 => dram; }
        }

        /// Names of the second map.
        #[must_use]
        pub fn second() -> &'static ::core::primitive::str {
            second::MAP.name
        }
    }
}

/// A map whose pieces come from a macro of the user.
macro_rules! board {
    ($name:ident, $regime:ty, $base:expr, $size:literal, $region:ident) => {
        ::tab::memory_map! {
            /// Made by a macro.
            pub mod $name for $regime;
            physical { dram : $base, $size MiB, normal; }
            space kernel { tables; $region (rw) : identity 0x4000_0000 => dram; }
        }
    };
}

board!(made, riscv::Sv39, 0x2000_0000 * 2, 16, everything);

::tab::memory_map! {
    /// Regions named like what the expansion has of its own.
    pub mod names for riscv::Sv39;
    physical { dram : 0x8000_0000, 1 GiB, normal; }
    space core {
        tables;
        base (rw) : 0x1_0000 => dram, 4 KiB;
        p (rw) : after base => dram + 4 KiB, 4 KiB;
        Space (rw) : after p => dram + 8 KiB, 4 KiB;
        TABLES (rw) : after Space => dram + 12 KiB, 4 KiB;
        memory (rw) : after TABLES => dram + 16 KiB, 4 KiB;
        tables (rw) : after memory => dram + 20 KiB, 4 KiB;
        START (rw) : after tables => dram + 24 KiB, 4 KiB;
        option (rw) : after START => dram + 28 KiB, 4 KiB;
        base_ (rw) : after option => dram + 32 KiB, 4 KiB;
    }
    space p (user) { tables at boot; base (rw, user) : 0x2_0000 => dram + 1 MiB, 4 KiB; }
    space std (user) { tables at dram + 2 MiB; base (rw, user) : 0x2_0000 => dram + 1 MiB, 4 KiB; }
}

::tab::memory_map! {
    /// Not for this target.
    #[cfg(any())]
    pub mod elsewhere for riscv::Sv39;
    physical { dram : no::such::constant, 1 GiB, normal; }
    space kernel { tables; }
}

#[test]
fn in_a_function_body() {
    const LOCAL: ::core::primitive::u32 = 0x4000_0000;
    ::tab::memory_map! {
        mod local for x86_64::Level4;
        physical { dram : LOCAL, 2 MiB, normal; }
        space kernel { tables; data (rw) : identity => dram; }
    }
    ::std::assert_eq!(local::MAP.resources[0].base, 0x4000_0000);
    const { ::core::assert!(local::SOUND && local::kernel::TABLES > 0) };
}

#[test]
fn everywhere_else() {
    ::std::assert_eq!(shadows::shadowed::MAP.resources[0].base, 0x4000_0000);
    ::std::assert_eq!(shadows::shadowed::kernel::data::START, 0x8020_0000);
    ::std::assert_eq!(places::inner::first::MAP.resources[0].size, 0x20_0000);
    ::std::assert_eq!(places::inner::second(), "second");
    ::std::assert_eq!(names::core::option::START, 0x1_7000);
    ::std::assert_eq!(names::core::TABLES_::START, names::core::Space_::END);
    ::std::assert_eq!(made::MAP.resources[0].size, 16 << 20);
    ::std::assert_eq!(made::kernel::everything::START, 0x4000_0000);
}

/// Behind `macro_rules!` the tokens of an arrow are apart.
#[test]
fn an_arrow_behind_another_macro() {
    macro_rules! channel {
        ($($ends:tt)*) => {
            ::tab::memory_map! {
                mod shared for riscv::Sv39;
                physical { dram : 0x8000_0000, 2 MiB, normal; }
                space a (user) { tables at boot; end (rw, user) : 0x1_0000 => channel c; }
                space b (user) { tables at boot; end (rw, user) : 0x1_0000 => channel c; }
                channel c : 4 KiB in dram, $($ends)*;
            }
        };
    }
    channel!(a <-> b);
    const { ::core::assert!(shared::SOUND && shared::MAP.channels[0].two_way) };
}
