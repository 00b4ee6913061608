//! Hands the linker script to the linker: that of the firmware whose tables are finished in the image.

use std::env::{self, VarError};

fn main() -> Result<(), VarError> {
    println!("cargo::rerun-if-changed=../virt-aarch64/link.ld");
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        println!("cargo::rustc-link-arg-bins=-T{}/../virt-aarch64/link.ld", env::var("CARGO_MANIFEST_DIR")?);
    }
    Ok(())
}
