tablature::memory_map! {
    /// Imported from tests/data/microkit/good.system (Microkit).
    ///
    /// Assumed:
    /// * AArch64 with 48 bits of virtual address; `--regime` says otherwise.
    /// * Program images, stacks and buffers of IPC are not in the description, and not here.
    /// * Every domain is isolated from the others but for the regions that they share.
    /// * Memory from 0x60000000, 0x40000000 bytes; `--ram` says otherwise.
    /// * A region with `phys_addr` that somebody maps uncached is a device, others are memory.
    /// * Regions without `phys_addr` lie one after the other in memory.
    pub mod good for aarch64::El1<G4K, 48>;
    physical {
        // tests/data/microkit/good.system: memory
        ram : 0x60000000, 0x40000000, normal_wb;
        // tests/data/microkit/good.system:4: memory region `uart`
        uart : 0x9000000, 0x1000, device_nGnRnE;
        // tests/data/microkit/good.system:5: memory region `ring`
        // its place is assumed
        ring : 0x60000000, 0x1000, normal_wb, within ram;
        // tests/data/microkit/good.system:6: memory region `packets`
        // its place is assumed
        packets : 0x60200000, 0x400000, normal_wb, within ram;
        // tests/data/microkit/good.system:7: memory region `settings`
        // its place is assumed
        settings : 0x60600000, 0x2000, normal_wb, within ram;
        // tests/data/microkit/good.system:8: memory region `heap`
        // its place is assumed
        heap : 0x60602000, 0x4000, normal_wb, within ram;
        // tests/data/microkit/good.system:9: memory region `guest_ram`
        guest_ram : 0x50000000, 0x8000000, normal_wb;
    }
    // tests/data/microkit/good.system:11: protection domain `driver`
    space driver (partition) {
        // tests/data/microkit/good.system:13: map of `uart` in `driver`: rw, not cached
        uart (rw, user) : 0x2000000 => uart, 0x1000;
        // tests/data/microkit/good.system:14: map of `ring` in `driver`: rw
        ring (rw, user) : 0x3000000 => channel ring_shared, 0x1000;
        // tests/data/microkit/good.system:15: map of `packets` in `driver`: rw
        packets (rw, user) : 0x4000000 => channel packets_shared, 0x400000, page 0x200000;
        // tests/data/microkit/good.system:16: map of `settings` in `driver`: r
        settings (r, user) : 0x5000000 => channel settings_shared, 0x2000;
    }
    // tests/data/microkit/good.system:20: protection domain `monitor`
    space monitor (partition) {
        // tests/data/microkit/good.system:33: map of `guest_ram` in `monitor`: rw
        guest_ram (rw, user) : 0x40000000 => channel guest_ram_shared, 0x8000000, page 0x200000;
    }
    // tests/data/microkit/good.system:22: protection domain `client`
    space client (partition) {
        // tests/data/microkit/good.system:24: map of `ring` in `client`: rw
        ring (rw, user) : 0x3000000 => channel ring_shared, 0x1000;
        // tests/data/microkit/good.system:25: map of `packets` in `client`: r
        packets (r, user) : 0x4000000 => channel packets_shared, 0x400000, page 0x200000;
        // tests/data/microkit/good.system:26: map of `settings` in `client`: r
        settings (r, user) : 0x5000000 => channel settings_shared, 0x2000;
        // tests/data/microkit/good.system:27: map of `heap` in `client`: rw
        heap (rw, user) : 0x6000000 => heap, 0x4000;
    }
    // tests/data/microkit/good.system:29: virtual machine `linux`
    space linux (guest) for aarch64::Stage2<G4K, 40> {
        // tests/data/microkit/good.system:31: map of `guest_ram` in `linux`: rw
        guest_ram (rw) : 0x40000000 => channel guest_ram_shared, 0x8000000, page 0x200000;
    }
    // tests/data/microkit/good.system: the loader
    space loader (boot) {
        // tests/data/microkit/good.system:7: memory region `settings`
        // written before the domains run; the address is assumed
        settings (rw) : 0x60600000 => channel settings_shared, 0x2000;
    }
    // tests/data/microkit/good.system:5: memory region `ring`
    channel ring_shared : 0x1000 in 0x60000000, driver <-> client;
    // tests/data/microkit/good.system:6: memory region `packets`
    channel packets_shared : 0x400000 in 0x60200000, driver -> client;
    // tests/data/microkit/good.system:7: memory region `settings`
    channel settings_shared : 0x2000 in 0x60600000, loader -> driver, client;
    // tests/data/microkit/good.system:9: memory region `guest_ram`
    channel guest_ram_shared : 0x8000000 in 0x50000000, monitor <-> linux;
    isolate driver, monitor, client, linux except ring_shared, packets_shared, settings_shared, guest_ram_shared;
}
