//! The regimes that a machine has beside the one it boots with first.

use std::fmt;

use crate::machine::{Accelerator, Arch};

/// A regime: what the firmware is built with, and the CPU that has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    /// The machine.
    pub(crate) arch: Arch,
    /// Its name.
    pub(crate) name: &'static str,
    /// Cargo features of the firmware.
    pub(crate) features: &'static str,
    /// Machine and CPU, as arguments of the emulator.
    pub(crate) board: &'static str,
    /// What executes it. Where KVM works but the host's CPU lacks the regime, that is said and nothing else.
    pub(crate) accelerator: Accelerator,
}

const RISCV: &str = "-M virt -cpu rv64,svnapot=on,svpbmt=on";
const RISCV_GUEST: &str = "-M virt -cpu rv64,svnapot=on,svpbmt=on,svinval=on,h=on";
const X86: &str = "-M q35 -accel tcg -cpu max";
/// QEMU's own x86 CPU has the registers of PCIDs and does not offer them: it drops all translations where a tag would
/// have kept some.
const X86_PCID: &str = "-M q35 -accel tcg -cpu max,pcid=on,x-force-features=on";
const X86_HOST: &str = "-M q35 -accel kvm -cpu host";

/// All of them.
pub(crate) const ALL: &[Variant] = &[
    emulated(Arch::Riscv64, "Sv48", "linked,sv48", RISCV),
    emulated(Arch::Riscv64, "Sv57", "linked,sv57", RISCV),
    emulated(Arch::Riscv64, "Sv39x4", "linked,sv39x4", RISCV_GUEST),
    emulated(Arch::Riscv64, "Sv48x4", "linked,sv48x4", RISCV_GUEST),
    emulated(Arch::X86_64, "1 GiB", "linked,pdpe1gb", X86),
    emulated(Arch::X86_64, "5 levels", "linked,la57", X86),
    emulated(Arch::X86_64, "5 levels, 1 GiB", "linked,la57,pdpe1gb", X86),
    emulated(Arch::X86_64, "PCID", "linked,pcid", X86_PCID),
    on_host("PCID", "linked,pcid"),
    on_host("1 GiB", "linked,pdpe1gb"),
];

const fn emulated(arch: Arch, name: &'static str, features: &'static str, board: &'static str) -> Variant {
    Variant { arch, name, features, board, accelerator: Accelerator::Emulation }
}

const fn on_host(name: &'static str, features: &'static str) -> Variant {
    Variant { arch: Arch::X86_64, name, features, board: X86_HOST, accelerator: Accelerator::Kvm }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.accelerator == Accelerator::Kvm { ", KVM" } else { "" };
        write!(f, "{}, {}{how}", self.arch, self.name)
    }
}
