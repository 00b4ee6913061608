//! A translation regime as a type.

use core::marker::PhantomData;

/// The numbers of [`Regime::PageShift`] and [`Regime::IndexBits`], for regimes of your own.
pub use typenum;
use typenum::Unsigned;

use crate::attr::Features;
use crate::format::Format;
use crate::map::Cpu;
use crate::page::{HasLeaf, PageSize};

/// A translation regime: what a root register points at, and how the CPU reads it.
///
/// The constants of the format, and the same geometry as types, so that levels and page sizes that a regime lacks do
/// not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no translation regime",
    label = "expected a regime such as `aarch64::El1<G4K, 39>`, `riscv::Sv39` or `x86_64::Level4`"
)]
pub trait Regime: 'static {
    /// The format of its tables.
    const FORMAT: Format;
    /// The optional features that the CPU is known to have.
    const FEATURES: Features = Self::FORMAT.default_features;
    /// log2 of the page size.
    type PageShift: Unsigned;
    /// Index bits of a table below the root.
    type IndexBits: Unsigned;
    /// Whether the code is compiled for the architecture that has this regime.
    const NATIVE: bool = false;
}

/// The regime `R` on a CPU that is known to have `FEATURES` beside those that `R` assumes. Without it, a regime assumes the
/// least, which every CPU has that has the regime at all.
///
/// Leaves, descriptors and maintenance are those of such a CPU: 52-bit addresses, 1 GiB pages, changes of leaf size without
/// break-before-make. Whether the CPU has them is a promise of the program, made where it says that a space is live.
///
/// ```
/// use tablature::aarch64::{El1, G4K};
/// use tablature::attr::Features;
/// use tablature::regime::{Regime, With};
///
/// type Wide = With<El1<G4K, 52>, { Features::LPA2.bits() }>;
/// assert_eq!(<El1<G4K, 52>>::FORMAT.max_output_bits, 48);
/// assert_eq!((Wide::FORMAT.max_output_bits, Wide::FEATURES), (52, Features::LPA2));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct With<R, const FEATURES: u64>(PhantomData<R>);

impl<R: Regime, const FEATURES: u64> Regime for With<R, FEATURES> {
    const FORMAT: Format = R::FORMAT.shaped(&Cpu::BLANK, Self::FEATURES);
    const FEATURES: Features = R::FEATURES.union(Features::from_bits(FEATURES));
    type PageShift = R::PageShift;
    type IndexBits = R::IndexBits;
    const NATIVE: bool = R::NATIVE;
}

impl<R: HasLeaf<S>, S: PageSize, const FEATURES: u64> HasLeaf<S> for With<R, FEATURES> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aarch64::{El1, G4K, G64K};
    use crate::x86_64::Level4;

    #[test]
    fn known_features_shape_the_format() {
        type Plain = El1<G64K, 48>;
        type Wide = With<Plain, { Features::LPA.bits() }>;
        assert_eq!(Plain::FORMAT.address.decode(0xf000), 0);
        assert_eq!(Wide::FORMAT.address.decode(0xf000), 0xf << 48);
        assert!(Wide::FORMAT.has_leaf(2, Wide::FEATURES) && !Plain::FORMAT.has_leaf(2, Plain::FEATURES));
    }

    #[test]
    fn features_add_to_those_that_the_regime_assumes() {
        type Large = With<Level4, { Features::PDPE1GB.bits() }>;
        assert_eq!(Large::FEATURES, Features::NX.union(Features::PDPE1GB));
        type Both = With<With<El1<G4K, 39>, { Features::BBML2.bits() }>, { Features::ASID16.bits() }>;
        assert_eq!(Both::FEATURES, Features::BBML2.union(Features::ASID16));
        assert_eq!(Features::from_bits(Both::FEATURES.bits()), Both::FEATURES);
    }
}
