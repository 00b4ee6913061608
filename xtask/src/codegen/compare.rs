//! Two functions that do the same, instruction by instruction.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::asm::{Assembly, Line, callee};
use super::pairs::Part;

/// Functions that run where another table, or other attributes, are met; neither half's are compared.
const LONG_WAY: [&str; 5] = ["::slowly", "_slowly", "::no_table", "leaves::flags_of", "protect::Edit::new"];

/// A function of each half.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) notation: Body,
    pub(crate) by_hand: Body,
}

/// A function, and those that it calls.
#[derive(Debug)]
pub(crate) struct Body {
    /// With readable names.
    pub(crate) lines: Vec<Line>,
    /// All of it, with one name for each register in the order of their use.
    normal: Vec<String>,
    /// Instructions, those of the functions that it calls included.
    pub(crate) count: usize,
    /// What it calls that another package has: their instructions are not seen.
    pub(crate) unseen: BTreeSet<String>,
}

impl Comparison {
    /// The pair of that name.
    ///
    /// # Errors
    /// A half does not have it.
    pub(crate) fn of(notation: &Assembly, by_hand: &Assembly, name: &str, part: Part) -> Result<Self> {
        Ok(Self {
            notation: Body::of(notation, &format!("notation_{name}"), part)?,
            by_hand: Body::of(by_hand, &format!("by_hand_{name}"), part)?,
        })
    }

    /// Whether both are the same but for the names of registers, symbols and labels.
    pub(crate) fn is_equal(&self) -> bool {
        self.notation.normal == self.by_hand.normal
    }

    /// How many instructions the notation has more.
    pub(crate) fn excess(&self) -> i64 {
        self.notation.count as i64 - self.by_hand.count as i64
    }

    /// The same in words.
    pub(crate) fn verdict(&self) -> String {
        let counts = format!("{:>4} in the notation, {:>4} by hand", self.notation.count, self.by_hand.count);
        let unseen = match self.notation.unseen.len() {
            0 => String::new(),
            _ => format!(", and calls {}", self.notation.unseen.iter().cloned().collect::<Vec<_>>().join(", ")),
        };
        let words = match self.excess() {
            _ if self.is_equal() => "equal".to_owned(),
            0 => "as long, in another order".to_owned(),
            more @ 1.. => format!("{more} longer"),
            less => format!("{} shorter", -less),
        };
        format!("{counts}: {words}{unseen}")
    }
}

impl Body {
    fn of(assembly: &Assembly, name: &str, part: Part) -> Result<Self> {
        let lines = assembly.function(name).with_context(|| format!("there is no function {name}"))?;
        let mut body = Self { lines: readable(lines, assembly), normal: Vec::new(), count: 0, unseen: BTreeSet::new() };
        let mut names = Names::default();
        let mut open = vec![name.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            let Some(lines) = assembly.function(&name) else {
                body.unseen.insert(last_two(&demangled(&name)));
                continue;
            };
            for line in lines {
                let Line::Instruction(text) = line else { continue };
                if part == Part::All || is_of_the_system(text) {
                    body.count += 1;
                    body.normal.push(names.normal(text));
                }
                if let Some(target) = callee(text, assembly.arch())
                    && !LONG_WAY.iter().any(|end| demangled(target).ends_with(end))
                    && seen.insert(target.to_owned())
                {
                    open.push(target.to_owned());
                }
            }
        }
        Ok(body)
    }
}

/// Whether an instruction writes a system register, waits, or drops something that is cached.
pub(crate) fn is_of_the_system(text: &str) -> bool {
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    let alone = [
        "msr",
        "dsb",
        "isb",
        "tlbi",
        "ic",
        "dc",
        "csrw",
        "csrs",
        "csrc",
        "sfence.vma",
        "wrmsr",
        "invlpg",
        "invpcid",
        "wbinvd",
        "cli",
        "sti",
    ];
    alone.contains(&mnemonic) || mnemonic == "mov" && operands.starts_with("cr")
}

/// The name of a symbol in the source, without what makes it unique.
pub(crate) fn demangled(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// Names in the order in which they are first used.
#[derive(Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    /// An instruction whose names are numbers. A name is what begins with a letter behind the mnemonic; registers of other
    /// widths are other names.
    fn normal(&mut self, text: &str) -> String {
        let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
        let mut normal = mnemonic.to_owned() + " ";
        let is_name = |c: char| c.is_alphanumeric() || "_.$%@".contains(c);
        let mut rest = operands;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| is_name(c) != is_name(first)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            rest = behind;
            if is_name(first) && !first.is_ascii_digit() && !KEPT.contains(&word) {
                // Where in the image something lies is up to the linker.
                rest =
                    rest.strip_prefix('+').map_or(rest, |more| more.trim_start_matches(|c: char| c.is_ascii_digit()));
                let next = self.0.len();
                normal += &format!("n{}", self.0.entry(word.to_owned()).or_insert(next));
            } else {
                normal += word;
            }
        }
        normal
    }
}

/// Names that mean the same in every instruction: they are no registers that the compiler chose.
const KEPT: [&str; 24] = [
    "zero", "x0", "xzr", "wzr", "sp", "rsp", "lsl", "lsr", "ptr", "byte", "word", "dword", "qword", "nsh", "nshst",
    "ish", "ishst", "vaale1", "vae1", "vmalle1", "cr0", "cr3", "cr4", "satp",
];

/// Lines with short labels and names of the source.
fn readable(lines: &[Line], assembly: &Assembly) -> Vec<Line> {
    let mut labels = BTreeMap::new();
    for line in lines {
        if let Line::Label(label) = line {
            let next = labels.len() + 1;
            labels.insert(label.as_str(), format!(".{next}"));
        }
    }
    let short = |line: &Line| match line {
        Line::Label(label) => Line::Label(labels[label.as_str()].clone()),
        Line::Instruction(text) => {
            let target =
                callee(text, assembly.arch()).map(|target| text.replace(target, &last_two(&demangled(target))));
            let mut text = without_hash(&anonymous(&target.unwrap_or_else(|| text.clone())));
            if let Some((before, last)) = text.rsplit_once(' ')
                && let Some(label) = labels.get(last)
            {
                text = format!("{before} {label}");
            }
            Line::Instruction(text)
        }
    };
    lines.iter().map(short).collect()
}

/// Constants without a name have one that is made of numbers.
fn anonymous(text: &str) -> String {
    for (prefix, name) in [(".Lanon.", ".Lconstant"), (".LCPI", ".Lconstant"), (".Lpcrel_hi", ".Lhigh")] {
        if let Some(at) = text.find(prefix) {
            let end = text[at + 1..]
                .find(|c: char| !c.is_alphanumeric() && !"._".contains(c))
                .map_or(text.len(), |end| at + 1 + end);
            return format!("{}{name}{}", &text[..at], &text[end..]);
        }
    }
    text.to_owned()
}

/// A symbol among the operands by its name in the source: what makes it unique depends on where this is compiled.
fn without_hash(text: &str) -> String {
    let Some(start) = text.find("_ZN").or_else(|| text.find("_R")) else { return text.to_owned() };
    let length = text[start..].find(|c: char| !c.is_alphanumeric() && !"_$.".contains(c)).unwrap_or(text.len() - start);
    let (symbol, rest) = text[start..].split_at(length);
    format!("{}{}{}", &text[..start], last_two(&demangled(symbol)), without_hash(rest))
}

/// `module::function` of a path whose types are left out.
pub(crate) fn last_two(path: &str) -> String {
    let mut depth = 0;
    let plain: String = path
        .chars()
        .filter(|c| {
            depth += i32::from(*c == '<');
            let keep = depth == 0;
            depth -= i32::from(*c == '>');
            keep
        })
        .collect();
    let parts: Vec<&str> = plain.split("::").filter(|part| !part.is_empty()).collect();
    parts[parts.len().saturating_sub(2)..].join("::")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Arch;

    fn one(name: &str, body: &str) -> Assembly {
        Assembly::parse(&format!(".text\n{name}:\n{body}\n.size {name}, 1\n"), Arch::Aarch64)
    }

    fn compared(notation: &str, by_hand: &str) -> Comparison {
        let (notation, by_hand) = (one("notation_f", notation), one("by_hand_f", by_hand));
        Comparison::of(&notation, &by_hand, "f", Part::All).expect("both are there")
    }

    #[test]
    fn names_of_registers_and_symbols_do_not_matter_and_numbers_do() {
        assert!(compared("adrp x8, a\nstr x0, [x8]\nret", "adrp x9, b\nstr x0, [x9]\nret").is_equal());
        assert!(compared("add x9, x9, :lo12:a+4096", "add x9, x9, :lo12:b").is_equal());
        assert!(!compared("str x0, [x8, #8]", "str x0, [x8, #16]").is_equal());
        assert!(!compared("add x0, x1, x1", "add x0, x1, x2").is_equal());
        assert!(!compared("dsb ish", "dsb nsh").is_equal());
        assert!(!compared("str xzr, [x8]", "str x0, [x8]").is_equal());
    }

    #[test]
    fn what_is_called_counts_and_what_is_not_seen_is_named() {
        let text = ".text\nnotation_f:\nbl g\nbl memcpy\nret\n.size notation_f, 1\ng:\nnop\nret\n.size g, 1\n";
        let notation = Assembly::parse(text, Arch::Aarch64);
        let found = Comparison::of(&notation, &one("by_hand_f", "ret"), "f", Part::All).expect("both are there");
        assert_eq!((found.excess(), found.notation.unseen.len()), (4, 1));
        assert!(found.verdict().contains("memcpy"));
    }

    #[test]
    fn long_names_are_short() {
        assert_eq!(last_two("tablature::edit::cursor::Cursor<K,St>::slowly"), "Cursor::slowly");
        assert_eq!(last_two("memcpy"), "memcpy");
    }
}
