//! Steps: each page in a browser, on a desk and on a phone, light and dark, without scripts, and on paper.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::browser::{Browser, Screen};
use super::look::{Look, TOOLS, regions};
use super::{GATEWAY, page};
use crate::machine::{Arch, Mode};
use crate::setup::{self, Host};
use crate::steps::{Steps, leave_out};

const SCREENS: [Screen; 4] = [
    Screen { name: "desk, light", width: 1280, height: 900, theme: "light" },
    Screen { name: "phone, dark", width: 360, height: 740, theme: "dark" },
    Screen { name: "desk, dark", width: 1280, height: 900, theme: "dark" },
    Screen { name: "phone, light", width: 360, height: 740, theme: "light" },
];

/// The steps.
pub(super) fn run_all(steps: &mut Steps, arches: &[Arch]) {
    for &arch in arches {
        steps.run(format!("page of {arch}"), || {
            with_browser(|browser| look(browser, &super::write(arch, Mode::Linked)?, 2))
        });
        steps.run(format!("page of partitions {arch}"), || {
            with_browser(|browser| {
                let document = super::write_partitions(arch)?;
                look(browser, &document, if arch == Arch::Aarch64 { 4 } else { 2 })?;
                hostile(browser, &document)?;
                large(browser, &document)
            })
        });
    }
    if arches.contains(&Arch::Aarch64) {
        steps.run(format!("page of {GATEWAY}"), || {
            with_browser(|browser| look(browser, &super::write_map(GATEWAY)?, 2))
        });
    }
}

/// Does something with a browser, if there is one.
fn with_browser(act: impl FnOnce(&mut Browser) -> Result<()>) -> Result<()> {
    match setup::browser(&mut Host)? {
        Some(program) => act(&mut Browser::start(program)?),
        None => {
            leave_out("pages in a browser: there is none (on Debian: `apt-get install chromium`)".to_owned());
            Ok(())
        }
    }
}

/// A page on the first of the screens, and how it is without scripts and on paper; its pictures.
fn look(browser: &mut Browser, document: &Path, screens: usize) -> Result<()> {
    page::write(document)?;
    let value: Value = serde_json::from_slice(&fs::read(document)?)?;
    let file = document.with_extension("html");
    for screen in SCREENS.into_iter().take(screens) {
        let mut look = Look { browser, document: &value, screen };
        look.all(&file).with_context(|| format!("{} on {}", file.display(), screen.name))?;
        plain(&mut look, &file).with_context(|| format!("{} without scripts on {}", file.display(), screen.name))?;
    }
    let mut look = Look { browser, document: &value, screen: SCREENS[0] };
    paper(&mut look, &file).with_context(|| format!("{} on paper", file.display()))?;
    pictures(&mut look, document)
}

/// Without scripts, all is there to be read.
fn plain(look: &mut Look<'_>, file: &Path) -> Result<()> {
    look.browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }))?;
    let done = read_plain(look, file);
    look.browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": false }))?;
    done
}

fn read_plain(look: &mut Look<'_>, file: &Path) -> Result<()> {
    look.browser.open(file, look.screen)?;
    look.fits()?;
    // Selected, and not `innerText`, which leaves out what was not in sight yet.
    let text = look.browser.evaluate("getSelection().selectAllChildren(document.body); getSelection().toString()")?;
    let text = text.as_str().context("no text")?;
    let document = look.document;
    let all = ["spaces", "resources", "channels", "rules", "transitions", "waivers", "devices"];
    let names = all.iter().flat_map(|list| document[list].as_array().into_iter().flatten());
    let names = names.flat_map(|value| ["name", "id", "reason"].map(|field| &value[field])).filter_map(Value::as_str);
    for name in names.chain(regions(document)?.iter().map(|region| region.name)) {
        ensure!(text.contains(name), "`{name}` cannot be read");
    }
    look.browser.evaluate(TOOLS)?;
    ensure!(look.browser.evaluate("shown('button, input').length")? == 0, "controls that do nothing are shown");
    ensure!(
        look.browser.evaluate("document.querySelectorAll('.still svg').length > 0")? == true,
        "there are no pictures"
    );
    Ok(())
}

/// On paper, the pictures that stand still are printed instead of those that move.
fn paper(look: &mut Look<'_>, file: &Path) -> Result<()> {
    look.browser.open(file, look.screen)?;
    look.browser.call("Emulation.setEmulatedMedia", json!({ "media": "print" }))?;
    look.browser.evaluate(TOOLS)?;
    let shown = look.browser.evaluate("shown('.live, .tools, .still')")?;
    let pdf = look.browser.call("Page.printToPDF", json!({ "printBackground": true }))?;
    look.browser.call("Emulation.setEmulatedMedia", json!({ "media": "" }))?;
    let shown = shown.as_array().context("no list")?;
    ensure!(shown.len() == look.document["spaces"].as_array().map_or(0, Vec::len) + 1, "{shown:?} are printed");
    ensure!(shown.iter().all(|class| class == "still"), "{shown:?} are printed");
    ensure!(pdf["data"].as_str().is_some_and(|data| data.len() > 20_000), "hardly anything is printed");
    Ok(())
}

/// The pictures by themselves.
fn pictures(look: &mut Look<'_>, document: &Path) -> Result<()> {
    let stem = document.file_stem().context("no name")?.to_string_lossy();
    let file = |name: &str| -> PathBuf { document.with_file_name(format!("{stem}-{name}.svg")) };
    let value = look.document;
    for space in value["spaces"].as_array().into_iter().flatten() {
        let name = space["name"].as_str().context("no name")?;
        look.picture(&file(name), name).with_context(|| file(name).display().to_string())?;
    }
    look.picture(&file("physical"), "physical").with_context(|| file("physical").display().to_string())
}

/// A document whose names are markup is shown as it is, and runs nothing.
fn hostile(browser: &mut Browser, document: &Path) -> Result<()> {
    let name = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>";
    let mut value: Value = serde_json::from_slice(&fs::read(document)?)?;
    for space in value["spaces"].as_array_mut().into_iter().flatten() {
        for region in space["regions"].as_array_mut().into_iter().flatten() {
            region["name"] = format!("{name}{}", region["name"].as_str().unwrap_or_default()).into();
        }
        space["name"] = format!("{name}{}", space["name"].as_str().unwrap_or_default()).into();
    }
    let path = document.with_file_name("hostile.json");
    fs::write(&path, value.to_string())?;
    page::write(&path)?;
    let mut look = Look { browser, document: &value, screen: SCREENS[1] };
    look.browser.open(&path.with_extension("html"), SCREENS[1])?;
    look.fits()?;
    let shown = look.browser.evaluate("document.querySelector('tr.region .name').textContent")?;
    ensure!(shown.as_str().is_some_and(|shown| shown.starts_with(name)), "{shown}");
    look.quiet()
}

/// Of a page of 64 spaces, that is laid out which was in sight: else a reader would wait for all of it.
fn large(browser: &mut Browser, document: &Path) -> Result<()> {
    let mut value: Value = serde_json::from_slice(&fs::read(document)?)?;
    let few = value["spaces"].as_array().context("no spaces")?.clone();
    let spaces = few.iter().cycle().take(64).enumerate().map(|(at, space)| {
        let mut space = space.clone();
        space["name"] = format!("{}-{at}", space["name"].as_str().unwrap_or_default()).into();
        space
    });
    value["spaces"] = spaces.collect();
    let path = document.with_file_name("large.json");
    fs::write(&path, value.to_string())?;
    page::write(&path)?;
    let mut look = Look { browser, document: &value, screen: SCREENS[0] };
    look.browser.open(&path.with_extension("html"), SCREENS[0])?;
    look.browser.evaluate(TOOLS)?;
    look.browser.evaluate("settled()")?;
    for region in regions(&value)?.iter().step_by(97) {
        look.one(region).with_context(|| format!("region {} of a large page", region.id))?;
    }
    let drawn = look.browser.evaluate("drawnPictures()")?;
    ensure!(drawn.as_u64().is_some_and(|drawn| (1..40).contains(&drawn)), "{drawn} of 65 pictures are drawn");
    look.fits()?;
    look.quiet()
}
