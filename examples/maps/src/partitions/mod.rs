//! The map of every machine: one kernel, two partitions, one channel.
//!
//! The user's addresses are the same on all machines, and so are offsets in RAM. The partitions have no address in common
//! but one: `scratch` is other memory in each, so that a translation of one that outlived a switch would show in the other.

/// Declares a map from what differs between machines. With the feature `leaky` the receiver of the channel may write it, too,
/// which the rules allow only where it is declared so.
macro_rules! system {
    ($($machine:tt)*) => {
        #[cfg(not(feature = "leaky"))]
        $crate::partitions::declare! { [control -> rogue] [r] $($machine)* }
        #[cfg(feature = "leaky")]
        $crate::partitions::declare! { [control <-> rogue] [rw] $($machine)* }
    };
}

macro_rules! declare {
    (
        [$($channel:tt)*] [$receiver:ident]
        $(#[$attribute:meta])*
        mod $name:ident for [$($regime:tt)*];
        cpu { $($cpu:tt)* }
        physical { $($physical:tt)* }
        pool $pool:literal;
        entry $entry:literal;
        identifiers [$($one:tt)*] [$($two:tt)*] [$($three:tt)*];
        boot { $($boot:tt)* }
        kernel { $($kernel:tt)* }
        tables $tables:literal, $user_tables:literal;
        transitions { $($transitions:tt)* }
    ) => {
        tablature::memory_map! {
            $(#[$attribute])*
            pub mod $name for $($regime)*;

            cpu { $($cpu)* }

            policy { stack_guards; }

            physical { $($physical)* }

            space boot (boot) {
                $($one)*
                tables <= $tables at dram + $pool;

                image kernel {
                    entry $entry, symbol _start;
                    // Firmware may enter the image at its lowest address.
                    section ".text"   (rx) in text, from ".init", from ".text";
                    section ".rodata" (r)  in rodata, from ".rodata", from ".got";
                    section ".data"   (rw) in kernel_data, 256 KiB;
                    section ".bss"    (rw) in kernel_data + 256 KiB, nobits;
                    section ".stack"  (rw) in kernel_stack, reserve;
                }

                $($boot)*
                $($kernel)*
            }

            /// Works.
            space control (user) {
                $($two)*
                tables <= $user_tables at dram + $pool + 0x1_0000;

                image control {
                    entry 0x1000_0000, symbol control_entry;
                    // One section, which calls nothing outside of it.
                    section ".control" (rx) in code, keep ".control_code.entry", keep ".control_code";
                }

                null    (guard)    : 0x0, 4 KiB;
                #[req("PART-1")]
                code    (rx, user) : 0x1000_0000 => dram + 0x40_0000, 16 KiB;
                data    (rw, user) : 0x1010_0000 => dram + 0x41_0000, 16 KiB;
                stack   (rw, user, stack) : 0x1020_0000 => dram + 0x42_0000, 8 KiB, guard below;
                link    (rw, user) : 0x1030_0000 => channel telemetry;
                scratch (rw, user) : 0x3000_0000 => dram + 0x44_0000, 4 KiB;
                $($kernel)*
            }

            /// Tries what it must not.
            space rogue (user) {
                $($three)*
                tables <= $user_tables at dram + $pool + 0x2_0000;

                image rogue {
                    entry 0x2000_0000, symbol rogue_entry;
                    // One section, which calls nothing outside of it.
                    section ".rogue" (rx) in code, keep ".rogue_code.entry", keep ".rogue_code";
                }

                null    (guard)    : 0x0, 4 KiB;
                #[req("PART-1")]
                code    (rx, user) : 0x2000_0000 => dram + 0x40_4000, 16 KiB;
                data    (rw, user) : 0x2010_0000 => dram + 0x41_4000, 16 KiB;
                stack   (rw, user, stack) : 0x2020_0000 => dram + 0x42_2000, 8 KiB, guard below;
                link    ($receiver, user) : 0x2030_0000 => channel telemetry;
                scratch (rw, user) : 0x3000_0000 => dram + 0x44_1000, 4 KiB;
                $($kernel)*
            }

            /// Two frames, which `control` fills in turns.
            channel telemetry : 8 KiB in dram + 0x43_0000, $($channel)*;
            isolate control, rogue except telemetry;

            $($transitions)*
        }
    };
}

use {declare, system};

pub mod aarch64;
pub mod riscv64;
pub mod x86_64;
