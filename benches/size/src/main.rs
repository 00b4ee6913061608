//! Firmware that maps a page, maps a range and unmaps a range by a crate of the field, for its size: what
//! `tests/codegen/src/size.rs` does with this library and by hand. Each crate by itself, chosen by a feature; in a space that no
//! hardware uses, its tables from a pool, seen at their physical addresses.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_os = "none", feature = "aarch64-paging"))]
#[path = "aarch64.rs"]
mod peer;
#[cfg(all(target_os = "none", feature = "page-table-generic"))]
#[path = "generic.rs"]
mod peer;
#[cfg(all(target_os = "none", feature = "page_table_multiarch"))]
#[path = "multiarch.rs"]
mod peer;
#[cfg(all(target_os = "none", feature = "patina_paging"))]
#[path = "patina.rs"]
mod peer;
#[cfg(all(target_os = "none", feature = "x86_64"))]
#[path = "x86.rs"]
mod peer;
#[cfg(target_os = "none")]
mod pool;

#[cfg(target_os = "none")]
mod start {
    use core::hint::black_box;
    use core::panic::PanicInfo;

    /// Where the linker begins; functions and what they need are linked, and nothing is run.
    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        use crate::peer::{peer_map_page, peer_map_range, peer_unmap_range};
        black_box([peer_map_page as *const (), peer_map_range as *const (), peer_unmap_range as *const ()]);
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
    println!("this is firmware that is linked and never run; see `cargo xtask bench`");
}
