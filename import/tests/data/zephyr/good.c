/* The regions of a board with a GIC, four UARTs and a shared SRAM, in the manner of Zephyr's SoCs. */
#include <zephyr/arch/arm64/arm_mmu.h>
#include <zephyr/devicetree.h>

#define DEVICE_ATTR	(MT_DEVICE_nGnRnE | MT_P_RW_U_NA | MT_DEFAULT_SECURE_STATE)
#define CCSR_BASE	0x30000000
#define CCSR_SIZE	MB(8)

static const struct arm_mmu_region mmu_regions[] = {
	MMU_REGION_FLAT_ENTRY("GIC",
			      DT_REG_ADDR_BY_IDX(DT_INST(0, arm_gic), 0),
			      DT_REG_SIZE_BY_IDX(DT_INST(0, arm_gic), 0),
			      DEVICE_ATTR),
	MMU_REGION_FLAT_ENTRY("GIC",
			      DT_REG_ADDR_BY_IDX(DT_INST(0, arm_gic), 1),
			      DT_REG_SIZE_BY_IDX(DT_INST(0, arm_gic), 1),
			      DEVICE_ATTR),
	MMU_REGION_DT_FLAT_ENTRY(DT_NODELABEL(uart4), DEVICE_ATTR),
	MMU_REGION_DT_COMPAT_FOREACH_FLAT_ENTRY(vendor_gpio, DEVICE_ATTR),
	/* Registers, of which the clock's must not be gathered. */
	MMU_REGION_FLAT_ENTRY("CCSR", CCSR_BASE, CCSR_SIZE,
			      MT_DEVICE_nGnRE | MT_P_RW_U_NA | MT_NS),
	MMU_REGION_ENTRY("CLOCK", CCSR_BASE + KB(64), CCSR_BASE + KB(64), KB(64),
			 MT_DEVICE_nGnRnE | MT_P_RW_U_NA | MT_NS),
#if CONFIG_OPENAMP
	MMU_REGION_FLAT_ENTRY("RPMSG", DT_REG_ADDR(DT_CHOSEN(zephyr_ipc_shm)),
			      DT_REG_SIZE(DT_CHOSEN(zephyr_ipc_shm)),
			      MT_NORMAL_NC | MT_P_RW_U_RW | MT_NS),
#endif
};

const struct arm_mmu_config mmu_config = {
	.num_regions = ARRAY_SIZE(mmu_regions),
	.mmu_regions = mmu_regions,
};
