//! Code from a device.

tablature::memory_map! {
    pub mod virt for aarch64::El1<G4K, 39>;

    physical {
        flash : 0x0, 64 MiB, device;
    }
    space boot (boot) {
        tables <= 4;
        flash (rx) : identity 0x10_0000 => flash + 1 MiB, 1 MiB;
    }
}

fn main() {}
