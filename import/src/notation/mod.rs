//! A system as a `memory_map!` declaration.

mod between;
mod options;
mod region;
mod space;

use std::fmt::{self, Write};

use crate::system::{Num, Resource, System};

pub use region::region;

/// The declaration of `system` as a module `name`.
///
/// # Errors
/// What of it the notation has no word for.
pub fn declaration(system: &System, name: &str) -> Result<String, String> {
    let mut out = Writer { text: String::new(), depth: 0 };
    out.line(format_args!("tablature::memory_map! {{"));
    out.depth = 1;
    for line in system.why.lines() {
        out.line(format_args!("///{}{}", if line.is_empty() { "" } else { " " }, plain(line)));
    }
    out.line(format_args!("pub mod {name} for {};", regime(&system.format)?));
    options::cpu(&mut out, &system.options)?;
    options::policy(&mut out, &system.options)?;
    physical(&mut out, &system.resources)?;
    for space in &system.spaces {
        space::space(&mut out, space)?;
    }
    for channel in &system.channels {
        between::channel(&mut out, channel)?;
    }
    for isolation in &system.isolation {
        let except = match isolation.except.as_slice() {
            [] => String::new(),
            names => format!(" except {}", list(names)),
        };
        out.note(&isolation.note);
        out.line(format_args!("isolate {}{except};", list(&isolation.spaces)));
    }
    for dma in &system.dma {
        between::dma(&mut out, dma)?;
    }
    for transition in &system.transitions {
        between::transition(&mut out, transition);
    }
    out.depth = 0;
    out.line(format_args!("}}"));
    Ok(out.text)
}

/// Indented lines.
struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn line(&mut self, text: fmt::Arguments<'_>) {
        let width = 4 * self.depth;
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{:width$}{text}", "");
    }

    fn note(&mut self, note: &[String]) {
        for line in note.iter().flat_map(|line| line.lines()) {
            self.line(format_args!("// {}", plain(line)));
        }
    }

    fn block<T>(&mut self, head: &str, items: &[T], item: impl Fn(&T) -> Result<String, String>) -> Result<(), String> {
        if items.is_empty() {
            return Ok(());
        }
        self.line(format_args!("{head} {{"));
        self.depth += 1;
        for each in items {
            let text = item(each)?;
            self.line(format_args!("{text};"));
        }
        self.depth -= 1;
        self.line(format_args!("}}"));
        Ok(())
    }
}

/// Text that changes nothing outside of its comment, whoever wrote it.
fn plain(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if is_odd(c) { ' ' } else { c }).collect()
}

impl fmt::Display for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A name: an identifier as it stands (a keyword, too), anything else as text.
#[must_use]
pub fn word(name: &str) -> String {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic());
    if starts && chars.all(|c| c == '_' || c.is_ascii_alphanumeric()) { name.to_owned() } else { format!("{name:?}") }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| word(name)).collect::<Vec<_>>().join(", ")
}

/// The regime type of a format string.
///
/// # Errors
/// There is none of that name.
pub fn regime(format: &str) -> Result<String, String> {
    let words: Vec<&str> = format.split_whitespace().collect();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    match words.as_slice() {
        ["aarch64", granule @ ("4K" | "16K" | "64K"), bits, name] => {
            let kind = match *name {
                "EL1" => "El1",
                "EL2" => "El2",
                "EL2&0" => "El2And0",
                "EL3" => "El3",
                "S2" => "Stage2",
                _ => return Err(format!("format `{format}`")),
            };
            Ok(format!("aarch64::{kind}<G{granule}, {}>", digits(bits)))
        }
        [mode @ ("sv32" | "sv39" | "sv48" | "sv57" | "sv39x4" | "sv48x4")] => Ok(format!("riscv::S{}", &mode[1..])),
        ["x86_64", "4-level"] => Ok("x86_64::Level4".into()),
        ["x86_64", "5-level"] => Ok("x86_64::Level5".into()),
        ["x86_64", "ept"] => Ok("x86_64::Ept4".into()),
        ["armv7", "4K", "IPA40", "S2"] => Ok("armv7::LpaeStage2".into()),
        _ => Err(format!("format `{format}`")),
    }
}

/// A physical side: an address, or bytes into a resource.
fn place(phys: Option<Num>, resource: Option<&str>, offset: Option<Num>) -> Option<String> {
    match (phys, resource, offset.unwrap_or_default()) {
        (_, Some(resource), Num(0)) => Some(word(resource)),
        (_, Some(resource), offset) => Some(format!("{} + {offset}", word(resource))),
        (Some(phys), None, _) => Some(phys.to_string()),
        (None, None, _) => None,
    }
}

fn numbers(values: &[Num]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn physical(out: &mut Writer, resources: &[Resource]) -> Result<(), String> {
    if resources.is_empty() {
        return Ok(());
    }
    out.line(format_args!("physical {{"));
    out.depth += 1;
    for each in resources {
        out.note(&each.note);
        let line = resource(each)?;
        out.line(format_args!("{line};"));
    }
    out.depth -= 1;
    out.line(format_args!("}}"));
    Ok(())
}

fn resource(resource: &Resource) -> Result<String, String> {
    let mut text = format!("{} : {}, {}, {}", word(&resource.name), resource.base, resource.size, resource.memory);
    if resource.reserved {
        text += ", reserved";
    }
    for (clause, value) in [("owner", &resource.owner), ("rights", &resource.rights), ("within", &resource.within)] {
        if let Some(value) = value {
            text += &format!(", {clause} {}", rights_or_name(value));
        }
    }
    Ok(text)
}

fn rights_or_name(text: &str) -> String {
    if text.is_empty() { "none".into() } else { word(text) }
}

#[cfg(test)]
mod tests;
