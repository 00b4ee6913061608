//! Links by the map: `example_maps` has the images, and `link.ld` what is left to say.

use std::env;
use std::error::Error;

use example_maps::partitions;

fn main() -> Result<(), Box<dyn Error>> {
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let (map, scripts): (_, &[&str]) = match &*arch {
        "aarch64" => (partitions::aarch64::partitions_aarch64::MAP, &["link.ld"]),
        "riscv64" => (partitions::riscv64::partitions_riscv64::MAP, &["link.ld"]),
        _ => (partitions::x86_64::partitions_x86_64::MAP, &["pvh.ld", "link.ld"]),
    };
    for script in scripts {
        println!("cargo::rerun-if-changed={script}");
    }
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        for script in scripts {
            println!("cargo::rustc-link-arg-bins=-T{}/{script}", env::var("CARGO_MANIFEST_DIR")?);
        }
        // Regions are whole pages of 4 KiB, and so are the segments.
        println!("cargo::rustc-link-arg-bins=-zmax-page-size=0x1000");
        println!("cargo::rustc-link-arg-bins=--defsym=stack_end=__tablature_partitions_{arch}_boot_kernel_stack_end");
    }
    tablature::link::write(map)?;
    Ok(())
}
