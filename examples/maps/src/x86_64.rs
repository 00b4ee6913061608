//! QEMU `q35`, x86-64, with 4 GiB of RAM.

/// Where placed tables lie.
pub const TABLES_AT: u64 = 0x0068_0000;

macro_rules! declare {
    (
        for $regime:ident features { $($feature:ident)* } kernel { $($clause:tt)* } resources { $($resources:tt)* }
        tables { $($tables:tt)* } regions { $($regions:tt)* } spaces { $($spaces:tt)* }
    ) => {
        tablature::memory_map! {
            /// QEMU `q35`, kernel in ring 0 and in the top 2 GiB.
            pub mod q35_x86_64 for x86_64::$regime;

            cpu { features = [$($feature),*]; }

            policy { stack_guards; }

            physical {
                dram   : 0x0020_0000, 510 MiB, normal;
                ioapic : 0xfec0_0000, 4 KiB, device;
                lapic  : 0xfee0_0000, 4 KiB, device;
                $($resources)*
            }

            space kernel {
                $($clause)*
                $($tables)*

                image firmware {
                    entry 0xffff_ffff_8020_0000, symbol _start;
                    // What `_last` names is an instruction, to be probed.
                    section ".switch" (rx) in text, 4 KiB - 4, keep ".switch";
                    section ".switch_last" (rx) in text + (4 KiB - 4), 4, keep ".switch_last";
                    section ".text"   (rx) in text + 4 KiB, 2 MiB - (4 KiB + 4);
                    section ".text_last" (rx) in text + (2 MiB - 4), keep ".text_last";
                    section ".rodata" (r)  in rodata;
                    section ".data"   (rw) in data, from ".data", from ".got";
                    section ".bss"    (rw) in bss, nobits;
                    section ".tables" (rw) in table_pool, from ".table_memory";
                    section ".app"    (rx) in app, 4 KiB - 4, keep ".app";
                    section ".app_last" (rx) in app + (4 KiB - 4), keep ".app_last";
                }

                /// A null pointer faults.
                null   (guard) : 0x0, 4 KiB;

                /// The code that switches paging on, where it runs before that.
                switch (rx) : identity => dram, 4 KiB, alias_of text;

                /// Code of the user.
                app    (rx, user) : 0x1000_0000 => dram + 2 MiB, 4 KiB;
                /// Data of the user.
                app_data (rw, user) : after app + 64 KiB => dram + 0x52_0000, 16 KiB;

                /// One leaf of 2 MiB.
                text   (rx) : 0xffff_ffff_8020_0000 => dram, 2 MiB;
                rodata (r)  : 0xffff_ffff_8050_0000 => dram + 3 MiB, 1 MiB;
                data   (rw) : after rodata => dram + 4 MiB, 256 KiB;
                bss    (rw) : after data => dram + 0x44_0000, 256 KiB;
                table_pool (rw, tables) : after bss => dram + 0x48_0000, 128 KiB;
                stack  (rw, stack) : 0xffff_ffff_c010_0000 => dram + 5 MiB, 64 KiB, guard below;

                ioapic (rw) : 0xffff_ffff_c020_0000 => ioapic;
                lapic  (rw) : after ioapic + 4 KiB => lapic;
                /// Pages that are mapped one by one; the first table ends among them.
                heap   (rw, window) : 0xffff_ffff_c038_0000, 2560 KiB;

                /// Everything behind the code and its constants.
                physmap (rw, linear) : 0xffff_8000_0060_0000 => dram + 4 MiB;
                $($regions)*
            }

            $($spaces)*
        }
    };
}

/// The map with four or five levels.
macro_rules! declare_with_levels {
    ($($rest:tt)*) => {
        #[cfg(not(feature = "la57"))]
        declare_with_identifiers! { for Level4 features { nx } $($rest)* }
        #[cfg(feature = "la57")]
        declare_with_identifiers! { for Level5 features { nx la57 } $($rest)* }
    };
}

/// The map with and without identifiers of address spaces, which not every CPU has.
macro_rules! declare_with_identifiers {
    (for $regime:ident features { $($feature:ident)* } $($rest:tt)*) => {
        #[cfg(not(feature = "pcid"))]
        declare_with_leaves! { for $regime features { $($feature)* } kernel {} $($rest)* }
        #[cfg(feature = "pcid")]
        declare_with_leaves! { for $regime features { $($feature)* pcid } kernel { asid 5; } $($rest)* }
    };
}

/// The map as it is, with leaves of 1 GiB, which not every CPU has, or with a recursive slot.
macro_rules! declare_with_leaves {
    (
        for $regime:ident features { $($feature:ident)* } kernel { $($clause:tt)* }
        tables { $($tables:tt)* } spaces { $($spaces:tt)* } $(more { $($more:tt)* })?
    ) => {
        #[cfg(not(any(feature = "pdpe1gb", feature = "self-map")))]
        declare! {
            for $regime features { $($feature)* } kernel { $($clause)* } resources {}
            tables { $($tables)* } regions { $($($more)*)? } spaces { $($spaces)* }
        }
        #[cfg(feature = "pdpe1gb")]
        declare! {
            for $regime features { $($feature)* pdpe1gb } kernel { $($clause)* }
            resources { upper : 0x1_0000_0000, 2 GiB, normal; }
            tables { $($tables)* }
            regions {
                /// Two leaves of 1 GiB.
                upper (rw, linear) : 0xffff_8001_0000_0000 => upper, page 1 GiB;
            }
            spaces { $($spaces)* }
        }
        #[cfg(feature = "self-map")]
        declare! {
            for $regime features { $($feature)* } kernel { self_map 510; $($clause)* } resources {}
            tables { $($tables)* }
            regions {
                /// A page that moves.
                glass (rw, window) : after lapic + 4 KiB, 4 KiB;
            }
            spaces { $($spaces)* }
        }
    };
}

in_each_mode! { declare_with_levels:
    linked { tables { tables <= 18 in table_pool; } spaces {} }
    placed { tables { tables <= 18 at TABLES_AT; } spaces {} }
    boot {
        tables { tables <= 18 at boot; }
        spaces {
            // Long mode needs tables from its first instruction on: these hold until the others are filled.
            space start (boot) {
                tables <= 12 in data;
                switch (rx) : identity => dram, 4 KiB, alias_of text;
                text   (rx) : 0xffff_ffff_8020_0000 => dram, 2 MiB;
                rodata (r)  : 0xffff_ffff_8050_0000 => dram + 3 MiB, 1 MiB;
                data   (rw) : after rodata => dram + 4 MiB, 1 MiB;
                stack  (rw, stack) : 0xffff_ffff_c010_0000 => dram + 5 MiB, 64 KiB, guard below;
            }
        }
    }
    more {
        more {
            /// 128 leaves in a table that `app` has.
            more (r) : 0x1008_0000 => dram + 0x0800_0000, 512 KiB;
        }
    }
}
