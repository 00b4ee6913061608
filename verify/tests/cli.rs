//! The program as one starts it: arguments, messages, and exit status.

mod small;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file for one test.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).expect("can be written");
    path
}

/// Exit status and all output, of the program as cargo starts it.
fn run(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-tablature"));
    let output = command.arg("tablature").args(arguments).output().expect("starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("ends"), String::from_utf8(text).expect("is text"))
}

fn path(file: &Path) -> &str {
    file.to_str().expect("is text")
}

#[test]
fn check_says_what_it_did() {
    let image = file("good.elf", &small::image());
    let document = file("good.json", small::document().to_string().as_bytes());
    let (status, text) = run(&["check", path(&image), "--evidence", path(&document)]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("3 tables at 0x80003000") && text.contains("good.elf: is as "), "{text}");

    let mut changed = small::image();
    changed[small::entry(2, 1)] |= 4;
    let changed = file("changed.elf", &changed);
    let (status, text) = run(&["check", path(&changed), "--evidence", path(&document)]);
    assert_eq!(status, 1, "{text}");
    let line = text.lines().find(|line| line.contains("grants")).expect("a finding");
    assert!(line.contains("changed.elf: .tables at 0xffffffc080005008"), "{line}");
    assert!(line.contains("region text"), "{line}");
}

#[test]
fn errors_name_the_file() {
    let image = file("errors.elf", &small::image());
    let truncated = file("truncated.elf", &small::image()[..0x1800]);
    let document = file("errors.json", small::document().to_string().as_bytes());
    let noise = file("noise.json", b"{\"schema\": ");
    for (arguments, name) in [
        (["check", path(&truncated), "--evidence", path(&document)], "truncated.elf"),
        (["check", path(&image), "--evidence", path(&noise)], "noise.json"),
        (["check", path(&image), "--evidence", "/nowhere.json"], "/nowhere.json"),
        (["check", path(&document), "--evidence", path(&document)], "errors.json"),
        (["show", path(&noise), "--scheme", "riscv-sv39"], "noise.json"),
        (["diff", path(&image), path(&document), "--lpa2"], "errors.json"),
    ] {
        let (status, text) = run(&arguments);
        assert_eq!(status, 2, "{text}");
        assert!(text.starts_with("error: ") && text.contains(name), "{text}");
    }
}

#[test]
fn show_draws_images_and_dumps() {
    let bytes = small::image();
    let image = file("show.elf", &bytes);
    let dump = file("show.dump", &bytes[small::TABLES..small::TABLES + 0x3000]);
    let document = file("show.json", small::document().to_string().as_bytes());
    let by_symbol = run(&["show", path(&image), "--scheme", "riscv-sv39", "--tables"]);
    let by_root =
        ["show", path(&dump), "--base", "0x80003000", "--root", "0x80003000", "--scheme", "riscv-sv39", "--tables"];
    assert_eq!(by_symbol, run(&by_root));
    let (status, text) = by_symbol;
    assert_eq!(status, 0, "{text}");
    for part in [
        "root at 0x80003000",
        "0xffffffc080001000 ┃",
        "rx /-",
        "16 × 4 KiB, runs of 64 KiB",
        "table at 0x80005000, level 0: 0xffffffc080000000, 2 MiB",
        "84 KiB mapped by 21 leaves in 3 tables",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (status, text) = run(&["show", path(&image), "--evidence", path(&document)]);
    assert!(status == 0 && text.starts_with("space kernel\n"), "{text}");
}

#[test]
fn diff_compares_documents_and_images() {
    let document = file("diff.json", small::document().to_string().as_bytes());
    let mut other = small::document();
    other["spaces"][0]["regions"][1]["privileged"] = "r".into();
    let other = file("diff-other.json", other.to_string().as_bytes());
    let (status, text) = run(&["diff", path(&document), path(&other)]);
    assert_eq!((status, text.as_str()), (1, "space kernel, region text, privileged: rx → r\n1 difference\n"));
    assert_eq!(run(&["diff", path(&document), path(&document)]), (0, "no difference\n".to_owned()));

    let mut changed = small::image();
    changed[small::entry(2, 1)] &= !8;
    let (a, b) = (file("diff.elf", &small::image()), file("diff-other.elf", &changed));
    let (status, text) = run(&["diff", path(&a), path(&b), "--scheme", "riscv-sv39"]);
    assert_eq!((status, text.as_str()), (1, "0xffffffc080001000, 4 KiB: rx/- → r/-\n1 difference\n"));
}
