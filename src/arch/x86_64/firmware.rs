//! Tables under the memory types that firmware leaves.

use core::marker::PhantomData;

use crate::attr::Features;
use crate::edit::{Activate, Active, ActiveError};
use crate::flush::{Addresses, Duty, DutyRule, Hardware, Id, Maintain, Scope};
use crate::format::Format;
use crate::page::{HasLeaf, PageSize};
use crate::regime::Regime;

/// The regime `R` while IA32_PAT holds its power-on value, as under UEFI firmware: write-back, write-through, UC- and
/// uncacheable memory, and no other.
///
/// ```
/// use tablature::attr::MemoryType;
/// use tablature::format::NOT_ENCODABLE;
/// use tablature::regime::Regime;
/// use tablature::x86_64::{Level4, PowerOnPat};
///
/// let format = <PowerOnPat<Level4>>::FORMAT;
/// assert_eq!(u64::from_le_bytes(format.memory_register.slots), 0x0007_0406_0007_0406);
/// assert_eq!(format.memory[0][MemoryType::NormalNc as usize], NOT_ENCODABLE);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PowerOnPat<R>(PhantomData<R>);

/// SDM volume 3A, "Memory Type That Can Be Encoded With PAT" and "IA32_PAT MSR": WB, WT, UC-, UC, and once more.
const POWER_ON: [u64; 8] = [6, 4, 7, 0, 6, 4, 7, 0];

impl<R: Regime> Regime for PowerOnPat<R> {
    const FORMAT: Format = R::FORMAT.with_slots(&POWER_ON);
    const FEATURES: Features = R::FEATURES;
    type PageShift = R::PageShift;
    type IndexBits = R::IndexBits;
    const NATIVE: bool = R::NATIVE;
}

impl<R: HasLeaf<S>, S: PageSize> HasLeaf<S> for PowerOnPat<R> {}

impl<R: Maintain> Maintain for PowerOnPat<R> {
    type Architecture = R::Architecture;
    const DUTIES: &'static [DutyRule] = R::DUTIES;
    const BROADCAST_FEATURE: Option<Features> = R::BROADCAST_FEATURE;
    const RESIZES_HIDE: bool = R::RESIZES_HIDE;
    const MANY: u64 = R::MANY;

    #[inline(always)]
    fn sequence_with<H: Hardware<Self::Architecture>>(
        features: Features,
        scope: &Scope,
        every_core: bool,
        hardware: &mut H,
    ) {
        R::sequence_with(features, scope, every_core, hardware);
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
        R::pages_with(features, leaves, duty, id, every_core, hardware);
    }
}

impl<R: Activate> Activate for PowerOnPat<R> {
    fn active_with<H: Hardware<Self::Architecture>>(
        format: &'static Format,
        features: Features,
        hardware: &mut H,
    ) -> Result<Active, ActiveError> {
        R::active_with(format, features, hardware)
    }

    unsafe fn activate_with<H: Hardware<Self::Architecture>>(
        format: &'static Format,
        features: Features,
        to: &Active,
        hardware: &mut H,
    ) -> Result<(), ActiveError> {
        // SAFETY: passed on to the caller word by word.
        unsafe { R::activate_with(format, features, to, hardware) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::{Access, MemoryType, Rights};
    use crate::flush::Recorder;
    use crate::format::View;
    use crate::regime::With;
    use crate::x86_64::operation::Register;
    use crate::x86_64::{Level4, X86};

    type Firmware = With<PowerOnPat<Level4>, { Features::PDPE1GB.bits() }>;

    #[test]
    fn types_that_the_register_lacks_have_no_encoding() {
        let memory = |word| match Firmware::FORMAT.view(0, word) {
            View::Leaf(leaf) => Some(leaf.memory),
            _ => None,
        };
        assert_eq!(memory(0x3), Some(MemoryType::NormalWb));
        assert_eq!(memory(0xb), Some(MemoryType::NormalWt));
        assert_eq!(memory(0x1b), Some(MemoryType::DeviceNgnrne));
        let leaf = |memory| crate::arch::laws::word(&Firmware::FORMAT, 0, 0, Access::kernel(Rights::RWX), memory);
        assert_eq!(leaf(MemoryType::NormalWb), 0x3);
        assert_eq!(leaf(MemoryType::DeviceNgnre), 0x1b);
    }

    #[test]
    fn the_tables_of_firmware_are_read_from_the_registers() {
        let mut cpu = Recorder::<X86, 8>::new()
            .with(Register::Cr0, 0x8001_0033)
            .with(Register::Cr3, 0x7f80_1000)
            .with(Register::Cr4, 0x668)
            .with(Register::Efer, 0xd00)
            .with(Register::Pat, 0x0007_0406_0007_0406);
        assert_eq!(Firmware::active(&mut cpu).map(|active| active.roots.lower), Ok(Some(0x7f80_1000)));
        assert!(matches!(Level4::active(&mut cpu), Err(ActiveError::MemoryTypes { .. })));
    }
}
