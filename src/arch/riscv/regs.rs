//! The registers that translation depends on, and their contents for a declared space.
//!
//! PRIV "Supervisor-Level ISA" (`satp`, `sstatus`), "Machine-Level ISA" (`menvcfg`), "Hypervisor Extension" (`hgatp`).

use tock_registers::RegisterLongName;
use tock_registers::fields::Field;

use crate::attr::{Access, Features, Rights};
use crate::format::Format;
use crate::layout::features;
use crate::map::{Kind, Map};
use crate::space::Declared;

use super::{Sv32, Sv39, Sv39C9xx, Sv39x4, Sv48, Sv48x4, Sv57};

#[expect(missing_docs, reason = "tock-registers documents registers and fields, not the items around them")]
mod fields {
    use tock_registers::register_bitfields;

    register_bitfields![u64,
        /// Root of the supervisor's translation, RV64.
        pub SATP [
            /// Page number of the root.
            PPN OFFSET(0) NUMBITS(44) [],
            /// Address-space identifier.
            ASID OFFSET(44) NUMBITS(16) [],
            /// Translation scheme.
            MODE OFFSET(60) NUMBITS(4) [Bare = 0, Sv39 = 8, Sv48 = 9, Sv57 = 10]
        ],

        /// Root of the supervisor's translation, RV32.
        pub SATP32 [
            /// Page number of the root.
            PPN OFFSET(0) NUMBITS(22) [],
            /// Address-space identifier.
            ASID OFFSET(22) NUMBITS(9) [],
            /// Translation scheme.
            MODE OFFSET(31) NUMBITS(1) [Bare = 0, Sv32 = 1]
        ],

        /// Root of the guest-physical translation, RV64.
        pub HGATP [
            /// Page number of the root, a multiple of four.
            PPN OFFSET(0) NUMBITS(44) [],
            /// Virtual-machine identifier.
            VMID OFFSET(44) NUMBITS(14) [],
            /// Translation scheme.
            MODE OFFSET(60) NUMBITS(4) [Bare = 0, Sv39x4 = 8, Sv48x4 = 9, Sv57x4 = 10]
        ],

        /// Supervisor status.
        pub SSTATUS [
            /// The supervisor may read and write user pages.
            SUM OFFSET(18) NUMBITS(1) [],
            /// Executable pages are readable.
            MXR OFFSET(19) NUMBITS(1) []
        ],

        /// Machine environment configuration.
        pub MENVCFG [
            /// Hardware updates A and D (Svadu).
            ADUE OFFSET(61) NUMBITS(1) [],
            /// Page-based memory types (Svpbmt).
            PBMTE OFFSET(62) NUMBITS(1) []
        ]
    ];
}

pub use fields::{HGATP, MENVCFG, SATP, SATP32, SSTATUS};

/// A field with all of its bits set.
const fn ones<R: RegisterLongName>(field: Field<u64, R>) -> u64 {
    field.mask << field.shift
}

/// A register that holds a root, and how it is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// `satp` of RV32.
    Satp32,
    /// `satp` of RV64.
    Satp,
    /// `hgatp` of RV64.
    Hgatp,
}

impl Root {
    /// The field of the mode.
    #[must_use]
    pub const fn mode(self) -> u64 {
        match self {
            Self::Satp32 => ones(SATP32::MODE),
            Self::Satp => ones(SATP::MODE),
            Self::Hgatp => ones(HGATP::MODE),
        }
    }

    /// The field of the ASID or VMID.
    #[must_use]
    pub const fn identifier(self) -> u64 {
        match self {
            Self::Satp32 => ones(SATP32::ASID),
            Self::Satp => ones(SATP::ASID),
            Self::Hgatp => ones(HGATP::VMID),
        }
    }
}

/// What the registers must hold for a space, all of it derived from the declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// The register of the root.
    pub register: Root,
    /// Its contents but for the page number: mode and ASID or VMID.
    pub value: u64,
    /// The mode as a feature.
    pub mode: Features,
    /// What the hart must have beside the mode.
    pub needs: Features,
    /// Bits of `sstatus` that are set.
    pub sstatus: u64,
    /// Bits of `sstatus` that are clear.
    pub sstatus_clear: u64,
    /// Bits of `menvcfg` that machine mode must have set before the space is installed.
    pub menvcfg: u64,
}

impl Words {
    /// The contents of the register for a root at the physical address `root`.
    #[must_use]
    pub const fn rooted(&self, root: u64) -> u64 {
        self.value | root >> 12
    }
}

/// The words of a declared space, folded at compile time: `<Sv39 as Derive<virt::Kernel>>::WORDS`.
pub trait Derive<S: Declared> {
    /// The words.
    const WORDS: Words;
}

macro_rules! derive_words {
    ($($regime:ty),*) => { $(
        impl<S: Declared<Regime = Self>> Derive<S> for $regime {
            const WORDS: Words = words(S::MAP, S::INDEX, &S::FORMAT);
        }
    )* };
}

derive_words!(Sv32, Sv39, Sv39C9xx, Sv48, Sv57, Sv39x4, Sv48x4);

/// Extensions that a declaration may list and that tables may use.
const KNOWN: Features = Features::SVPBMT.union(Features::SVNAPOT).union(Features::SVADU);

/// The words for the space with that index, whose shaped format is `format`.
///
/// `sstatus` is the same for all spaces of a map, so that a switch between them is one write of `satp`: SUM is set where
/// the declaration grants the supervisor data rights on a user page, and clear where it grants none but has user pages;
/// MXR is clear where some page is executable and not readable.
#[must_use]
pub const fn words(map: &Map<'_>, space: usize, format: &Format) -> Words {
    let (register, mode) = root_mode(format);
    let identifier = match map.spaces[space].asid {
        Some(asid) => (asid as u64) << register.identifier().trailing_zeros() & register.identifier(),
        None => 0,
    };
    let declared = features(map).union(format.needs);
    let raw = if has_raw_types(map) { format.memory_override } else { Features::NONE };
    let needs = declared.without(declared.without(KNOWN)).union(raw);
    let (sstatus, sstatus_clear) = if format.guest { (0, 0) } else { status_of(map) };
    let mut menvcfg = 0;
    if needs.contains(Features::SVPBMT) {
        menvcfg |= ones(MENVCFG::PBMTE);
    }
    if needs.contains(Features::SVADU) {
        menvcfg |= ones(MENVCFG::ADUE);
    }
    Words { register, value: mode | identifier, mode: format.mode, needs, sstatus, sstatus_clear, menvcfg }
}

/// The register, and its mode field, that stands for a format.
pub(super) const fn root_mode(format: &Format) -> (Root, u64) {
    match (format.guest, format.levels) {
        (false, 2) => (Root::Satp32, SATP32::MODE::Sv32.value),
        (false, 3) => (Root::Satp, SATP::MODE::Sv39.value),
        (false, 4) => (Root::Satp, SATP::MODE::Sv48.value),
        (false, _) => (Root::Satp, SATP::MODE::Sv57.value),
        (true, 3) => (Root::Hgatp, HGATP::MODE::Sv39x4.value),
        (true, _) => (Root::Hgatp, HGATP::MODE::Sv48x4.value),
    }
}

/// Whether some region gives the PBMT field itself.
const fn has_raw_types(map: &Map<'_>) -> bool {
    let mut s = 0;
    while s < map.spaces.len() {
        let regions = map.spaces[s].regions;
        let mut r = 0;
        while r < regions.len() {
            if matches!(regions[r].raw_memory, Some(1..)) {
                return true;
            }
            r += 1;
        }
        s += 1;
    }
    false
}

/// Bits of `sstatus` that are set, and that are clear.
const fn status_of(map: &Map<'_>) -> (u64, u64) {
    let (mut user_pages, mut shared, mut execute_only) = (false, false, false);
    let mut s = 0;
    while s < map.spaces.len() {
        let regions = map.spaces[s].regions;
        let mut r = 0;
        while r < regions.len() {
            let Access { privileged, user } = regions[r].access;
            if !matches!(regions[r].kind, Kind::Guard) {
                user_pages |= !user.is_empty();
                shared |= !user.is_empty() && !privileged.data().is_empty();
                let any = privileged.union(user);
                execute_only |= any.contains(Rights::X) && !any.contains(Rights::R);
            }
            r += 1;
        }
        s += 1;
    }
    let sum = ones(SSTATUS::SUM);
    let mxr = if execute_only { ones(SSTATUS::MXR) } else { 0 };
    match (shared, user_pages) {
        (true, _) => (sum, mxr),
        (false, true) => (0, sum | mxr),
        (false, false) => (0, mxr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{Cpu, Policy, Region, Space};
    use crate::regime::Regime;

    fn words_of(access: Access, features: Option<Features>, format: &Format) -> Words {
        words_of_region(Region { access, ..Region::BLANK }, features, format)
    }

    fn words_of_region(region: Region<'_>, features: Option<Features>, format: &Format) -> Words {
        let regions = [region];
        let spaces = [Space { regions: &regions, asid: Some(5), ..Space::BLANK }];
        let map = Map {
            name: "test",
            anchor: 0,
            format: *format,
            cpu: Cpu { features, ..Cpu::BLANK },
            policy: Policy::BLANK,
            resources: &[],
            spaces: &spaces,
            channels: &[],
            isolation: &[],
            devices: &[],
            transitions: &[],
        };
        words(&map, 0, format)
    }

    #[test]
    fn the_root_register_of_each_regime() {
        let rooted = |format: &Format| words_of(Access::kernel(Rights::RX), None, format).rooted(0x8020_0000);
        assert_eq!(rooted(&Sv32::FORMAT), 1 << 31 | 5 << 22 | 0x8_0200);
        assert_eq!(rooted(&Sv39::FORMAT), 8 << 60 | 5 << 44 | 0x8_0200);
        assert_eq!(rooted(&Sv48::FORMAT), 9 << 60 | 5 << 44 | 0x8_0200);
        assert_eq!(rooted(&Sv57::FORMAT), 10 << 60 | 5 << 44 | 0x8_0200);
        assert_eq!(rooted(&Sv39x4::FORMAT), 8 << 60 | 5 << 44 | 0x8_0200);
        assert_eq!(rooted(&Sv48x4::FORMAT), 9 << 60 | 5 << 44 | 0x8_0200);
        assert_eq!(words_of(Access::default(), None, &Sv48x4::FORMAT).register, Root::Hgatp);
        assert_eq!(Root::Hgatp.identifier(), 0x03ff_f000_0000_0000);
    }

    #[test]
    fn sum_and_mxr_follow_the_rights() {
        let of = |access| {
            let words = words_of(access, None, &Sv39::FORMAT);
            (words.sstatus, words.sstatus_clear)
        };
        let (sum, mxr) = (1 << 18, 1 << 19);
        assert_eq!(of(Access::kernel(Rights::RX)), (0, 0));
        assert_eq!(of(Access::kernel(Rights::X)), (0, mxr));
        assert_eq!(of(Access::user(Rights::RW)), (sum, 0));
        assert_eq!(of(Access { privileged: Rights::NONE, user: Rights::RW }), (0, sum));
        let guest = words_of(Access::user(Rights::RW), None, &Sv39x4::FORMAT);
        assert_eq!((guest.sstatus, guest.sstatus_clear), (0, 0));
    }

    #[test]
    fn declared_extensions_are_needed_and_enabled() {
        let declared = Features::SVPBMT.union(Features::SVADU).union(Features::NX);
        let words = words_of(Access::kernel(Rights::R), Some(declared), &Sv39::FORMAT);
        assert_eq!(words.needs, Features::SVPBMT.union(Features::SVADU));
        assert_eq!(words.menvcfg, 3 << 61);
    }

    #[test]
    fn a_raw_memory_type_needs_its_extension() {
        let region = Region { raw_memory: Some(1), ..Region::BLANK };
        let words = words_of_region(region, None, &Sv39::FORMAT);
        assert_eq!((words.needs, words.menvcfg), (Features::SVPBMT, 1 << 62));
        assert_eq!(words_of_region(Region { raw_memory: Some(0), ..region }, None, &Sv39::FORMAT).menvcfg, 0);
    }
}
