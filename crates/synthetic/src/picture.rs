//! A picture in the YCbCr form of video encoders, with text.

use font8x8::UnicodeFonts as _;

/// Width in pixels, a multiple of 16.
pub(crate) const WIDTH: usize = 320;
/// Height in pixels, a multiple of 16.
pub(crate) const HEIGHT: usize = 240;
/// Width and height of a letter of size 1.
pub(crate) const LETTER: usize = 8;

/// A color as luma and two color differences, each in the full range of a byte.
pub(crate) type Tint = [u8; 3];

pub(crate) const BLACK: Tint = [16, 128, 128];
pub(crate) const GRAY: Tint = [110, 128, 128];
pub(crate) const WHITE: Tint = [235, 128, 128];

/// The colors of a test picture, from left to right.
pub(crate) const BARS: [Tint; 8] =
    [WHITE, [210, 16, 146], [170, 166, 16], [145, 54, 34], [106, 202, 222], [81, 90, 240], [41, 240, 110], BLACK];

/// Pixels with one color per 2x2 pixels (4:2:0).
pub(crate) struct Picture {
    pub(crate) luma: Vec<u8>,
    pub(crate) blue: Vec<u8>,
    pub(crate) red: Vec<u8>,
}

impl Picture {
    /// Creates a picture of one color.
    pub(crate) fn new(tint: Tint) -> Self {
        let [luma, blue, red] = tint;
        let (pixels, colors) = (WIDTH * HEIGHT, WIDTH * HEIGHT / 4);
        Self { luma: vec![luma; pixels], blue: vec![blue; colors], red: vec![red; colors] }
    }

    fn set(&mut self, x: usize, y: usize, tint: Tint) {
        if x >= WIDTH || y >= HEIGHT {
            return;
        }
        let color = y / 2 * (WIDTH / 2) + x / 2;
        let places = [self.luma.get_mut(y * WIDTH + x), self.blue.get_mut(color), self.red.get_mut(color)];
        for (place, value) in places.into_iter().zip(tint) {
            if let Some(place) = place {
                *place = value;
            }
        }
    }

    /// Fills a rectangle, given by its upper left corner and its size. Pixels outside the picture are ignored.
    pub(crate) fn fill(&mut self, at: (usize, usize), size: (usize, usize), tint: Tint) {
        for y in at.1..at.1 + size.1 {
            for x in at.0..at.0 + size.0 {
                self.set(x, y, tint);
            }
        }
    }

    /// Writes a centered line with letters of `scale` times 8 pixels. Letters that the font lacks stay blank. Text that
    /// does not fit is cut off.
    pub(crate) fn line(&mut self, y: usize, scale: usize, tint: Tint, text: &str) {
        let fitting = WIDTH / (LETTER * scale);
        let letters: Vec<char> = text.chars().take(fitting).collect();
        let left = (WIDTH - letters.len() * LETTER * scale) / 2;
        for (column, letter) in letters.into_iter().enumerate() {
            let rows = font8x8::BASIC_FONTS.get(letter).unwrap_or_default();
            for (row, bits) in rows.into_iter().enumerate() {
                for bit in (0..LETTER).filter(|bit| bits >> bit & 1 == 1) {
                    let x = left + (column * LETTER + bit) * scale;
                    self.fill((x, y + row * scale), (scale, scale), tint);
                }
            }
        }
    }
}
