//! Tables and leaves as patina_paging 11.1.2 was measured to need them, on x86-64 and on AArch64.

use crate::kinds::{G, K, M};

/// Virtual and physical start, bytes; tables beyond the root; leaves of 4K, 2M, 1G.
pub(crate) const CASES: [(u64, u64, u64, usize, [usize; 3]); 17] = [
    (0, 0, 4 * K, 3, [1, 0, 0]),
    (0x1000, 0x1000, 511 * 4 * K, 3, [511, 0, 0]),
    (0, 0, 2 * M, 2, [0, 1, 0]),
    (0, 0, 2 * M + 4 * K, 3, [1, 1, 0]),
    (0, 0, G, 1, [0, 0, 1]),
    (0, 0, G + 2 * M + 4 * K, 3, [1, 1, 1]),
    (0x10_0000, 0x10_0000, 2 * M, 4, [512, 0, 0]),
    (0x1000, 0x1000, 10 * G, 5, [512, 511, 9]),
    (0, 0, 512 * G, 1, [0, 0, 512]),
    (0, 0, 1024 * G, 2, [0, 0, 1024]),
    (0x7f_ffff_f000, 0x7f_ffff_f000, 8 * K, 6, [2, 0, 0]),
    (0x3fff_f000, 0x3fff_f000, 8 * K, 5, [2, 0, 0]),
    (0x1f_f000, 0x1f_f000, 8 * K, 4, [2, 0, 0]),
    (0x0f88_888a_a000, 0, 4 * M, 5, [1024, 0, 0]),
    (0x0f88_8880_0000, 0x40_0000, 2 * M, 2, [0, 1, 0]),
    (0, 0x1000, 2 * M, 3, [512, 0, 0]),
    (0, 0x20_0000, G, 2, [0, 512, 0]),
];

/// Start and bytes.
pub(crate) type Range = (u64, u64);

/// First mapping; what is done on it; tables that the splits add.
pub(crate) const SPLITS: [(Range, Range, usize); 5] = [
    ((0, 2 * M), (0, 4 * K), 1),
    ((0, 6 * M), (M, 4 * M), 2),
    ((0, G), (0, 4 * K), 2),
    ((0, G), (0, 2 * M), 1),
    ((0, G), (0x1f_f000, 0x2000), 3),
];
