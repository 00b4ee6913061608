//! Set-up on machines that lack one thing or another.

use super::*;

/// A machine to decide for.
struct Played {
    system: System,
    root: bool,
    programs: Vec<&'static str>,
    targets: Vec<&'static str>,
    files: Vec<&'static str>,
    /// Word lists that start so succeed; an installation then brings the programs after it.
    succeed: Vec<(&'static str, Vec<&'static str>)>,
    ran: Vec<String>,
}

impl Played {
    fn bare(system: System, root: bool) -> Self {
        Self { system, root, programs: vec![], targets: vec![], files: vec![], succeed: vec![], ran: vec![] }
    }
}

impl Environment for Played {
    fn system(&self) -> System {
        self.system
    }

    fn is_root(&self) -> bool {
        self.root
    }

    fn has_program(&self, name: &str) -> bool {
        self.programs.contains(&name)
    }

    fn has_target(&self, target: &str) -> bool {
        self.targets.contains(&target)
    }

    fn has_file(&self, path: &str) -> bool {
        self.files.contains(&path)
    }

    fn has_subcommand(&self, name: &str) -> bool {
        self.programs.contains(&name)
    }

    fn run(&mut self, words: &[&str]) -> bool {
        let line = words.join(" ");
        let brought = self.succeed.iter().find(|(what, _)| line.contains(what)).map(|(_, brought)| brought.clone());
        self.programs.extend(brought.iter().flatten());
        self.ran.push(line);
        brought.is_some()
    }
}

#[test]
fn nothing_is_installed_where_nothing_is_missing() {
    let mut machine = Played::bare(System::Debian, true);
    machine.targets = Arch::ALL.map(Arch::target).to_vec();
    machine.programs = Arch::ALL.map(Arch::qemu).to_vec();
    assert_eq!(targets(&mut machine, &Arch::ALL).expect("complete"), Toolchain::Own);
    emulators(&mut machine, &Arch::ALL).expect("complete");
    assert!(machine.ran.is_empty());
}

#[test]
fn rustup_adds_only_what_is_missing() {
    let mut machine = Played::bare(System::Debian, false);
    machine.targets = vec!["aarch64-unknown-none"];
    machine.programs = vec!["rustup"];
    machine.succeed = vec![("rustup target add", vec![])];
    assert_eq!(targets(&mut machine, &Arch::ALL).expect("rustup works"), Toolchain::Own);
    assert_eq!(machine.ran, ["rustup target add riscv64gc-unknown-none-elf x86_64-unknown-none"]);
}

#[test]
fn where_rustup_reaches_nothing_debians_compiler_is_installed() {
    let mut machine = Played::bare(System::Debian, true);
    machine.programs = vec!["rustup"];
    machine.succeed = vec![("apt-get", vec![])];
    assert_eq!(targets(&mut machine, &[Arch::X86_64]).expect("apt works"), Toolchain::Debian);
    assert!(machine.ran.iter().any(|line| line.ends_with("rustc-web cargo-web rust-web-src lld")));
}

#[test]
fn without_root_the_line_to_type_is_the_error() {
    let mut machine = Played::bare(System::Debian, false);
    let error = emulators(&mut machine, &Arch::ALL).expect_err("nothing can be installed").to_string();
    assert!(error.contains("sudo sh -c 'apt-get update && apt-get install"), "{error}");
    assert!(error.contains("qemu-system-arm qemu-system-misc opensbi qemu-system-x86 seabios"), "{error}");
    assert!(machine.ran.is_empty());
    let error = targets(&mut machine, &Arch::ALL).expect_err("no compiler").to_string();
    assert!(error.contains("rustup target add aarch64-unknown-none"), "{error}");
}

#[test]
fn root_on_debian_installs_the_emulators() {
    let mut machine = Played::bare(System::Debian, true);
    machine.programs = vec!["qemu-system-x86_64"];
    machine.succeed =
        vec![("qemu-system-misc", vec!["qemu-system-aarch64"]), ("qemu-system-riscv", vec!["qemu-system-riscv64"])];
    emulators(&mut machine, &Arch::ALL).expect("both packages work");
    assert!(machine.ran[1].ends_with("qemu-system-arm qemu-system-misc opensbi"), "{:?}", machine.ran);
    assert!(machine.ran[3].ends_with("qemu-system-riscv"), "{:?}", machine.ran);
}

#[test]
fn emulators_of_programs_are_installed_where_there_is_a_package() {
    let mut machine = Played::bare(System::Debian, true);
    machine.succeed =
        vec![("install -y --no-install-recommends qemu-user", Arch::ALL.map(Arch::qemu_of_programs).to_vec())];
    assert!(emulators_of_programs(&mut machine).expect("the package works"));
    let ran = machine.ran.len();
    assert!(emulators_of_programs(&mut machine).expect("they are there"));
    assert_eq!(machine.ran.len(), ran);
    assert!(!emulators_of_programs(&mut Played::bare(System::MacOs, true)).expect("not asked for"));
    emulators_of_programs(&mut Played::bare(System::Debian, false)).expect_err("root is needed");
}

#[test]
fn valgrind_is_installed_once() {
    let mut machine = Played::bare(System::Debian, true);
    machine.succeed = vec![("install -y --no-install-recommends valgrind", vec!["valgrind"])];
    valgrind(&mut machine).expect("the package works");
    let ran = machine.ran.len();
    valgrind(&mut machine).expect("it is there");
    assert_eq!(machine.ran.len(), ran);
    assert!(valgrind(&mut Played::bare(System::MacOs, true)).is_err());
}

#[test]
fn a_browser_is_installed_where_that_is_possible_and_nowhere_asked_for() {
    let mut machine = Played::bare(System::Debian, true);
    machine.succeed = vec![("install -y --no-install-recommends chromium", vec!["chromium"])];
    assert_eq!(browser(&mut machine).expect("the package works"), Some("chromium"));
    let mut machine = Played::bare(System::MacOs, true);
    machine.programs = vec!["google-chrome"];
    assert_eq!(browser(&mut machine).expect("it is there"), Some("google-chrome"));
    for (system, root) in [(System::Debian, false), (System::Linux, true), (System::Other, true)] {
        let mut machine = Played::bare(system, root);
        assert_eq!(browser(&mut machine).expect("not asked for"), None);
        assert!(machine.ran.is_empty());
    }
    assert!(browser(&mut Played::bare(System::Debian, true)).is_err());
}

#[test]
fn a_package_that_brings_no_emulator_is_an_error() {
    let mut machine = Played::bare(System::Debian, true);
    machine.succeed = vec![("apt-get", vec![])];
    assert!(emulators(&mut machine, &[Arch::Aarch64]).is_err());
}

#[test]
fn elsewhere_it_says_what_to_install() {
    for (system, word) in [(System::Linux, "dnf"), (System::MacOs, "brew install qemu"), (System::Other, "qemu.org")] {
        let mut machine = Played::bare(system, true);
        let error = emulators(&mut machine, &Arch::ALL).expect_err("cannot install here").to_string();
        assert!(error.contains(word), "{error}");
        assert!(machine.ran.is_empty());
    }
}

#[test]
fn missing_components_are_added_or_named() {
    let mut machine = Played::bare(System::Debian, true);
    machine.programs = vec!["fmt", "rustup"];
    machine.succeed = vec![("rustup component add", vec![])];
    components(&mut machine).expect("rustup works");
    assert_eq!(machine.ran, ["rustup component add clippy"]);
    let error = components(&mut Played::bare(System::Other, false)).expect_err("no rustup").to_string();
    assert!(error.contains("rustup component add rustfmt clippy"), "{error}");
}

#[test]
fn miri_is_installed_once_and_asked_for_where_it_cannot_be() {
    let mut machine = Played::bare(System::Debian, false);
    machine.programs = vec!["rustup"];
    machine.succeed = vec![("toolchain install nightly", vec![])];
    miri(&mut machine).expect("rustup brings it");
    assert_eq!(machine.ran.len(), 2);
    machine.succeed = vec![("miri --version", vec![])];
    miri(&mut machine).expect("it is there");
    assert_eq!(machine.ran.len(), 3);
    machine.succeed.clear();
    let error = miri(&mut machine).expect_err("nothing works").to_string();
    assert!(error.contains("rustup toolchain install nightly"), "{error}");
}
