tablature::memory_map! {
    /// Imported from tests/data/tf-a/good.c (TF-A).
    ///
    /// Assumed:
    /// * EL3, as in BL1 and BL31; `--regime` says otherwise.
    /// * Where one region lies inside another, the inner one holds, as the library of TF-A has it.
    /// * Secure and non-secure physical addresses are one space; the bus may have two.
    /// * Not defined, so parts are left out: IMAGE_BL2.
    /// * MAX_XLAT_TABLES and the root are all tables there are.
    pub mod good for aarch64::El3<G4K, 36>;
    cpu {
        pa_bits = 36;
    }
    physical {
        device0 : 0x8000000, 0x1010000, device_nGnRE;
        bl_code : 0xe020000, 0x40000, normal_wb;
        ns_dram0 : 0x40000000, 0xc0000000, normal_wb;
        ull : 0x100000000, 0x400000, normal_nc;
    }
    space firmware (firmware) {
        tables <= 9;
        // tests/data/tf-a/good.c:13: MAP_DEVICE0, MAP_REGION_FLAT(DEVICE0_BASE, DEVICE0_SIZE, MT_DEVICE | MT_RW | MT_SECURE)
        // secure
        device0 (rw) : 0x8000000 => device0, 0x1000000;
        // tests/data/tf-a/good.c:14: MAP_REGION_FLAT(UART0_BASE, UART_SIZE, MT_DEVICE | MT_RW | MT_NS)
        // non-secure
        uart0 (rw) : 0x9000000 => device0 + 0x1000000, 0x10000;
        // tests/data/tf-a/good.c:16: MAP_NS_DRAM0, MAP_REGION_FLAT(NS_DRAM0_BASE, NS_DRAM0_SIZE, MT_MEMORY | MT_RW | MT_NS)
        // non-secure
        ns_dram0 (rw) : 0x40000000 => ns_dram0, 0xc0000000;
        // tests/data/tf-a/good.c:24: MAP_REGION_FLAT(BL31_BASE, BL31_LIMIT - BL31_BASE, MT_RW_DATA | MT_SECURE)
        // secure
        // without `bl_code`, `bl_ro_data`
        bl31 (rw) : 0xe038000 => bl_code + 0x18000, 0x28000;
        // tests/data/tf-a/good.c:26: MAP_REGION_FLAT(BL_CODE_BASE, BL_CODE_END - BL_CODE_BASE, MT_CODE | MT_SECURE)
        // secure
        bl_code (rx) : 0xe020000 => bl_code, 0x10000;
        // tests/data/tf-a/good.c:28: MAP_REGION_FLAT(BL_RO_DATA_BASE, BL_RO_DATA_END - BL_RO_DATA_BASE, MT_RO_DATA | MT_SECURE)
        // secure
        bl_ro_data (r) : 0xe030000 => bl_code + 0x10000, 0x8000;
        // tests/data/tf-a/good.c:30: MAP_REGION2(ULL(0x100000000), ULL(0x800000000), 2 * SZ_2M, MT_NON_CACHEABLE | MT_RO | MT_EXECUTE_NEVER, SZ_2M)
        // secure
        ull (r) : 0x800000000 => ull, 0x400000, page <= 0x200000;
    }
}
