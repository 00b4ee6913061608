//! Firmware that maps a page, maps a range and unmaps a range, for its size: in the notation, or by hand.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_os = "none", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod start {
    use core::hint::black_box;
    use core::panic::PanicInfo;

    /// Where the linker begins; functions and what they need are linked, and nothing is run.
    #[cfg(feature = "notation")]
    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        #[cfg(not(feature = "largest"))]
        use codegen::notation::pages::{notation_map_page, notation_map_range, notation_unmap_range};
        #[cfg(feature = "largest")]
        use codegen::notation::space::{notation_map_page, notation_map_range, notation_unmap_range};

        black_box([notation_map_page as *const (), notation_map_range as *const (), notation_unmap_range as *const ()]);
        loop {
            core::hint::spin_loop();
        }
    }

    /// The same by hand.
    #[cfg(not(feature = "notation"))]
    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        use codegen::by_hand::raw::{by_hand_map_page, by_hand_map_range, by_hand_unmap_range};
        black_box([by_hand_map_page as *const (), by_hand_map_range as *const (), by_hand_unmap_range as *const ()]);
        loop {
            core::hint::spin_loop();
        }
    }

    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        loop {
            core::hint::spin_loop();
        }
    }
}

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this is firmware that is linked and never run; see `cargo xtask codegen`");
}
