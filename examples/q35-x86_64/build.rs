//! Links by the map: `example_maps` has the image, and `link.ld` what is left to say.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=link.ld");
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        println!("cargo::rustc-link-arg-bins=-T{}/link.ld", env::var("CARGO_MANIFEST_DIR")?);
        // Regions are whole pages of 4 KiB, and so are the segments.
        println!("cargo::rustc-link-arg-bins=-zmax-page-size=0x1000");
    }
    tablature::link::write(example_maps::x86_64::q35_x86_64::MAP)?;
    Ok(())
}
