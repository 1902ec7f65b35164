//! A picture in the form that video encoders take, with letters on it.

use font8x8::UnicodeFonts as _;

/// Width in pixels, a multiple of 16.
pub(crate) const WIDTH: usize = 320;
/// Height in pixels, a multiple of 16.
pub(crate) const HEIGHT: usize = 240;
/// Width and height of a letter of size 1.
pub(crate) const LETTER: usize = 8;

/// A colour as brightness and two differences, each over the full range of a byte.
pub(crate) type Tint = [u8; 3];

pub(crate) const BLACK: Tint = [16, 128, 128];
pub(crate) const GREY: Tint = [110, 128, 128];
pub(crate) const WHITE: Tint = [235, 128, 128];

/// The colours of a test picture, from the left.
pub(crate) const BARS: [Tint; 8] =
    [WHITE, [210, 16, 146], [170, 166, 16], [145, 54, 34], [106, 202, 222], [81, 90, 240], [41, 240, 110], BLACK];

/// Pixels, with one colour for each four of them (4:2:0).
pub(crate) struct Picture {
    pub(crate) luma: Vec<u8>,
    pub(crate) blue: Vec<u8>,
    pub(crate) red: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    pub(crate) fn of(tint: Tint) -> Self {
        let [luma, blue, red] = tint;
        let (pixels, colours) = (WIDTH * HEIGHT, WIDTH * HEIGHT / 4);
        Self { luma: vec![luma; pixels], blue: vec![blue; colours], red: vec![red; colours] }
    }

    fn set(&mut self, x: usize, y: usize, tint: Tint) {
        if x >= WIDTH || y >= HEIGHT {
            return;
        }
        let colour = y / 2 * (WIDTH / 2) + x / 2;
        let places = [self.luma.get_mut(y * WIDTH + x), self.blue.get_mut(colour), self.red.get_mut(colour)];
        for (place, value) in places.into_iter().zip(tint) {
            if let Some(place) = place {
                *place = value;
            }
        }
    }

    /// Fills a rectangle given by its upper left corner and its size; what is outside the picture is left out.
    pub(crate) fn fill(&mut self, at: (usize, usize), size: (usize, usize), tint: Tint) {
        for y in at.1..at.1 + size.1 {
            for x in at.0..at.0 + size.0 {
                self.set(x, y, tint);
            }
        }
    }

    /// Writes a line in the middle, its letters `scale` times 8 pixels wide and high. Letters that the font lacks stay
    /// blank, and what does not fit is left out.
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
