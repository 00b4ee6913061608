//! A small map for each kind of tables.

macro_rules! small {
    ($($name:ident for [$($regime:tt)*] $space:ident $role:ident, [$($tables:tt)*] { $($region:tt)* })*) => { $(
        tablature::memory_map! {
            /// A few leaves of each size.
            pub(crate) mod $name for $($regime)*;
            physical {
                ram : 0x4000_0000, 1 GiB, normal;
            }
            space $space ($role) {
                $($tables)*
                $($region)*
            }
        }
    )* };
}

small! {
    large_pages for [aarch64::El1<G64K, 42>] kernel kernel, [tables <= 8 at ram + 0x1000_0000;] {
        text (rx) : 0xffff_fc00_0000_0000 => ram, 64 KiB;
        data (rw) : 0x2000_0000 => ram + 0x2000_0000, 512 MiB;
    }
    guest for [aarch64::Stage2<G4K, 40>] cell guest, [asid 7; tables <= 8 at ram + 0x3000_0000;] {
        text (rx) : 0x20_0000 => ram, 4 KiB;
        data (rw) : 0x80_4000_0000 => ram + 0x20_0000, 2 MiB;
    }
    sv39 for [riscv::Sv39] kernel kernel, [asid 5; tables <= 8 at ram + 0x3000_0000;] {
        text (rx) : 0xffff_ffc0_0000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4100 KiB;
    }
    sv32 for [riscv::Sv32] kernel kernel, [tables <= 8 at ram + 0x3000_0000;] {
        text (rx) : 0xc000_0000 => ram, 20 KiB;
        data (rw) : 0x40_0000 => ram + 0x40_0000, 4 MiB;
    }
    g_stage for [riscv::Sv39x4] cell guest, [tables <= 12 at ram + 0x3000_0000;] {
        text (rx, user) : 0x20_0000 => ram, 4 KiB;
        data (rw, user) : 0x180_4000_0000 => ram + 0x20_0000, 2 MiB;
    }
    level4 for [x86_64::Level4] kernel kernel, [self_map 510; tables <= 12 at ram + 0x3000_0000;] {
        text (rx) : 0xffff_ffff_8000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4100 KiB;
    }
    legacy for [x86::Legacy32] kernel kernel, [tables <= 2 at ram + 0x3000_0000;] {
        text (rx)  : 0xc010_0000 => ram + 1 MiB, 4 KiB;
        data (rwx) : 0xc040_0000 => ram + 4 MiB, 4 MiB, waive(wx, "there is no execute-disable");
    }
    pae for [x86::Pae] kernel kernel, [tables <= 6 at ram + 0x3000_0000;] {
        text (rx) : 0xc010_0000 => ram, 4 KiB;
        data (rw) : 0xc020_0000 => ram + 0x20_0000, 2 MiB;
    }
    ept for [x86_64::Ept4] cell guest, [tables <= 6 at ram + 0x3000_0000;] {
        low  (rx) : 0x0 => ram, 4 KiB;
        main (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
    }
    lpae for [armv7::Lpae] kernel kernel, [asid 3; tables <= 6 at ram + 0x3000_0000;] {
        text (rx, global) : 0xc000_0000 => ram, 2 MiB;
        user (rx, user)   : 0x1000 => ram + 0x40_0000, 4 KiB;
    }
    short for [armv7::Short] kernel kernel, [asid 3; tables <= 19 at ram + 0x3000_0000;] {
        text (rx, global) : 0xc000_0000 => ram, 2 MiB;
        data (rw, global) : 0xc020_0000 => ram + 0x20_0000, 128 KiB;
    }
    la64 for [loongarch64::La64] kernel kernel, [asid 1; tables <= 9 at ram + 0x3000_0000;] {
        text (rx, global) : 0xffff_8000_0000_0000 => ram, 4 KiB;
        data (rw, global) : 0xffff_8000_0020_0000 => ram + 0x20_0000, 2 MiB;
        user (priv none, user rx) : 0x8000 => ram + 0x40_0000, 4 KiB;
    }
    linked_a64 for [aarch64::El1<G4K, 39>] kernel kernel, [tables <= 8;] {
        text (rx) : 0xffff_ff80_0000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
    }
    linked_x86 for [x86_64::Level4] kernel kernel, [tables <= 8;] {
        text (rx) : 0xffff_ffff_8000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
    }
    linked_x86_again for [x86_64::Level4] kernel kernel, [tables <= 8 at ram + 0x3000_0000;] {
        text (rx) : 0xffff_ffff_8000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
    }
    linked_riscv for [riscv::Sv48] kernel kernel, [tables <= 12;] {
        text (rx) : 0xffff_ffc0_0000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
    }
}
