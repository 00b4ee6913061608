//! Firmware for QEMU's `q35`: installs the declared map and lets the hardware testify for every region of it.
//!
//! QEMU enters it by PVH in 32-bit protected mode. The start-up code switches long mode on with the finished tables of
//! `example_maps::x86_64`, and the machine ends with status 0 only if every probe found what the declaration says.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_arch = "x86_64", target_os = "none", feature = "churn"))]
mod bench;
#[cfg(all(target_arch = "x86_64", target_os = "none"))]
mod boot;
#[cfg(all(target_arch = "x86_64", target_os = "none", feature = "churn"))]
mod edit;
#[cfg(all(target_arch = "x86_64", target_os = "none", feature = "boot-filled"))]
mod fill;
#[cfg(all(target_arch = "x86_64", target_os = "none"))]
mod machine;
#[cfg(all(target_arch = "x86_64", target_os = "none", feature = "churn"))]
mod reach;
#[cfg(all(target_arch = "x86_64", target_os = "none"))]
mod run;
#[cfg(all(target_arch = "x86_64", target_os = "none"))]
mod trap;
#[cfg(all(target_arch = "x86_64", target_os = "none"))]
mod window;
#[cfg(all(target_arch = "x86_64", target_os = "none"))]
mod witness;

#[cfg(all(target_arch = "x86_64", target_os = "none"))]
use run::main;

#[cfg(all(target_arch = "x86_64", target_os = "none"))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    core_x86_64::give_up(format_args!("{info}"))
}

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this is firmware; `cargo xtask demo --arch x86_64` boots it");
}
