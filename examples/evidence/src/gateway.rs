//! A gateway that no firmware here boots: what its document says that those of the others do not, masters on the bus and
//! exceptions with their reasons.

tablature::memory_map! {
    /// QEMU `virt`, AArch64: what drives the disk and what drives the network are isolated, and so are their masters.
    pub(crate) mod gateway for aarch64::El1<G4K, 39>;

    cpu { pa_bits = 40; }
    policy { stack_guards; }

    physical {
        dram      : 0x4000_0000, 1 GiB, normal;
        uart0     : 0x0900_0000, 4 KiB, device, owner kernel;
        smmu      : 0x0905_0000, 128 KiB, device, owner kernel;
        nic_ports : 0x0a00_0000, 4 KiB, device, owner network;
        hba_ports : 0x0a00_1000, 4 KiB, device, owner storage;
    }

    space kernel {
        asid 1;
        tables <= 16 at dram + 0x10_0000;
        null   (guard) : 0x0, 4 KiB;
        #[req("GATE-1")]
        text   (rx) : 0xffff_ff80_4020_0000 => dram + 2 MiB, 2 MiB;
        rodata (r)  : after text => dram + 4 MiB, 1 MiB;
        data   (rw) : after rodata => dram + 5 MiB, 1 MiB;
        stack  (rw) : 0xffff_ff90_0000_0000 => dram + 6 MiB, 64 KiB, guard below;
        /// Code that a debugger's breakpoints are put into.
        stubs  (rwx) : 0xffff_ff90_1000_0000 => dram + 7 MiB, 4 KiB, waive(wx, "breakpoints of the monitor are stores");
        uart0  (rw) : 0xffff_ff90_2000_0000 => uart0;
        smmu   (rw) : 0xffff_ff90_2010_0000 => smmu;
    }

    space network (user) {
        asid 2;
        tables <= 8 at dram + 0x12_0000;
        #[req("GATE-2")]
        code   (rx, user) : 0x1_0000 => dram + 0x100_0000, 64 KiB;
        data   (rw, user) : after code => dram + 0x101_0000, 64 KiB;
        /// What the network card reads and writes past the caches.
        frames (rw, user) : 0x100_0000 => dram + 0x110_0000, 256 KiB,
            waive(dma_incoherent, "the driver cleans and invalidates each buffer");
        ports  (rw, user) : 0x200_0000 => nic_ports;
        out    (rw, user) : 0x300_0000 => channel files;
    }

    space storage (user) {
        asid 3;
        tables <= 8 at dram + 0x13_0000;
        #[req("GATE-2")]
        code   (rx, user) : 0x1_0000 => dram + 0x200_0000, 64 KiB;
        data   (rw, user) : after code => dram + 0x201_0000, 64 KiB;
        blocks (rw, user) : 0x100_0000 => dram + 0x210_0000, 1 MiB;
        ports  (rw, user) : 0x200_0000 => hba_ports;
        input  (r, user)  : 0x300_0000 => channel files;
    }

    channel files : 64 KiB in dram + 0x300_0000, network -> storage;
    isolate network, storage except files;

    dma nic for network (incoherent, addr_bits 32) {
        received (rw) : 0x1_0000 => dram + 0x110_0000, 192 KiB;
        to_send  (r)  : 0x8_0000 => dram + 0x113_0000, 64 KiB;
    }
    dma hba for storage {
        blocks   (rw) : 0x4000_0000 => dram + 0x210_0000, 1 MiB;
    }
}
