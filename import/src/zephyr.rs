//! The fixed regions of a Zephyr board on AArch64: its `MMU_REGION_ENTRY` and their like.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::Options;
use crate::c::expand::expand;
use crate::c::find::{Call, calls};
use crate::c::token::{Kind, Token, tokens, written};
use crate::c::unit::{Prelude, Unit};
use crate::c::value::{self, address};
use crate::model::{self, Entry, Imported, Model, Origin, Overlap, Part};
use crate::system::{self, Num, RightsText};

/// Macros of an entry.
const ENTRIES: [&str; 4] = [
    "MMU_REGION_ENTRY",
    "MMU_REGION_FLAT_ENTRY",
    "MMU_REGION_DT_FLAT_ENTRY",
    "MMU_REGION_DT_COMPAT_FOREACH_FLAT_ENTRY",
];
/// Most devices of one kind.
const INSTANCES: usize = 256;

/// What `arm_mmu.h` and `util.h` define.
const PRELUDE: Prelude = Prelude {
    fixed: "
#define MT_DEVICE_nGnRnE 0
#define MT_DEVICE_nGnRE 1
#define MT_DEVICE_GRE 2
#define MT_NORMAL_NC 3
#define MT_NORMAL 4
#define MT_NORMAL_WT 5
#define MT_RO 0
#define MT_RW (1 << 3)
#define MT_SECURE 0
#define MT_NS (1 << 4)
#define MT_P_EXECUTE 0
#define MT_P_EXECUTE_NEVER (1 << 5)
#define MT_U_EXECUTE 0
#define MT_U_EXECUTE_NEVER (1 << 6)
#define MT_RW_AP_EL_HIGHER 0
#define MT_RW_AP_ELx (1 << 7)
#define MT_NO_OVERWRITE (1 << 8)
#define MT_G 0
#define MT_NG (1 << 9)
#define MT_P_RW_U_RW (MT_RW | MT_RW_AP_ELx | MT_P_EXECUTE_NEVER | MT_U_EXECUTE_NEVER)
#define MT_P_RW_U_NA (MT_RW | MT_P_EXECUTE_NEVER | MT_U_EXECUTE_NEVER)
#define MT_P_RO_U_RO (MT_RO | MT_RW_AP_ELx | MT_P_EXECUTE_NEVER | MT_U_EXECUTE_NEVER)
#define MT_P_RO_U_NA (MT_RO | MT_P_EXECUTE_NEVER | MT_U_EXECUTE_NEVER)
#define MT_P_RO_U_RX (MT_RO | MT_RW_AP_ELx | MT_P_EXECUTE_NEVER | MT_U_EXECUTE)
#define MT_P_RX_U_RX (MT_RO | MT_RW_AP_ELx | MT_P_EXECUTE | MT_U_EXECUTE)
#define MT_P_RX_U_NA (MT_RO | MT_P_EXECUTE | MT_U_EXECUTE_NEVER)
",
    default: "
#ifdef CONFIG_ARMV8_A_NS
#define MT_DEFAULT_SECURE_STATE MT_NS
#else
#define MT_DEFAULT_SECURE_STATE MT_SECURE
#endif
#define BIT(n) (1 << (n))
#define BIT64(n) (1 << (n))
#define KB(n) ((n) << 10)
#define MB(n) ((n) << 20)
#define GB(n) ((n) << 30)
#define DT_SIZE_K(n) ((n) << 10)
#define DT_SIZE_M(n) ((n) << 20)
",
};

/// Whether a text is of this kind.
pub(crate) fn is(text: &str) -> bool {
    ENTRIES.iter().any(|name| text.contains(name))
}

/// Reads a board's source.
///
/// # Errors
/// It has no regions, one has no constant address, or it cannot be understood as C.
pub(crate) fn import(text: &str, path: &Path, options: &Options) -> Result<Imported> {
    let unit = Unit::of(text, path, PRELUDE, &options.surroundings)?;
    let words = expand(&unit, &unit.words, &ENTRIES)?;
    let (mut entries, mut wrong) = (Vec::new(), Vec::new());
    for call in calls(&words, &ENTRIES)? {
        match read(&unit, &call) {
            Ok(list) => entries.extend(list),
            Err(error) => wrong.push(format!("{}: {}: {error:#}", unit.place(call.place), written(&call.words))),
        }
    }
    if !wrong.is_empty() {
        bail!("{}{}", wrong.join("\n  "), unit.gaps());
    }
    if entries.is_empty() {
        bail!("{}: no region of Zephyr in it{}", path.display(), unit.gaps());
    }
    describe(&unit, path, entries, options).build()
}

fn describe(unit: &Unit, path: &Path, entries: Vec<Entry>, options: &Options) -> Model {
    let mut about = vec![format!("Imported from {} (Zephyr).", path.display()), String::new(), "Assumed:".into()];
    let defined = |name: &str| {
        let value = value::evaluate(unit, &unit.macros.get(name)?.body).ok()?;
        u32::try_from(value).ok()
    };
    let format = options.regime.clone().unwrap_or_else(|| {
        let bits = defined("CONFIG_ARM64_VA_BITS").unwrap_or_else(|| {
            let bits = model::bits(&entries, 32);
            about.push(format!("* {bits} bits of virtual address, for CONFIG_ARM64_VA_BITS is not known."));
            bits
        });
        format!("aarch64 4K VA{bits} EL1")
    });
    let pa_bits = defined("CONFIG_ARM64_PA_BITS").unwrap_or_else(|| {
        about.push("* 48 bits of physical address, for CONFIG_ARM64_PA_BITS is not known.".into());
        48
    });
    about.push("* The kernel's own image is not among these regions.".into());
    about.push("* Where one region lies inside another, the inner one holds.".into());
    if !unit.unknown.is_empty() {
        let names: Vec<&str> = unit.unknown.iter().take(12).map(String::as_str).collect();
        about.push(format!("* Not defined, so parts are left out: {}.", names.join(", ")));
    }
    let budget = defined("CONFIG_MAX_XLAT_TABLES").map(u64::from);
    let options = system::Options { pa_bits: Some(Num(pa_bits.into())), ..system::Options::default() };
    let space = Part { name: "kernel".into(), role: "kernel", budget, entries, origin: Origin::default() };
    let name = crate::stem(path);
    Model { name, format, about, spaces: vec![space], options, overlap: Overlap::Inner, ..Model::default() }
}

/// The regions that a call adds.
fn read(unit: &Unit, call: &Call) -> Result<Vec<Entry>> {
    let values = &call.arguments;
    match (&*call.name, values.as_slice()) {
        ("MMU_REGION_ENTRY", [name, pa, va, size, attributes]) => {
            Ok(vec![entry(unit, call, name, [pa, va, size], attributes)?])
        }
        ("MMU_REGION_FLAT_ENTRY", [name, start, size, attributes]) => {
            Ok(vec![entry(unit, call, name, [start, start, size], attributes)?])
        }
        ("MMU_REGION_DT_FLAT_ENTRY", [node, attributes]) => Ok(vec![of_node(unit, call, &written(node), attributes)?]),
        ("MMU_REGION_DT_COMPAT_FOREACH_FLAT_ENTRY", [kind, attributes]) => {
            let nodes = (0..INSTANCES).map(|index| format!("DT_INST({index},{})", written(kind)));
            let known: Vec<String> =
                nodes.take_while(|node| unit.calls.contains_key(&format!("DT_REG_ADDR({node})"))).collect();
            if known.is_empty() {
                bail!(
                    "no device of this kind is known here: give it by -D 'DT_REG_ADDR(DT_INST(0,{}))=…'",
                    written(kind)
                );
            }
            known.iter().map(|node| of_node(unit, call, node, attributes)).collect()
        }
        (name, values) => bail!("{name} with {} arguments", values.len()),
    }
}

/// The region of a node of the device tree.
fn of_node(unit: &Unit, call: &Call, node: &str, attributes: &[Token]) -> Result<Entry> {
    let of = |property: &str| {
        let mut words = tokens(&format!("{property}({node})"), 0);
        words.iter_mut().for_each(|word| word.place = call.place);
        words
    };
    let (start, size) = (of("DT_REG_ADDR"), of("DT_REG_SIZE"));
    let name = tokens(node, 0).into_iter().filter(|word| matches!(word.kind, Kind::Name | Kind::Number));
    let mut name: Vec<Token> = name.collect();
    if name.len() > 1 {
        name.remove(0);
        name.reverse();
    }
    entry(unit, call, &name, [&start, &start, &size], attributes)
}

fn entry(unit: &Unit, call: &Call, name: &[Token], numbers: [&[Token]; 3], attributes: &[Token]) -> Result<Entry> {
    let [pa, va, size] = numbers;
    let bits = address(unit, attributes).context("its attributes")?;
    let (rights, memory) = attribute(bits)?;
    let name: Vec<&str> = name.iter().map(|word| word.text.trim_matches('"')).collect();
    Ok(Entry {
        name: crate::plain_name(&name.join("_")),
        virt: address(unit, va)?,
        phys: address(unit, pa)?,
        size: address(unit, size)?,
        user: matches!(&rights, RightsText::Pair { .. }),
        rights,
        memory,
        origin: Origin { place: unit.place(call.place), text: written(&call.words) },
        ..Entry::default()
    })
}

/// The rights and the memory type: what is writable or a device is never executable, whatever the attributes say.
fn attribute(bits: u64) -> Result<(RightsText, &'static str)> {
    let has = |bit: u32| bits & (1 << bit) != 0;
    let memory = match bits & 7 {
        0 => "device-nGnRnE",
        1 => "device-nGnRE",
        2 => "device-GRE",
        3 => "normal-nc",
        4 => "normal-wb",
        5 => "normal-wt",
        other => bail!("there is no memory type {other}"),
    };
    let (writable, shared, device) = (has(3), has(7), bits & 7 < 3);
    let data = if writable { "rw" } else { "r" };
    let privileged = if !device && !writable && !has(5) { "rx" } else { data };
    let executes = !(device || has(6) || writable && shared);
    let user = format!("{}{}", if shared { data } else { "" }, if executes { "x" } else { "" });
    let privileged = privileged.to_owned();
    Ok((if user.is_empty() { RightsText::One(privileged) } else { RightsText::Pair { privileged, user } }, memory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_those_of_the_tables_that_zephyr_makes() {
        let unit = Unit::of("", Path::new("a.c"), PRELUDE, &Default::default()).expect("C");
        let pair = |privileged: &str, user: &str| RightsText::Pair { privileged: privileged.into(), user: user.into() };
        let one = |rights: &str| RightsText::One(rights.into());
        for (text, rights, memory) in [
            ("MT_DEVICE_nGnRnE | MT_P_RW_U_NA | MT_DEFAULT_SECURE_STATE", one("rw"), "device-nGnRnE"),
            ("MT_NORMAL | MT_P_RX_U_RX", pair("rx", "rx"), "normal-wb"),
            ("MT_NORMAL | MT_P_RO_U_RX", pair("r", "rx"), "normal-wb"),
            ("MT_NORMAL | MT_P_RX_U_NA | MT_NS", one("rx"), "normal-wb"),
            ("MT_NORMAL_NC | MT_P_RW_U_RW", pair("rw", "rw"), "normal-nc"),
            ("MT_DEVICE_GRE | MT_RW | MT_RW_AP_ELx", pair("rw", "rw"), "device-GRE"),
        ] {
            let bits = address(&unit, &tokens(text, 0)).expect(text);
            assert_eq!(attribute(bits).expect(text), (rights, memory), "{text}");
        }
        assert!(attribute(7).is_err());
    }
}
