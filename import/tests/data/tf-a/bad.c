/* The mistakes that releases have shipped with. */
#include "platform_def.h"

#define SHARED_BASE	(NS_DRAM0_BASE + 0x1000)
#define MBOX_BASE	0x0a000000

static const mmap_region_t plat_mmap[] = {
	MAP_DEVICE0,
	/* Reaches 64 KiB beyond the devices. */
	MAP_REGION_FLAT(UART0_BASE - 0x10000, 2 * UART_SIZE, MT_DEVICE | MT_RW),
	MAP_NS_DRAM0,
	/* The same memory, and not cached. */
	MAP_REGION(SHARED_BASE, 0xa00000000, SZ_4K, MT_NON_CACHEABLE | MT_RW | MT_NS),
	/* Half a page. */
	MAP_REGION_FLAT(MBOX_BASE, 0x800, MT_DEVICE | MT_RW),
	/* Beyond the 36 bits that the platform says it has. */
	MAP_REGION(0x0b000000, ULL(1) << 36, SZ_64K, MT_DEVICE | MT_RW),
	{0}
};

void later(void)
{
	mmap_add_region(params->base, params->base, params->size, MT_MEMORY | MT_RW);
}
