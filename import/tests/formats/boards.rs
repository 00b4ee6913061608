//! The regions of shipping platforms, written as their sources write them and imported: what comes of it is what the
//! tables of these platforms were measured to hold, nested regions and all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tablature_import::system::RightsText;
use tablature_import::{Format, Imported, Options, import_bytes};

/// Start, physical start, size, rights, memory type.
type Run = (u64, u64, u64, String, String);

/// The runs of each map of a table.
fn table(name: &str) -> BTreeMap<String, Vec<Run>> {
    let path = PathBuf::from("../tests/data/boards").join(name);
    let text = fs::read_to_string(path).expect("a table of the repository");
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().expect("heads").split('\t').collect();
    let mut maps = BTreeMap::<String, Vec<Run>>::new();
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |head: &str| cells[heads.iter().position(|one| *one == head).expect(head)];
        let number = |head: &str| u64::from_str_radix(cell(head).trim_start_matches("0x"), 16).expect("a number");
        let run =
            (number("virt"), number("phys"), number("size"), cell("rights").to_owned(), cell("memory").to_owned());
        maps.entry(cell("map_id").to_owned()).or_default().push(run);
    }
    maps
}

/// Neighbours of one kind joined: what a table cannot tell apart.
fn joined(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort();
    let mut list: Vec<Run> = Vec::new();
    for run in runs {
        match list.last_mut() {
            Some(last)
                if last.0 + last.2 == run.0
                    && last.1.wrapping_add(last.2) == run.1
                    && (&last.3, &last.4) == (&run.3, &run.4) =>
            {
                last.2 += run.2;
            }
            _ => list.push(run),
        }
    }
    list
}

/// What an import maps, with the names of the tables.
fn imported(imported: &Imported) -> Vec<Run> {
    let resources = &imported.system.resources;
    let mut runs = Vec::new();
    for region in imported.system.spaces.iter().flat_map(|space| &space.regions) {
        let found = resources.iter().find(|one| Some(&one.name) == region.resource.as_ref());
        let resource = found.expect("a resource behind each region");
        let phys = resource.base.0 + region.offset.unwrap_or_default().0;
        let inner = resources.iter().find(|one| {
            one.within.as_ref() == Some(&resource.name) && one.base.0 <= phys && phys < one.base.0 + one.size.0
        });
        let own = inner.unwrap_or(resource).memory.clone();
        let memory = region.memory.clone().unwrap_or(own).replace('_', "-");
        let rights = match &region.rights {
            RightsText::One(rights) => rights.clone(),
            RightsText::Pair { privileged, .. } => format!("{privileged}u"),
        };
        runs.push((region.virt.expect("an address").0, phys, region.size.0, rights, memory));
    }
    runs
}

fn read(text: String, format: Format) -> Imported {
    let options = Options { from: Some(format), ..Options::default() };
    import_bytes(&[(text.into_bytes(), Path::new("board.c"))], &options).expect("a map")
}

fn tf_a(runs: &[Run]) -> String {
    let mut text = String::from("const mmap_region_t plat_mmap[] = {\n");
    for (virt, phys, size, rights, memory) in runs {
        let kind = match memory.as_str() {
            "device-nGnRE" => "MT_DEVICE",
            "normal-nc" => "MT_NON_CACHEABLE",
            _ => "MT_MEMORY",
        };
        let rights = match rights.as_str() {
            "rw" => "MT_RW | MT_EXECUTE_NEVER",
            "rx" => "MT_RO | MT_EXECUTE",
            _ => "MT_RO | MT_EXECUTE_NEVER",
        };
        text += &format!("\tMAP_REGION(ULL({phys:#x}), UL({virt:#x}), {size:#x}U, {kind} | {rights} | MT_SECURE),\n");
    }
    text + "\t{0}\n};\n"
}

fn zephyr(runs: &[Run]) -> String {
    let mut text = String::from("static const struct arm_mmu_region mmu_regions[] = {\n");
    for (index, (virt, phys, size, rights, memory)) in runs.iter().enumerate() {
        let kind = if memory == "normal-wb" { "MT_NORMAL" } else { "MT_DEVICE_nGnRnE" };
        let rights = match rights.as_str() {
            "rw" => "MT_P_RW_U_NA",
            "rwu" => "MT_P_RW_U_RW",
            "rx" => "MT_P_RX_U_NA",
            _ => "MT_P_RO_U_NA",
        };
        text += &format!("\tMMU_REGION_ENTRY(\"r{index}\", {phys:#x}, {virt:#x}, {size:#x}, {kind} | {rights}),\n");
    }
    text + "};\n"
}

fn jailhouse(runs: &[Run]) -> String {
    let mut text = String::from("config = { .cell = { .name = \"a cell\" }, .mem_regions = {\n");
    for (virt, phys, size, rights, memory) in runs {
        let mut flags = if memory == "normal-wb" { "0".to_owned() } else { "JAILHOUSE_MEM_IO".to_owned() };
        for (letter, name) in [('r', "READ"), ('w', "WRITE"), ('x', "EXECUTE")] {
            flags += &if rights.contains(letter) { format!(" | JAILHOUSE_MEM_{name}") } else { String::new() };
        }
        text += &format!(
            "\t{{ .phys_start = {phys:#x}, .virt_start = {virt:#x}, .size = {size:#x}, .flags = {flags} }},\n"
        );
    }
    text + "} };\n"
}

/// Imports each map whose name begins so, and compares it with what the table `results` has of it; returns how many there
/// were.
fn compare(prefix: &str, format: Format, write: fn(&[Run]) -> String, results: &str) -> usize {
    let (sources, results) = (table("boards.tsv"), table(results));
    let mut count = 0;
    for (name, runs) in sources.iter().filter(|(name, _)| name.starts_with(prefix)) {
        let found = joined(imported(&read(write(runs), format)));
        let wanted = joined(results[name].clone());
        let (found, wanted): (BTreeSet<Run>, BTreeSet<Run>) =
            (found.into_iter().collect(), wanted.into_iter().collect());
        assert_eq!(found.symmetric_difference(&wanted).collect::<Vec<_>>(), Vec::<&Run>::new(), "{name}");
        count += 1;
    }
    count
}

#[test]
fn platforms_of_tf_a_map_what_their_tables_hold() {
    assert!(compare("tfa-", Format::TfA, tf_a, "effective.tsv") > 50);
}

#[test]
fn boards_of_zephyr_map_what_their_tables_hold() {
    assert!(compare("zephyr-", Format::Zephyr, zephyr, "effective.tsv") > 5);
}

#[test]
fn cells_of_jailhouse_map_what_they_say() {
    assert!(compare("jh-", Format::Jailhouse, jailhouse, "boards.tsv") > 40);
}
