//! Links by the map: `example_maps` has the image, and `link.ld` what is left to say.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=link.ld");
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        println!("cargo::rustc-link-arg-bins=-T{}/link.ld", env::var("CARGO_MANIFEST_DIR")?);
    }
    tablature::link::write(example_maps::riscv64::virt_riscv64::MAP)?;
    Ok(())
}
