//! Hands the linker script to the linker, with the names of the machine's tables.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=kernel.ld");
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        let script = fs::read_to_string("kernel.ld")?.replace("ARCH", &env::var("CARGO_CFG_TARGET_ARCH")?);
        let path = PathBuf::from(env::var("OUT_DIR")?).join("kernel.ld");
        fs::write(&path, script)?;
        println!("cargo::rustc-link-arg-bins=-T{}", path.display());
    }
    Ok(())
}
