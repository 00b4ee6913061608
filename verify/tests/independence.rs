//! The checker shares nothing with what it checks.

use std::process::Command;

/// Every package that the checker is built from, as cargo resolves it without optional features.
#[test]
fn the_checker_does_not_depend_on_the_library() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "tree",
        "--offline",
        "--edges",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--no-default-features",
    ]);
    command.args(["--target", "all", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    let output = command.output().expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"cargo-tablature") && names.contains(&"object"), "{text}");
    let own: Vec<&&str> = names.iter().filter(|name| name.starts_with("tablature")).collect();
    assert!(own.is_empty(), "{own:?}");
}

/// With its default features, one module asks the library: the command that imports.
#[test]
fn only_the_command_import_names_the_library() {
    let mut directories = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut who = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source");
            let names = |line: &str| ["tablature_import", "tablature::"].iter().any(|name| line.contains(name));
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            if code.into_iter().any(|line| names(&line.replace("cargo_tablature::", ""))) {
                who.push(path.file_name().expect("a name").to_owned());
            }
        }
    }
    assert_eq!(who, ["import.rs"]);
}

/// No source of the checker reaches into the library's directory either.
#[test]
fn no_source_is_shared() {
    let mut directories = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut count = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source");
            for line in text.lines() {
                let reaches = line.contains("#[path") || (line.contains("include") && line.contains("../../"));
                assert!(!reaches, "{}: {line}", path.display());
            }
            count += 1;
        }
    }
    assert!(count > 10, "{count} sources");
}
