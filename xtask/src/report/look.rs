//! Pages and pictures as a browser shows them: every region of a document is there, in its place, in its colour.
//!
//! What is expected comes from the document, and not from what makes the page.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::browser::{Browser, Pixels, Screen};

/// A page that is open, and its document.
pub(super) struct Look<'a> {
    pub(super) browser: &'a mut Browser,
    pub(super) document: &'a Value,
    pub(super) screen: Screen,
}

/// A region by the indices that the document has.
pub(super) struct Region<'a> {
    pub(super) id: String,
    pub(super) space: &'a str,
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
}

/// Functions that the expressions here use.
pub(super) const TOOLS: &str = include_str!("tools.js");

/// More pixels than what stays at the top has.
const TOP: u32 = 200;

impl Look<'_> {
    /// Everything.
    ///
    /// # Errors
    /// Something is not as it should be.
    pub(super) fn all(&mut self, page: &Path) -> Result<()> {
        self.browser.open(page, self.screen)?;
        self.browser.evaluate(TOOLS)?;
        self.browser.evaluate("read()")?;
        self.fits()?;
        self.theme()?;
        self.whole()?;
        self.each()?;
        self.frames()?;
        self.collapsed()?;
        self.zooms()?;
        self.details()?;
        self.finds()?;
        self.fits()?;
        self.toggles()?;
        self.quiet()
    }

    /// Nothing went wrong in it, and it loaded nothing.
    pub(super) fn quiet(&self) -> Result<()> {
        let complaints = self.browser.complaints();
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        Ok(())
    }

    /// The page is not wider than the window.
    pub(super) fn fits(&mut self) -> Result<()> {
        let widths = self.browser.evaluate(
            "[document.documentElement.scrollWidth, document.body.scrollWidth, document.documentElement.clientWidth]",
        )?;
        let [root, body, window] = numbers(&widths)?;
        ensure!(window == f64::from(self.screen.width), "the window is {window} pixels wide");
        ensure!(root <= window && body <= window, "the page is {root} and {body} pixels wide, the window {window}");
        Ok(())
    }

    /// Light and dark are what they say, and text can be told from its ground.
    fn theme(&mut self) -> Result<()> {
        let ground = luminance(self.browser.picture([2.0, 2.0, 4.0, 4.0])?.at(3.0, 3.0).context("no pixel")?);
        let text = self.browser.evaluate("colour(document.body, 'color')")?;
        let text = luminance(numbers::<3>(&text)?.map(|part| part as u8));
        let is_dark = self.screen.theme == "dark";
        ensure!(
            (ground < 0.1) == is_dark && (ground > 0.8) != is_dark,
            "{} has a ground of {ground}",
            self.screen.name
        );
        let contrast = (ground.max(text) + 0.05) / (ground.min(text) + 0.05);
        ensure!(contrast > 7.0, "text has a contrast of {contrast}");
        Ok(())
    }

    /// The whole of each space shows every region: no place where one lies is empty.
    fn whole(&mut self) -> Result<()> {
        let document = self.document;
        for (index, space) in document["spaces"].as_array().into_iter().flatten().enumerate() {
            let figure = format!("document.querySelector('figure[data-rows=\"s{index}\"]')");
            let area = numbers(&self.browser.evaluate(&format!("box({figure}.querySelector('.live'))"))?)?;
            let ground =
                numbers(&self.browser.evaluate(&format!("colour({figure}.querySelector('.ground'), 'fill')"))?)?;
            let picture = self.seen(area)?;
            let rects = self.browser.evaluate(&format!("drawnIn({figure})"))?;
            let regions = space["regions"].as_array().map_or(0, Vec::len);
            ensure!(
                rects.as_object().is_some_and(|rects| rects.len() == regions),
                "space {index}: not {regions} regions"
            );
            for region in (0..regions).map(|at| format!("s{index}-r{at}")) {
                let [x, y, width, height] = numbers(&rects[&region])?;
                let pixel = picture.at(x + width / 2.0, y + height / 2.0).context("outside")?;
                ensure!(!is_near(pixel, ground, 8.0), "{region}: nothing at {x}, {y}: {pixel:?}");
            }
        }
        Ok(())
    }

    /// Each region, gone to by its link: large, in scale, in the colour that the legend gives to what it is.
    fn each(&mut self) -> Result<()> {
        let document = self.document;
        for region in regions(document)? {
            self.one(&region).with_context(|| format!("region {}.{} ({})", region.space, region.name, region.id))?;
        }
        Ok(())
    }

    pub(super) fn one(&mut self, region: &Region<'_>) -> Result<()> {
        let id = &region.id;
        self.browser.evaluate(&format!("go_to('{id}')"))?;
        let known = self.browser.evaluate(&format!("known('{id}', '{}')", class(region.value)))?;
        let area: [f64; 4] = numbers(&known["area"])?;
        let share = area[3] / known["high"].as_f64().context("no picture")?;
        ensure!((share - 1.0 / 1.4).abs() < 0.01, "it is {share} of the picture");
        filled(&self.browser.picture(area)?, area, numbers(&known["legend"])?)?;
        // A narrow screen cuts long names.
        let start: String = region.name.chars().take(12).collect();
        let names = known["names"].as_str().context("no names")?;
        ensure!(names.contains(&start), "no name at it, but {names}");
        ensure!(known["seen"] == true, "it is not in view");
        Ok(())
    }

    /// The physical view has a row for each frame that a region maps, and the picture shows every row.
    fn frames(&mut self) -> Result<()> {
        let document = self.document;
        for region in regions(document)?.iter().filter(|region| !region.value["phys"].is_null()) {
            let phys = region.value["phys"].as_str().context("no address")?;
            let rows = self.browser.evaluate(&format!("rows('{}', {phys}n)", region.id))?;
            ensure!(rows == 1, "{rows} rows of {phys} name {}", region.id);
        }
        let counts =
            "['tr.region', '.hand rect[data-id]'].map(q => document.querySelectorAll('#physical ' + q).length)";
        let [rows, drawn] = numbers(&self.browser.evaluate(counts)?)?;
        ensure!(rows == drawn && rows > 0.0, "{rows} rows of frames, {drawn} are drawn");
        Ok(())
    }

    /// With gaps collapsed, one picture shows all regions.
    fn collapsed(&mut self) -> Result<()> {
        let document = self.document;
        self.browser.evaluate("pictures.forEach(picture => picture.mode(true)); read()")?;
        self.still(&regions(document)?)?;
        self.browser.evaluate("pictures.forEach(picture => picture.mode(false)); read()")?;
        Ok(())
    }

    /// Pictures that stand still show these regions.
    pub(super) fn still(&mut self, regions: &[Region<'_>]) -> Result<()> {
        let boxes = self.browser.evaluate("stills()")?;
        let mut picture = None;
        for region in regions {
            let context = || format!("region {}.{} in the picture", region.space, region.name);
            let [x, y, width, height, red, green, blue, area @ ..] =
                numbers::<11>(&boxes[&region.id]).with_context(context)?;
            let (shown, pixels) = match picture.take() {
                Some((shown, pixels)) if shown == area => (shown, pixels),
                _ => (area, self.seen(area)?),
            };
            // Its name stands at the left.
            let right = [x + width - 14.0, y, 14.0, height];
            filled(&pixels, right, [red, green, blue]).with_context(context)?;
            picture = Some((shown, pixels));
        }
        Ok(())
    }

    /// Pixels of a part of the page, brought into sight below what stays at the top, in a window that is high enough.
    fn seen(&mut self, area: [f64; 4]) -> Result<Pixels> {
        let Screen { width, height, .. } = self.screen;
        self.browser.resize(width, height.max(area[3] as u32 + 2 * TOP))?;
        self.browser.evaluate(&format!("scrollTo(0, {} - {TOP}); settled()", area[1]))?;
        let picture = self.browser.picture(area)?;
        self.browser.resize(width, height)?;
        Ok(picture)
    }

    /// A picture by itself shows the regions of the space of that name.
    pub(super) fn picture(&mut self, file: &Path, space: &str) -> Result<()> {
        let document = self.document;
        self.browser.open(file, self.screen)?;
        self.browser.evaluate(TOOLS)?;
        self.still(&regions(document)?.into_iter().filter(|region| region.space == space).collect::<Vec<_>>())?;
        self.quiet()
    }
}

/// All regions of a document.
pub(super) fn regions(document: &Value) -> Result<Vec<Region<'_>>> {
    let mut found = Vec::new();
    for (index, space) in document["spaces"].as_array().context("no spaces")?.iter().enumerate() {
        for (at, value) in space["regions"].as_array().context("no regions")?.iter().enumerate() {
            found.push(Region {
                id: format!("s{index}-r{at}"),
                space: space["name"].as_str().context("no name")?,
                name: value["name"].as_str().context("no name")?,
                value,
            });
        }
    }
    Ok(found)
}

/// What the legend calls a region.
fn class(region: &Value) -> &'static str {
    let has = |right: char| {
        ["privileged", "user"].iter().any(|level| region[level].as_str().is_some_and(|rights| rights.contains(right)))
    };
    let is_device = region["memory"].as_str().is_some_and(|memory| memory.starts_with("device"));
    match (region["kind"].as_str(), has('w'), has('x')) {
        (Some("guard"), ..) => "guard",
        (Some("window"), ..) => "window",
        (_, true, true) => "wx",
        (_, _, true) => "code",
        _ if is_device => "device",
        (_, true, _) => "data",
        _ => "ro",
    }
}

/// A list of so many numbers.
pub(super) fn numbers<const COUNT: usize>(value: &Value) -> Result<[f64; COUNT]> {
    let list: Vec<f64> = value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    list.try_into().map_err(|_| anyhow::anyhow!("{value} are not {COUNT} numbers"))
}

/// Whether a colour is that one, up to `most` in each part.
fn is_near(pixel: [u8; 3], colour: [f64; 3], most: f64) -> bool {
    pixel.iter().zip(colour).all(|(part, expected)| (f64::from(*part) - expected).abs() <= most)
}

/// Whether nine places in a part of the picture have that colour.
fn filled(picture: &Pixels, part: [f64; 4], colour: [f64; 3]) -> Result<()> {
    let [left, top, width, height] = part;
    for (x, y) in [0.2, 0.5, 0.8].iter().flat_map(|x| [0.2, 0.5, 0.8].map(|y| (left + x * width, top + y * height))) {
        match picture.at(x, y) {
            Some(pixel) if is_near(pixel, colour, 3.0) => {}
            pixel => bail!("{pixel:?} at {x:.0}, {y:.0} of {width:.0} × {height:.0}, and not {colour:?}"),
        }
    }
    Ok(())
}

/// How bright a colour is, as the guidelines for contrast reckon it.
pub(super) fn luminance(colour: [u8; 3]) -> f64 {
    let part = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(colour[0]) + 0.7152 * part(colour[1]) + 0.0722 * part(colour[2])
}
