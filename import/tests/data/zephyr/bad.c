/* The mistakes that boards have shipped with. */
#include <zephyr/arch/arm64/arm_mmu.h>

static const struct arm_mmu_region mmu_regions[] = {
	/* A size from a device tree that is no multiple of a page. */
	MMU_REGION_FLAT_ENTRY("UART", 0x30860000, 0x14, MT_DEVICE_nGnRnE | MT_P_RW_U_NA),
	MMU_REGION_FLAT_ENTRY("OCRAM", 0x00900000, KB(256), MT_NORMAL | MT_P_RW_U_NA),
	/* The same memory for the user, and not cached. */
	MMU_REGION_ENTRY("SHM", 0x00910000, 0x70000000, KB(64), MT_NORMAL_NC | MT_P_RW_U_RW),
	/* Code of the user that the kernel may execute. */
	MMU_REGION_FLAT_ENTRY("BOOT", 0x10000000, KB(64), MT_NORMAL | MT_P_RX_U_RX),
	/* Begins in the middle of the other. */
	MMU_REGION_FLAT_ENTRY("MU", 0x10008000, KB(64), MT_DEVICE_nGnRnE | MT_P_RW_U_NA),
};
