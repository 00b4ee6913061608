//! The declarations of the example firmware, as the host sees them.

use example_maps::aarch64::virt_aarch64;
use example_maps::riscv64::virt_riscv64;
use example_maps::x86_64::q35_x86_64;

use crate::machine::Arch;
use crate::tables::Declaration;

/// The space that the firmware of a machine installs.
pub(crate) fn declaration(arch: Arch) -> Declaration {
    match arch {
        Arch::Aarch64 => Declaration::of::<virt_aarch64::kernel::Space>(),
        Arch::Riscv64 => Declaration::of::<virt_riscv64::kernel::Space>(),
        Arch::X86_64 => Declaration::of::<q35_x86_64::kernel::Space>(),
    }
}
