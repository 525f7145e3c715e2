//! The size and the colours in which a page is seen.

use std::fmt;

/// The size of a page in CSS pixels, and whether its user prefers dark colours.
///
/// Its text, such as `320x800-dark`, fits in the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    width: u32,
    height: u32,
    is_dark: bool,
}

impl View {
    /// 1280 × 900 pixels, light.
    pub const WIDE: Self = Self::new(1280, 900);
    /// 320 × 800 pixels, light: the width that pages have at a zoom of 400 %, which WCAG 1.4.10 requires.
    pub const NARROW: Self = Self::new(320, 800);
    /// Wide and narrow, light and dark.
    pub const ALL: [Self; 4] = [
        Self::WIDE,
        Self::WIDE.dark(),
        Self::NARROW,
        Self::NARROW.dark(),
    ];

    /// A light view of this size.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            is_dark: false,
        }
    }

    /// The same size, dark.
    #[must_use]
    pub const fn dark(mut self) -> Self {
        self.is_dark = true;
        self
    }

    /// Its width in CSS pixels.
    #[must_use]
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Its height in CSS pixels.
    #[must_use]
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Whether its user prefers dark colours.
    #[must_use]
    pub const fn is_dark(self) -> bool {
        self.is_dark
    }

    /// As `prefers-color-scheme` has it: `light` or `dark`.
    #[must_use]
    pub const fn color_scheme(self) -> &'static str {
        if self.is_dark { "dark" } else { "light" }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.color_scheme();
        write!(f, "{}x{}-{scheme}", self.width, self.height)
    }
}
