//! The checker shares nothing with what it checks.

use std::path::PathBuf;
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

/// Every source of the package, with its path.
fn sources() -> Vec<(PathBuf, String)> {
    let mut directories = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                sources.push((path, text));
            }
        }
    }
    assert!(sources.len() > 10, "{} sources", sources.len());
    sources
}

/// With its default features, one module asks the library: the command that imports.
#[test]
fn only_the_command_import_names_the_library() {
    let names = |line: &str| ["tablature_import", "tablature::"].iter().any(|name| line.contains(name));
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let asks = |text: &str| text.lines().filter(is_code).any(|line| names(&line.replace("cargo_tablature::", "")));
    let who: Vec<_> = sources().into_iter().filter(|(_, text)| asks(text)).map(|(path, _)| path).collect();
    assert!(matches!(who.as_slice(), [one] if one.ends_with("src/import.rs")), "{who:?}");
}

/// No source of the checker reaches into the library's directory either.
#[test]
fn no_source_is_shared() {
    for (path, text) in sources() {
        for line in text.lines() {
            let reaches = line.contains("#[path") || (line.contains("include") && line.contains("../../"));
            assert!(!reaches, "{}: {line}", path.display());
        }
    }
}
