/* What BL31 maps: devices, its own SRAM with code and constants inside, the memory of the normal world. */
#include <platform_def.h>
#include <lib/xlat_tables/xlat_tables_v2.h>

#ifdef IMAGE_BL2
static const mmap_region_t plat_mmap[] = {
	MAP_REGION_FLAT(ROM_BASE, ROM_SIZE, MT_CODE | MT_SECURE),
	{0}
};
#endif
#ifdef IMAGE_BL31
static const mmap_region_t plat_mmap[] = {
	MAP_DEVICE0,
	MAP_REGION_FLAT(UART0_BASE, UART_SIZE,
			MT_DEVICE | MT_RW | MT_NS),
	MAP_NS_DRAM0,
	{0}
};
#endif

void plat_arch_setup(void)
{
	const mmap_region_t bl_regions[] = {
		MAP_REGION_FLAT(BL31_BASE, BL31_LIMIT - BL31_BASE,
				MT_RW_DATA | MT_SECURE),
		MAP_REGION_FLAT(BL_CODE_BASE, BL_CODE_END - BL_CODE_BASE,
				MT_CODE | MT_SECURE),
		MAP_REGION_FLAT(BL_RO_DATA_BASE, BL_RO_DATA_END - BL_RO_DATA_BASE,
				MT_RO_DATA | MT_SECURE),
		MAP_REGION2(ULL(0x100000000), ULL(0x800000000), 2 * SZ_2M,
			    MT_NON_CACHEABLE | MT_RO | MT_EXECUTE_NEVER, SZ_2M),
		{0}
	};

	setup_page_tables(bl_regions, plat_mmap);
}
