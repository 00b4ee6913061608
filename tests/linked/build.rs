//! Links by the map of the program, whose file is part of this one.

use std::env;
use std::error::Error;

#[path = "src/map.rs"]
mod map;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=link");
    let script = if env::var_os("CARGO_FEATURE_STOLEN").is_some() { "stolen" } else { "own" };
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        println!("cargo::rustc-link-arg-bins=-T{}/link/{script}.ld", env::var("CARGO_MANIFEST_DIR")?);
        println!("cargo::rustc-link-arg-bins=-zmax-page-size=0x1000");
    }
    let map = match env::var("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "aarch64" => map::board_aarch64::MAP,
        "riscv64" => map::board_riscv64::MAP,
        _ => map::board_x86_64::MAP,
    };
    tablature::link::write(map)?;
    Ok(())
}
