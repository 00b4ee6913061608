//! What a colour says: one list for the page, in light and dark, and for SVG files.

use std::fmt::Write as _;

use crate::evidence::{Region, RegionKind};
use crate::rights::Rights;

/// How a region, or an interval of physical memory, is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Writable and executable.
    WriteExecute,
    /// Executable.
    Code,
    /// Memory with side effects.
    Device,
    /// Writable.
    Data,
    /// Readable.
    ReadOnly,
    /// Mapped at run time.
    Window,
    /// Never mapped.
    Guard,
    /// Nobody reaches it.
    Free,
}

impl Class {
    /// All, the most dangerous first.
    pub const ALL: [Self; 8] = [
        Self::WriteExecute,
        Self::Code,
        Self::Data,
        Self::ReadOnly,
        Self::Device,
        Self::Window,
        Self::Guard,
        Self::Free,
    ];

    /// Of a region.
    #[must_use]
    pub fn of(region: &Region) -> Self {
        match region.kind {
            RegionKind::Guard => Self::Guard,
            RegionKind::Window => Self::Window,
            _ => Self::granted(region.privileged.or(region.user), region.memory.as_deref()),
        }
    }

    /// Of memory with such rights.
    #[must_use]
    pub fn granted(rights: Rights, memory: Option<&str>) -> Self {
        let is_device = memory.is_some_and(|memory| memory.starts_with("device"));
        match (rights.has(Rights::W), rights.has(Rights::X)) {
            (true, true) => Self::WriteExecute,
            (_, true) => Self::Code,
            _ if rights.is_empty() => Self::Free,
            _ if is_device => Self::Device,
            (true, _) => Self::Data,
            _ => Self::ReadOnly,
        }
    }

    /// Its name in style sheets.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WriteExecute => "wx",
            Self::Code => "code",
            Self::Device => "device",
            Self::Data => "data",
            Self::ReadOnly => "ro",
            Self::Window => "window",
            Self::Guard => "guard",
            Self::Free => "free",
        }
    }

    /// What it means.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::WriteExecute => "writable and executable",
            Self::Code => "executable",
            Self::Device => "device",
            Self::Data => "writable",
            Self::ReadOnly => "read-only",
            Self::Window => "window, mapped at run time",
            Self::Guard => "guard, never mapped",
            Self::Free => "nobody reaches it",
        }
    }

    /// Its colour on white.
    #[must_use]
    pub const fn light(self) -> &'static str {
        match self {
            Self::WriteExecute => "#c8102e",
            Self::Code => "#e8a33d",
            Self::Device => "#b58bd0",
            Self::Data => "#5b9bd5",
            Self::ReadOnly => "#6dbd9f",
            Self::Window => "#d5e6f5",
            Self::Guard => "#d4d4d4",
            Self::Free => "#f0f0ee",
        }
    }

    /// Its colour on black.
    #[must_use]
    pub const fn dark(self) -> &'static str {
        match self {
            Self::WriteExecute => "#ff5c6c",
            Self::Code => "#d08f2e",
            Self::Device => "#9a70b8",
            Self::Data => "#3f7fbd",
            Self::ReadOnly => "#46977a",
            Self::Window => "#28425a",
            Self::Guard => "#4a4a4a",
            Self::Free => "#26282c",
        }
    }
}

/// The colours as properties of a page.
#[must_use]
pub fn properties() -> String {
    let mut css = String::from(":root{");
    for class in Class::ALL {
        // Writing into a String does not fail.
        let _ = write!(css, "--{}:light-dark({},{});", class.name(), class.light(), class.dark());
    }
    css.push('}');
    for class in Class::ALL {
        let name = class.name();
        let _ = write!(css, ".{name}{{--own:var(--{name})}}rect.{name}{{fill:var(--{name})}}");
    }
    css
}

/// The same for an SVG file by itself, without properties: many programs that print it know none.
#[must_use]
pub fn plain() -> String {
    let mut css = String::new();
    for class in Class::ALL {
        let _ = write!(css, "rect.{}{{fill:{}}}", class.name(), class.light());
    }
    css
}
