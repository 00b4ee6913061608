//! Copies of memory: of small structures, never of tables. That a new table is cleared is no copy.

use super::asm::{Assembly, Line, callee};
use super::compare::{demangled, last_two};
use crate::machine::Arch;

/// Bytes of the smallest table of any regime.
const TABLE: u64 = 1024;
/// Functions that copy or compare as many bytes as their third argument says.
const COPIES: [&str; 4] = ["memcpy", "memmove", "memcmp", "bcmp"];

/// Copies of as much as a table, or of what is not known where this is compiled: one line for each.
pub(crate) fn large(assembly: &Assembly) -> Vec<String> {
    let mut found = Vec::new();
    for (name, lines) in assembly.functions() {
        for (at, line) in lines.iter().enumerate() {
            let Some(copy) = copied(line, assembly.arch()) else { continue };
            let before = lines[..at].iter().rev();
            let bytes = before.into_iter().find_map(|line| assigned(line, copy.counter)).flatten();
            match bytes.map(|number| number * copy.unit) {
                Some(bytes) if bytes < TABLE => {}
                Some(bytes) => found.push(format!("{} copies {bytes} bytes", last_two(&demangled(name)))),
                None => found.push(format!("{} copies as much as it is told", last_two(&demangled(name)))),
            }
        }
    }
    found
}

/// Which registers hold how many units are copied.
struct Copy {
    counter: &'static [&'static str],
    unit: u64,
}

fn copied(line: &Line, arch: Arch) -> Option<Copy> {
    let Line::Instruction(text) = line else { return None };
    if arch == Arch::X86_64 && text.starts_with("rep") && !text.contains("stos") {
        let unit = if text.contains("movsq") { 8 } else { 1 };
        return Some(Copy { counter: &["ecx", "rcx"], unit });
    }
    let name = demangled(callee(text, arch)?);
    let counter: &[&str] = match arch {
        Arch::Aarch64 => &["w2", "x2"],
        Arch::Riscv64 => &["a2"],
        Arch::X86_64 => &["edx", "rdx"],
    };
    COPIES.contains(&name.as_str()).then_some(Copy { counter, unit: 1 })
}

/// What a line puts into one of these registers: a number, or something else.
fn assigned(line: &Line, registers: &[&str]) -> Option<Option<u64>> {
    let Line::Instruction(text) = line else { return None };
    let (mnemonic, operands) = text.split_once(' ')?;
    let (target, value) = operands.split_once(", ")?;
    if !registers.contains(&target) || ["cmp", "test", "sd", "str", "sw"].contains(&mnemonic) {
        return None;
    }
    let is_move = ["mov", "li", "movabs"].contains(&mnemonic);
    Some(value.trim_start_matches('#').parse().ok().filter(|_| is_move))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arch: Arch, body: &str) -> Vec<String> {
        large(&Assembly::parse(&format!(".text\nf:\n{body}\n.size f, 1\n"), arch))
    }

    #[test]
    fn small_structures_are_copied_and_tables_are_not() {
        assert!(of(Arch::Aarch64, "mov w2, #104\nbl memcpy").is_empty());
        assert_eq!(of(Arch::Aarch64, "mov w2, #4096\nbl memcpy"), ["f copies 4096 bytes"]);
        assert!(of(Arch::Aarch64, "mov w2, #4096\nbl memset").is_empty());
        assert_eq!(of(Arch::Riscv64, "add a2, a3, a4\ncall memcpy"), ["f copies as much as it is told"]);
        assert_eq!(of(Arch::Riscv64, "call memcpy"), ["f copies as much as it is told"]);
        assert!(of(Arch::X86_64, "mov ecx, 13\nrep movsq es:[rdi], [rsi]").is_empty());
        assert_eq!(of(Arch::X86_64, "mov ecx, 512\nrep movsq es:[rdi], [rsi]"), ["f copies 4096 bytes"]);
        assert!(of(Arch::X86_64, "mov ecx, 512\nxor eax, eax\nrep stosq es:[rdi], rax").is_empty());
    }
}
