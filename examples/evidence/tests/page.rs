//! What `gateway` declares, and its page says in the sections that the pages of the other examples lack.

use std::process::Command;

/// The page of the document that the program writes.
fn page() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_evidence")).arg("gateway").output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = cargo_tablature::report::files("gateway", &output.stdout).expect("is a document");
    files.into_iter().next().expect("is a page").1
}

/// The cells of all rows in the tables of a section, as one reads them.
fn rows(page: &str, section: &str) -> Vec<Vec<String>> {
    let start = page.find(&format!("<section id=\"{section}\">")).unwrap_or_else(|| panic!("there is no {section}"));
    let end = start + page[start..].find("</section>").expect("ends");
    let bodies = page[start..end].split("<tbody>").skip(1).map(|body| body.split("</tbody>").next().expect("ends"));
    let rows = bodies.flat_map(|body| body.split("</tr>")).filter(|row| row.contains("<tr"));
    rows.map(|row| row.split_inclusive("</td>").flat_map(|part| part.split_inclusive("</th>")).map(text).collect())
        .collect()
}

/// Without its tags.
fn text(part: &str) -> String {
    let texts = part.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    texts.collect::<String>().replace("&gt;", ">").trim().to_owned()
}

#[test]
fn each_window_of_each_dma_master_is_a_row() {
    let nic = "behind an IOMMU, not coherent, driven by network, 32 address bits";
    let hba = "behind an IOMMU, coherent, driven by storage";
    let expected = [
        ["nic", "received at 0x10000", "0x41100000 – 0x4112ffff", "rw", nic],
        ["nic", "to_send at 0x80000", "0x41130000 – 0x4113ffff", "r", nic],
        ["hba", "blocks at 0x40000000", "0x42100000 – 0x421fffff", "rw", hba],
    ];
    assert_eq!(rows(&page(), "devices"), expected);
}

#[test]
fn frames_that_masters_reach_name_them() {
    let rows = rows(&page(), "physical");
    let reached: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            Some((row[0].as_str(), row[1].as_str(), row.last().filter(|masters| !masters.is_empty())?.as_str()))
        })
        .collect();
    let expected = [
        ("0x41100000 – 0x4112ffff", "192 KiB", "nic rw"),
        ("0x41130000 – 0x4113ffff", "64 KiB", "nic r"),
        ("0x42100000 – 0x421fffff", "1 MiB", "hba rw"),
    ];
    assert_eq!(reached, expected);
}

#[test]
fn masters_are_isolated_from_the_other_partition_and_its_master() {
    let rows = rows(&page(), "isolation");
    let pairs: Vec<_> = rows.iter().map(|row| [row[0].as_str(), &row[1], row.last().expect("has cells")]).collect();
    let expected = [
        ["network ∥ storage", "proven", "channel files: 0x43000000 – 0x4300ffff, 64 KiB"],
        ["nic of network ∥ storage", "proven", "nothing"],
        ["nic of network ∥ master hba", "proven", "nothing"],
        ["hba of storage ∥ network", "proven", "nothing"],
    ];
    assert_eq!(pairs, expected);
}

#[test]
fn each_waiver_is_a_row_with_its_reason_and_its_rule_was_waived() {
    let page = page();
    let expected = [
        ["kernel.stubs", "wx", "breakpoints of the monitor are stores", "yes"],
        ["network.frames", "dma-incoherent", "the driver cleans and invalidates each buffer", "yes"],
    ];
    assert_eq!(rows(&page, "waivers"), expected);
    let rules = rows(&page, "rules");
    let waived: Vec<_> = rules.iter().filter(|row| row[1] != "held").map(|row| [row[0].as_str(), &row[1]]).collect();
    assert_eq!(waived, [["wx", "waived"], ["dma-incoherent", "waived"]]);
    assert!(page.contains("<b>2</b> waivers"), "the number of waivers is not in the summary");
}
