//! Text files of what is executed: written with `TABLATURE_BLESS=1`, compared otherwise.

use std::fmt::{Display, Write as _};
use std::path::Path;
use std::{env, fs};

use tablature::attr::Features;
use tablature::flush::{Change, Duty, DutyRule};

/// One file: lines of what is owed, and lines of what is executed. A step of a trace may be anything that has a text: an
/// instruction, or a store.
pub(crate) struct Golden {
    name: &'static str,
    text: String,
}

impl Golden {
    pub(crate) fn new(name: &'static str, about: &str) -> Self {
        Self { name, text: format!("# {about}\n") }
    }

    pub(crate) fn heading(&mut self, heading: &str) {
        self.line(format_args!("\n## {heading}\n"));
    }

    pub(crate) fn line(&mut self, line: impl Display) {
        writeln!(self.text, "{line}").expect("memory");
    }

    /// What each change owes, and the manual's word for it.
    pub(crate) fn duties(&mut self, rules: &[DutyRule]) {
        self.heading("What changes owe");
        for change in Change::ALL {
            for rule in rules.iter().filter(|rule| rule.change == change) {
                let given =
                    if rule.given == Features::NONE { String::new() } else { format!(" ({})", rule.given.name()) };
                let change = format!("{change:?}{given}");
                self.line(format_args!("{change:<20} {:<42} {}", duty(rule.duty), rule.manual));
            }
        }
    }

    /// What is executed where `label` says.
    pub(crate) fn trace<T: Display>(&mut self, label: impl Display, steps: impl IntoIterator<Item = T>) {
        self.line(format_args!("{label}"));
        for step in steps {
            self.line(format_args!("    {step}"));
        }
    }

    /// # Panics
    /// If the file is another one.
    pub(crate) fn finish(self) {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/golden").join(self.name).with_extension("txt");
        if env::var_os("TABLATURE_BLESS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
            return fs::write(&path, self.text).expect("the file");
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        for (number, (is, was)) in self.text.lines().zip(found.lines()).enumerate() {
            assert_eq!(is, was, "line {} of {}; TABLATURE_BLESS=1 writes it anew", number + 1, path.display());
        }
        assert_eq!(self.text.lines().count(), found.lines().count(), "lines of {}", path.display());
    }
}

/// `publish, leaf` and so on.
pub(crate) fn duty(duty: Duty) -> String {
    let parts = [
        (duty.before_make, "break before make"),
        (duty.publish, "publish"),
        (duty.leaf, "leaves"),
        (duty.walk, "walks"),
    ];
    let named: Vec<_> = parts.iter().filter(|(owed, _)| *owed).map(|(_, name)| *name).collect();
    if named.is_empty() { "nothing".into() } else { named.join(", ") }
}
