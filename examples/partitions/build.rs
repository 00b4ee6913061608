//! Hands the machine's linker script to the linker.

use std::env::{self, VarError};

fn main() -> Result<(), VarError> {
    println!("cargo::rerun-if-changed=link");
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        let (package, arch) = (env::var("CARGO_MANIFEST_DIR")?, env::var("CARGO_CFG_TARGET_ARCH")?);
        println!("cargo::rustc-link-arg-bins=-T{package}/link/{arch}.ld");
        println!("cargo::rustc-link-search={package}/link");
    }
    Ok(())
}
