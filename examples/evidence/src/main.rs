//! `evidence MAP`: what a map of the examples proves, as a document on standard output.

mod gateway;

use std::error::Error;
use std::process::ExitCode;

use example_maps::aarch64::virt_aarch64;
use example_maps::partitions::aarch64::partitions_aarch64;
use example_maps::partitions::riscv64::partitions_riscv64;
use example_maps::partitions::x86_64::partitions_x86_64;
use example_maps::riscv64::virt_riscv64;
use example_maps::x86_64::q35_x86_64;
use tablature::evidence::Evidence;
use tablature::map::Map;

const MAPS: [&Map<'static>; 7] = [
    virt_aarch64::MAP,
    virt_riscv64::MAP,
    q35_x86_64::MAP,
    partitions_aarch64::MAP,
    partitions_riscv64::MAP,
    partitions_x86_64::MAP,
    gateway::gateway::MAP,
];

/// All of them: those of `edit-aarch64`, too.
fn maps() -> impl Iterator<Item = &'static Map<'static>> {
    MAPS.into_iter().chain(example_regimes::OWN.iter().chain(example_regimes::SECOND).copied())
}

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        let names: Vec<_> = maps().map(|map| map.name).collect();
        eprintln!("usage: evidence MAP, where MAP is one of {}", names.join(", "));
        return ExitCode::FAILURE;
    };
    match document(&name) {
        Ok(document) => {
            println!("{document}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn document(name: &str) -> Result<String, Box<dyn Error>> {
    let map = maps().find(|map| map.name == name).ok_or_else(|| format!("there is no map `{name}`"))?;
    Ok(Evidence::of(map, &tablature::generator!()?)?.to_json())
}
