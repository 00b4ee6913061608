//! A program that is only linked. Each feature makes it one that does not fit its map.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod map;
#[cfg(target_os = "none")]
mod program;

/// Says why it does nothing.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("`cargo xtask test --only link` links it for bare metal");
}
