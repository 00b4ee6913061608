//! The notation on the level of tokens: every construct is read, every error is found at its place, and none hides
//! another.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proc_macro2::TokenStream;

use crate::ast::{Declaration, Kind, Location, Phys, Virt};
use crate::diag::Diagnostics;

fn read(notation: &str) -> (Declaration, Vec<String>) {
    let stream: TokenStream = format!("(krate) {notation}").parse().unwrap();
    let mut errors = Diagnostics::default();
    let declaration = crate::parse::declaration(stream, &mut errors);
    let mut declaration = declaration.expect("the header can be read");
    crate::check::check(&mut declaration, &mut errors);
    (declaration, errors.texts().into_iter().map(str::to_owned).collect())
}

fn good(body: &str) -> Declaration {
    let (declaration, errors) = read(&format!("mod m for riscv::Sv39; {body}"));
    assert_eq!(errors, Vec::<String>::new(), "in {body}");
    declaration
}

fn bad(body: &str, expected: &[&str]) -> Declaration {
    let (declaration, errors) = read(&format!("mod m for riscv::Sv39; {body}"));
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, part) in errors.iter().zip(expected) {
        assert!(error.contains(part), "`{error}` does not say `{part}`");
    }
    declaration
}

#[test]
fn the_header() {
    let (declaration, errors) = read("/// Docs\n #[cfg(unix)] pub(crate) mod virt for aarch64::El1<G4K, { 30 + 9 }>;");
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(declaration.name.to_string(), "virt");
    assert_eq!(declaration.attributes.kept.len(), 2);
    assert_eq!(declaration.visibility.to_string().replace(' ', ""), "pub(crate)");
    assert_eq!(declaration.regime.unwrap().to_string().replace(' ', ""), "aarch64::El1<G4K,{30+9}>");
}

#[test]
fn every_item_of_cpu_and_policy() {
    let it = good(
        "cpu { pa_bits = 40; features = [svnapot, svpbmt,]; modes = [Sv39, sv48]; start_level = -1;
               mair = [0xff, board::X,]; pat = [6]; mtrr \"mtrr:low\" : 0, 512 KiB, wb; pmp fw : A, B, rx;
               deny top in kernel : 0xffff_8000_0000_0000, 512 GiB, user write exec; }
         policy { stack_guards; pages_only; tables_below = 4 GiB; table_pool = dram + 1 MiB, 64 KiB; }",
    );
    assert_eq!(it.cpu.features.unwrap(), ["SVNAPOT", "SVPBMT"]);
    assert_eq!(it.cpu.modes.unwrap(), ["SV39", "SV48"]);
    assert_eq!(it.cpu.mair.unwrap().len(), 2);
    assert_eq!(it.cpu.mtrr[0].name.text, "mtrr:low");
    assert_eq!(it.cpu.pmp[0].kind.text, "rx");
    let deny = &it.cpu.parents[0];
    assert!(deny.user && deny.write && deny.exec);
    assert!(it.policy.stack_guards && it.policy.pages_only && it.policy.tables_below.is_some());
    assert!(matches!(it.policy.table_pool.unwrap().phys, Phys::Named { offset: Some(_), .. }));
}

#[test]
fn every_clause_of_a_resource() {
    let it = good("physical { a : 0, 1 GiB, normal, reserved, owner plc, rights rw, within b; \"b c\" : 0, 1, wp; }");
    let a = &it.resources[0];
    assert!(a.reserved && a.rights == Some(3));
    assert_eq!(a.owner.as_ref().unwrap().text, "plc");
    assert_eq!(a.within.as_ref().unwrap().text, "b");
    assert_eq!((it.resources[1].name.text.as_str(), it.resources[1].memory), ("b c", "WriteProtected"));
}

#[test]
fn every_role_and_place_of_tables() {
    let it = good(
        "space a { tables; } space b (boot) { tables <= 8; } space c (run) { tables <= N + 1 in dram, 64 KiB, hw_ad; }
         space d (firmware) { tables in data, preset_ad, runtime_edit; } space e (user) { tables <= 8 at dram + 4; }
         space f (partition) { tables at 0x8000, 4 KiB; } space g (guest) for riscv::Sv39x4 { tables <= 2 at boot; }
         space h { asid 3; self_map 510; tables at boot in dram; }",
    );
    let roles: Vec<_> = it.spaces.iter().map(|space| space.role).collect();
    assert_eq!(roles, ["Kernel", "Boot", "Run", "Firmware", "Partition", "Partition", "Guest", "Kernel"]);
    let tables: Vec<_> = it.spaces.iter().map(|space| space.tables.as_ref().unwrap()).collect();
    assert!(matches!(tables[0].location, Location::Linked) && tables[0].budget.is_none());
    assert!(matches!(tables[1].location, Location::Linked) && tables[1].budget.is_some());
    assert!(matches!(&tables[2].location, Location::LinkedIn(name) if name.text == "dram"));
    assert!(tables[2].size.is_some() && tables[2].hw_ad);
    assert!(tables[3].preset_ad && tables[3].runtime_edit && tables[3].size.is_none());
    assert!(matches!(tables[4].location, Location::Placed(Phys::Named { .. })));
    assert!(matches!(tables[5].location, Location::Placed(Phys::At(_))));
    assert!(matches!(tables[6].location, Location::Boot(None)));
    assert!(matches!(tables[7].location, Location::Boot(Some(_))));
    assert!(it.spaces[6].regime.is_some() && it.spaces[7].asid.is_some() && it.spaces[7].self_map.is_some());
}

#[test]
fn every_image_item() {
    let it = good(
        "space a { image \"k.elf\" { entry A; section \".text\" (rx) : 0, 1, load 2; section bss (rw) : 4, 4; } }",
    );
    let image = it.spaces[0].image.as_ref().unwrap();
    assert_eq!((image.name.text.as_str(), image.sections.len()), ("k.elf", 2));
    assert!(image.sections[0].load.is_some() && image.sections[1].load.is_none());
    let it = good(
        "space a { image k { entry A, symbol _start; section \".text\" (rx) in text, keep \".init\", from \".text\";
         section b (rw) in data + A, load::B, nobits; section c (rw) in stack, reserve; } }",
    );
    let image = it.spaces[0].image.as_ref().unwrap();
    assert_eq!(image.entry_symbol.as_ref().unwrap().text, "_start");
    let [text, bss, stack] = image.sections.as_slice() else { panic!("three sections") };
    assert_eq!(
        text.inputs.iter().map(|it| (it.name.text.as_str(), it.keep)).collect::<Vec<_>>(),
        [(".init", true), (".text", false)]
    );
    assert!(text.virt.is_none() && text.size.is_none() && bss.virt.is_some() && bss.size.is_some());
    assert_eq!([text, bss, stack].map(|it| it.contents), ["Loaded", "NoBits", "Reserved"]);
    bad("space a { image k { section s (rw) in stack, reserve, from x; } }", &["`reserve` has no input"]);
    bad("space a { image k { section s (rw) in stack, nobits, nobits; } }", &["a second `nobits`"]);
    bad(
        "space a { image k { section s (rw) : 0, 4, 4; } }",
        &["expected `load`, `nobits`, `reserve`, `from` or `keep`"],
    );
}

#[test]
fn a_size_that_the_linker_knows() {
    let it = good("space a { text (rx) : 0 => dram, symbol __text_size max 2 MiB, bti; data (rw) : 0, symbol::SIZE; }");
    let [text, data] = it.spaces[0].regions.as_slice() else { panic!("two regions") };
    assert_eq!(text.size_symbol.as_ref().unwrap().text, "__text_size");
    assert!(text.size.is_some() && text.clauses.bti && data.size.is_some() && data.size_symbol.is_none());
    bad("space a { text (rx) : 0, symbol __text_size 2 MiB; }", &["expected `max`"]);
}

#[test]
fn every_grant() {
    let it = good(
        "space s { a (rx) : 0; b (rw, user) : 0; c (rx, user) : 0; d (priv rw, user r) : 0; e (none) : 0; f (guard) : 0;
         g (rw, window) : 0; h (rw, linear, global) : 0; i (rw, stack) : 0; j (rw, tables) : 0; k () : 0;
         l (priv none, user \"rw\") : 0; m (guard,) : 0; }",
    );
    let access: Vec<_> = it.spaces[0].regions.iter().map(|region| region.access()).collect();
    let expected =
        [(5, 0), (3, 3), (1, 5), (3, 1), (0, 0), (0, 0), (3, 0), (3, 0), (3, 0), (3, 0), (0, 0), (0, 3), (0, 0)];
    assert_eq!(access, expected);
    let kinds: Vec<_> = it.spaces[0].regions.iter().map(|region| region.kind().variant()).collect();
    assert_eq!(kinds[5..9], ["Guard", "Window", "Linear", "Stack"]);
}

#[test]
fn every_place_of_a_region() {
    let it = good(
        "space s { a (r) : 0x10 => dram, 4 KiB; b (r) : after a => dram + 4 KiB, 4 KiB;
         c (r) : after b + 1 MiB => 0x20, 4;
         d (r) : identity; e (r) : identity 0x30 => dram + X; f (r) : board::A + f::<u8, 3>(1, 2) => board::B, 1;
         g (r) : identity => DRAM; h (r) : 0 => channel ring + 16, 4; i (r) : 0 => channel + 4, 4;
         j (r) : X as u64 => 1 << 3, page::SIZE; }",
    );
    let regions = &it.spaces[0].regions;
    assert!(matches!(&regions[1].virt, Some(Virt::After { gap: None, .. })));
    assert!(matches!(&regions[2].virt, Some(Virt::After { gap: Some(_), .. })));
    assert!(matches!((&regions[3].virt, &regions[3].phys), (Some(Virt::Identity(None)), None)));
    assert!(matches!(&regions[4].virt, Some(Virt::Identity(Some(_)))) && regions[4].kind() == Kind::Identity);
    assert!(regions[5].size.is_some());
    assert!(matches!(&regions[7].phys, Some(Phys::Channel { .. })) && regions[7].kind() == Kind::Channel);
    assert!(matches!(&regions[8].phys, Some(Phys::Named { name, .. }) if name.text == "channel"));
    assert!(regions[9].size.is_some());
}

#[test]
fn every_clause_of_a_region() {
    let it = good(
        "space s { /** d */ #[req(\"A\", \"B\")] a (rw) : 0 => dram, 4 KiB, guard below, guard above 8 KiB, grows up,
         worst_case 1,
         page 2 MiB, page <= 1 GiB, page >= 4 KiB, contiguous 64 KiB, round, alias_of b, memory normal_nc, software 3, raw_memory 1,
         dirty,
         bti, of c, inside d, waive(null_page_mapped, \"x\"), waive(\"w_x\"), waive(wx, \"\");
         b (rw) : 0 => d, round 4 KiB, grows down; }",
    );
    let region = &it.spaces[0].regions[0];
    assert_eq!((region.attributes.kept.len(), region.attributes.requirements.len()), (1, 2));
    let clauses = &region.clauses;
    assert!(clauses.guard_below.is_some() && clauses.guard_above.is_some() && clauses.grows_up && clauses.dirty);
    assert!(clauses.page.is_some() && clauses.page_max.is_some() && clauses.page_min.is_some());
    assert!(clauses.memory == Some("NormalNc"));
    let rules: Vec<_> = clauses.waivers.iter().map(|waiver| waiver.rule.as_str()).collect();
    assert_eq!(rules, ["null-page-mapped", "w_x", "wx"]);
    assert!(clauses.waivers[1].reason.is_none() && clauses.waivers[2].reason.is_some());
    assert!(region.kind() == Kind::Stack && it.spaces[0].regions[1].kind() == Kind::Map);
}

#[test]
fn everything_between_spaces() {
    let it = good(
        "channel a : 16 KiB in dram + 4, plc -> hmi, log; channel b : 4 in 0x40, plc <-> hmi;
         isolate plc; isolate plc, hmi except a, b;
         dma nic for plc { } dma gpu for hmi (no_iommu, incoherent, addr_bits 32) { ring (rw) : 0x1000 => dram, 4 KiB; }
         transition t : off -> kernel, pc A, sp B, vectors C, in_place, bbm; transition u : boot -> kernel;",
    );
    assert!(!it.channels[0].two_way && it.channels[0].to.len() == 2 && it.channels[1].two_way);
    assert_eq!((it.isolation[1].spaces.len(), it.isolation[1].except.len()), (2, 2));
    assert!(it.devices[0].iommu && it.devices[0].coherent && !it.devices[1].iommu && !it.devices[1].coherent);
    assert!(it.transitions[0].from.is_none() && it.transitions[0].bbm && it.transitions[1].from.is_some());
}

#[test]
fn words_of_the_notation_are_names_too() {
    let it = good(
        "physical { channel : 0, 1, normal; move : 0, 1, normal; }
         space space { tables (rw) : 0 => channel; image (rw) : 0 => move; asid (r) : 0 => off, 1;
         r#fn (r) : identity; }",
    );
    let names: Vec<_> = it.spaces[0].regions.iter().map(|region| region.name.text.as_str()).collect();
    assert_eq!(names, ["tables", "image", "asid", "fn"]);
    assert_eq!(it.spaces[0].regions[3].name.ident().to_string(), "fn_");
}

#[test]
fn no_error_hides_another() {
    let it = bad(
        "physical { a : , 1, normal; b : 0, 1, nomal; c : 0, 1, normal; }
         spce x { y (r) : 0; }
         space s (kernl) { d (rq) : 0 => c, 1; e rx : 0 => c, 1; f (r) : 0 => c, 1, gaurd below; g (r) : 0 => c, 1; }
         isolate ;
         space t { h (r) : 0; }",
        &[
            "expected its first address, found `,`",
            "`nomal` is no memory type",
            "expected `cpu`",
            "`kernl` is no role of a space",
            "invalid-name: `s.d` cannot have the rights `rq`",
            "expected `(` as in",
            "expected a clause",
            "expected a space, found `;`",
        ],
    );
    assert_eq!(it.resources.len(), 3);
    let names: Vec<_> = it.spaces[0].regions.iter().map(|region| region.name.text.as_str()).collect();
    assert_eq!(names, ["d", "e", "f", "g"], "a wrong region stays known");
    assert_eq!(it.spaces[1].regions.len(), 1);
}

#[test]
fn a_missing_semicolon_costs_no_item() {
    let it = bad(
        "physical { a : 0, 1 GiB, normal b : 0, 1, normal; }
         space s { c (r) : 0 => a, 4 KiB d (r) : 0 => a, 4 KiB #[req(\"X\")] e (r) : 0 => a, 1; }",
        &["expected `,` or `;` as in", "found `d`", "found an attribute"],
    );
    assert_eq!((it.resources.len(), it.spaces[0].regions.len()), (2, 3));
}

#[test]
fn a_unit_follows_a_literal() {
    const UNIT: &str = "`KiB` follows an integer literal";
    bad("physical { a : 0, N KiB, normal; b : 0, 4 * (N KiB), normal; c : 0, KiB, normal; }", &[UNIT, UNIT, UNIT]);
}

#[test]
fn numbers_out_of_range() {
    bad(
        "physical { a : 0, 0x1_0000_0000_0000_0000, normal; b : 0, 16777216 TiB, normal; c : 0, 16777216TiB, normal;
                    d : (1 + 0x1_0000_0000_0000_0000), 1, normal; }",
        &["`0x1_0000_0000_0000_0000` is out of range", "is out of range", "is out of range", "is out of range"],
    );
    good("physical { a : 0xffff_ffff_ffff_ffff, 16777215 TiB, normal; b : 0b1_u64, 0o17usize, normal; }");
}

#[test]
fn one_error_for_one_mistake() {
    bad("physical { a : 0, 948 MB, normal; }", &["`MB` is no unit; there are: KiB, MiB, GiB, TiB"]);
    bad("space s { a (r) : 0 => b 4 KiB; c (r) : 0; }", &["expected `,` or `;`"]);
    bad("space s { a (r) : K as u64 -> b, 4 KiB; }", &["expected `=>` before the physical place, found `->`"]);
    bad("space s { a (r) : 0, 4 KiB, page < 2 MiB; }", &["expected a leaf size, found `<`"]);
    bad("space s { asid = 1; }", &["expected an address space identifier, found `=`"]);
    bad("physical { b : 0, 1, normal; } space s { a (r) : 0 => b - 1, 1; }", &["`b` is a resource"]);
    good("space s { a (r) : <u64 as Size>::MAX => N - 1, 1; b (r) : K as u64; c (r) : if A { B } else { C }; }");
}

#[test]
fn words_that_are_nearly_right() {
    bad("spaec s {}", &["did you mean `space`?"]);
    bad("cpu { pa_bit = 1; features = [bit]; }", &["did you mean `pa_bits`?", "did you mean `bti`?"]);
    bad("space s { table <= 4; a (r) : afer b; }", &["or `tables` in its place", "did you mean `after`?"]);
    bad("space s { a (r) : 0, 1, pages 1; }", &["did you mean `page`?"]);
    bad("elephant s {}", &["found `elephant`"]);
}

#[test]
fn a_regime_ends_where_it_ends() {
    for (header, expected) in [
        ("mod m for aarch64::El1<G4K, 39; cpu {}", "expected `>` as in"),
        ("mod m for aarch64::El1<G4K, 39> cpu {}", "found `cpu`"),
        ("mod m for riscv::Sv39 physical {}", "found `physical`"),
    ] {
        let errors = read(header).1;
        assert!(errors.len() == 1 && errors[0].contains(expected), "{errors:?}");
    }
}

#[test]
fn contradictions() {
    bad("space s { a (rw, guard, window) : 0; }", &["either `guard` or `window`"]);
    bad("space s { a (rw, priv r) : 0; }", &["rights twice"]);
    bad("space s { tables; tables <= 4; image a {} image b {} }", &["a second `tables`", "a second `image`"]);
    bad(
        "space s { asid 1; asid 2; a (r) : 0, 1, page 1, page <= 2, page 3; }",
        &["a second `asid`", "a second `page`"],
    );
    bad("space s { a (rw) : 0, 1, guard below, guard above, guard below; }", &["a second `guard below`"]);
    bad("cpu { pa_bits = 1; pa_bits = 2; pmp a : 0, 0, r; pmp b : 0, 0, r; }", &["a second `pa_bits`"]);
    bad("physical { a : 0, 1, normal, reserved, reserved; }", &["a second `reserved`"]);
    bad("cpu {} cpu {} policy {} policy {}", &["a second `cpu`", "a second `policy`"]);
}

#[test]
fn what_a_window_cannot_have() {
    good("space s { a (rw, window) : 0, 4, page <= 2 MiB, memory normal_nc, software 3, guard below; }");
    bad(
        "space s { a (rw, window) : 0 => dram, 4; }",
        &[
            "`s.a` is a `window`, where pages of the smallest size get their frames when the program runs: it cannot have a physical",
        ],
    );
    bad("space s { a (rw, window) : identity, 4; }", &["it cannot have `identity`"]);
    bad("space s { a (rw, window) : 0, symbol end max 4; }", &["it cannot have `symbol`"]);
    for clause in ["page 4", "page >= 4", "contiguous 4", "round", "alias_of b", "raw_memory 1", "dirty"] {
        let word = clause.trim_end_matches([' ', '1', '4', 'b']);
        bad(&format!("space s {{ a (rw, window) : 0, 4, {clause}; }}"), &[&format!("it cannot have `{word}`")]);
    }
}

#[test]
fn attributes_where_they_belong() {
    bad("#[req(\"A\")] space s {}", &["expected a doc comment, the only attributes here, found `req`"]);
    bad("space s { #[inline] a (r) : 0; }", &["expected a doc comment or `req(\"…\")`"]);
    bad("space s { #[req(\"A\")] tables; }", &["expected a region behind its requirements, found `tables`"]);
    good("/// d\n physical { /// d\n a : 0, 1, normal; } /// d\n space s { /// d\n tables; } /// d\n isolate s;");
}

#[test]
fn regimes_by_name() {
    let errors = read("mod m for riscv::Sv93; space s for aarch64::El0<G4K, 39> {}").1;
    assert_eq!(
        errors,
        [
            "`aarch64` has no regime `El0`; it has: El1, El2, El2And0, El3, Stage2",
            "`riscv` has no regime `Sv93`; it has: Sv32, Sv39, Sv39C9xx, Sv39x4, Sv48, Sv48x4, Sv57",
        ]
    );
    assert!(read("mod m for mine::Sv93;").1.is_empty() && read("mod m for Sv93;").1.is_empty());
}

#[test]
fn what_is_broken_still_expands() {
    let notation = "(krate) mod m for X; space s { a (q) : 0; b (rx) : 0 => , 4; c (r) : 0; }";
    let tokens = crate::compile(notation.parse().unwrap());
    let text = tokens.to_string();
    assert_eq!(text.matches("compile_error").count(), 2);
    assert!(text.contains("SOUND : krate :: __private :: core :: primitive :: bool = false"));
    for region in ["name = a", "name = b", "name = c"] {
        assert!(text.contains(region), "{region}");
    }
    assert!(crate::compile("mod".parse().unwrap()).to_string().contains("the name of the map"));
    assert!(crate::compile("mod m;".parse().unwrap()).to_string().contains("mod m { }"));
}
