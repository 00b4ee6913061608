//! What a mapping grants: rights, memory types, optional CPU features.

use core::fmt;

/// Read, write, execute for one privilege.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rights(u8);

impl Rights {
    /// No access.
    pub const NONE: Self = Self(0);
    /// Read.
    pub const R: Self = Self(1);
    /// Write.
    pub const W: Self = Self(2);
    /// Execute.
    pub const X: Self = Self(4);
    /// Read and write.
    pub const RW: Self = Self(3);
    /// Read and execute.
    pub const RX: Self = Self(5);
    /// Everything.
    pub const RWX: Self = Self(7);

    /// The rights whose bits are set in `bits` (bit 0 read, 1 write, 2 execute); higher bits are ignored.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 7)
    }

    /// Bit 0 read, bit 1 write, bit 2 execute.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Rights in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Rights in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether every right of `other` is in `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no right is granted.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the two are the same.
    #[must_use]
    pub const fn is(self, other: Self) -> bool {
        self.0 == other.0
    }

    /// The read and write part.
    #[must_use]
    pub const fn data(self) -> Self {
        Self(self.0 & 3)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(["-", "r", "w", "rw", "x", "rx", "wx", "rwx"][(self.0 & 7) as usize])
    }
}

/// Rights of both privileges of a regime.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Access {
    /// Rights of the privileged level (EL1, S, ring 0).
    pub privileged: Rights,
    /// Rights of the unprivileged level (EL0, U, ring 3); none in a regime without one.
    pub user: Rights,
}

impl Access {
    /// Rights for the privileged level only.
    #[must_use]
    pub const fn kernel(rights: Rights) -> Self {
        Self { privileged: rights, user: Rights::NONE }
    }

    /// Rights for the user; the kernel has the data part of them and never executes (PXN, SMEP).
    #[must_use]
    pub const fn user(rights: Rights) -> Self {
        Self { privileged: rights.data(), user: rights }
    }

    /// Union over both privileges.
    #[must_use]
    #[inline(always)]
    pub const fn any(self) -> Rights {
        self.privileged.union(self.user)
    }

    /// 0..64: privileged bits times eight plus user bits.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        (self.privileged.0 as usize & 7) * 8 + (self.user.0 as usize & 7)
    }

    /// Inverse of [`Access::index`].
    #[must_use]
    pub const fn from_index(index: usize) -> Self {
        Self { privileged: Rights::from_bits((index >> 3) as u8), user: Rights::from_bits(index as u8) }
    }
}

macro_rules! memory_types {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        /// A memory type by its architectural meaning; each format encodes those it has.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum MemoryType { $($(#[$doc])* $name = $value,)* }

        impl MemoryType {
            /// How many there are.
            pub const COUNT: usize = [$($value,)*].len();
            /// All of them, in the order of their values.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$name,)*];

            /// The name in the notation.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

memory_types! {
    /// What the bus says: no type in the entry (RISC-V PMA, PBMT = 0).
    Inherent = 0, "inherent";
    /// Normal, write-back cacheable, shareable. The `normal` of the notation.
    NormalWb = 1, "normal_wb";
    /// Normal, write-through cacheable.
    NormalWt = 2, "normal_wt";
    /// Normal, not cacheable (write-combining on x86).
    NormalNc = 3, "normal_nc";
    /// Normal, write-back, not shareable.
    NormalWbNsh = 4, "normal_wb_nsh";
    /// Normal, write-back, read-allocate only.
    NormalWbRa = 5, "normal_wb_ra";
    /// Normal, write-back, transient.
    NormalWbTransient = 6, "normal_wb_transient";
    /// Normal, write-back, allocation tags (FEAT_MTE2).
    NormalTagged = 7, "normal_tagged";
    /// Device: no gathering, no reordering, no early write acknowledgement.
    DeviceNgnrne = 8, "device_nGnRnE";
    /// Device with early write acknowledgement. The `device` of the notation.
    DeviceNgnre = 9, "device_nGnRE";
    /// Device with reordering.
    DeviceNgre = 10, "device_nGRE";
    /// Device with gathering.
    DeviceGre = 11, "device_GRE";
    /// Write-protected (x86 PAT).
    WriteProtected = 12, "wp";
}

impl MemoryType {
    /// Whether it is a device type.
    #[must_use]
    pub const fn is_device(self) -> bool {
        matches!(self, Self::DeviceNgnrne | Self::DeviceNgnre | Self::DeviceNgre | Self::DeviceGre)
    }

    /// Whether two types are the same.
    #[must_use]
    pub const fn is(self, other: Self) -> bool {
        self as u8 == other as u8
    }
}

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*) => {
        /// Optional features of a CPU that a map may require.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        pub struct Features(u64);

        impl Features {
            /// None.
            pub const NONE: Self = Self(0);
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*

            /// Name of a single feature in the notation; `"none"` for anything else.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0.trailing_zeros() { $($bit => $text,)* _ => "none" }
            }

            /// The feature of that name.
            #[must_use]
            pub const fn named(name: &str) -> Option<Self> {
                let all = [$((Self::$name, $text),)*];
                let mut i = 0;
                while i < all.len() {
                    if crate::text::same(all[i].1, name) {
                        return Some(all[i].0);
                    }
                    i += 1;
                }
                None
            }
        }
    };
}

features! {
    /// AArch64 FEAT_LPA2: 52-bit addresses with 4 KiB and 16 KiB granules; TCR.DS is set.
    LPA2 = 0, "lpa2";
    /// AArch64 FEAT_LPA: 52-bit output with the 64 KiB granule.
    LPA = 1, "lpa";
    /// AArch64 FEAT_LVA: 52-bit input with the 64 KiB granule.
    LVA = 2, "lva";
    /// AArch64 FEAT_TTST: small translation tables (fewer than 25 input bits).
    TTST = 3, "ttst";
    /// AArch64 FEAT_S1PIE: permission indirection.
    S1PIE = 4, "s1pie";
    /// AArch64 FEAT_BTI: guarded pages.
    BTI = 5, "bti";
    /// AArch64 FEAT_MTE2: tagged memory.
    MTE = 6, "mte";
    /// AArch64 FEAT_XS.
    XS = 7, "xs";
    /// AArch64 FEAT_HAFDBS: hardware access flag and dirty state.
    HAFDBS = 8, "hafdbs";
    /// AArch64 FEAT_BBM level 2.
    BBML2 = 9, "bbml2";
    /// AArch64 16-bit ASIDs.
    ASID16 = 10, "asid16";
    /// RISC-V Svnapot.
    SVNAPOT = 11, "svnapot";
    /// RISC-V Svpbmt.
    SVPBMT = 12, "svpbmt";
    /// RISC-V Svadu.
    SVADU = 13, "svadu";
    /// x86 execute-disable (EFER.NXE).
    NX = 14, "nx";
    /// x86 1 GiB pages.
    PDPE1GB = 15, "pdpe1gb";
    /// x86 57-bit linear addresses (CR4.LA57).
    LA57 = 16, "la57";
    /// x86 process-context identifiers. Who sets CR4.PCIDE declares them, for every space that runs meanwhile: without, no flush
    /// asks which of them is current.
    PCID = 17, "pcid";
    /// x86 shadow stacks (CET_SS).
    CET_SS = 18, "cet_ss";
    /// AArch64 4 KiB granule.
    GRANULE_4K = 19, "granule_4k";
    /// AArch64 16 KiB granule.
    GRANULE_16K = 20, "granule_16k";
    /// AArch64 64 KiB granule.
    GRANULE_64K = 21, "granule_64k";
    /// RISC-V satp mode Sv32.
    SV32 = 22, "sv32";
    /// RISC-V satp mode Sv39.
    SV39 = 23, "sv39";
    /// RISC-V satp mode Sv48.
    SV48 = 24, "sv48";
    /// RISC-V satp mode Sv57.
    SV57 = 25, "sv57";
    /// RISC-V hgatp mode Sv39x4.
    SV39X4 = 26, "sv39x4";
    /// RISC-V hgatp mode Sv48x4.
    SV48X4 = 27, "sv48x4";
    /// x86 supervisor-mode execution prevention: the kernel executes no user page.
    SMEP = 28, "smep";
    /// x86 global pages.
    PGE = 29, "pge";
    /// x86 page attribute table.
    PAT = 30, "pat";
    /// x86 EPT: 2 MiB pages (IA32_VMX_EPT_VPID_CAP bit 16).
    EPT_2M = 31, "ept_2m";
    /// x86 EPT: 1 GiB pages (IA32_VMX_EPT_VPID_CAP bit 17).
    EPT_1G = 32, "ept_1g";
    /// x86 EPT: accessed and dirty bits (IA32_VMX_EPT_VPID_CAP bit 21); EPTP bit 6 is set.
    EPT_AD = 33, "ept_ad";
    /// x86 EPT: a walk of five levels (IA32_VMX_EPT_VPID_CAP bit 7).
    EPT5 = 34, "ept5";
    /// x86 4 MiB pages of 32-bit paging (CR4.PSE).
    PSE = 35, "pse";
    /// RISC-V Svvptc: an entry that became valid is seen without a fence, after a bounded time. Until then an access may
    /// fault that is allowed: the handler of page faults looks at the tables and tries again.
    SVVPTC = 36, "svvptc";
    /// RISC-V Svinval: invalidations in a batch.
    SVINVAL = 37, "svinval";
    /// x86 INVPCID: the translations of any process-context identifier can be dropped, and all at once.
    INVPCID = 38, "invpcid";
    /// AMD INVLPGB: invalidations reach every core.
    INVLPGB = 39, "invlpgb";
    /// AArch64 FEAT_TLBIRANGE: invalidation of ranges.
    TLBIRANGE = 40, "tlbirange";
    /// AArch64 FEAT_BBM level 1.
    BBML1 = 41, "bbml1";
}

impl Features {
    /// Features in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// One bit for each, as [`With`](crate::regime::With) takes them. What a bit stands for may change from one version of
    /// this crate to the next: write `Features::LPA2.bits()`, not a number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Inverse of [`Features::bits`].
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Features of `self` that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are in `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The lowest-numbered feature alone.
    #[must_use]
    pub const fn first(self) -> Self {
        Self(self.0 & self.0.wrapping_neg())
    }
}
