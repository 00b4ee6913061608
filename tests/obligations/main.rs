//! With `panic = "abort"`, losing a token does not compile, at any level of optimization; keeping it does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The levels whose code differs most.
const LEVELS: [&str; 4] = ["0", "1", "3", "z"];

/// Every function of `rejected.rs`, by the name of what its token releases.
const LOST: [&str; 14] = [
    "AtTheEnd",
    "ByName",
    "Underscore",
    "OfAResult",
    "EarlyReturn",
    "QuestionMark",
    "OneBranch",
    "InALoop",
    "OfAnOption",
    "InAStruct",
    "OfATuple",
    "InABatch",
    "InAClosure",
    "InABrand",
];

/// The library, built once with `panic = "abort"`.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("obligations");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "tablature", "--lib", "--target-dir"])
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("CARGO_PROFILE_DEV_PANIC", "abort")
            .env_remove("RUSTFLAGS")
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the library does not build with `panic = \"abort\"`");
        target.join("debug")
    })
}

/// Compiles a file beside this one to the end.
fn compile(name: &str, level: &str) -> Output {
    let library = library();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/obligations").join(name);
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition=2024", "--emit=obj", "-Cpanic=abort", "--error-format=human", "--color=never"])
        .arg(format!("-Copt-level={level}"))
        .arg(format!("-Ldependency={}", library.join("deps").display()))
        .arg(format!("--extern=tablature={}", library.join("libtablature.rlib").display()))
        .arg("-o")
        .arg(library.join(format!("{name}-{level}.o")))
        .arg(source)
        .output()
        .expect("rustc runs")
}

#[test]
fn losing_a_token_does_not_compile_and_the_error_names_it() {
    for level in LEVELS {
        let output = compile("rejected.rs", level);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "it compiles at level {level}");
        for lost in LOST {
            let named = text.lines().any(|line| line.contains(&format!("{lost}>")) && line.contains("as Drop>::drop"));
            assert!(named, "level {level} does not blame {lost}:\n{text}");
        }
        assert!(text.contains("a `TlbFlush` is dropped: call `flush` or `shootdown`"), "{text}");
        assert!(text.contains("a `Batch` of `TlbFlush`es is dropped"), "{text}");
        let errors = text.lines().filter(|line| line.starts_with("error[")).count();
        assert_eq!(errors, LOST.len(), "level {level} finds fault with something else:\n{text}");
    }
}

#[test]
fn keeping_every_token_compiles() {
    for level in LEVELS {
        let output = compile("accepted.rs", level);
        assert!(output.status.success(), "level {level}:\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
