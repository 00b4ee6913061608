//! A program that maps, protects and unmaps ranges, in the notation or by hand, for what it executes.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_os = "none", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod start {
    use core::panic::PanicInfo;

    /// A range of so many last-level tables, of which none is there. Leaves could not be larger.
    fn range(tables: u64) -> [u64; 3] {
        [0xffff_ffc0_4000_0000 + (tables << 24), 0x1_0000_1000, tables << 21]
    }

    /// Where the linker begins: ranges of one table and of three. `ranges_end` comes where all went as it should.
    #[cfg(feature = "notation")]
    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        use codegen::notation::space;
        use tablature::addr::{PhysAddr, VirtAddr};

        // SAFETY: where the tables are in physical memory is written into them, and nothing walks them.
        let Ok(mut space) = (unsafe { space::notation_new(PhysAddr::new(0x8000_0000)) }) else { lost() };
        for [virt, phys, size] in [range(1), range(3)] {
            let (virt, phys) = (VirtAddr::new(virt), PhysAddr::new(phys));
            let mapped = space::notation_map_range(&mut space, virt, phys, size);
            let protected = space::notation_protect_range(&mut space, virt, size);
            let unmapped = space::notation_unmap_range(&mut space, virt, size);
            if mapped.is_err() || protected.is_err() || unmapped.is_err() {
                lost();
            }
        }
        ranges_end()
    }

    /// The same by hand.
    #[cfg(not(feature = "notation"))]
    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        use codegen::by_hand::{mapper::Mapper, raw};
        use core::cell::UnsafeCell;

        const WORDS: usize = 16 * 512;
        #[repr(align(4096))]
        struct Tables(UnsafeCell<[u64; WORDS]>);
        // SAFETY: the program has one thread.
        unsafe impl Sync for Tables {}
        static TABLES: Tables = Tables(UnsafeCell::new([0; WORDS]));

        let first = TABLES.0.get().cast::<u64>();
        let (free, end) = (first.wrapping_add(512), first.wrapping_add(WORDS));
        let mut mapper = Mapper::new(first, free, end);
        for [virt, phys, size] in [range(1), range(3)] {
            let mapped = raw::by_hand_map_range(&mut mapper, virt, phys, size);
            let protected = raw::by_hand_protect_range(&mut mapper, virt, size);
            let unmapped = raw::by_hand_unmap_range(&mut mapper, virt, size);
            if mapped.is_err() || protected.is_err() || unmapped.is_err() {
                lost();
            }
        }
        ranges_end()
    }

    /// All is done.
    #[unsafe(no_mangle)]
    #[inline(never)]
    extern "C" fn ranges_end() -> ! {
        loop {
            core::hint::spin_loop();
        }
    }

    /// Something was refused.
    #[unsafe(no_mangle)]
    #[inline(never)]
    extern "C" fn lost() -> ! {
        loop {
            core::hint::black_box(());
        }
    }

    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        lost()
    }
}

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this runs on an emulated CPU; see `cargo xtask codegen`");
}
