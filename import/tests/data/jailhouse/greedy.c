/* A second cell with what the checker of Jailhouse does not compare between cells. */
#include <jailhouse/cell-config.h>

struct {
	struct jailhouse_cell_desc cell;
	__u64 cpus[1];
	struct jailhouse_memory mem_regions[5];
} __attribute__((packed)) config = {
	.cell = {
		.signature = JAILHOUSE_CELL_DESC_SIGNATURE,
		.revision = JAILHOUSE_CONFIG_REVISION,
		.name = "greedy",
	},

	.mem_regions = {
		/* The memory of the other cell, in part */ {
			.phys_start = 0x7ef00000,
			.virt_start = 0,
			.size = 0x00200000,
			.flags = JAILHOUSE_MEM_READ | JAILHOUSE_MEM_WRITE |
				JAILHOUSE_MEM_EXECUTE,
		},
		/* The hypervisor */ {
			.phys_start = 0x7fc01000,
			.virt_start = 0x7fc01000,
			.size = 0x1000,
			.flags = JAILHOUSE_MEM_READ,
		},
		/* Registers that run code */ {
			.phys_start = 0x0a000000,
			.virt_start = 0x0a000000,
			.size = 0x1000,
			.flags = JAILHOUSE_MEM_READ | JAILHOUSE_MEM_WRITE |
				JAILHOUSE_MEM_EXECUTE | JAILHOUSE_MEM_IO,
		},
		/* Twice at one address */ {
			.phys_start = 0x0b000000,
			.virt_start = 0x0a000000,
			.size = 0x1000,
			.flags = JAILHOUSE_MEM_READ | JAILHOUSE_MEM_IO,
		},
	},
};
