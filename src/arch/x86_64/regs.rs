//! The registers that paging depends on, and their contents for a declared space.
//!
//! SDM, volume 3A: "Control Registers" (CR0, CR3, CR4), "IA32_EFER", "IA32_PAT MSR"; what is derived from the
//! declaration is in [`Words`].

use tock_registers::RegisterLongName;
use tock_registers::fields::Field;

use crate::attr::{Features, Rights};
use crate::flush::{Id, Maintain};
use crate::format::Format;
use crate::layout::{features, output_bits};
use crate::map::{Kind, Map};
use crate::space::Declared;

use super::{Level4, Level5, X86};

#[expect(missing_docs, reason = "tock-registers documents registers and fields, not the items around them")]
mod fields {
    use tock_registers::register_bitfields;

    register_bitfields![u64,
        /// Control register 0.
        pub CR0 [
            /// Protection enable.
            PE OFFSET(0) NUMBITS(1) [],
            /// Extension type; reads as 1.
            ET OFFSET(4) NUMBITS(1) [],
            /// Numeric error: x87 errors are exceptions.
            NE OFFSET(5) NUMBITS(1) [],
            /// Write protect: the kernel, too, is held to R/W = 0.
            WP OFFSET(16) NUMBITS(1) [],
            /// Not write-through.
            NW OFFSET(29) NUMBITS(1) [],
            /// Cache disable.
            CD OFFSET(30) NUMBITS(1) [],
            /// Paging.
            PG OFFSET(31) NUMBITS(1) []
        ],

        /// Control register 3: the root.
        pub CR3 [
            /// Process-context identifier, where CR4.PCIDE = 1.
            PCID OFFSET(0) NUMBITS(12) [],
            /// Page frame of the root.
            ROOT OFFSET(12) NUMBITS(40) []
        ],

        /// Control register 4.
        pub CR4 [
            /// Physical-address extension; 1 in long mode.
            PAE OFFSET(5) NUMBITS(1) [],
            /// Global pages.
            PGE OFFSET(7) NUMBITS(1) [],
            /// 57-bit linear addresses.
            LA57 OFFSET(12) NUMBITS(1) [],
            /// Process-context identifiers.
            PCIDE OFFSET(17) NUMBITS(1) [],
            /// Supervisor-mode execution prevention.
            SMEP OFFSET(20) NUMBITS(1) [],
            /// Supervisor-mode access prevention.
            SMAP OFFSET(21) NUMBITS(1) []
        ],

        /// Extended feature enables (MSR C000_0080H).
        pub EFER [
            /// Long mode enable.
            LME OFFSET(8) NUMBITS(1) [],
            /// Execute-disable enable.
            NXE OFFSET(11) NUMBITS(1) []
        ]
    ];
}

pub use fields::{CR0, CR3, CR4, EFER};

/// Number of the EFER model-specific register.
pub const MSR_EFER: u32 = 0xc000_0080;
/// Number of the PAT model-specific register.
pub const MSR_PAT: u32 = 0x277;

/// A field with all of its bits set.
pub(crate) const fn ones<R: RegisterLongName>(field: Field<u64, R>) -> u64 {
    field.mask << field.shift
}

/// What the registers must hold for a space, all of it derived from the declaration.
///
/// Bits named here are set or cleared; all others keep their value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// Linear-address bits: 48, or 57 with CR4.LA57.
    pub linear_bits: u32,
    /// Physical address bits that the mapped memory needs.
    pub output_bits: u32,
    /// What the CPU must offer.
    pub needs: Features,
    /// Bits of CR0 that are set: WP.
    pub cr0: u64,
    /// Low bits of CR3: the PCID.
    pub cr3: u64,
    /// Bits of CR4 that are set.
    pub cr4: u64,
    /// Bits of CR4 that are clear, because the declaration grants what they would take.
    pub cr4_clear: u64,
    /// Bits of EFER that are set.
    pub efer: u64,
    /// All of PAT.
    pub pat: u64,
}

impl Words {
    /// The words for tables that no declaration knows, of the regime `R` and with that PCID: for
    /// [`install`](super::install::install), where the registers are not set for the regime yet. CR4.PGE and CR4.SMEP are
    /// set where `R` is known to have them, CR4.SMAP stays as it is.
    ///
    /// ```
    /// use tablature::attr::Features;
    /// use tablature::flush::Id;
    /// use tablature::regime::With;
    /// use tablature::x86_64::{Level4, Words};
    ///
    /// let words = Words::of::<With<Level4, { Features::PGE.union(Features::PCID).bits() }>>(Id::One(3));
    /// assert_eq!((words.cr0, words.cr3, words.cr4), (1 << 16, 3, 1 << 7 | 1 << 17));
    /// assert_eq!((words.efer, words.pat), (1 << 11, 0x0007_0501_0007_0406));
    /// assert_eq!(words.needs, Features::NX.union(Features::PGE).union(Features::PCID).union(Features::PAT));
    /// ```
    #[must_use]
    pub const fn of<R: Maintain<Architecture = X86>>(id: Id) -> Self {
        let format = &R::FORMAT;
        let declared = R::FEATURES.union(format.needs);
        let mut needs = declared.without(declared.without(KNOWN)).union(Features::PAT);
        let mut cr4 = 0;
        if declared.contains(Features::PGE) {
            cr4 |= ones(CR4::PGE);
        }
        if declared.contains(Features::SMEP) {
            cr4 |= ones(CR4::SMEP);
        }
        let cr3 = match id {
            Id::Every => 0,
            Id::One(pcid) => {
                cr4 |= ones(CR4::PCIDE);
                needs = needs.union(format.asid_feature);
                pcid as u64 & CR3::PCID.mask
            }
        };
        Self {
            linear_bits: format.input_bits,
            output_bits: 0,
            needs,
            cr0: ones(CR0::WP),
            cr3,
            cr4,
            cr4_clear: 0,
            efer: if needs.contains(format.no_execute) { ones(EFER::NXE) } else { 0 },
            pat: u64::from_le_bytes(format.memory_register.slots),
        }
    }

    /// CR4 for start-up code that enters long mode from 32-bit protected mode with these tables (SDM "Initializing IA-32e
    /// Mode"): PAE, and LA57 for five levels. [`install`](crate::space::install) sets the other bits, which the processor
    /// may lack, and which are no part of reading the tables.
    #[must_use]
    pub const fn start_cr4(&self) -> u32 {
        let la57 = if self.linear_bits > 48 { ones(CR4::LA57) } else { 0 };
        (la57 | ones(CR4::PAE)) as u32
    }

    /// EFER for start-up code: long mode, and execute-disable where the tables use it.
    #[must_use]
    pub const fn start_efer(&self) -> u32 {
        (self.efer | ones(EFER::LME)) as u32
    }

    /// CR0 for start-up code: paging, protection, write protection, x87 errors as exceptions.
    #[must_use]
    pub const fn start_cr0(&self) -> u32 {
        (self.cr0 | ones(CR0::PG) | ones(CR0::PE) | ones(CR0::ET) | ones(CR0::NE)) as u32
    }
}

/// The words of a declared space, folded at compile time: `<Level4 as Derive<virt::Kernel>>::WORDS`.
pub trait Derive<S: Declared> {
    /// The words.
    const WORDS: Words;
}

impl<S: Declared<Regime = Self>> Derive<S> for Level4 {
    const WORDS: Words = words(S::MAP, S::INDEX, &S::FORMAT);
}

impl<S: Declared<Regime = Self>> Derive<S> for Level5 {
    const WORDS: Words = words(S::MAP, S::INDEX, &S::FORMAT);
}

/// Features that a declaration may list and that CPUID can confirm.
pub(super) const KNOWN: Features = Features::NX
    .union(Features::PDPE1GB)
    .union(Features::LA57)
    .union(Features::PCID)
    .union(Features::CET_SS)
    .union(Features::SMEP)
    .union(Features::PGE)
    .union(Features::PAT)
    .union(Features::INVPCID)
    .union(Features::INVLPGB);

/// The words for the space with that index, whose shaped format is `format`.
///
/// CR4 is the same for all spaces of a map, so that a switch between them is one write of CR3: SMEP is set where the user
/// has execute rights and the kernel nowhere has them on a user page, and clear where it has; SMAP is clear where the
/// kernel has data rights on a user page; PGE is set where some region is global, or the CPU is declared to have it.
#[must_use]
pub const fn words(map: &Map<'_>, space: usize, format: &Format) -> Words {
    let granted = Granted::of(map);
    let declared = features(map).union(format.needs);
    let mut needs = declared.without(declared.without(KNOWN)).union(Features::PAT);
    let (mut cr4, mut cr4_clear, mut efer) = (0, 0, 0);
    if granted.kernel_executes_user {
        cr4_clear |= ones(CR4::SMEP);
    } else if granted.user_executes {
        cr4 |= ones(CR4::SMEP);
        needs = needs.union(Features::SMEP);
    }
    if granted.kernel_has_user_data {
        cr4_clear |= ones(CR4::SMAP);
    }
    if granted.global || declared.contains(Features::PGE) {
        cr4 |= ones(CR4::PGE);
        needs = needs.union(Features::PGE);
    }
    let cr3 = match map.spaces[space].asid {
        Some(pcid) => {
            cr4 |= ones(CR4::PCIDE);
            needs = needs.union(format.asid_feature);
            pcid as u64 & CR3::PCID.mask
        }
        None => 0,
    };
    if needs.contains(format.no_execute) {
        efer |= ones(EFER::NXE);
    }
    Words {
        linear_bits: format.input_bits,
        output_bits: output_bits(map, &map.spaces[space]),
        needs,
        cr0: ones(CR0::WP),
        cr3,
        cr4,
        cr4_clear,
        efer,
        pat: u64::from_le_bytes(format.memory_register.slots),
    }
}

/// What the regions of all spaces grant that registers can take away again.
struct Granted {
    user_executes: bool,
    kernel_executes_user: bool,
    kernel_has_user_data: bool,
    global: bool,
}

impl Granted {
    const fn of(map: &Map<'_>) -> Self {
        let mut all =
            Self { user_executes: false, kernel_executes_user: false, kernel_has_user_data: false, global: false };
        let mut s = 0;
        while s < map.spaces.len() {
            let regions = map.spaces[s].regions;
            let mut r = 0;
            while r < regions.len() {
                let access = regions[r].access;
                if !matches!(regions[r].kind, Kind::Guard) && !access.user.is_empty() {
                    all.user_executes |= access.user.contains(Rights::X);
                    all.kernel_executes_user |= access.privileged.contains(Rights::X);
                    all.kernel_has_user_data |= !access.privileged.data().is_empty();
                }
                all.global |= regions[r].global;
                r += 1;
            }
            s += 1;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::Access;
    use crate::map::{Cpu, Policy, Region, Space};
    use crate::regime::Regime;

    fn map<'a>(spaces: &'a [Space<'a>], features: Option<Features>) -> Map<'a> {
        Map {
            name: "test",
            anchor: 0,
            format: Level4::FORMAT,
            cpu: Cpu { features, ..Cpu::BLANK },
            policy: Policy::BLANK,
            resources: &[],
            spaces,
            channels: &[],
            isolation: &[],
            devices: &[],
            transitions: &[],
        }
    }

    #[test]
    fn a_kernel_alone_needs_nx_and_write_protection() {
        let regions = [Region { access: Access::kernel(Rights::RX), ..Region::BLANK }];
        let spaces = [Space { regions: &regions, ..Space::BLANK }];
        let words = words(&map(&spaces, None), 0, &Level4::FORMAT);
        assert_eq!(words.needs, Features::NX.union(Features::PAT));
        assert_eq!((words.cr0, words.cr3, words.cr4, words.cr4_clear, words.efer), (1 << 16, 0, 0, 0, 1 << 11));
        assert_eq!(words.pat, 0x0007_0501_0007_0406);
        assert_eq!(words.linear_bits, 48);
        assert_eq!(words.start_cr4(), 1 << 5);
        assert_eq!(words.start_efer(), 1 << 11 | 1 << 8);
        assert_eq!(words.start_cr0(), 0x8001_0031);
    }

    #[test]
    fn user_regions_decide_about_smep_and_smap() {
        let both = [Region { access: Access::user(Rights::RX), global: true, ..Region::BLANK }];
        let spaces = [Space { regions: &both, asid: Some(7), ..Space::BLANK }];
        let map = map(&spaces, Some(Features::NX.union(Features::PCID)));
        let set = words(&map, 0, &Level4::FORMAT);
        assert_eq!(set.cr4, 1 << 20 | 1 << 7 | 1 << 17);
        assert_eq!(set.cr4_clear, 1 << 21);
        assert_eq!(set.cr3, 7);
        assert!(set.needs.contains(Features::SMEP.union(Features::PGE).union(Features::PCID)));
        assert_eq!(set.start_cr4(), 1 << 5);
    }

    #[test]
    fn a_kernel_that_executes_user_pages_gets_no_smep() {
        let access = Access { privileged: Rights::RX, user: Rights::RX };
        let shared = [Region { access, ..Region::BLANK }];
        let spaces = [Space { regions: &shared, ..Space::BLANK }];
        let words = words(&map(&spaces, None), 0, &Level4::FORMAT);
        assert_eq!((words.cr4, words.cr4_clear), (0, 1 << 20 | 1 << 21));
    }

    #[test]
    fn five_levels_need_la57() {
        let words = words(&map(&[Space::BLANK], None), 0, &Level5::FORMAT);
        assert!(words.needs.contains(Features::LA57));
        assert_eq!(words.start_cr4(), 1 << 12 | 1 << 5);
    }
}
