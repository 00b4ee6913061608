//! Hands the linker script to the linker.

use std::env::{self, VarError};

fn main() -> Result<(), VarError> {
    println!("cargo::rerun-if-changed=link/kernel.ld");
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        println!("cargo::rustc-link-arg-bins=-T{}/link/kernel.ld", env::var("CARGO_MANIFEST_DIR")?);
    }
    Ok(())
}
