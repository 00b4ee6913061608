//! Maps of other systems that break no rule: the declarations are those of `data/declared`, which `tests/declared.rs`
//! compiles.
//!
//! After a change of what is written, `BLESS=1 cargo test -p tablature-import --test formats` writes the files anew.

use tablature_import::Imported;

use crate::data::{self, Input, findings, import};
use crate::tree;

fn check(input: &Input, file: &str) {
    check_imported(&import(input).unwrap_or_else(|error| panic!("{error:#}")), file);
}

fn check_imported(imported: &Imported, file: &str) {
    let text = imported.declaration().expect("a declaration");
    let found = findings(imported);
    let list = || found.iter().map(|finding| format!("{finding}\n")).collect::<String>();
    assert!(found.iter().all(|finding| !finding.is_error), "{text}\n{}", list());
    let path = data::directory().join("declared").join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("the declaration"), text, "{file}");
}

#[test]
fn a_device_tree() {
    check_imported(&tree::import(tree::good()).expect("a tree"), "dtb.rs");
}

#[test]
fn cells_of_jailhouse() {
    check(&data::JAILHOUSE, "jailhouse.rs");
}

#[test]
fn a_system_of_microkit() {
    check(&data::MICROKIT, "microkit.rs");
}

#[test]
fn a_board_of_zephyr() {
    check(&data::ZEPHYR, "zephyr.rs");
}

#[test]
fn a_platform_of_tf_a() {
    check(&data::TF_A, "tf_a.rs");
}
