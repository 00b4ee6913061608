//! Large windows: the number of tables, pages at both ends and at random, and nothing else.

use std::collections::BTreeMap;

use tablature::aarch64::A64;
use tablature::edit::{Kind, Ro, Rw};
use tablature::flush::{OneCore, Recorder};
use tablature::page::{PageSize as _, Size4K};
use tablature::riscv::RiscV;
use tablature::space::{Declared, Of};
use tablature::tables::{Identity, Memory, Nothing};
use tablature::window::{Window, WindowRegion};
use tablature::x86_64::X86;

use crate::model::{Random, words};
use crate::support::{self, Decode};
use crate::{entry, frame, memory};

/// Pages that are mapped at random places.
const SOME: usize = 200;

fn goes<S: Declared>(virt: u64, decode: Decode) -> Option<u64> {
    let roots = S::roots();
    let upper = S::FORMAT.upper_start().is_some_and(|start| virt >= start);
    let root = if upper { roots.upper.or(roots.lower) } else { roots.lower }.expect("there is a root");
    support::walk(&S::FORMAT, root, virt, decode, |at| entry::<S>(at).expect("inside the tables"))
}

/// How many entries of all tables are not 0.
fn used<S: Declared>() -> usize {
    let half = |word: u64| usize::from(word as u32 != 0) + usize::from(word >> 32 != 0);
    words::<S>().map(|word| if S::FORMAT.entry_bytes == 8 { usize::from(word != 0) } else { half(word) }).sum()
}

/// Maps pages at both ends, on both sides of the end of the first table, and some others; then each page is where it must
/// be, its neighbours nowhere, and as many entries have changed.
fn check<R, K>(mut window: Window<R, K>, cpu: &mut K::Hardware, decode: Decode)
where
    R: WindowRegion<Size = Size4K>,
    K: Kind<Regime = Of<R::Space>>,
{
    let (start, pages, before) = (R::EXTENT.virt as u64, window.len(), used::<R::Space>());
    assert_eq!(pages as u128 * u128::from(Size4K::BYTES), R::EXTENT.size);
    let table = TABLE / R::Space::FORMAT.entry_bytes as usize;
    let mut random = Random(start);
    let mut picked: Vec<_> = (0..SOME).map(|_| random.below(pages)).collect();
    picked.extend([0, 1, table - 1, table, pages - table, pages - table - 1, pages - 2, pages - 1]);
    picked.sort_unstable();
    picked.dedup();
    let (mut truth, mut held, mut at) = (BTreeMap::new(), Vec::new(), 0);
    for (number, &index) in picked.iter().enumerate() {
        let _ = window.take_run(index - at);
        at = index + 1;
        let (page, phys) = (window.next_page().expect("a page"), 0x8000_0000 + number as u64 * Size4K::BYTES);
        assert_eq!(page.page().start().as_u64(), start + index as u64 * Size4K::BYTES);
        truth.insert(index, phys);
        held.push(page.map(frame(phys), Rw).flush(cpu));
    }
    assert!(window.is_empty(), "the last page was the last");
    assert_eq!(used::<R::Space>(), before + picked.len());
    let neighbours = picked.iter().flat_map(|&index| [index.saturating_sub(1), index, (index + 1).min(pages - 1)]);
    for index in neighbours.chain((0..SOME).map(|_| random.below(pages))) {
        let virt = start + index as u64 * Size4K::BYTES;
        let found = goes::<R::Space>(virt + 4, decode);
        assert_eq!(found, truth.get(&index).map(|phys| phys + 4), "page {index}, {virt:#x}");
    }
    for page in held {
        drop(page.protect(Ro).flush(cpu).unmap().flush(cpu));
    }
    assert_eq!(used::<R::Space>(), before);
}

/// Bytes of a table.
const TABLE: usize = 4096;

macro_rules! large {
    ($($test:ident $name:ident $kind:ident: [$($regime:tt)*] $cpu:ty, $decode:path, [$($tables:tt)*] $fill:tt $text:literal, $heap:literal, $size:literal $unit:ident, $count:expr;)*) => { $(
        tablature::memory_map! {
            mod $name for $($regime)*;
            physical { dram : 0x1000_0000, 256 MiB, normal; }
            space large {
                $($tables)*
                text (rx)         : $text => dram, 64 KiB;
                heap (rw, window) : $heap, $size $unit;
            }
        }

        enum $kind {}

        impl Kind for $kind {
            type Regime = Of<$name::large::Space>;
            type Memory = Memory<Identity, Nothing>;
            type Hardware = Recorder<$cpu, 64>;
            type Reach = OneCore;
        }

        #[test]
        fn $test() {
            use $name::large::heap;
            large! { fill $fill $name }
            assert_eq!($name::large::TABLES, $count);
            // SAFETY: no core uses the tables.
            let window = unsafe { heap::assume_window::<$kind>() }.expect("the first to ask");
            check::<heap, $kind>(window, &mut Recorder::new(), $decode);
        }
    )* };
    (fill boot $map:ident) => {
        use $map::large::Space;
        Space::fill(memory(Space::WORDS, Space::ALIGNMENT), 0x1_0000_0000).expect("they fit");
    };
    (fill image $map:ident) => {};
}

// Root, tables in the middle, last tables: of the text first, then of the window.
large! {
    sv39_has_a_window_of_64_gib sv39 Sv39: [riscv::Sv39] RiscV, support::riscv, [tables at boot;] boot
        0xffff_ffc0_0000_0000, 0xffff_ffd0_0000_0000, 64 GiB, 1 + (1 + 64) + (1 + 32_768);
    sv32_is_a_window sv32 Sv32: [riscv::Sv32] RiscV, support::riscv, [tables at boot;] boot
        0x1000, 0x40_0000, 4092 MiB, 1 + (1 + 1023);
    level4_has_a_window_of_1_gib_in_the_image level4 Level4: [x86_64::Level4] X86, support::x86_64, [] image
        0xffff_ffff_8000_0000, 0xffff_c000_0000_0000, 1 GiB, 1 + 2 + 2 + (1 + 512);
    el1_has_a_window_of_1_gib_in_the_image el1 El1: [aarch64::El1<G4K, 39>] A64, support::aarch64, [tables at 0x1100_0000;] image
        0xffff_ff80_0000_0000, 0xffff_ff90_4000_0000, 1 GiB, 1 + 2 + (1 + 512);
    sv39_has_a_window_of_1_gib_in_the_image sv39_image Sv39Image: [riscv::Sv39] RiscV, support::riscv, [] image
        0xffff_ffc0_0000_0000, 0xffff_ffd0_2000_0000, 1 GiB, 1 + 3 + (1 + 512);
}

/// Maps whose window is a half of the space, or all but a text of it. Nobody has the memory for their tables.
macro_rules! whole {
    ($($name:ident $kind:ident: [$($regime:tt)*] [$($cpu:tt)*] $hardware:ty, $text:literal, $heap:literal, $size:expr, $tables:expr;)*) => {
        $(
            tablature::memory_map! {
                mod $name for $($regime)*;
                $($cpu)*
                physical { dram : 0x1000_0000, 256 MiB, normal; }
                space whole {
                    tables at boot;
                    text (rx)         : $text => dram, 64 KiB;
                    heap (rw, window) : $heap, $size;
                }
            }

            enum $kind {}

            impl Kind for $kind {
                type Regime = Of<$name::whole::Space>;
                type Memory = Memory<Identity, Nothing>;
                type Hardware = Recorder<$hardware, 64>;
                type Reach = OneCore;
            }
        )*

        #[test]
        fn windows_are_as_large_as_spaces() {
            $(
                assert_eq!($name::whole::TABLES as u64, $tables, stringify!($name));
                // SAFETY: no core uses the tables.
                let window = unsafe { $name::whole::heap::assume_window::<$kind>() };
                assert!(window.is_none(), "there are no tables");
            )*
        }
    };
}

/// Tables of whole levels: the window's last ones, and all above it.
const fn levels(last: u64, fanout: u64, count: u32) -> u64 {
    if count == 1 { last } else { last + levels(last / fanout, fanout, count - 1) }
}

// The root is counted with the text.
whole! {
    sv39_whole Sv39Whole: [riscv::Sv39] [] RiscV, 0x1000, 0xffff_ffc0_0000_0000, 256 << 30, levels(1 << 17, 512, 2) + 3;
    sv57_whole Sv57Whole: [riscv::Sv57] [] RiscV, 0x1000, 0xff00_0000_0000_0000, 1 << 56, levels(1 << 35, 512, 4) + 5;
    level4_whole Level4Whole: [x86_64::Level4] [] X86, 0x1000, 0xffff_8000_0000_0000, 1 << 47, levels(1 << 26, 512, 3) + 4;
    level5_whole Level5Whole: [x86_64::Level5] [cpu { features = [nx, la57]; }] X86, 0x1000, 0xff00_0000_0000_0000, 1 << 56,
        levels(1 << 35, 512, 4) + 5;
    el1_whole El1Whole: [aarch64::El1<G4K, 48>] [] A64, 0x1000, 0xffff_0000_0000_0000, 1 << 48, levels(1 << 27, 512, 4) + 4;
    el1_64k_whole El164kWhole: [aarch64::El1<G64K, 48>] [] A64, 0x1_0000, 0xffff_0000_0000_0000, 1 << 48,
        levels(1 << 19, 8192, 2) + 1 + 3;
}
