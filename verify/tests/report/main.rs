//! The page and the pictures of a document.

mod sample;

use cargo_tablature::report::document::Evidence;
use cargo_tablature::report::{File, files, physical};
use sample::{HOSTILE, empty, hex, region, space, whole};
use serde_json::{Value, json};

/// All files of a document.
fn made(document: &Value) -> Vec<File> {
    files("map", document.to_string().as_bytes()).expect("is a document")
}

fn page(document: &Value) -> String {
    made(document).swap_remove(0).1
}

/// What a reader sees of a page: the text between the tags, outside of style and script.
fn text(page: &str) -> String {
    let body = page.split("<body>").nth(1).expect("has a body").split("<script>").next().expect("has a start");
    let texts = body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
    texts
        .collect::<Vec<_>>()
        .join("\u{1}")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[test]
fn everything_that_a_document_says_is_on_the_page() {
    let text = text(&page(&whole()));
    for said in [
        "sample",
        "7.8.9",
        "rustc 1.2.3",
        "kernel",
        "4.5.6",
        "El1<G4K, 48>",
        "44 ",
        "alpha",
        "beta",
        "ASID 77",
        "null",
        "code",
        "inbox",
        "last",
        "outbox",
        "patch",
        "0x1000 – 0x4fff",
        "16 KiB",
        "r / rx",
        "normal_wb",
        "4 × 4 KiB",
        "0x40000",
        "REQ-17",
        "REQ-18",
        "end of channel mail",
        "guard of 8 KiB below",
        "ram",
        "vault",
        "reserved",
        "mail",
        "dma7",
        "ring",
        "32 address bits",
        "behind an IOMMU",
        "start",
        "MMU off",
        "SCTLR_EL1",
        "address-space",
        "needed",
        "0x1abc",
        "violated",
        "no channel",
        "alpha 7, beta 3",
        "dma7 of alpha ∥ beta",
        "dma7 11, beta 3",
        "0x42000",
        "master dma8",
        "dma7 11, dma8 13",
        "va-overlap",
        "Nothing is both.",
        "Manual 1.2",
        "waivable-error",
        "beta.patch writes alpha.code",
        "patches at run time",
        "tables_alpha",
        "TTBR0_EL1",
        "0x123000",
        "0xfffffffff000",
        &"ab".repeat(32),
        "table 0",
        "entries 1–4",
        "1 of 2",
    ] {
        assert!(text.contains(said), "`{said}` is missing");
    }
}

#[test]
fn every_region_is_in_the_table_and_in_the_picture_of_its_space() {
    let document = whole();
    let files = made(&document);
    for (index, space) in document["spaces"].as_array().expect("a list").iter().enumerate() {
        let name = space["name"].as_str().expect("a name");
        let svg = &files.iter().find(|(file, _)| *file == format!("map-{name}.svg")).expect("a picture").1;
        for (at, region) in space["regions"].as_array().expect("a list").iter().enumerate() {
            let name = region["name"].as_str().expect("a name");
            assert_eq!(files[0].1.matches(" class=\"region ").count(), 6 + 11, "rows of regions and of frames");
            assert_eq!(files[0].1.matches(&format!(" id=\"s{index}-r{at}\"")).count(), 1, "{name}");
            assert_eq!(svg.matches(&format!("data-id=\"s{index}-r{at}\"")).count(), 1, "{name}");
            assert!(svg.contains(&format!(">{name}<")) || svg.contains(&format!(">\n{name}\n<")), "{name}");
        }
    }
}

#[test]
fn frames_are_seen_over_the_union_of_all_aliases() {
    let evidence = Evidence::parse(whole().to_string().as_bytes()).expect("a document");
    let rows = physical::intervals(&evidence);
    let row = |at: u128| rows.iter().find(|row| row.start <= at && at < row.end).expect("a row");
    // alpha executes what beta writes.
    let patched = row(0x4_1000);
    assert_eq!((patched.start, patched.end), (0x4_1000, 0x4_2000));
    assert_eq!(patched.cells.len(), 2);
    assert_eq!(patched.rights(&evidence).name(), "rwx");
    assert_eq!(row(0x4_0000).rights(&evidence).name(), "rx");
    let mail = row(0x9_0fff);
    assert_eq!((mail.channels.len(), mail.cells.len()), (1, 2));
    assert_eq!(row(0x6_0000).masters.len(), 1);
    assert_eq!(row(0x8_0000).tables, [0, 1]);
    assert!(row(0xa_0000).cells.is_empty());
    let last = rows.last().expect("a row");
    assert_eq!((last.start, last.end), ((1 << 64) - 0x1000, 1 << 64));
    assert!(rows.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert!(text(&page(&whole())).contains("\u{1}1 rows are writable and executable"));
}

/// The same with hostile texts before the texts that name something.
fn spoilt(value: &Value) -> Value {
    const KEPT: [&str; 11] = [
        "schema",
        "scheme",
        "kind",
        "memory",
        "placement",
        "verdict",
        "rights",
        "privileged",
        "user",
        "architecture",
        "flush",
    ];
    match value {
        Value::Object(fields) => {
            let spoil = |(key, value): (&String, &Value)| {
                let is_kept = KEPT.contains(&key.as_str()) || value.as_str().is_some_and(|text| text.starts_with("0x"));
                // A waiver names a region by two names.
                let value = &value
                    .as_str()
                    .filter(|_| key == "region")
                    .map_or_else(|| value.clone(), |text| Value::from(text.replace('.', &format!(".{HOSTILE}"))));
                (key.clone(), if is_kept { value.clone() } else { spoilt(value) })
            };
            Value::Object(fields.iter().map(spoil).collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(spoilt).collect()),
        Value::String(text) => format!("{HOSTILE}{text}").into(),
        other => other.clone(),
    }
}

#[test]
fn names_are_text_whatever_they_are() {
    for ((name, content), (_, tame)) in made(&spoilt(&whole())).into_iter().zip(made(&whole())) {
        assert!(!content.contains('\u{202e}') && !content.contains('\u{7}'), "{name}");
        assert!(content.contains("&lt;script&gt;alert(1)") && content.contains("\\u{202e}"), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{name}");
        // Not one tag or attribute more than the same document without hostility has.
        let shape = |content: &str| -> Vec<String> {
            let tags = content.split('<').skip(1).filter_map(|part| part.split_once('>')).map(|(tag, _)| tag);
            let names = |tag: &str| tag.split('"').step_by(2).collect::<Vec<_>>().join("");
            tags.map(names).filter(|tag| !tag.is_empty()).collect()
        };
        assert_eq!(shape(&content), shape(&tame), "{name}");
    }
}

#[test]
fn nothing_is_loaded() {
    for (name, content) in made(&whole()) {
        for loads in [
            "http://", "https://", "src=", "@import", "url(", "<link", "<iframe", "<img", "fetch(", "XMLHttp",
            "import(",
        ] {
            let outside = content.replace("http://www.w3.org/2000/svg", "");
            assert!(!outside.contains(loads), "{name}: {loads}");
        }
        assert!(name.ends_with("svg") || content.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn spaces_may_have_names_that_are_the_same_in_a_file_system() {
    let mut document = empty();
    let names = ["a/b", "a.b", "A_b", "physical", "../../etc/passwd", ""];
    document["spaces"] = names.iter().map(|name| space(name, vec![])).collect();
    let files = made(&document);
    let mut lower: Vec<String> = files.iter().map(|(name, _)| name.to_lowercase()).collect();
    lower.sort();
    lower.dedup();
    assert_eq!(lower.len(), names.len() + 2, "{lower:?}");
    assert!(lower.iter().all(|name| !name.contains('/') && !name.contains("..")), "{lower:?}");
}

#[test]
fn an_empty_document_has_a_page() {
    let files = made(&empty());
    assert_eq!(files.len(), 2);
    let text = text(&files[0].1);
    for said in
        ["No frame is declared", "No isolation is claimed", "Nothing is waived", "No region names a requirement"]
    {
        assert!(text.contains(said), "{said}");
    }
}

#[test]
fn addresses_up_to_the_last_one_are_drawn() {
    let mut document = empty();
    let top = (1u128 << 64) - 0x1000;
    let mut odd = region("odd", 1 << 60, top, 1, ["r", ""]);
    odd["size"] = hex(1 << 64).into();
    odd["leaves"][0]["count"] = u64::MAX.into();
    odd["leaves"][0]["size"] = hex(1 << 64).into();
    document["spaces"] = json!([space("top", vec![region("end", top, top, 1, ["rw", ""]), odd])]);
    document["spaces"][0]["tables"]["bytes"] = u64::MAX.into();
    document["spaces"][0]["tables"]["start"] = hex(top).into();
    document["spaces"][0]["tables"]["list"][0]["index"] = u64::MAX.into();
    let files = made(&document);
    assert!(text(&files[0].1).contains("0xfffffffffffff000 – 0xffffffffffffffff"));
    assert!(files.iter().all(|(_, content)| !content.contains("NaN") && !content.contains("inf")));
}

#[test]
fn each_section_has_a_link_at_the_top_and_each_link_a_section() {
    for document in [whole(), empty()] {
        let page = page(&document);
        let (_, nav) = page.split_once("<nav").expect("has links");
        let links = nav.split("</nav>").next().expect("ends").split("href=\"#").skip(1);
        let links: Vec<_> = links.filter_map(|link| link.split('"').next()).collect();
        let sections: Vec<_> = page.split("<section id=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
        assert_eq!(links, sections);
    }
}

#[test]
fn four_thousand_regions_make_a_page_of_some_megabytes() {
    let mut document = empty();
    let one = |space: u128| {
        let region = |at: u128| region(&format!("part{at}"), at << 20, (space * 64 + at) << 20, 16, ["rw", "rw"]);
        (0..64).map(region).collect()
    };
    document["spaces"] = (0..64).map(|at| space(&format!("space{at}"), one(at))).collect();
    let page = page(&document);
    println!("{} bytes", page.len());
    assert!(page.len() < 10 << 20, "{} bytes", page.len());
    assert_eq!(page.matches(" class=\"region ").count(), 2 * 4096 + 1);
}

#[test]
fn what_is_no_document_is_said_to_be_none() {
    let whole = whole().to_string();
    let says = |bytes: &[u8]| format!("{:#}", files("map", bytes).expect_err("is no document"));
    assert!(says(b"").contains("no evidence document"));
    assert!(says(b"\xff\xfe").contains("no evidence document"));
    assert!(says(whole.replace("evidence/1", "evidence/2").as_bytes()).contains("evidence/2"));
    assert!(says(whole.replace("\"waivers\"", "\"wavers\"").as_bytes()).contains("missing field `waivers`"));
    assert!(says(whole.replace("0x90000", "0x0090000").as_bytes()).contains("0x0090000"));
    assert!(says(whole.replace("\"levels\":4", "\"levels\":9").as_bytes()).contains("space alpha"));
    for cut in (0..whole.len()).step_by(37) {
        assert!(says(&whole.as_bytes()[..cut]).contains("no evidence document"), "{cut}");
    }
}
