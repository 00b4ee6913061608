//! What the other commands need from the machine: a compiler for bare metal, emulators.
//!
//! What is missing is installed where that is possible and otherwise named, with the line to type. Nothing is skipped.
//! Every decision is made against [`Environment`], so that the tests can play every machine there is.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, anyhow, bail};

use crate::machine::Arch;
use crate::process::{call, cargo, shown};

mod miri;

pub(crate) use miri::{miri, test as miri_test};

/// The system that this runs on, as far as installing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// Has `apt-get`.
    Debian,
    /// Another Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Anything else.
    Other,
}

/// What set-up can ask and do.
pub(crate) trait Environment {
    /// The system.
    fn system(&self) -> System;
    /// Whether packages can be installed without a password.
    fn is_root(&self) -> bool;
    /// Whether a program of that name (or path) can be started.
    fn has_program(&self, name: &str) -> bool;
    /// Whether the compiler in use has `core` for that target.
    fn has_target(&self, target: &str) -> bool;
    /// Whether that file exists.
    fn has_file(&self, path: &str) -> bool;
    /// Whether cargo has that subcommand.
    fn has_subcommand(&self, name: &str) -> bool;
    /// Runs a program with its output shown; whether it succeeded.
    fn run(&mut self, words: &[&str]) -> bool;
}

/// Where the compiler for bare metal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The one in use, with the target's `core` installed.
    Own,
    /// Debian's `rustc-web` and `cargo-web`, which build `core` from `rust-web-src`.
    Debian,
}

const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];
const DEBIAN_FILES: [&str; 3] = ["/usr/bin/rustc", "/usr/bin/cargo", "/usr/bin/ld.lld"];

impl Toolchain {
    /// `cargo SUBCOMMAND --target TARGET` by this compiler, with `flags` for rustc behind those of the configuration.
    pub(crate) fn cargo(self, subcommand: &str, arch: Arch, flags: &[&str]) -> Command {
        let mut flags = flags.to_vec();
        let mut command = match self {
            Self::Own => {
                let mut command = cargo();
                command.arg(subcommand);
                command
            }
            Self::Debian => {
                let mut command = Command::new("/usr/bin/cargo");
                command.current_dir(crate::process::root()).stdin(Stdio::null());
                command.args([subcommand, "-Zbuild-std=core"]);
                command.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", "/usr/bin/rustc");
                // cargo run by rustup's proxy exports these, and they name the other compiler.
                command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
                flags.extend(["-Clinker=ld.lld", "-Clinker-flavor=ld.lld"]);
                command
            }
        };
        command.args(["--target", arch.target()]);
        if !flags.is_empty() {
            let list = flags.iter().map(|flag| format!("{flag:?}")).collect::<Vec<_>>().join(",");
            command.arg("--config").arg(format!("target.{}.rustflags=[{list}]", arch.target()));
        }
        command
    }
}

/// Makes sure that `arches` can be compiled for.
///
/// # Errors
/// They cannot; the text says what to type.
pub(crate) fn targets(environment: &mut dyn Environment, arches: &[Arch]) -> Result<Toolchain> {
    let missing: Vec<&str> =
        arches.iter().map(|arch| arch.target()).filter(|target| !environment.has_target(target)).collect();
    if missing.is_empty() {
        return Ok(Toolchain::Own);
    }
    println!("bare-metal targets missing: {}", missing.join(" "));
    if environment.has_program("rustup") {
        let mut words = vec!["rustup", "target", "add"];
        words.extend(&missing);
        if environment.run(&words) {
            return Ok(Toolchain::Own);
        }
        println!("rustup could not install them; falling back to the distribution's compiler with sources");
    }
    debian_compiler(environment).map_err(|error| {
        anyhow!("no `core` for {}: `rustup target add {}` ({error})", missing.join(", "), missing.join(" "))
    })
}

/// Makes sure that the formatter and the linter are there.
///
/// # Errors
/// They are not; the text says what to type.
pub(crate) fn components(environment: &mut dyn Environment) -> Result<()> {
    let tools = [("fmt", "rustfmt"), ("clippy", "clippy")];
    let missing: Vec<&str> =
        tools.iter().filter(|(name, _)| !environment.has_subcommand(name)).map(|(_, component)| *component).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("components missing: {}", missing.join(" "));
    let mut words = vec!["rustup", "component", "add"];
    words.extend(&missing);
    if !environment.has_program("rustup") || !environment.run(&words) {
        bail!("no {}: `{}`", missing.join(", "), words.join(" "));
    }
    Ok(())
}

/// Debian's compiler with sources.
fn debian_compiler(environment: &mut dyn Environment) -> Result<Toolchain> {
    let is_complete = |environment: &dyn Environment| {
        DEBIAN_FILES.iter().all(|file| environment.has_file(file))
            && environment.has_file("/usr/lib/rustlib/src/rust/library/core/Cargo.toml")
    };
    if !is_complete(environment) {
        install(environment, &DEBIAN_PACKAGES)?;
    }
    println!("bare-metal code is compiled by Debian's rustc-web, with `core` built from source");
    Ok(Toolchain::Debian)
}

/// Makes sure that the emulators of `arches` are there.
///
/// # Errors
/// They are not; the text says what to type.
pub(crate) fn emulators(environment: &mut dyn Environment, arches: &[Arch]) -> Result<()> {
    let missing = |environment: &dyn Environment| -> Vec<Arch> {
        arches.iter().copied().filter(|arch| !environment.has_program(arch.qemu())).collect()
    };
    let wanted = missing(environment);
    if wanted.is_empty() {
        return Ok(());
    }
    println!("emulators missing: {}", wanted.iter().map(|arch| arch.qemu()).collect::<Vec<_>>().join(" "));
    match environment.system() {
        System::Debian => {
            let packages: Vec<&str> = wanted.iter().flat_map(|arch| packages(*arch)).copied().collect();
            install(environment, &packages)?;
            // Newer Debian has RISC-V in a package of its own.
            if missing(environment).contains(&Arch::Riscv64) {
                install(environment, &["qemu-system-riscv"])?;
            }
        }
        System::Linux => bail!(
            "install QEMU's system emulators with your package manager (Fedora: `dnf install qemu-system-aarch64 qemu-system-riscv qemu-system-x86`; Arch: `pacman -S qemu-full`)"
        ),
        System::MacOs => bail!("install QEMU: `brew install qemu`"),
        System::Other => bail!("install QEMU from https://www.qemu.org/download/ and put it on the PATH"),
    }
    match missing(environment).first() {
        None => Ok(()),
        Some(arch) => bail!("{} is still missing after its package was installed", arch.qemu()),
    }
}

/// Makes sure that programs of other architectures can be run; whether they can.
///
/// # Errors
/// The installation failed; the text says what to type.
pub(crate) fn emulators_of_programs(environment: &mut dyn Environment) -> Result<bool> {
    let missing = |environment: &dyn Environment| {
        Arch::ALL.into_iter().find(|arch| !environment.has_program(arch.qemu_of_programs()))
    };
    if missing(environment).is_some() && environment.system() == System::Debian {
        println!("emulators of programs are missing");
        install(environment, &["qemu-user"])?;
    }
    Ok(missing(environment).is_none())
}

/// Makes sure that instructions can be counted.
///
/// # Errors
/// They cannot; the text says what to type.
pub(crate) fn valgrind(environment: &mut dyn Environment) -> Result<()> {
    if environment.has_program("valgrind") {
        return Ok(());
    }
    println!("valgrind is missing");
    install(environment, &["valgrind"])
}

/// Whether there is such a program for the system, so that [`valgrind`] can be asked for.
pub(crate) fn has_valgrind(environment: &dyn Environment) -> bool {
    matches!(environment.system(), System::Debian | System::Linux) || environment.has_program("valgrind")
}

/// A browser to look at pages with; none where none is and none can be installed.
///
/// # Errors
/// Its installation failed.
pub(crate) fn browser(environment: &mut dyn Environment) -> Result<Option<&'static str>> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = |environment: &dyn Environment| names.into_iter().find(|name| environment.has_program(name));
    if let Some(name) = found(environment) {
        return Ok(Some(name));
    }
    if environment.system() != System::Debian || !environment.is_root() {
        return Ok(None);
    }
    println!("chromium is missing");
    install(environment, &["chromium"])?;
    Ok(found(environment))
}

/// Debian's packages of an emulator and the firmware that it starts.
const fn packages(arch: Arch) -> &'static [&'static str] {
    match arch {
        Arch::Aarch64 => &["qemu-system-arm"],
        Arch::Riscv64 => &["qemu-system-misc", "opensbi"],
        Arch::X86_64 => &["qemu-system-x86", "seabios"],
    }
}

/// Installs Debian packages, or says how to.
fn install(environment: &mut dyn Environment, packages: &[&str]) -> Result<()> {
    let line = format!("apt-get update && apt-get install -y --no-install-recommends {}", packages.join(" "));
    if environment.system() != System::Debian {
        bail!("on Debian: `{line}`");
    }
    if !environment.is_root() {
        bail!("this needs root; type: `sudo sh -c '{line}'`");
    }
    let mut words =
        vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"];
    words.extend(packages);
    // A stale package list may still install; if it does not, the installation says so.
    environment.run(&["apt-get", "update", "-qq"]);
    if !environment.run(&words) {
        bail!("`{line}` failed");
    }
    Ok(())
}

/// The machine this runs on.
pub(crate) struct Host;

impl Environment for Host {
    fn system(&self) -> System {
        if cfg!(target_os = "macos") {
            System::MacOs
        } else if !cfg!(target_os = "linux") {
            System::Other
        } else if self.has_program("apt-get") {
            System::Debian
        } else {
            System::Linux
        }
    }

    fn is_root(&self) -> bool {
        let id = Command::new("id").arg("-u").stdin(Stdio::null()).output();
        id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
    }

    fn has_program(&self, name: &str) -> bool {
        which::which(name).is_ok()
    }

    fn has_target(&self, target: &str) -> bool {
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(compiler).args(["--print", "target-libdir", "--target", target]).output();
        output.is_ok_and(|output| {
            let directory = String::from_utf8_lossy(&output.stdout);
            let libraries = std::fs::read_dir(directory.trim()).into_iter().flatten().flatten();
            libraries.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
        })
    }

    fn has_subcommand(&self, name: &str) -> bool {
        let output = cargo().args([name, "--version"]).output();
        output.is_ok_and(|output| output.status.success())
    }

    fn has_file(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn run(&mut self, words: &[&str]) -> bool {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        call(&mut command).map_err(|error| println!("{}: {error:#}", shown(&command))).is_ok()
    }
}

#[cfg(test)]
mod tests;
