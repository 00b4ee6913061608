//! Functions of a compiler's assembly, as lists of instructions.

use std::collections::BTreeMap;

use crate::machine::Arch;

/// A line of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Something jumps here.
    Label(String),
    /// The mnemonic and its operands.
    Instruction(String),
}

/// All functions of a file.
#[derive(Debug)]
pub(crate) struct Assembly {
    functions: BTreeMap<String, Vec<Line>>,
    arch: Arch,
}

/// Directives that stand for an instruction.
const ENCODED: [&str; 4] = [".insn", ".inst", ".word", ".byte"];

impl Assembly {
    /// Reads what the compiler wrote.
    pub(crate) fn parse(text: &str, arch: Arch) -> Self {
        let mut functions = BTreeMap::new();
        let mut open: Option<(String, Vec<Line>)> = None;
        let mut is_code = false;
        for line in text.lines() {
            let line = strip_comment(line);
            if let Some(section) = line.strip_prefix(".section") {
                is_code = section.trim_start().starts_with(".text");
            } else if line == ".text" {
                is_code = true;
            } else if let Some(label) = line.strip_suffix(':') {
                match &mut open {
                    Some((_, lines)) if label.starts_with(".LBB") => lines.push(Line::Label(label.to_owned())),
                    _ if is_code && !label.starts_with(".L") => open = Some((label.to_owned(), Vec::new())),
                    _ => {}
                }
            } else if line.starts_with(".size") {
                functions.extend(open.take());
            } else if let Some((_, lines)) = &mut open
                && !line.is_empty()
                && (!line.starts_with('.') || ENCODED.iter().any(|directive| line.starts_with(directive)))
            {
                lines.push(Line::Instruction(spelled(line)));
            }
        }
        Self { functions, arch }
    }

    /// The lines of a function.
    pub(crate) fn function(&self, name: &str) -> Option<&[Line]> {
        self.functions.get(name).map(Vec::as_slice)
    }

    /// All functions with their names.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&str, &[Line])> {
        self.functions.iter().map(|(name, lines)| (name.as_str(), lines.as_slice()))
    }

    /// The architecture it is for.
    pub(crate) const fn arch(&self) -> Arch {
        self.arch
    }
}

/// A line without what is said about it, its white space single.
fn strip_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') || line.starts_with("//") {
        return "";
    }
    line.split_once("//").map_or(line, |(code, _)| code.trim_end())
}

/// An instruction with single spaces, and fences that were written as numbers by their names.
fn spelled(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(operands) = line.strip_prefix(".insn r 115, 0, 9, zero, ") else {
        return line;
    };
    match operands.split_once(", ") {
        Some(("zero", "zero")) => "sfence.vma".to_owned(),
        Some((address, "zero")) => format!("sfence.vma {address}"),
        _ => format!("sfence.vma {operands}"),
    }
}

/// What an instruction calls or jumps to outside of its function.
pub(crate) fn callee(instruction: &str, arch: Arch) -> Option<&str> {
    let (mnemonic, operands) = instruction.split_once(' ')?;
    let jumps: &[&str] = match arch {
        Arch::Aarch64 => &["bl", "b"],
        Arch::Riscv64 => &["call", "tail", "j", "jal"],
        Arch::X86_64 => &["call", "jmp"],
    };
    let target = operands.split_whitespace().last()?;
    let is_name = !target.starts_with(".L") && target.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (jumps.contains(&mnemonic) && is_name).then(|| target.trim_end_matches("@PLT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_with_their_instructions() {
        let text = "\t.section\t.text.f,\"ax\"\nf:\n\t.cfi_startproc\n\tmov\tx8, #1  // one\n\t//APP\n\tisb\n\t//NO_APP\n\
                    .LBB0_1:\n\tb\tg\n.Lfunc_end0:\n\t.size\tf, 4\n\t.section\t.rodata\ndata:\n\t.word 1\n\t.size data, 4\n";
        let assembly = Assembly::parse(text, Arch::Aarch64);
        let lines = assembly.function("f").expect("it is there");
        let is = |text: &str| Line::Instruction(text.to_owned());
        assert_eq!(lines, [is("mov x8, #1"), is("isb"), Line::Label(".LBB0_1".to_owned()), is("b g")]);
        assert!(assembly.function("data").is_none());
    }

    #[test]
    fn calls_leave_the_function_and_jumps_do_not() {
        assert_eq!(callee("bl memcpy", Arch::Aarch64), Some("memcpy"));
        assert_eq!(callee("b .LBB0_1", Arch::Aarch64), None);
        assert_eq!(callee("b.ne f", Arch::Aarch64), None);
        assert_eq!(callee("call f@PLT", Arch::Riscv64), Some("f"));
        assert_eq!(callee("jmp qword ptr [rax]", Arch::X86_64), None);
    }

    #[test]
    fn fences_have_one_name() {
        assert_eq!(spelled(".insn r\t115, 0, 9, zero, a2, zero"), "sfence.vma a2");
        assert_eq!(spelled(".insn r 115, 0, 9, zero, zero, zero"), "sfence.vma");
    }
}
