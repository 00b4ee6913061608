//! AArch64: VMSAv8-64 translation tables with 4, 16 and 64 KiB granules.
//!
//! Section numbers are those of the *Arm Architecture Reference Manual for A-profile architecture*, DDI 0487 issue J.a
//! ("DDI 0487" from here on). Formats, register words and sequences build and are tested on any host; the instructions
//! alone need the target.
//!
//! | regime | type | roots | identifier | what it is |
//! |---|---|---|---|---|
//! | EL1&0 stage 1 | [`El1`] | `TTBR0_EL1`, `TTBR1_EL1` | ASID | kernels |
//! | EL2 stage 1 | [`El2`] | `TTBR0_EL2` | none | hypervisors, firmware |
//! | EL2&0 stage 1 | [`El2And0`] | `TTBR0_EL2`, `TTBR1_EL2` | ASID | kernels at EL2 (VHE) |
//! | EL3 stage 1 | [`El3`] | `TTBR0_EL3` | none | secure monitors |
//! | EL1&0 stage 2 | [`Stage2`] | `VTTBR_EL2` | VMID | guests |
//!
//! The first parameter is the granule, the second the input width in bits; any width compiles, and the rule
//! `va-bits-invalid` rejects those that the architecture does not have.
//!
//! ```
//! use tablature::aarch64::{El1, G4K, Stage2};
//! use tablature::regime::Regime;
//!
//! let kernel = <El1<G4K, 39> as Regime>::FORMAT;
//! assert_eq!((kernel.levels, kernel.page_size()), (3, 4096));
//! assert_eq!(kernel.upper_start(), Some(0xffff_ff80_0000_0000));
//!
//! // 40 bits are three levels with two root tables side by side, not four levels.
//! let guest = <Stage2<G4K, 40> as Regime>::FORMAT;
//! assert_eq!((guest.levels, guest.root_tables()), (3, 2));
//! ```
//!
//! # 52-bit addresses
//!
//! Where a declaration requires `lpa2` (4 and 16 KiB granules), descriptors hold output address bits 51:50 in bits 9:8,
//! shareability moves to the control register, and TCR_ELx.DS is set; with `lpa` (64 KiB), bits 51:48 are in bits 15:12.
//! Format and registers change together, because both follow from the declaration.
//!
//! # Memory types
//!
//! MAIR_ELx holds, unless a declaration says otherwise, Device-nGnRE, Normal write-back, non-cacheable, Device-nGnRnE,
//! write-through, Device-nGRE, Device-GRE and write-back read-allocate, in this order. A map that names other types gets
//! them in place of the first ones it does not name.
//!
//! # Rights
//!
//! Everything is not executable that is not declared so, at both Exception levels: kernel pages have UXN set, user pages
//! PXN. The access flag is set in every leaf, and a writable leaf is dirty from the start, so that hardware never has to
//! write to the tables.
//!
//! # Live changes
//!
//! What a change of live tables owes, and the barriers and invalidations that pay it, follow from the regime and the
//! features that the CPU is known to have. The operations can be recorded on any host:
//!
//! ```
//! use tablature::aarch64::{A64, Barrier, Domain, El1, G4K, Instruction, Tlb};
//! use tablature::flush::{Duty, Extent, Id, Maintain, Recorder, Scope};
//!
//! let page = Extent::Range { start: 0x4000_0000, last: 0x4000_0fff, stride: 12 };
//! let mut core = Recorder::<A64, 8>::new();
//! El1::<G4K, 39>::sequence(&Scope { duty: Duty::LEAF, extent: page, id: Id::One(5) }, true, &mut core);
//! assert_eq!(
//!     core.ops(),
//!     [
//!         Instruction::Barrier(Barrier::DsbStores(Domain::Inner)),
//!         Instruction::Invalidate(Tlb::Vale1, Domain::Inner, 5 << 48 | 0x4_0000),
//!         Instruction::Barrier(Barrier::Dsb(Domain::Inner)),
//!         Instruction::Barrier(Barrier::Isb),
//!     ]
//! );
//! ```
//!
//! Executed by [`ThisCpu`](crate::flush::ThisCpu) and known where it is compiled, that is four instructions and two that
//! make the operand. Other cores are those of the Inner Shareable domain. Outer Shareable observers, such as devices behind
//! an SMMU that shares the tables, are not reached.

use core::marker::PhantomData;

use typenum::{U9, U11, U12, U13, U14, U16, Unsigned};

use crate::format::Format;
use crate::regime::Regime;

mod activate;
mod effects;
mod entry;
#[cfg(feature = "evidence")]
pub(in crate::arch) mod evidence;
mod flush;
mod granule;
mod indirect;
mod insn;
mod install;
mod laws;
mod leaf;
mod name;
mod operation;
mod regs;
mod switch;

pub use entry::Translation;
use entry::{Shape, format};
pub use granule::GranuleSize;
pub use indirect::Permissions;
pub use install::install;
use name::Name;
pub use operation::{A64, Barrier, Domain, Instruction, Register, Tlb};
pub use regs::{Derive, Words, words};

/// A translation granule: the page size, which is also the size of a table (DDI 0487, D8).
pub trait Granule: sealed::Sealed + 'static {
    /// Which one.
    const SIZE: GranuleSize;
    /// log2 of the page size.
    type PageShift: Unsigned;
    /// Index bits of a table: eight bytes per descriptor.
    type IndexBits: Unsigned;
}

/// A regime of this architecture.
pub trait Vmsa: Regime + sealed::Sealed {
    /// Regime and stage.
    const TRANSLATION: Translation;
    /// Granule.
    const GRANULE: GranuleSize;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! granules {
    ($($(#[$doc:meta])* $name:ident: $size:ident, $page:ty, $index:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl Granule for $name {
            const SIZE: GranuleSize = GranuleSize::$size;
            type PageShift = $page;
            type IndexBits = $index;
        }

        const _: () = {
            assert!(<$page>::U32 == GranuleSize::$size.page_shift());
            assert!(<$index>::U32 == GranuleSize::$size.index_bits());
        };
    )*};
}

granules! {
    /// 4 KiB granule.
    G4K: Four, U12, U9;
    /// 16 KiB granule.
    G16K: Sixteen, U14, U11;
    /// 64 KiB granule.
    G64K: SixtyFour, U16, U13;
}

macro_rules! regimes {
    ($($(#[$doc:meta])* $name:ident, $width:ident, $translation:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<G: Granule, const $width: u32>(PhantomData<G>);

        impl<G: Granule, const $width: u32> $name<G, $width> {
            const SHAPE: Shape = Shape::new(Translation::$translation, G::SIZE, $width);
            const NAME: Name = Name::of(Translation::$translation, G::SIZE, $width);
            /// The descriptors with 52-bit output addresses, where the CPU is required to have them.
            const WIDE: Format = format(&Self::SHAPE, Self::NAME.text(), None);
        }

        impl<G: Granule, const $width: u32> Regime for $name<G, $width> {
            const FORMAT: Format = format(&Self::SHAPE, Self::NAME.text(), Some(&Self::WIDE));
            type PageShift = G::PageShift;
            type IndexBits = G::IndexBits;
            const NATIVE: bool = insn::NATIVE;
        }

        impl<G: Granule, const $width: u32> sealed::Sealed for $name<G, $width> {}

        impl<G: Granule, const $width: u32> Vmsa for $name<G, $width> {
            const TRANSLATION: Translation = Translation::$translation;
            const GRANULE: GranuleSize = G::SIZE;
        }
    )*};
}

regimes! {
    /// EL1&0, stage 1: two halves, `TTBR0_EL1` and `TTBR1_EL1`, of `VA` bits each.
    El1, VA, El1;
    /// EL2, stage 1 without VHE: one range of `VA` bits from address 0, no user.
    El2, VA, El2;
    /// EL3, stage 1: one range of `VA` bits from address 0, no user.
    El3, VA, El3;
    /// EL2&0, stage 1 with `HCR_EL2.E2H` = 1 (FEAT_VHE): two halves of `VA` bits each.
    El2And0, VA, El2And0;
    /// EL1&0, stage 2: guest-physical addresses of `IPA` bits, up to 16 concatenated root tables.
    Stage2, IPA, Stage2;
}
