/* Constants of a board with two banks of DRAM, in the manner of a platform of TF-A. */
#ifndef PLATFORM_DEF_H
#define PLATFORM_DEF_H

#include <lib/utils_def.h>

#define PLAT_VIRT_ADDR_SPACE_SIZE	(ULL(1) << 36)
#define PLAT_PHY_ADDR_SPACE_SIZE	(ULL(1) << 36)
#define MAX_XLAT_TABLES			8

#define SEC_SRAM_BASE			UL(0x0e000000)
#define SEC_SRAM_SIZE			UL(0x00060000)
#define BL31_BASE			(SEC_SRAM_BASE + 0x20000)
#define BL31_LIMIT			(SEC_SRAM_BASE + SEC_SRAM_SIZE)

#define DEVICE0_BASE			0x08000000
#define DEVICE0_SIZE			0x01000000
#define UART0_BASE			0x09000000
#define UART_SIZE			SZ_64K

#define NS_DRAM0_BASE			ULL(0x40000000)
#define NS_DRAM0_SIZE			ULL(0xc0000000)

#define MAP_DEVICE0	MAP_REGION_FLAT(DEVICE0_BASE, DEVICE0_SIZE, \
					MT_DEVICE | MT_RW | MT_SECURE)
#define MAP_NS_DRAM0	MAP_REGION_FLAT(NS_DRAM0_BASE, NS_DRAM0_SIZE, \
					MT_MEMORY | MT_RW | MT_NS)

#endif /* PLATFORM_DEF_H */
