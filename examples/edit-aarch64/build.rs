//! Links by the map: the image is the same in all of `example_regimes`, and `link.ld` is what is left to say.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=link.ld");
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        println!("cargo::rustc-link-arg-bins=-T{}/link.ld", env::var("CARGO_MANIFEST_DIR")?);
    }
    tablature::link::write(example_regimes::el1_4k_39::MAP)?;
    Ok(())
}
