//! The corpus as declarations: each case of `tests/data/corpus.jsonl` built as a [`Map`] at run time.
//!
//! Strings and lists are leaked, which is what a test may do and a kernel may not.

use serde_json::Value;
use tablature::aarch64::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::format::Format;
use tablature::map::*;
use tablature::regime::Regime;
use tablature::{riscv, x86_64};

/// The cases, in the order of the file.
pub(crate) fn cases() -> Vec<Value> {
    include_str!("../data/corpus.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Cases with a few random changes each, and all findings that an independent judge has about them.
pub(crate) fn changed_cases() -> Vec<Value> {
    include_str!("../data/single_changes.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The map that a case declares.
pub(crate) fn map(case: &Value) -> Map<'static> {
    let options = &case["options"];
    let empty = Vec::new();
    let list = |key: &str| case[key].as_array().unwrap_or(&empty).clone();
    Map {
        name: "corpus",
        anchor: 0,
        format: format(text(&case["format"])),
        cpu: cpu(options),
        policy: policy(options),
        resources: leak(list("resources").iter().map(resource)),
        spaces: leak(list("spaces").iter().map(space)),
        channels: leak(list("channels").iter().map(channel)),
        isolation: leak(list("isolation").iter().map(isolation)),
        devices: leak(list("dma").iter().map(device)),
        transitions: leak(list("transitions").iter().map(transition)),
    }
}

macro_rules! widths {
    ($width:expr, $regime:ident, $granule:ident: $($n:literal)*) => {
        match $width {
            $($n => <$regime<$granule, $n> as Regime>::FORMAT,)*
            other => panic!("no format of {other} bits in this test"),
        }
    };
}

/// The format of a corpus format string.
pub(crate) fn format(text: &str) -> Format {
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["sv32"] => riscv::Sv32::FORMAT,
        ["sv39"] => riscv::Sv39::FORMAT,
        ["sv48"] => riscv::Sv48::FORMAT,
        ["sv57"] => riscv::Sv57::FORMAT,
        ["sv39x4"] => riscv::Sv39x4::FORMAT,
        ["x86_64", "4-level"] => x86_64::Level4::FORMAT,
        ["x86_64", "5-level"] => x86_64::Level5::FORMAT,
        ["aarch64", granule, width, regime] => {
            let bits: u32 = width.trim_matches(|c: char| c.is_alphabetic()).parse().unwrap();
            match (regime, granule) {
                ("EL1", "4K") => widths!(bits, El1, G4K: 12 15 16 20 24 25 30 32 36 39 40 42 47 48 49 52 53),
                ("EL1", "16K") => widths!(bits, El1, G16K: 15 16 36 47 48 52),
                ("EL1", "64K") => widths!(bits, El1, G64K: 16 17 42 48 52),
                ("EL2", "4K") => widths!(bits, El2, G4K: 32 39 40 48 52),
                ("EL2&0", "4K") => widths!(bits, El2And0, G4K: 39 48 52),
                ("EL3", "4K") => widths!(bits, El3, G4K: 32 36 39 48),
                ("S2", "4K") => widths!(bits, Stage2, G4K: 32 36 39 40 42 43 44 48 52),
                other => panic!("no format {other:?} in this test"),
            }
        }
        _ => panic!("no format {text}"),
    }
}

fn leak<T>(items: impl Iterator<Item = T>) -> &'static [T] {
    Vec::leak(items.collect())
}

fn text(value: &Value) -> &'static str {
    let text = value.as_str().unwrap_or_else(|| panic!("no text: {value}"));
    String::leak(text.to_owned())
}

fn maybe_text(value: &Value) -> Option<&'static str> {
    value.as_str().map(|_| text(value))
}

fn texts(value: &Value) -> &'static [&'static str] {
    leak(value.as_array().map_or(&[][..], Vec::as_slice).iter().map(text))
}

/// A number: JSON, hexadecimal or decimal text.
pub(crate) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64(),
        Value::String(text) => Some(match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
            None => text.parse().unwrap(),
        }),
        _ => None,
    }
}

fn need(value: &Value) -> u64 {
    number(value).unwrap_or_else(|| panic!("no number: {value}"))
}

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

fn memory(name: &str) -> MemoryType {
    *MemoryType::ALL.iter().find(|memory| memory.name() == name).unwrap_or_else(|| panic!("no memory type {name}"))
}

fn rights(text: &str) -> Option<Rights> {
    let mut rights = Rights::NONE;
    for letter in text.chars() {
        let right = match letter {
            'r' => Rights::R,
            'w' => Rights::W,
            'x' => Rights::X,
            _ => return None,
        };
        if rights.contains(right) {
            return None;
        }
        rights = rights.union(right);
    }
    Some(rights)
}

fn phys(value: &Value) -> Phys<'static> {
    match (number(&value["phys"]), maybe_text(&value["resource"])) {
        (Some(address), _) => Phys::At(address),
        (None, Some(resource)) => Phys::In { resource, offset: number(&value["offset"]).unwrap_or(0) },
        (None, None) => Phys::None,
    }
}

fn features(names: &Value) -> Option<Features> {
    names.as_array().map(|names| {
        names.iter().fold(Features::NONE, |all, name| {
            all.union(Features::named(text(name)).unwrap_or_else(|| panic!("no feature {name}")))
        })
    })
}

fn cpu(options: &Value) -> Cpu<'static> {
    let bytes = |value: &Value| value.as_array().map(|list| leak(list.iter().map(need)));
    let granules = options["granules"]
        .as_array()
        .map(|list| Value::Array(list.iter().map(|g| format!("granule_{}", text(g).to_lowercase()).into()).collect()));
    let ranges = |value: &Value| {
        leak(value.as_array().map_or(&[][..], Vec::as_slice).iter().map(|range| Range {
            name: text(&range["name"]),
            base: need(&range["base"]),
            size: need(&range["size"]),
            kind: maybe_text(&range["type"]).or(maybe_text(&range["rights"])).unwrap(),
            ..Range::BLANK
        }))
    };
    Cpu {
        pa_bits: number(&options["pa_bits"]).map(|bits| bits as u32),
        features: features(&options["features"]),
        modes: granules.map_or_else(|| features(&options["satp_modes"]), |list| features(&list)),
        start_level: options["start_level"].as_i64().map(|level| level as i32),
        mair: bytes(&options["mair"]),
        pat: bytes(&options["pat"]),
        mtrr: ranges(&options["mtrr"]),
        pmp: ranges(&options["pmp"]),
        parents: leak(options["parents"].as_array().map_or(&[][..], Vec::as_slice).iter().map(parent)),
        ..Cpu::BLANK
    }
}

fn parent(value: &Value) -> Parent<'static> {
    let deny = texts(&value["deny"]);
    Parent {
        name: text(&value["name"]),
        space: text(&value["space"]),
        virt: need(&value["virt"]),
        size: need(&value["size"]),
        deny_user: deny.contains(&"user"),
        deny_write: deny.contains(&"write"),
        deny_exec: deny.contains(&"exec"),
        ..Parent::BLANK
    }
}

fn policy(options: &Value) -> Policy<'static> {
    Policy {
        stack_guards: flag(&options["require_stack_guards"]),
        leaves: match options["leaf_policy"].as_str() {
            Some("pages_only") => LeafPolicy::PagesOnly,
            _ => LeafPolicy::Largest,
        },
        tables_below: number(&options["tables_below"]),
        table_pool: options["table_pool"].as_object().map(|_| {
            let pool = &options["table_pool"];
            Pool { phys: phys(pool), size: need(&pool["size"]), ..Pool::BLANK }
        }),
    }
}

fn resource(value: &Value) -> Resource<'static> {
    Resource {
        name: text(&value["name"]),
        base: need(&value["base"]),
        size: need(&value["size"]),
        memory: memory(text(&value["memory"])),
        reserved: flag(&value["reserved"]),
        owner: maybe_text(&value["owner"]),
        rights: value["rights"].as_str().and_then(rights),
        within: maybe_text(&value["within"]),
        ..Resource::BLANK
    }
}

fn space(value: &Value) -> Space<'static> {
    Space {
        name: text(&value["name"]),
        role: match text(&value["role"]) {
            "kernel" => Role::Kernel,
            "boot" => Role::Boot,
            "run" => Role::Run,
            "firmware" => Role::Firmware,
            "partition" => Role::Partition,
            "guest" => Role::Guest,
            other => panic!("no role {other}"),
        },
        format: value["format"].as_str().map(format),
        asid: number(&value["asid"]).map(|id| id as u32),
        budget: number(&value["budget"]).map(|tables| tables as u32),
        tables: value["tables"].as_object().map(|_| tables(&value["tables"])),
        self_map_slot: number(&value["self_map_slot"]).map(|slot| slot as u32),
        image: value["image"].as_object().map(|_| image(&value["image"])),
        regions: leak(value["regions"].as_array().unwrap().iter().map(region)),
        ..Space::BLANK
    }
}

fn tables(value: &Value) -> Tables<'static> {
    Tables {
        placement: Placement::Placed,
        phys: phys(value),
        size: number(&value["size"]),
        hw_ad: flag(&value["hw_ad"]),
        preset_ad: flag(&value["preset_ad"]),
        runtime_edit: flag(&value["runtime_edit"]),
        ..Tables::BLANK
    }
}

fn image(value: &Value) -> Image<'static> {
    Image {
        name: text(&value["name"]),
        entry: number(&value["entry"]),
        sections: leak(value["sections"].as_array().unwrap().iter().map(|section| Section {
            name: text(&section["name"]),
            virt: need(&section["virt"]),
            size: need(&section["size"]),
            rights: rights(text(&section["rights"])).unwrap(),
            lma: number(&section["lma"]),
            ..Section::BLANK
        })),
        ..Image::BLANK
    }
}

fn region(value: &Value) -> Region<'static> {
    let kind = match (text(&value["kind"]), flag(&value["dynamic"])) {
        ("map", _) => Kind::Map,
        ("identity", _) => Kind::Identity,
        ("window", true) => Kind::Window,
        ("window", false) => Kind::Linear,
        ("stack", _) => Kind::Stack,
        ("guard", _) => Kind::Guard,
        ("channel", _) => Kind::Channel,
        (other, _) => panic!("no kind {other}"),
    };
    let user = flag(&value["user"]);
    let (access, bad_rights) = access(&value["rights"], user);
    let raw = &value["raw"];
    Region {
        name: text(&value["name"]),
        kind,
        virt: number(&value["virt"]).map_or(Virt::Identity, Virt::At),
        phys: match maybe_text(&value["channel"]) {
            Some(channel) => Phys::Channel { channel, offset: number(&value["channel_offset"]).unwrap_or(0) },
            None => phys(value),
        },
        size: number(&value["size"]),
        access,
        bad_rights,
        user,
        memory: maybe_text(&value["memory"]).map(memory),
        page: number(&value["page"]),
        contiguous: number(&value["contiguous"]),
        round: match maybe_text(&value["round"]) {
            Some("page") => Some(0),
            _ => number(&value["round"]),
        },
        alias_of: maybe_text(&value["alias_of"]),
        global: flag(&value["global"]),
        tables: value["purpose"] == "tables",
        bti: flag(&value["bti"]),
        software: number(&value["sw_bits"]),
        raw_memory: number(&raw["pbmt"]).or(number(&raw["s2_memattr"])),
        dirty: flag(&raw["dirty"]),
        guard_below: number(&value["guard_below"]).unwrap_or(0),
        guard_above: number(&value["guard_above"]).unwrap_or(0),
        grows_up: value["grows"] == "up",
        worst_case: number(&value["worst_case"]),
        guards: maybe_text(&value["guards"]),
        inside: maybe_text(&value["inside"]),
        waivers: leak(value["waive"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|waiver| Waiver {
            rule: text(&waiver["rule"]),
            reason: text(&waiver["reason"]),
            ..Waiver::BLANK
        })),
        ..Region::BLANK
    }
}

/// Rights of a region, and the text of rights that are none.
fn access(value: &Value, user: bool) -> (Access, &'static str) {
    match value {
        Value::String(written) => match rights(written) {
            Some(rights) if user => (Access::user(rights), ""),
            Some(rights) => (Access::kernel(rights), ""),
            None => (Access::default(), text(value)),
        },
        Value::Object(pair) => match (rights(text(&pair["priv"])), rights(text(&pair["user"]))) {
            (Some(privileged), Some(user)) => (Access { privileged, user }, ""),
            (None, _) => (Access::default(), text(&pair["priv"])),
            (_, None) => (Access::default(), text(&pair["user"])),
        },
        _ => (Access::default(), ""),
    }
}

fn channel(value: &Value) -> Channel<'static> {
    Channel {
        name: text(&value["name"]),
        phys: phys(value),
        size: need(&value["size"]),
        from: text(&value["from"]),
        to: texts(&value["to"]),
        two_way: value["direction"] == "two_way",
        ..Channel::BLANK
    }
}

fn isolation(value: &Value) -> Isolation<'static> {
    Isolation { spaces: texts(&value["spaces"]), except: texts(&value["except"]), ..Isolation::BLANK }
}

fn device(value: &Value) -> Device<'static> {
    Device {
        name: text(&value["device"]),
        owner: text(&value["owner"]),
        iommu: flag(&value["iommu"]),
        addr_bits: number(&value["addr_bits"]).map(|bits| bits as u32),
        coherent: value["coherent"].as_bool().unwrap_or(true),
        windows: leak(value["regions"].as_array().unwrap().iter().map(|window| DmaWindow {
            name: text(&window["name"]),
            iova: need(&window["iova"]),
            phys: phys(window),
            size: need(&window["size"]),
            rights: rights(text(&window["rights"])).unwrap(),
            ..DmaWindow::BLANK
        })),
        ..Device::BLANK
    }
}

fn transition(value: &Value) -> Transition<'static> {
    Transition {
        name: text(&value["name"]),
        from: maybe_text(&value["from"]),
        to: text(&value["to"]),
        pc: number(&value["pc"]),
        sp: number(&value["sp"]),
        vectors: number(&value["vectors"]),
        in_place: flag(&value["in_place"]),
        bbm: flag(&value["bbm"]),
        ..Transition::BLANK
    }
}
