//! `cargo tablature import` as one starts it: what goes where, and the exit status.

#![cfg(feature = "import")]

use std::process::Command;

/// Exit status, standard output, standard error; started where the inputs of the importers are.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-tablature"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../import/tests/data"));
    let output = command.args(["tablature", "import"]).args(arguments).output().expect("starts");
    let text = |bytes| String::from_utf8(bytes).expect("is text");
    (output.status.code().expect("ends"), text(output.stdout), text(output.stderr))
}

#[test]
fn a_map_without_mistakes_is_written() {
    let (status, out, error) = run(&["microkit/good.system", "--name", "mine"]);
    assert_eq!(status, 0, "{error}");
    assert!(out.starts_with("tablature::memory_map! {\n") && out.contains("pub mod mine for "), "{out}");
    assert!(error.ends_with("5 spaces, 11 regions, 0 errors, 0 warnings\n"), "{error}");
}

#[test]
fn a_map_with_mistakes_is_written_and_its_mistakes_are_listed() {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/map.rs");
    let (status, out, error) = run(&["tf-a/bad.c", "--from", "tf-a", "-o", file]);
    assert_eq!((status, out.as_str()), (1, ""), "{error}");
    assert!(std::fs::read_to_string(file).expect("written").contains("pub mod bad for aarch64::El3<G4K, 36>;"));
    for words in
        ["error: va-overlap: `firmware.device0`", "\n  fix: ", "\n  tf-a/bad.c:10: `firmware.uart0` is MAP_REGION"]
    {
        assert!(error.contains(words), "no {words} in\n{error}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    for (arguments, words) in [
        (&["nowhere.c"][..], "error: cannot read nowhere.c"),
        (&["../declared.rs"], "no format that is known: say --from"),
        (&["microkit/good.system", "--from", "dtb"], "no device tree"),
        (&["tf-a/good.c"], "`BL31_BASE` has no value here"),
        (&["tf-a/good.c"], "headers that were not found (say -I): lib/xlat_tables/xlat_tables_v2.h, platform_def.h"),
        (&["tf-a/good.c", "--from", "cobol"], "no format `cobol`; there are dtb, tf-a"),
        (&["tf-a/bad.c", "--regime", "aarch64 8K VA39 EL1"], "format `aarch64 8K VA39 EL1`"),
    ] {
        let (status, out, error) = run(arguments);
        assert_eq!((status, out.as_str()), (2, ""), "{error}");
        assert!(error.contains(words), "no {words} in\n{error}");
    }
}
