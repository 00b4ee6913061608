//! Maps with the mistakes that real ones have: each is found, by its rule, with names, numbers, and the line to change.

use tablature_import::Options;

use crate::data::{self, Input, findings, import};

/// Each of `wanted` is a rule, and words that the text of its finding contains; there are no other errors.
fn check(input: &Input, wanted: &[(&str, &[&str])]) {
    let imported = import(input).unwrap_or_else(|error| panic!("{error:#}"));
    let all: Vec<_> = findings(&imported).into_iter().filter(|finding| finding.is_error).collect();
    for (rule, words) in wanted {
        let says = |text: &str| words.iter().all(|word| text.contains(word));
        let found = all.iter().any(|finding| finding.rule == *rule && says(&finding.to_string()));
        assert!(found, "no {rule} with {words:?} in\n{}", all.iter().map(|f| format!("{f}\n")).collect::<String>());
    }
    for finding in &all {
        assert!(wanted.iter().any(|(rule, _)| finding.rule == *rule), "not wanted: {finding}");
        assert!(finding.to_string().contains("\n  fix: "), "{finding}");
    }
}

#[test]
fn mistakes_of_a_platform_of_tf_a() {
    let input = Input { files: &["tf-a/bad.c"], define: &[], ram: None };
    let shared = "tests/data/tf-a/bad.c:13: `firmware.shared` is MAP_REGION(SHARED_BASE";
    check(
        &input,
        &[
            ("va-overlap", &["`firmware.device0` and `firmware.uart0`", "0x10000 bytes from 0x8ff0000", "bad.c:10: "]),
            ("alias-undeclared", &["0x10000 bytes at 0x8ff0000"]),
            ("memory-type-mismatch", &["0x40001000", "bad.c:11: `firmware.ns_dram0` is MAP_NS_DRAM0", shared]),
            ("size-unaligned", &["`firmware.mbox` has 0x800 bytes", "bad.c:15: "]),
            ("va-out-of-range", &["0x1000000000", "bad.c:17: "]),
        ],
    );
}

#[test]
fn mistakes_of_a_board_of_zephyr() {
    let input = Input { files: &["zephyr/bad.c"], define: &[], ram: None };
    check(
        &input,
        &[
            ("size-unaligned", &["`kernel.uart` has 0x14 bytes", "zephyr/bad.c:6: "]),
            ("memory-type-mismatch", &["`kernel.ocram` and `kernel.shm`", "0x910000", "bad.c:7: ", "bad.c:9: "]),
            ("alias-undeclared", &["0x10000 bytes at 0x910000"]),
            ("kernel-executes-user-page", &["`kernel.boot`", "bad.c:11: "]),
            ("device-mapped-as-normal", &["`kernel.boot`"]),
            ("wx-alias", &["`kernel.mu` may write what `kernel.boot` executes"]),
            ("device-executable", &["`kernel.boot` is executable", "bad.c:11: "]),
            ("va-overlap", &["`kernel.boot` and `kernel.mu`", "0x8000 bytes from 0x10008000", "bad.c:13: "]),
        ],
    );
}

#[test]
fn mistakes_between_cells_of_jailhouse() {
    let files = &["jailhouse/root.c", "jailhouse/inmate.c", "jailhouse/greedy.c"];
    let foreign = "`inmate_demo.ram` and `greedy.the_memory_of_the_other` share 0x100000 bytes at the physical address 0x7ef00000";
    check(
        &Input { files, define: &[], ram: None },
        &[
            ("isolation-violated", &[foreign, "inmate.c:49: ", "greedy.c:16: "]),
            ("wx-alias", &["`inmate_demo_dma.ram` may write what `greedy.the_memory_of_the_other` executes"]),
            ("wx", &["`greedy.the_memory_of_the_other`", "greedy.c:16: "]),
            ("reserved-memory-mapped", &["0x7fc01000", "greedy.c:23: ", "root.c:14: `hypervisor_memory`"]),
            ("device-executable", &["`greedy.registers_that_run_code`", "greedy.c:29: "]),
            ("va-overlap", &["0x1000 bytes from 0xa000000", "greedy.c:29: ", "greedy.c:36: "]),
        ],
    );
    let alone = import(&Input { files: &["jailhouse/greedy.c"], define: &[], ram: None }).expect("a cell");
    assert!(findings(&alone).iter().all(|finding| finding.rule != "isolation-violated"));
}

#[test]
fn mistakes_of_a_system_of_microkit() {
    let types = "`driver.dma` and `client.dma` map 0x10000 bytes at the physical address 0x60000000";
    check(
        &Input { files: &["microkit/bad.system"], define: &[], ram: None },
        &[
            ("unknown-name", &["`client.missing` refers to `missing`", "bad.system:25: "]),
            (
                "resource-overlap",
                &["`gpio` and `gpio_bank`", "0x1000 bytes at 0x9012000", "bad.system:5: ", "bad.system:6: "],
            ),
            ("va-overlap", &["`driver.gpio` and `driver.gpio_bank`", "0x2003000"]),
            ("alias-undeclared", &["`driver.gpio_bank`", "0x9012000"]),
            ("leaf-misaligned", &["`driver.frame`", "0x4001000", "0x200000", "bad.system:17: "]),
            ("device-mapped-as-normal", &["`client.timer`", "bad.system:22: "]),
            ("memory-type-mismatch", &["`driver.timer` and `client.timer`", "0x9010000"]),
            ("memory-type-mismatch", &[types, "bad.system:16: ", "bad.system:23: "]),
            ("wx", &["`client.jit`", "bad.system:24: "]),
        ],
    );
}

#[test]
fn a_system_of_microkit_may_be_for_another_architecture() {
    for regime in ["sv39", "x86_64 4-level"] {
        let files = [data::directory().join("microkit/good.system")];
        let options = Options { regime: Some(regime.into()), ..Options::default() };
        let found = findings(&tablature_import::import(&files, &options).expect("a system"));
        assert!(found.is_empty(), "{regime}: {found:#?}");
    }
}

#[test]
fn memory_that_is_known_says_what_is_a_device() {
    let input = Input { files: &["microkit/good.system"], define: &[], ram: Some((0x4000_0000, 0x800_0000)) };
    let imported = import(&input).expect("a system");
    let memory = |name: &str| imported.system.resources.iter().find(|one| one.name == name).expect(name).memory.clone();
    assert_eq!(["uart", "heap", "guest_ram"].map(memory), ["device_nGnRnE", "normal_wb", "device_nGnRnE"]);
    let small = Input { ram: Some((0x4000_0000, 0x1000)), ..input };
    let error = import(&small).expect_err("no room").to_string();
    assert!(error.contains("good.system:6: no room for 0x400000 bytes of `packets`"), "{error}");
}
