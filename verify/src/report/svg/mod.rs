//! Pictures for documents: each stands by itself, and the page shows the same where it has no scripts and on paper.
//!
//! The crate `svg` escapes text, but no quotation marks in attributes: what a document says goes into text only.

mod physical;
mod space;

pub use physical::physical;
pub use space::space;

use svg::Document;
use svg::node::element::{Group, Line, Rectangle, Style, Text};

use super::model::shown;
use super::palette;

/// Left edge and width of the strip that is to scale.
const STRIP: (f64, f64) = (16.0, 18.0);
/// First pixel below the title.
const TOP: f64 = 76.0;

/// How text looks and lines are drawn, in a file by itself.
const STYLE: &str = "text{font:12px ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1c1e21}\
.mono{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:11px}\
.title{font-size:17px;font-weight:600}.name{font-weight:600}.dim{fill:#60646c}.in{fill:#101214}\
.frame{fill:none;stroke:#8a8f98}.lead{stroke:#b4b8c0;stroke-width:.8}.gap{stroke:#8a8f98;stroke-dasharray:2 3}\
.guard,.free{stroke:#8a8f98;stroke-dasharray:3 2}.paper{fill:#fff}";

/// A picture with its size, not yet a file.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What is drawn.
    content: Group,
    width: f64,
    height: f64,
    /// What it shows, for those who do not see it.
    title: String,
}

impl Picture {
    /// As a file that needs nothing else.
    #[must_use]
    pub fn file(self) -> String {
        let style = Style::new(format!("{STYLE}{}", palette::plain()));
        let paper = rectangle(0.0, 0.0, self.width, self.height).set("class", "paper");
        format!("{}\n", self.document().add(style).add(paper).add(self.content))
    }

    /// As a part of a page, which has the style.
    #[must_use]
    pub fn inline(self) -> String {
        // Each end of a line would be a node. What a document says has none: it is shown as escapes.
        self.document().add(self.content).to_string().replace('\n', "")
    }

    fn document(&self) -> Document {
        let title = svg::node::element::Title::new(shown(&self.title));
        Document::new()
            .set("viewBox", (0, 0, self.width, self.height))
            .set("width", self.width)
            .set("height", self.height)
            .set("role", "img")
            .add(title)
    }
}

fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Rectangle {
    // A hundredth of a pixel is enough, and shorter.
    let round = |number: f64| (number * 100.0).round() / 100.0;
    Rectangle::new().set("x", round(x)).set("y", round(y)).set("width", round(width)).set("height", round(height))
}

fn text(x: f64, y: f64, class: &str, content: &str) -> Text {
    let mut text = Text::new(shown(content)).set("x", x).set("y", y);
    if !class.is_empty() {
        text = text.set("class", class);
    }
    text
}

fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Line {
    let round = |number: f64| (number * 100.0).round() / 100.0;
    Line::new()
        .set("class", class)
        .set("x1", round(from.0))
        .set("y1", round(from.1))
        .set("x2", round(to.0))
        .set("y2", round(to.1))
}

/// What colours mean.
fn legend(y: f64) -> Group {
    let mut group = Group::new();
    let mut x = STRIP.0;
    for class in palette::Class::ALL {
        group = group.add(rectangle(x, y - 10.0, 12.0, 12.0).set("class", class.name()));
        group = group.add(text(x + 17.0, y, "dim", class.meaning()));
        x += 36.0 + 6.6 * class.meaning().len() as f64;
    }
    group
}

/// A name that fits into `width` pixels.
fn fitting(name: &str, width: f64) -> String {
    let most = (width / 7.0) as usize;
    let name = shown(name);
    if name.chars().count() <= most {
        return name;
    }
    let short: String = name.chars().take(most.saturating_sub(1)).collect();
    format!("{short}…")
}
