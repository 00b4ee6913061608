//! The regime of a declaration.

use core::marker::PhantomData;

use super::Declared;
use crate::attr::Features;
use crate::flush::{Addresses, Duty, DutyRule, Hardware, Id, Maintain, Scope};
use crate::format::Format;
use crate::layout;
use crate::page::{HasLeaf, PageSize};
use crate::regime::Regime;

/// The regime of the declared space `S` exactly as its map shapes it: memory-type register, permission indices,
/// descriptors, features. Spaces that are made at run time in this regime can run beside `S` on one CPU.
///
/// ```
/// tablature::memory_map! {
///     mod board for aarch64::El1<G4K, 39>;
///     cpu { features = [bbml2]; mair = [0xff, 0x04]; }
///     physical { dram : 0x4000_0000, 1 GiB, normal; }
///     space kernel {
///         tables at boot;
///         text (rx) : 0xffff_ff80_4000_0000 => dram, 2 MiB;
///     }
/// }
/// use tablature::attr::Features;
/// use tablature::regime::Regime;
/// use tablature::space::Of;
///
/// type Process = Of<board::kernel::Space>;
/// assert_eq!(Process::FORMAT.memory_register.slots[0], 0xff);
/// assert_eq!(Process::FEATURES, Features::BBML2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Of<S>(PhantomData<S>);

impl<S: Declared> Regime for Of<S> {
    const FORMAT: Format = S::FORMAT;
    const FEATURES: Features = layout::features(S::MAP);
    type PageShift = <S::Regime as Regime>::PageShift;
    type IndexBits = <S::Regime as Regime>::IndexBits;
    const NATIVE: bool = S::Regime::NATIVE;
}

impl<S: Declared, P: PageSize> HasLeaf<P> for Of<S> where S::Regime: HasLeaf<P> {}

impl<S: Declared> Maintain for Of<S>
where
    S::Regime: Maintain,
{
    type Architecture = <S::Regime as Maintain>::Architecture;
    const DUTIES: &'static [DutyRule] = S::Regime::DUTIES;
    const BROADCAST_FEATURE: Option<Features> = S::Regime::BROADCAST_FEATURE;
    const RESIZES_HIDE: bool = S::Regime::RESIZES_HIDE;
    const MANY: u64 = S::Regime::MANY;

    #[inline(always)]
    fn sequence_with<H: Hardware<Self::Architecture>>(
        features: Features,
        scope: &Scope,
        every_core: bool,
        hardware: &mut H,
    ) {
        S::Regime::sequence_with(features, scope, every_core, hardware);
    }

    #[inline(always)]
    fn pages_with<H: Hardware<Self::Architecture>>(
        features: Features,
        leaves: Addresses,
        duty: Duty,
        id: Id,
        every_core: bool,
        hardware: &mut H,
    ) {
        S::Regime::pages_with(features, leaves, duty, id, every_core, hardware);
    }
}
