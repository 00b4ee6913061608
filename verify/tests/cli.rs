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

/// A dump of four pages at 0x8000_0000, with words of some bytes at some offsets.
fn dump(name: &str, bytes: usize, words: &[(usize, u64)]) -> PathBuf {
    let mut pages = vec![0; 0x8000];
    for (at, word) in words {
        pages[*at..at + bytes].copy_from_slice(&word.to_le_bytes()[..bytes]);
    }
    file(name, &pages)
}

/// Scheme, further arguments, bytes of an entry, offset and word of entries, and what is drawn.
type Case<'a> = (&'a str, &'a [&'a str], usize, &'a [(usize, u64)], &'a [&'a str]);

#[test]
fn show_draws_tables_of_every_architecture() {
    let far = 0x18;
    let tables: [Case<'_>; 9] = [
        (
            "x86-pae",
            &[],
            8,
            &[(far, 0x8000_1001), (0x1000, 0x8000_2063), (0x1008, 0x2000e7), (0x2008, 1 << 63 | 0x5003)],
            &[
                "0x00000000c0001000 ┃",
                "→ 0x000000005000  rw /-    normal_wb",
                "0x00000000c0200000 ┃",
                "→ 0x000000200000  rw /rwx",
            ],
        ),
        (
            "x86-legacy",
            &[],
            4,
            &[(0xc00, 0x8000_1003), (0xc04, 0x4001e3), (0x1004, 0x5001)],
            &["0x00000000c0001000 ┃", "rx /-", "0x00000000c0400000 ┃", "1 × 4 MiB, global"],
        ),
        (
            "armv7-lpae",
            &["--mair", "0xff04"],
            8,
            &[(far, 0x8000_1003), (0x1000, 0x4000_0705), (0x1008, 0x8000_2003), (0x2000, 0x60_0000_0000_5703)],
            &["0x00000000c0000000 ┃", "rwx/-    normal_wb", "0x00000000c0200000 ┃", "rw /-    device_nGnRE"],
        ),
        (
            "armv7-lpae-pl2",
            &["--mair", "0xff", "--bits", "31"],
            8,
            &[(0x8, 0x4000_07c1)],
            &["0x0000000040000000 ┃", "rx /-    normal_wb"],
        ),
        ("armv7-lpae-stage2", &[], 8, &[(0x1ff8, 0x4000_07fd)], &["0x000000ffc0000000 ┃", "rwx/rwx  normal_wb"]),
        (
            "armv7-short",
            &[],
            4,
            &[(0x3000, 0x4001_1c0e), (0x3004, 0x8000_4401), (0x4404, 0x5c7f)],
            &[
                "0x00000000c0000000 ┃",
                "rwx/rwx  normal_wb",
                "0x00000000c0101000 ┃",
                "rw /rw ",
                "table at 0x80004400, level 0: 0x00000000c0100000, 1 MiB",
            ],
        ),
        (
            "loongarch64",
            &["--upper-root", "0x80004000"],
            8,
            &[
                (0, 0x8000_1000),
                (0x1000, 0x4000_00d1),
                (0x4800, 0x8000_5000),
                (0x5000, 0x8000_6000),
                (0x6008, 0x8000_7000),
                (0x7008, 0x91df),
            ],
            &[
                "0x0000000000000000 ┃",
                "rx /-    normal_wb",
                "0xffff800000201000 ┃",
                "rwx/rwx  normal_wb",
                "1 × 4 KiB, global",
            ],
        ),
        (
            "aarch64-stage1-el1",
            &["--bits", "39", "--mair", "0xff", "--pir", "0xca", "--pire0", "0xc0"],
            8,
            &[(0, 0x701), (0x8, 0x4000_0741)],
            &[
                "0x0000000000000000 ┃",
                "rx /-    normal_wb",
                "0x0000000040000000 ┃",
                "rw /rw   normal_wb",
                "permission indices",
            ],
        ),
        ("riscv-sv39x4", &[], 8, &[(0x3ff8, 0xdf)], &["0x000001ffc0000000 ┃", "rwx/rwx"]),
    ];
    for (scheme, more, bytes, words, parts) in tables {
        let dump = dump(&format!("{scheme}.dump"), bytes, words);
        let place =
            ["show", path(&dump), "--base", "0x80000000", "--root", "0x80000000", "--tables", "--scheme", scheme];
        let (status, text) = run(&[&place[..], more].concat());
        assert_eq!(status, 0, "{scheme}: {text}");
        for part in parts {
            assert!(text.contains(part), "{scheme}, {part}: {text}");
        }
        let again = [&["diff", path(&dump), path(&dump)], &place[2..6], &place[7..], more].concat();
        assert_eq!(run(&again), (0, "no difference\n".to_owned()), "{scheme}");
    }
}

#[test]
fn show_says_what_it_lacks() {
    let dump = dump("lacks.dump", 8, &[(0, 0x9000_0003)]);
    let base = ["show", path(&dump), "--base", "0x80000000"];
    for (more, status, part) in [
        (
            &["--scheme", "armv7-lpae", "--root", "0x80000000"][..],
            1,
            "0x90000000 is not in dump 0x80000000..0x80008000",
        ),
        (&["--scheme", "armv7-lpae"], 2, "where is the root?"),
        (&["--root", "0x80000000"], 2, "what kind of tables"),
        (&["--scheme", "armv7-lpae", "--bits", "33", "--root", "0"], 2, "armv7-lpae has no 33 input bits"),
        (&["--scheme", "x86-pae", "--root", "0", "--upper-root", "0"], 2, "has one root"),
        (&["--scheme", "loongarch32", "--root", "0"], 2, "loongarch64"),
    ] {
        let (found, text) = run(&[&base[..], more].concat());
        assert_eq!(found, status, "{text}");
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn report_writes_where_it_is_told_to() {
    let generator = serde_json::json!({ "tablature": "1", "rustc": "1", "crate": { "name": "a", "version": "1" } });
    let mut document = small::document();
    document["generator"] = generator;
    document["policy"] = serde_json::json!({ "stack_guards": true, "pages_only": false });
    for list in ["devices", "transitions", "rules", "waivers"] {
        document[list] = serde_json::json!([]);
    }
    let input = file("report.json", document.to_string().as_bytes());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report/pages");
    let (status, text) = run(&["report", path(&input), "-o", path(&directory)]);
    assert_eq!(status, 0, "{text}");
    for name in ["report.html", "report-kernel.svg", "report-physical.svg"] {
        let size = std::fs::metadata(directory.join(name)).expect("is written").len();
        assert!(size > 1000 && text.contains(name), "{name}: {size} bytes: {text}");
    }
    let page = directory.join("other.html");
    assert_eq!(run(&["report", path(&input), "--output", path(&page)]).0, 0);
    assert!(page.exists() && directory.join("other-kernel.svg").exists());
    assert_eq!(run(&["report", path(&input)]).0, 0);
    assert!(input.with_extension("html").exists());

    let (status, text) = run(&["report", path(&input), path(&input), "-o", path(&page)]);
    assert!(status == 2 && text.contains("name a directory"), "{text}");
    let noise = file("report-noise.json", b"{\"schema\": \"tablature-evidence/1\"}");
    let (status, text) = run(&["report", path(&noise)]);
    assert!(status == 2 && text.contains("report-noise.json") && text.contains("missing field"), "{text}");
}
