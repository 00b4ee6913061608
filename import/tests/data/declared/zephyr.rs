tablature::memory_map! {
    /// Imported from tests/data/zephyr/good.c (Zephyr).
    ///
    /// Assumed:
    /// * 32 bits of virtual address, for CONFIG_ARM64_VA_BITS is not known.
    /// * The kernel's own image is not among these regions.
    /// * Where one region lies inside another, the inner one holds.
    /// * Not defined, so parts are left out: CONFIG_OPENAMP.
    pub mod good for aarch64::El1<G4K, 32>;
    cpu {
        pa_bits = 36;
    }
    physical {
        ccsr : 0x30000000, 0x10000, device_nGnRE;
        clock : 0x30010000, 0x10000, device_nGnRnE;
        ccsr_2 : 0x30020000, 0x7e0000, device_nGnRE;
        uart4 : 0x30a60000, 0x10000, device_nGnRnE;
        vendor_gpio_0 : 0x30c00000, 0x20000, device_nGnRnE;
        gic : 0x38800000, 0x10000, device_nGnRnE;
        gic_2 : 0x38880000, 0xc0000, device_nGnRnE;
    }
    space kernel (kernel) {
        tables <= 8;
        // tests/data/zephyr/good.c:10: MMU_REGION_FLAT_ENTRY("GIC", DT_REG_ADDR_BY_IDX(DT_INST(0, arm_gic), 0), DT_REG_SIZE_BY_IDX(DT_INST(0, arm_gic), 0), DEVICE_ATTR)
        gic (rw) : 0x38800000 => gic, 0x10000;
        // tests/data/zephyr/good.c:14: MMU_REGION_FLAT_ENTRY("GIC", DT_REG_ADDR_BY_IDX(DT_INST(0, arm_gic), 1), DT_REG_SIZE_BY_IDX(DT_INST(0, arm_gic), 1), DEVICE_ATTR)
        gic_2 (rw) : 0x38880000 => gic_2, 0xc0000;
        // tests/data/zephyr/good.c:18: MMU_REGION_DT_FLAT_ENTRY(DT_NODELABEL(uart4), DEVICE_ATTR)
        uart4 (rw) : 0x30a60000 => uart4, 0x10000;
        // tests/data/zephyr/good.c:19: MMU_REGION_DT_COMPAT_FOREACH_FLAT_ENTRY(vendor_gpio, DEVICE_ATTR)
        vendor_gpio_0 (rw) : 0x30c00000 => vendor_gpio_0, 0x10000;
        // tests/data/zephyr/good.c:19: MMU_REGION_DT_COMPAT_FOREACH_FLAT_ENTRY(vendor_gpio, DEVICE_ATTR)
        vendor_gpio_1 (rw) : 0x30c10000 => vendor_gpio_0 + 0x10000, 0x10000;
        // tests/data/zephyr/good.c:21: MMU_REGION_FLAT_ENTRY("CCSR", CCSR_BASE, CCSR_SIZE, MT_DEVICE_nGnRE | MT_P_RW_U_NA | MT_NS)
        // without `clock`
        ccsr (rw) : 0x30000000 => ccsr, 0x10000;
        // tests/data/zephyr/good.c:21: MMU_REGION_FLAT_ENTRY("CCSR", CCSR_BASE, CCSR_SIZE, MT_DEVICE_nGnRE | MT_P_RW_U_NA | MT_NS)
        // without `clock`
        ccsr_2 (rw) : 0x30020000 => ccsr_2, 0x7e0000;
        // tests/data/zephyr/good.c:23: MMU_REGION_ENTRY("CLOCK", CCSR_BASE + KB(64), CCSR_BASE + KB(64), KB(64), MT_DEVICE_nGnRnE | MT_P_RW_U_NA | MT_NS)
        clock (rw) : 0x30010000 => clock, 0x10000;
    }
}
