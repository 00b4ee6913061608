//! What a reader does with a page: zoom, search, a region's details, the theme.

use anyhow::{Context as _, Result, ensure};

use super::look::{Look, luminance, numbers, regions};

impl Look<'_> {
    /// Buttons, keys and the wheel zoom.
    pub(super) fn zooms(&mut self) -> Result<()> {
        self.click("figure .tools button[title='Show all']")?;
        let whole = self.view()?;
        self.click("figure .tools button[title='Zoom in']")?;
        ensure!(self.view()? == whole / 2.0, "zooming in shows {} of {whole}", self.view()?);
        self.click("figure .tools button[title='Zoom out']")?;
        ensure!(self.view()? == whole, "zooming out does not undo it");
        self.browser.evaluate("document.querySelector('.live').focus()")?;
        self.browser.press("+")?;
        ensure!(self.view()? == whole / 2.0, "the key + does not zoom");
        let before = self.browser.evaluate("document.querySelector('figure output').textContent")?;
        self.browser.press("ArrowDown")?;
        let after = self.browser.evaluate("document.querySelector('figure output').textContent")?;
        ensure!(before != after, "the arrow does not move what is shown");
        self.browser.press("0")?;
        ensure!(self.view()? == whole, "the key 0 does not show all");
        let [x, y] = self.middle("figure .live")?;
        let wheel = serde_json::json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -120 });
        self.browser.call("Input.dispatchMouseEvent", wheel)?;
        ensure!(self.view()? < whole, "the wheel does not zoom");
        self.browser.press("0")?;
        Ok(())
    }

    /// A click on a region says all about it.
    pub(super) fn details(&mut self) -> Result<()> {
        let document = self.document;
        for region in regions(document)? {
            self.browser.evaluate(&format!("visit('{}')", region.id))?;
            self.click(&format!(".live rect[data-id=\"{}\"]", region.id))?;
            let card = self.browser.evaluate(&format!("card('{}')", region.id))?;
            let card = card.as_str().with_context(|| format!("a click on {} shows nothing", region.id))?;
            let requirements = region.value["requirements"].as_array().into_iter().flatten();
            let facts = requirements.chain([
                &region.value["name"],
                &region.value["virt"],
                &region.value["memory"],
                &region.value["phys"],
            ]);
            for fact in facts.filter_map(serde_json::Value::as_str) {
                ensure!(card.contains(fact), "{}: `{fact}` is not in its details: {card}", region.id);
            }
        }
        Ok(())
    }

    /// Each region is found by an address in it, and by its name; requirements by theirs.
    pub(super) fn finds(&mut self) -> Result<()> {
        let document = self.document;
        for region in regions(document)? {
            let number = |field: &str| {
                region.value[field]
                    .as_str()
                    .and_then(|text| u128::from_str_radix(text.trim_start_matches("0x"), 16).ok())
            };
            let (start, size) = (number("virt").context("no address")?, number("size").context("no size")?);
            for address in [start, start + size / 2, start + size - 1] {
                let found = self.search(&format!("{address:#x}"))?;
                let line = format!("{}: {} + {:#x}", region.space, region.name, address - start);
                ensure!(found.contains(&line), "{address:#x} does not find `{line}`, but {found}");
            }
            let found = self.search(region.name)?;
            ensure!(
                found.contains(&format!("Space {}: {}", region.space, region.name)),
                "{} is not found, but {found}",
                region.name
            );
            for id in
                region.value["requirements"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str)
            {
                let found = self.search(id)?;
                ensure!(found.contains(&format!("Requirements: {id}")), "{id} is not found, but {found}");
            }
        }
        ensure!(
            self.search("0x7123456789")?.contains("not mapped"),
            "an address that is not mapped is not said to be so"
        );
        ensure!(
            self.search("no such thing anywhere")?.contains("nothing found"),
            "nothing is found, and that is not said"
        );
        self.browser.press("Escape")?;
        let hidden = self.browser.evaluate(
            "document.querySelectorAll('tbody tr[hidden]').length + Number(!document.getElementById('found').hidden)",
        )?;
        ensure!(hidden == 0, "rows stay hidden after the search");
        Ok(())
    }

    /// Types into the search, and says what is found.
    fn search(&mut self, text: &str) -> Result<String> {
        self.browser.evaluate("document.activeElement.blur()")?;
        self.browser.press("/")?;
        self.browser.evaluate("document.activeElement.select()")?;
        self.browser.call("Input.insertText", serde_json::json!({ "text": text }))?;
        let found = self.browser.evaluate("document.getElementById('found').innerText")?;
        Ok(found.as_str().context("no text")?.to_owned())
    }

    /// The button changes the theme, and comes back.
    pub(super) fn toggles(&mut self) -> Result<()> {
        let ground = "colour(document.body, 'backgroundColor')";
        let before = self.browser.evaluate(ground)?;
        self.click("#theme")?;
        let after = self.browser.evaluate(ground)?;
        let bright = |value| Ok::<_, anyhow::Error>(luminance(numbers::<3>(value)?.map(|part| part as u8)));
        ensure!((bright(&before)? - bright(&after)?).abs() > 0.5, "the button leaves the theme as it is");
        self.click("#theme")?;
        self.click("#theme")?;
        ensure!(self.browser.evaluate(ground)? == before, "three clicks do not lead back");
        Ok(())
    }

    /// How many addresses the first picture shows.
    fn view(&mut self) -> Result<f64> {
        self.browser.evaluate("Number(pictures[0].size)")?.as_f64().context("no number")
    }

    /// Clicks in the middle of something, with the mouse.
    fn click(&mut self, what: &str) -> Result<()> {
        let [x, y] = self.middle(what)?;
        self.browser.click(x, y)
    }

    fn middle(&mut self, what: &str) -> Result<[f64; 2]> {
        let place = format!("middle({})", serde_json::to_string(what)?);
        numbers(&self.browser.evaluate(&place)?)
    }
}
