//! Links by the map, as the firmware does whose tables are finished in the image.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../virt-aarch64/link.ld");
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        println!("cargo::rustc-link-arg-bins=-T{}/../virt-aarch64/link.ld", env::var("CARGO_MANIFEST_DIR")?);
    }
    tablature::link::write(example_maps::aarch64::virt_aarch64::MAP)?;
    Ok(())
}
