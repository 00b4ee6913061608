//! Obligations, by hand.

use super::{machine, window};

/// Meets the obligation for one page.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_flush_page(virt: u64) {
    machine::flush_page(virt);
}

/// Meets the obligation for a page that is known before the program runs.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_flush_fixed() {
    machine::flush_page(window::HEAP);
}

/// Meets the obligation for all that the space translates.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub fn by_hand_flush_everything() {
    machine::flush_everything();
}
