//! Device trees, made here: a board with a bus whose addresses are translated twice, reserved memory, and small devices.

use std::path::Path;

use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};
use tablature_import::{Imported, Options, import_bytes};

use crate::data::findings;

fn cells(name: &str, values: &[u32]) -> DeviceTreeProperty {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    DeviceTreeProperty::new(name, bytes).expect("a property")
}

fn text(name: &str, value: &str) -> DeviceTreeProperty {
    DeviceTreeProperty::new(name, value).expect("a property")
}

fn node(name: &str, properties: Vec<DeviceTreeProperty>, children: Vec<DeviceTreeNode>) -> DeviceTreeNode {
    let mut builder = DeviceTreeNode::builder(name).expect("a node");
    for property in properties {
        builder = builder.property(property);
    }
    for child in children {
        builder = builder.child(child);
    }
    builder.build()
}

fn device(name: &str, register: [u32; 2]) -> DeviceTreeNode {
    node(name, vec![cells("reg", &register)], vec![])
}

fn space(cells_of: u32) -> Vec<DeviceTreeProperty> {
    vec![cells("#address-cells", &[cells_of]), cells("#size-cells", &[cells_of])]
}

/// The bus at 0xfe000000, with another one at 0x40000 of it.
fn soc(more: Vec<DeviceTreeNode>) -> DeviceTreeNode {
    let mut properties = space(1);
    properties.push(cells("ranges", &[0x7e00_0000, 0, 0xfe00_0000, 0x0180_0000]));
    let mut inner = space(1);
    inner.push(cells("ranges", &[0, 0x7e04_0000, 0x1_0000]));
    let gic = vec![text("compatible", "arm,gic-400"), cells("reg", &[0x7e10_0000, 0x1000, 0x7e10_2000, 0x2000])];
    let off = vec![text("status", "disabled"), cells("reg", &[0x7e20_1000, 0x1000])];
    let mut children = vec![
        node("interrupt-controller@7e100000", gic, vec![]),
        device("serial@7e201000", [0x7e20_1000, 0x200]),
        device("serial@7e201400", [0x7e20_1400, 0x200]),
        node("serial@7e201800", off, vec![]),
        node("bus@7e040000", inner, vec![device("timer@3000", [0x3000, 0x1000])]),
        node(
            "i2c@7e205000",
            [space(1), vec![cells("reg", &[0x7e20_5000, 0x1000])]].concat(),
            vec![device("eeprom@50", [0x50, 1])],
        ),
    ];
    children.extend(more);
    node("soc", properties, children)
}

fn board(more: Vec<DeviceTreeNode>) -> Vec<u8> {
    let mut tree = DeviceTree::new();
    let cpu = node("cpu@0", vec![text("compatible", "arm,cortex-a72"), cells("reg", &[0])], vec![]);
    let mut cpus = vec![cells("#address-cells", &[1]), cells("#size-cells", &[0])];
    cpus.push(text("comment", "no device"));
    let firmware =
        node("firmware@1f000000", vec![cells("reg", &[0, 0x1f00_0000, 0, 0x100_0000]), cells("no-map", &[])], vec![]);
    let pool = node("pool@10000000", vec![cells("reg", &[0, 0x1000_0000, 0, 0x40_0000])], vec![]);
    tree.root = node(
        "",
        [space(2), vec![text("model", "a board")]].concat(),
        vec![
            node("cpus", cpus, vec![cpu]),
            node(
                "memory@0",
                vec![text("device_type", "memory"), cells("reg", &[0, 0, 0, 0x2000_0000, 1, 0, 0, 0x4000_0000])],
                vec![],
            ),
            node("reserved-memory", [space(2), vec![cells("ranges", &[])]].concat(), vec![firmware, pool]),
            soc(more),
        ],
    );
    tree.to_dtb()
}

pub(crate) fn import(bytes: Vec<u8>) -> anyhow::Result<Imported> {
    import_bytes(&[(bytes, Path::new("board.dtb"))], &Options::default())
}

/// A tree that does not contradict itself.
pub(crate) fn good() -> Vec<u8> {
    board(vec![])
}

#[test]
fn addresses_are_those_of_the_cpu() {
    let imported = import(good()).expect("a tree");
    let resource = |name: &str| {
        let found = imported.system.resources.iter().find(|one| one.name == name);
        found.map(|one| (one.base.0, one.size.0))
    };
    assert_eq!(resource("timer"), Some((0xfe04_3000, 0x1000)));
    assert_eq!(resource("interrupt_controller_2"), Some((0xfe10_2000, 0x2000)));
    assert_eq!(resource("memory_2"), Some((0x1_0000_0000, 0x4000_0000)));
    assert_eq!(resource("eeprom"), None);
    assert_eq!(resource("serial_3"), None);
    assert!(
        imported.remarks.iter().any(|remark| remark.contains("serial, serial_2 share pages")),
        "{:?}",
        imported.remarks
    );
}

#[test]
fn devices_and_memory_that_overlap_are_found() {
    let more = vec![
        device("serial@7e201500", [0x7e20_1500, 0x200]),
        device("dma@7e104000", [0x7e10_3000, 0x1000]),
        device("broken@1", [0x7e30_0000, 0]),
    ];
    let imported = import(board(more)).expect("a tree");
    let all: Vec<String> = findings(&imported).iter().filter(|one| one.is_error).map(ToString::to_string).collect();
    for words in [
        ["`serial_2` and `serial_3`", "0x100 bytes at 0xfe201500", "board.dtb:/soc/serial@7e201500"],
        ["`interrupt_controller_2` and `dma`", "0x1000 bytes at 0xfe103000", "board.dtb:/soc/dma@7e104000"],
    ] {
        let says = |text: &&String| text.contains("resource-overlap") && words.iter().all(|word| text.contains(word));
        assert!(all.iter().any(|text| says(&text)), "no {words:?} in {all:#?}");
    }
    assert_eq!(all.len(), 2, "{all:#?}");
}

#[test]
fn what_is_no_tree_is_an_error() {
    let bytes = good();
    for length in [0, 3, 4, 20, 40, bytes.len() / 2] {
        assert!(import(bytes[..length].to_vec()).is_err(), "{length}");
    }
}
