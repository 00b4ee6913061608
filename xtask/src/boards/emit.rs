//! The crate that compiles every board: one module each, and a program that writes out the tables rustc made.

use tablature_import::{notation, system};

use super::data::Board;
use super::declare::{Declared, space_name};

/// What the program of the generated crate begins with.
pub(crate) const HEAD: &str = "//! Generated from tables of real memory maps.\n\n";

/// The module of a board.
///
/// # Errors
/// What the notation cannot express.
pub(crate) fn module(declared: &Declared) -> Result<String, String> {
    notation::declaration(&declared.case, &declared.case.id)
}

/// The rest of the program: for each map one line of text (name, physical start, bytes, lower root, upper root, bytes of
/// the memory-type register) and then the bytes of its tables.
pub(crate) fn program(boards: &[(&Board, &Declared)]) -> String {
    let mut text = String::from(PROGRAM);
    text += "\nfn main() -> io::Result<()> {\n    let mut out = io::stdout().lock();\n";
    for (board, declared) in boards {
        let (name, space) = (&declared.case.id, space_name(board));
        text += &format!("    write::<{name}::{name}::{space}::Space>(&mut out, {name:?})?;\n");
    }
    text += "    out.flush()\n}\n";
    text
}

const PROGRAM: &str = r#"
use std::io::{self, Write};

use tablature::space::Declared;

fn root(root: Option<u64>) -> String {
    root.map_or("-".into(), |root| format!("{root:#x}"))
}

fn write<S: Declared>(out: &mut impl Write, name: &str) -> io::Result<()> {
    let (memory, roots) = (S::memory(), S::roots());
    write!(out, "{name} {:#x} {} {} {}", memory.physical, memory.bytes, root(roots.lower), root(roots.upper))?;
    for value in S::FORMAT.memory_register.slots {
        write!(out, " {value}")?;
    }
    writeln!(out)?;
    // SAFETY: the tables of a placed space are a static of that many bytes, which nobody writes.
    out.write_all(unsafe { core::slice::from_raw_parts(memory.start.cast::<u8>(), memory.bytes) })
}
"#;

/// The tables of one map as the program wrote them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dump {
    pub(crate) name: String,
    pub(crate) physical: u64,
    pub(crate) roots: [Option<u64>; 2],
    pub(crate) register: [u8; 8],
    pub(crate) bytes: Vec<u8>,
}

/// Reads what the program wrote.
///
/// # Errors
/// Anything else than that.
pub(crate) fn parse(mut output: &[u8]) -> Result<Vec<Dump>, String> {
    let mut dumps = Vec::new();
    while !output.is_empty() {
        let end = output.iter().position(|byte| *byte == b'\n').ok_or("a line without end")?;
        let line = std::str::from_utf8(&output[..end]).map_err(|_| "a line that is no text")?;
        let words: Vec<&str> = line.split(' ').collect();
        let [name, physical, bytes, lower, upper, register @ ..] = words.as_slice() else {
            return Err(format!("the line `{line}`"));
        };
        let number = |word: &str| system::number(word).ok_or_else(|| format!("the number `{word}`"));
        let root = |word: &str| if word == "-" { Ok(None) } else { number(word).map(Some) };
        let mut slots = [0; 8];
        for (slot, word) in slots.iter_mut().zip(register) {
            *slot = u8::try_from(number(word)?).map_err(|_| format!("the byte `{word}`"))?;
        }
        let size = usize::try_from(number(bytes)?).map_err(|_| "a size")?;
        let (table, rest) = output[end + 1..].split_at_checked(size).ok_or("tables that are cut off")?;
        dumps.push(Dump {
            name: (*name).to_owned(),
            physical: number(physical)?,
            roots: [root(lower)?, root(upper)?],
            register: slots,
            bytes: table.to_vec(),
        });
        output = rest;
    }
    Ok(dumps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_read_back() {
        let mut output = b"virt 0x1000 2 0x1000 - 255 4 0 0 0 0 0 0\n".to_vec();
        output.extend([10, 13]);
        output.extend(b"other 0x2000 0 - - 0 0 0 0 0 0 0 0\n");
        let dumps = parse(&output).expect("dumps");
        assert_eq!((dumps[0].roots, dumps[0].register[1]), ([Some(0x1000), None], 4));
        assert_eq!((dumps[0].bytes.as_slice(), dumps[1].name.as_str()), (&[10, 13][..], "other"));
        assert!(parse(&output[..output.len() - 40]).is_err());
    }
}
