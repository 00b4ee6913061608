//! The three emulated machines and the firmware packages that run on them.

use std::fmt;

use clap::ValueEnum;

/// A machine that the examples boot on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    /// QEMU `virt`, AArch64, EL1.
    Aarch64,
    /// QEMU `virt`, RISC-V, S-mode under OpenSBI.
    Riscv64,
    /// QEMU `q35`, x86-64.
    #[value(name = "x86_64")]
    X86_64,
}

/// How the tables come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// In the image, where the linker puts them.
    Linked,
    /// In the image, at a declared address.
    Placed,
    /// Filled at boot.
    BootFilled,
}

/// The systems of two partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partitions {
    /// As it should be.
    Isolated,
    /// The receiver of the channel may write it.
    Leaky,
}

impl Partitions {
    /// The firmware's package, and the name of its binary.
    pub(crate) const PACKAGE: &str = "partitions";
    /// Machines that it runs on.
    pub(crate) const MACHINES: &[Arch] = &Arch::ALL;

    /// Name of its image.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            Self::Leaky => "leaky",
        }
    }

    /// Cargo features of the firmware.
    pub(crate) const fn features(self) -> &'static str {
        match self {
            Self::Isolated => "",
            Self::Leaky => "leaky",
        }
    }
}

/// What executes the guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accelerator {
    /// The host's CPU: a real MMU.
    Kvm,
    /// QEMU's own.
    Emulation,
}

impl Arch {
    /// All of them, in the order they are shown.
    pub(crate) const ALL: [Self; 3] = [Self::Aarch64, Self::Riscv64, Self::X86_64];

    /// Name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
            Self::X86_64 => "x86_64",
        }
    }

    /// The firmware's package, and the name of its binary.
    pub(crate) const fn package(self) -> &'static str {
        match self {
            Self::Aarch64 => "virt-aarch64",
            Self::Riscv64 => "virt-riscv64",
            Self::X86_64 => "q35-x86_64",
        }
    }

    /// The bare-metal target it is built for.
    pub(crate) const fn target(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64-unknown-none",
            Self::Riscv64 => "riscv64gc-unknown-none-elf",
            Self::X86_64 => "x86_64-unknown-none",
        }
    }

    /// The emulator.
    pub(crate) const fn qemu(self) -> &'static str {
        match self {
            Self::Aarch64 => "qemu-system-aarch64",
            Self::Riscv64 => "qemu-system-riscv64",
            Self::X86_64 => "qemu-system-x86_64",
        }
    }

    /// The emulator of programs that need no machine.
    pub(crate) const fn qemu_of_programs(self) -> &'static str {
        match self {
            Self::Aarch64 => "qemu-aarch64",
            Self::Riscv64 => "qemu-riscv64",
            Self::X86_64 => "qemu-x86_64",
        }
    }

    /// Machine and CPU that the firmware runs on if nothing else is asked for, as arguments of the emulator.
    pub(crate) const fn board(self, accelerator: Accelerator) -> &'static str {
        match (self, accelerator) {
            (Self::Aarch64, _) => "-M virt -cpu cortex-a72",
            (Self::Riscv64, _) => "-M virt -cpu rv64,svnapot=on,svpbmt=on",
            (Self::X86_64, Accelerator::Kvm) => "-M q35 -accel kvm -cpu host",
            (Self::X86_64, Accelerator::Emulation) => "-M q35 -accel tcg -cpu max",
        }
    }

    /// Arguments of the emulator before `-kernel`, on a board of this architecture.
    pub(crate) fn qemu_arguments(self, board: &'static str) -> impl Iterator<Item = &'static str> {
        let rest = match self {
            Self::Aarch64 => "-m 2G -nic none -nographic -semihosting-config enable=on,target=native",
            Self::Riscv64 => "-m 4G -nic none -nographic -bios default",
            // Without `-no-reboot`, under which QEMU ends with status 0 after a triple fault: the firmware notices that it
            // is started again, and ends with another.
            Self::X86_64 => {
                "-m 4G -nic none -device isa-debug-exit,iobase=0xf4,iosize=0x04 -display none -serial stdio"
            }
        };
        board.split(' ').chain(rest.split(' '))
    }
}

impl Mode {
    /// All of them, the default first.
    pub(crate) const ALL: [Self; 3] = [Self::Linked, Self::Placed, Self::BootFilled];

    /// Name on the command line and of the firmware's feature.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Placed => "placed",
            Self::BootFilled => "boot-filled",
        }
    }

    /// Whether the finished tables are bytes of the image.
    pub(crate) const fn is_static(self) -> bool {
        !matches!(self, Self::BootFilled)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
