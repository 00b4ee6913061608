//! A space is installed by the machine of its regime, or not at all: no host says that it is when nothing happened.

use tablature::space::{Installed, install};

tablature::memory_map! {
    pub mod virt for riscv::Sv39;

    physical {
        ram : 0x8000_0000, 1 GiB, normal;
    }
    space boot (boot) {
        tables <= 4;
        data (rw) : identity 0x8000_0000 => ram + 0, 1 MiB;
    }
}

fn made_up() -> Installed<virt::boot::Space> {
    // SAFETY: it does not come to that.
    unsafe { Installed::assert() }
}

fn go() {
    // SAFETY: it does not come to that.
    let _ = unsafe { install::<virt::boot::Space>() };
}

fn main() {}
