//! A stack without a guard, where the policy asks for guards.

tablature::memory_map! {
    pub mod virt for riscv::Sv39;

    policy {
        stack_guards;
    }
    physical {
        dram : 0x8000_0000, 128 MiB, normal;
    }
    space kernel {
        tables <= 8 in dram;
        stack (rw, stack) : 0xffff_ffc0_0000_0000 => dram + 1 MiB, 16 KiB;
    }
}

fn main() {}
