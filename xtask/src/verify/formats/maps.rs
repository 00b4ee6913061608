//! A small map for each kind of tables: leaves of several sizes, rights, memory types, and a user where there is one.

macro_rules! small {
    ($($name:ident for [$($regime:tt)*] $space:ident $role:ident, { $($item:tt)* } { $($region:tt)* })*) => { $(
        tablature::memory_map! {
            /// A few leaves of each size.
            pub(super) mod $name for $($regime)*;
            $($item)*
            physical {
                ram  : 0x4000_0000, 1 GiB, normal;
                uart : 0x0900_0000, 64 KiB, device;
            }
            space $space ($role) {
                tables <= 40 at ram + 0x1000_0000;
                $($region)*
            }
        }
    )* };
}

small! {
    indirect for [aarch64::El1<G4K, 39>] kernel kernel, { cpu { features = [s1pie]; } } {
        text (rx) : 0xffff_ff80_0000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
        code (rx, user) : 0x80_0000 => ram + 0x80_0000, 4 KiB;
        heap (rw, user) : 0x100_0000 => ram + 0x100_0000, 64 KiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    host for [aarch64::El2And0<G4K, 48>] kernel kernel, {} {
        text (rx, global) : 0xffff_8000_0000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
        code (rx, user) : 0x80_0000 => ram + 0x80_0000, 4 KiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    lpa2 for [aarch64::El1<G4K, 52>] kernel kernel, { cpu { features = [lpa2]; pa_bits = 52; } } {
        text (rx, global) : 0xfff0_0000_0000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    stage2 for [aarch64::Stage2<G4K, 40>] cell guest, {} {
        text (rx) : 0x20_0000 => ram, 4 KiB;
        data (rw) : 0x80_4000_0000 => ram + 0x20_0000, 2 MiB;
        uart (rw) : identity => uart;
    }
    el2 for [aarch64::El2<G16K, 36>] monitor kernel, {} {
        text (rx) : 0x200_0000 => ram, 16 KiB;
        data (rw) : 0x400_0000 => ram + 0x200_0000, 32 MiB;
        uart (rw) : 0x800_0000 => uart;
    }
    el3 for [aarch64::El3<G64K, 42>] monitor kernel, {} {
        text (rx) : 0x2000_0000 => ram, 64 KiB;
        data (rw) : 0x4000_0000 => ram + 0x2000_0000, 512 MiB;
        uart (rw) : 0x8000_0000 => uart;
    }
    sv32 for [riscv::Sv32] kernel kernel, {} {
        text (rx) : 0xc000_0000 => ram, 20 KiB;
        data (rw) : 0x40_0000 => ram + 0x40_0000, 4 MiB;
        heap (rw, user) : 0x80_0000 => ram + 0x80_0000, 8 KiB;
        uart (rw) : 0xd000_0000 => uart;
    }
    sv39x4 for [riscv::Sv39x4] cell guest, {} {
        text (rx, user) : 0x20_0000 => ram, 4 KiB;
        data (rw, user) : 0x180_4000_0000 => ram + 0x20_0000, 2 MiB;
        uart (rw, user) : 0x4000_0000 => uart;
    }
    sv48x4 for [riscv::Sv48x4] cell guest, {} {
        text (rx, user) : 0x20_0000 => ram, 4 KiB;
        data (rw, user) : 0x3_0180_4000_0000 => ram + 0x20_0000, 2 MiB;
        uart (rw, user) : 0x4000_0000 => uart;
    }
    c9xx for [riscv::Sv39C9xx] kernel kernel, {} {
        text (rx) : 0xffff_ffc0_0000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
        heap (rw, user) : 0x80_0000 => ram + 0x80_0000, 8 KiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    sv57 for [riscv::Sv57] kernel kernel, {} {
        text (rx, global) : 0xffff_ffc0_0000_0000 => ram, 20 KiB;
        data (rw, global) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    level5 for [x86_64::Level5] kernel kernel, { cpu { features = [la57, nx]; } } {
        text (rx) : 0xffff_ffff_8000_0000 => ram, 20 KiB;
        data (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    ept4 for [x86_64::Ept4] cell guest, {} {
        low  (rx) : 0x0 => ram, 4 KiB;
        main (rw) : 0x20_0000 => ram + 0x20_0000, 4 MiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    ept5 for [x86_64::Ept5] cell guest, { cpu { features = [ept5]; } } {
        low  (rx) : 0x0 => ram, 4 KiB;
        main (rw) : 0x1_0000_0020_0000 => ram + 0x20_0000, 4 MiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    pae for [x86::Pae] kernel kernel, { cpu { features = [nx]; } } {
        text (rx) : 0xc010_0000 => ram, 4 KiB;
        data (rw) : 0xc020_0000 => ram + 0x20_0000, 2 MiB;
        heap (rw, user) : 0x1000 => ram + 0x80_0000, 8 KiB;
        uart (rw) : 0x4000_0000 => uart;
    }
    lpae for [armv7::Lpae] kernel kernel, {} {
        text (rx, global) : 0xc000_0000 => ram, 2 MiB;
        data (rw, global) : 0xc020_0000 => ram + 0x20_0000, 64 KiB;
        code (rx, user)   : 0x1000 => ram + 0x40_0000, 4 KiB;
        heap (rw, user)   : 0x20_0000 => ram + 0x60_0000, 2 MiB;
        uart (rw, global) : 0x4000_0000 => uart;
    }
    hyp for [armv7::LpaeHyp] monitor kernel, {} {
        text (rx) : 0x4000_0000 => ram, 2 MiB;
        data (rw) : 0x4020_0000 => ram + 0x20_0000, 8 KiB;
        uart (rw) : 0x900_0000 => uart;
    }
    lpae_guest for [armv7::LpaeStage2] cell guest, {} {
        text (rx) : 0x20_0000 => ram, 4 KiB;
        data (rw) : 0x80_4000_0000 => ram + 0x20_0000, 2 MiB;
        uart (rw) : identity => uart;
    }
    short for [armv7::Short] kernel kernel, {} {
        text (rx, global) : 0xc000_0000 => ram, 2 MiB;
        data (rw, global) : 0xc020_0000 => ram + 0x20_0000, 128 KiB;
        code (priv rx, user rx) : 0x1000 => ram + 0x40_0000, 4 KiB,
            waive(kernel_executes_user_page, "pages have no PXN");
        heap (rw, user) : 0x2000 => ram + 0x40_1000, 4 KiB;
        uart (rw, global) : 0xd000_0000 => uart;
    }
    la64 for [loongarch64::La64] kernel kernel, {} {
        text (rx, global) : 0xffff_8000_0000_0000 => ram, 4 KiB;
        data (rw, global) : 0xffff_8000_0020_0000 => ram + 0x20_0000, 2 MiB;
        code (priv none, user rx) : 0x8000 => ram + 0x40_0000, 4 KiB;
        heap (rw, user) : 0x9000 => ram + 0x60_0000, 8 KiB;
        uart (rw) : 0x4000_0000 => uart;
    }
}

tablature::memory_map! {
    /// Without an execute-disable bit, no device can be mapped.
    pub(super) mod legacy for x86::Legacy32;
    physical {
        ram : 0x4000_0000, 1 GiB, normal;
    }
    space kernel {
        tables <= 40 at ram + 0x1000_0000;
        text (rx)  : 0xc010_0000 => ram + 1 MiB, 4 KiB;
        data (rwx) : 0xc040_0000 => ram + 4 MiB, 4 MiB, waive(wx, "there is no execute-disable");
        code (rx, user) : 0x1000 => ram + 0x80_0000, 8 KiB;
    }
}
