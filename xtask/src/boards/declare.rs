//! A board as a declaration: its regime, its resources, one region for each run, and a waiver wherever the real map
//! does what a rule forbids unless there is a reason.

use std::collections::BTreeMap;

use tablature::layout::{Layout, format_of};
use tablature::map::Map;
use tablature::plan;
use tablature::rule::Finding;

use tablature_import::resources::{Place, Run, derive, free, identifier, unique};
use tablature_import::system::{Num, Options, Region, Resource, RightsText, Space, System, Tables, Waive};
use tablature_import::{formats, twin};

use super::data::Board;

/// A board in the notation.
pub(crate) struct Declared {
    pub(crate) case: System,
    /// Tables of the plan at run time, roots included.
    pub(crate) tables: u64,
    /// Where they are placed.
    pub(crate) tables_at: u64,
    /// The runs as declared: those of the board, but for what a rule without waiver forbids.
    pub(crate) runs: Vec<Run>,
    /// Rules that the map breaks with a waiver, and the region that waives.
    pub(crate) waived: Vec<(&'static str, String)>,
    /// What had to be changed, because the rule against it knows no waiver.
    pub(crate) repaired: Vec<String>,
}

/// Why a board is not in the notation.
pub(crate) enum Apart {
    /// The library has no such regime.
    Regime(String),
    /// Anything else.
    Unable(String),
}

/// The format of a board as the corpus names it.
///
/// # Errors
/// The regime, where the library does not have it.
pub(crate) fn format_name(board: &Board) -> Result<String, String> {
    let Board { arch, granule, va_bits, regime, .. } = board;
    let name = match (arch.as_str(), regime.as_str()) {
        ("aarch64", "el1" | "el0") => format!("aarch64 {granule} VA{va_bits} EL1"),
        // EL2 has a user only with VHE.
        ("aarch64", "el2") if !board.has_user() => format!("aarch64 {granule} VA{va_bits} EL2"),
        ("aarch64", "el2" | "el2&0" | "el2-vhe") => format!("aarch64 {granule} VA{va_bits} EL2&0"),
        ("aarch64", "el3") => format!("aarch64 {granule} VA{va_bits} EL3"),
        ("aarch64", "el2-stage2") => format!("aarch64 {granule} IPA{va_bits} S2"),
        ("riscv64" | "riscv32", "s-mode" | "u-mode") => format!("sv{va_bits}"),
        ("riscv64", "g-stage" | "hs-stage2") => format!("sv{}x4", va_bits.saturating_sub(2)),
        ("x86_64", "kernel" | "firmware") if *va_bits == 57 => "x86_64 5-level".into(),
        ("x86_64", "kernel" | "firmware") => "x86_64 4-level".into(),
        ("x86_64", "ept") if *va_bits == 48 => "x86_64 ept".into(),
        ("armv7", "hyp-stage2") => format!("armv7 {granule} IPA{va_bits} S2"),
        _ => return Err(format!("{arch} {regime}")),
    };
    match formats::named(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err(format!("{arch} {regime}, {va_bits} bits")),
    }
}

/// The optional features that a board's widths and leaf sizes ask for.
fn feature_names(board: &Board) -> Vec<String> {
    let (arch, granule) = (board.arch.as_str(), board.granule.as_str());
    let allows = |shift: u32| board.leaf_sizes.contains(&(1 << shift));
    let wide = board.va_bits > 48 || board.pa_bits > 48;
    let mut names = Vec::new();
    match (arch, granule) {
        ("aarch64", "64K") => {
            names.extend((board.pa_bits > 48 || allows(42)).then_some("lpa"));
            names.extend((board.va_bits > 48).then_some("lva"));
        }
        ("aarch64", "16K") => names.extend((wide || allows(36)).then_some("lpa2")),
        ("aarch64", _) => names.extend((wide || allows(39)).then_some("lpa2")),
        ("x86_64", _) if board.regime == "ept" => {
            names.extend(allows(21).then_some("ept_2m"));
            names.extend(allows(30).then_some("ept_1g"));
        }
        ("x86_64", _) => {
            names.push("nx");
            names.extend(allows(30).then_some("pdpe1gb"));
            names.extend((board.va_bits == 57).then_some("la57"));
        }
        _ => {}
    }
    if arch == "aarch64" && board.va_bits < 25 {
        names.push("ttst");
    }
    names.into_iter().map(str::to_owned).collect()
}

/// A name for each run: that of the smallest declared region it starts in, else of one that it meets.
fn names(board: &Board) -> Vec<String> {
    let mut taken = BTreeMap::new();
    let name = |run: &Run| {
        let holds = |source: &&super::data::Source| run.virt.wrapping_sub(source.run.virt) < source.run.size;
        let meets = |source: &&super::data::Source| source.run.virt.wrapping_sub(run.virt) < run.size;
        let inside = board.sources.iter().filter(holds).min_by_key(|source| source.run.size);
        let source = inside.or_else(|| board.sources.iter().find(meets));
        source.map_or_else(|| "region".to_owned(), |source| identifier(&source.name))
    };
    board.runs.iter().map(|run| unique(&name(run), &mut taken)).collect()
}

/// The name and the role of a board's space.
fn space_of(board: &Board) -> (&'static str, &'static str) {
    match board.regime.as_str() {
        "el3" | "firmware" => ("firmware", "firmware"),
        "el2-stage2" | "g-stage" | "hs-stage2" | "hyp-stage2" | "ept" => ("cell", "guest"),
        _ => ("kernel", "kernel"),
    }
}

/// Name of the space in the generated declaration.
pub(crate) fn space_name(board: &Board) -> &'static str {
    space_of(board).0
}

/// The declaration of a board, with the waivers that the rules ask for.
///
/// # Errors
/// Why there is none.
pub(crate) fn declare(board: &Board) -> Result<Declared, Apart> {
    let format = format_name(board).map_err(Apart::Regime)?;
    let (mut case, names) = plain(board, &format).map_err(Apart::Unable)?;
    let mut declared = complete(board, &mut case).map_err(Apart::Unable)?;
    excuse(&mut declared, &names).map_err(Apart::Unable)?;
    Ok(declared)
}

/// The declaration without tables, waivers and forbidden memory.
fn plain(board: &Board, format: &str) -> Result<(System, Vec<String>), String> {
    let names = names(board);
    let (resources, places) = derive(&board.runs, &names, board.bus_decides())?;
    let largest = largest_leaf(board, format)?;
    let mut regions = Vec::new();
    for ((run, name), place) in board.runs.iter().zip(&names).zip(&places) {
        regions.push(region(run, name, place, largest));
    }
    let (space, role) = space_of(board);
    Ok((system(board, format, resources, space, role, regions), names))
}

/// A system of one space.
pub(crate) fn system(
    board: &Board,
    format: &str,
    resources: Vec<Resource>,
    space: &str,
    role: &str,
    regions: Vec<Region>,
) -> System {
    let features = feature_names(board);
    System {
        id: identifier(&board.id),
        format: format.into(),
        why: board.description.clone(),
        resources,
        spaces: vec![Space {
            note: Vec::new(),
            name: space.into(),
            role: role.into(),
            regions,
            format: None,
            asid: None,
            budget: None,
            tables: None,
            self_map_slot: None,
            image: None,
        }],
        channels: Vec::new(),
        isolation: Vec::new(),
        dma: Vec::new(),
        transitions: Vec::new(),
        options: Options {
            pa_bits: Some(Num(board.pa_bits.into())),
            features: (!features.is_empty()).then_some(features),
            ..Options::default()
        },
    }
}

/// The largest leaf that the board allows, where the format alone would use a larger one.
fn largest_leaf(board: &Board, format: &str) -> Result<Option<u64>, String> {
    let shape = formats::named(format)?;
    let allowed = board.leaf_sizes.iter().copied().max().unwrap_or(u64::MAX);
    let names = feature_names(board);
    let mut all = shape.default_features;
    for name in &names {
        all = all.union(tablature::attr::Features::named(name).ok_or_else(|| format!("feature `{name}`"))?);
    }
    let own = (0..shape.levels).filter(|level| shape.has_leaf(*level, all)).map(|level| shape.level[level].size());
    Ok((own.max().unwrap_or(0) > allowed).then_some(allowed))
}

/// One run as a region.
pub(crate) fn region(run: &Run, name: &str, place: &Place, largest: Option<u64>) -> Region {
    Region {
        name: name.into(),
        kind: "map".into(),
        virt: Some(Num(run.virt)),
        size: Num(run.size),
        rights: RightsText::One(run.rights.replace('u', "")),
        user: run.rights.contains('u'),
        resource: Some(place.resource.clone()),
        offset: Some(Num(place.offset)),
        memory: place.memory.clone(),
        page_max: largest.map(Num),
        ..Region::default()
    }
}

/// Counts the tables and gives them a place; adds the forbidden memory where the map stays out of it.
fn complete(board: &Board, case: &mut System) -> Result<Declared, String> {
    let mut repaired = Vec::new();
    let mut avoid = Vec::new();
    for (name, base, size) in &board.forbidden {
        avoid.push((*base, *size));
        let reaches = |run: &&Run| run.phys < base + size && *base < run.phys + run.size;
        if let Some(run) = board.runs.iter().find(reaches) {
            repaired.push(format!("{name} is not declared reserved: the run at {:#x} maps it", run.virt));
            continue;
        }
        let name = identifier(name);
        case.resources.push(Resource {
            note: Vec::new(),
            name,
            base: Num(*base),
            size: Num(*size),
            memory: "normal_wb".into(),
            reserved: true,
            owner: None,
            rights: None,
            within: None,
        });
    }
    let map = twin::map(case)?;
    let (tables, table_size, root_tables) = measure(&map)?;
    let size = tables * table_size;
    let at = place_tables(board, case, &avoid, size, root_tables * table_size).ok_or("no room for the tables")?;
    case.spaces[0].budget = Some(Num(tables));
    Ok(Declared { case: case.clone(), tables, tables_at: at, runs: board.runs.clone(), waived: Vec::new(), repaired })
}

/// Finds `size` bytes for tables: in memory that the map leaves alone; where it maps everything, at the end of its own
/// RAM, which is then a linear map.
fn place_tables(board: &Board, case: &mut System, avoid: &[(u64, u64)], size: u64, alignment: u64) -> Option<u64> {
    let mut tables = tables_of(size);
    let at = match free(&board.runs, avoid, size, alignment, 1 << board.pa_bits) {
        Some(at) => {
            case.resources.push(table_resource(at, size));
            at
        }
        None => {
            let ram = |run: &&Run| run.memory == "normal-wb" && run.rights.contains('w') && !run.rights.contains('u');
            let own =
                board.runs.iter().filter(ram).max_by_key(|run| run.size).filter(|run| run.size >= size + alignment)?;
            let at = (own.phys + own.size - size) & !(alignment - 1);
            let index = board.runs.iter().position(|run| run == own)?;
            let region = &mut case.spaces[0].regions[index];
            region.kind = "window".into();
            tables.resource.clone_from(&region.resource);
            tables.offset = Some(Num(region.offset?.0 + (at - own.phys)));
            at
        }
    };
    case.spaces[0].tables = Some(tables);
    Some(at)
}

/// Tables of `size` bytes at the start of [`table_resource`].
pub(super) fn tables_of(size: u64) -> Tables {
    Tables {
        phys: None,
        resource: Some("page_tables".into()),
        offset: None,
        size: Num(size),
        hw_ad: false,
        preset_ad: false,
        runtime_edit: false,
    }
}

/// The resource for tables.
pub(super) fn table_resource(base: u64, size: u64) -> Resource {
    Resource {
        note: Vec::new(),
        name: "page_tables".into(),
        base: Num(base),
        size: Num(size),
        memory: "normal_wb".into(),
        reserved: false,
        owner: None,
        rights: None,
        within: None,
    }
}

/// Tables of the only space, bytes of one, and how many make up a root.
pub(super) fn measure(map: &Map<'static>) -> Result<(u64, u64, u64), String> {
    let layout = Layout::<{ twin::REGIONS }>::of(map);
    let format = format_of(map, &map.spaces[0]);
    if tablature::layout::count_regions(map) > twin::REGIONS {
        return Err(format!("more than {} regions", twin::REGIONS));
    }
    let tables = plan::tables(map, &layout, 0) as u64;
    Ok((tables, format.table_size(), format.root_tables().into()))
}

/// Adds waivers, and drops what no waiver excuses, until the rules are content.
fn excuse(declared: &mut Declared, names: &[String]) -> Result<(), String> {
    // Every round waives or drops something that was there before, of which there is a finite number.
    loop {
        let found = twin::findings(&twin::map(&declared.case)?)?;
        let Some(first) = found.errors.first() else {
            drop_unused(declared, &found.warnings);
            return Ok(());
        };
        if repair(declared, &found.errors, names) {
            continue;
        }
        let rule = found.errors.iter().find(|finding| finding.rule.is_waivable());
        let Some(rule) = rule.map(|finding| finding.rule) else {
            return Err(format!("a rule without waiver: {first}"));
        };
        let region = busiest(found.errors.iter().filter(|finding| finding.rule == rule), names);
        let region = region.ok_or_else(|| format!("a finding without a region: {first}"))?;
        let waivers = &mut declared.case.spaces[0].regions[region].waive;
        if waivers.iter().any(|waiver| waiver.rule == rule.id()) {
            return Err(format!("a waiver that does not help: {first}"));
        }
        waivers.push(Waive { rule: rule.id().into(), reason: "so on the shipping board".into() });
        declared.waived.push((rule.id(), names[region].clone()));
    }
}

/// Index of the region that most of the findings name.
fn busiest<'f>(findings: impl Iterator<Item = &'f Finding<'static>>, names: &[String]) -> Option<usize> {
    let mut counts = vec![0; names.len()];
    for finding in findings {
        for culprit in &finding.culprits[..finding.culprit_count] {
            if let Some(at) = region_index(culprit.owner, culprit.name, names) {
                counts[at] += 1;
            }
        }
    }
    let most = counts.iter().copied().max().filter(|most| *most > 0)?;
    counts.iter().position(|count| *count == most)
}

fn region_index(owner: &str, name: &str, names: &[String]) -> Option<usize> {
    if owner.is_empty() { None } else { names.iter().position(|each| each == name) }
}

/// Takes the execute right from device memory that has it: no waiver allows that.
fn repair(declared: &mut Declared, errors: &[Finding<'static>], names: &[String]) -> bool {
    let mut changed = false;
    for finding in errors.iter().filter(|finding| finding.rule.id() == "device-executable") {
        let culprits = &finding.culprits[..finding.culprit_count];
        let Some(at) = culprits.iter().find_map(|culprit| region_index(culprit.owner, culprit.name, names)) else {
            continue;
        };
        let run = &mut declared.runs[at];
        if run.rights.contains('x') {
            run.rights = run.rights.replace('x', "");
            declared.case.spaces[0].regions[at].rights = RightsText::One(run.rights.replace('u', ""));
            declared.repaired.push(format!("{}: x dropped (device-executable)", names[at]));
            changed = true;
        }
    }
    if changed {
        // What was waived for the sake of the old rights is judged afresh.
        declared.waived.clear();
        declared.case.spaces[0].regions.iter_mut().for_each(|region| region.waive.clear());
    }
    changed
}

/// Takes back waivers that others made superfluous.
fn drop_unused(declared: &mut Declared, warnings: &[Finding<'static>]) {
    for finding in warnings.iter().filter(|finding| finding.rule.id() == "waiver-unused") {
        let name = finding.culprits[0].name;
        for region in declared.case.spaces[0].regions.iter_mut().filter(|region| region.name == name) {
            let unused = |rule: &str| finding.to_string().contains(rule);
            region.waive.retain(|waiver| !unused(&waiver.rule));
        }
        declared.waived.retain(|(rule, region)| region != name || !finding.to_string().contains(rule));
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::Source;
    use super::*;

    fn run(virt: u64, size: u64, rights: &str, memory: &str) -> Run {
        Run { virt, phys: virt, size, rights: rights.into(), memory: memory.into() }
    }

    /// A firmware whose flash is mapped at 0, whose RAM is all rights, and whose devices are executable.
    fn board() -> Board {
        let runs = vec![
            run(0, 0x1_0000, "rx", "normal-wb"),
            run(0x900_0000, 0x1000, "rwx", "device-nGnRE"),
            run(0x4000_0000, 0x4000_0000, "rwx", "normal-wb"),
        ];
        let source = |name: &str, run: &Run| Source { name: name.into(), run: run.clone() };
        Board {
            id: "some-board".into(),
            arch: "aarch64".into(),
            granule: "4K".into(),
            va_bits: 32,
            pa_bits: 32,
            regime: "el3".into(),
            leaf_sizes: vec![2 << 20, 4 << 10],
            sources: vec![source("BL1-ROM", &runs[0]), source("move", &runs[2])],
            forbidden: vec![("secret".into(), 0x1000_0000, 0x1000), ("hole".into(), 0x4000_0000, 0x1000)],
            runs,
            ..Board::default()
        }
    }

    fn declared(board: &Board) -> Declared {
        match declare(board) {
            Ok(declared) => declared,
            Err(Apart::Regime(what) | Apart::Unable(what)) => panic!("{what}"),
        }
    }

    #[test]
    fn a_board_becomes_a_declaration() {
        let text = tablature_import::notation::declaration(&declared(&board()).case, "some").expect("expressible");
        for line in [
            "pub mod some for aarch64::El3<G4K, 32>;",
            "bl1_rom : 0x0, 0x10000, normal_wb;",
            "secret : 0x10000000, 0x1000, normal_wb, reserved;",
            "page_tables : 0xffffb000, 0x5000, normal_wb;",
            "space firmware (firmware) {",
            "tables <= 5 at page_tables, 0x5000;",
            "bl1_rom (rx) : 0x0 => bl1_rom, 0x10000, page <= 0x200000, \
             waive(null_page_mapped, \"so on the shipping board\");",
            "region (rw) : 0x9000000 => region, 0x1000, page <= 0x200000;",
            "move_ (rwx) : 0x40000000 => move_, 0x40000000, page <= 0x200000, \
             waive(wx, \"so on the shipping board\");",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_no_waiver_excuses_is_changed_and_said() {
        let declared = declared(&board());
        let waived: Vec<_> = declared.waived.iter().map(|(rule, region)| (*rule, region.as_str())).collect();
        assert!(waived.contains(&("wx", "move_")) && waived.contains(&("null-page-mapped", "bl1_rom")), "{waived:?}");
        assert_eq!(waived.len(), 2);
        assert_eq!(declared.repaired.len(), 2, "{:?}", declared.repaired);
        assert!(declared.repaired[0].contains("hole") && declared.repaired[1].contains("device-executable"));
        assert_eq!(declared.runs[1].rights, "rw");
    }

    #[test]
    fn a_map_of_everything_holds_its_own_tables() {
        let runs = vec![run(0, 1 << 31, "rw", "normal-wb"), run(1 << 31, 1 << 31, "rw", "device-nGnRE")];
        let declared = declared(&Board { runs, forbidden: Vec::new(), ..board() });
        assert_eq!(declared.case.spaces[0].regions[0].kind, "window");
        assert!(declared.tables_at < 1 << 31 && declared.tables_at + declared.tables * 4096 == 1 << 31);
    }

    #[test]
    fn regimes_have_formats() {
        let format = |arch: &str, regime: &str, bits: u32| {
            format_name(&Board { arch: arch.into(), regime: regime.into(), va_bits: bits, runs: Vec::new(), ..board() })
        };
        assert_eq!(format("aarch64", "el2-stage2", 40).as_deref(), Ok("aarch64 4K IPA40 S2"));
        assert_eq!(format("riscv32", "s-mode", 32).as_deref(), Ok("sv32"));
        assert_eq!(format("x86_64", "kernel", 57).as_deref(), Ok("x86_64 5-level"));
        assert_eq!(format("armv7", "hyp-stage2", 40).as_deref(), Ok("armv7 4K IPA40 S2"));
        assert_eq!(format("x86_64", "ept", 48).as_deref(), Ok("x86_64 ept"));
        assert!(format("armv7", "pl1", 32).is_err());
        let runs = vec![run(0x1000, 0x1000, "rwu", "normal-wb")];
        assert_eq!(
            format_name(&Board { regime: "el2".into(), runs, ..board() }).as_deref(),
            Ok("aarch64 4K VA32 EL2&0")
        );
    }
}
