//! Images as results hold them: PNG, a drawing that says what it is.

use super::error::Error;
use super::picture::{BLACK, GREY, HEIGHT, LETTER, Picture, WHITE, WIDTH};

/// What stands on an image of this name: an example's drawing, never anybody's photograph.
fn drawn(order_id: &str, name: &str) -> Picture {
    let mut picture = Picture::of(GREY);
    picture.fill((2 * LETTER, 2 * LETTER), (WIDTH - 4 * LETTER, HEIGHT - 4 * LETTER), BLACK);
    picture.line(HEIGHT / 4, 4, WHITE, "SANDBOX");
    picture.line(HEIGHT / 2, 2, WHITE, name);
    picture.line(HEIGHT * 5 / 8, 1, WHITE, "a drawing: there is no such document");
    picture.line(HEIGHT * 3 / 4, 2, WHITE, order_id);
    picture
}

/// An image in the data of an order: the same for the same order and name.
///
/// # Errors
/// [`Error::Unmade`] when it cannot be encoded.
pub fn photograph(order_id: &str, name: &str) -> Result<Vec<u8>, Error> {
    encoded(&drawn(order_id, name)).map_err(|_| Error::Unmade)
}

/// The brightness alone, 8 bits of grey.
fn encoded(picture: &Picture) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or_default();
    let mut encoder = png::Encoder::new(&mut bytes, side(WIDTH), side(HEIGHT));
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.luma)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_png_that_shows_the_drawing_and_differs_by_order_and_name() {
        let front = photograph("9992ABCDEF0123", "front").unwrap();
        assert_eq!(front, photograph("9992ABCDEF0123", "front").unwrap());
        assert_ne!(front, photograph("9992ABCDEF0123", "back").unwrap());
        assert_ne!(front, photograph("9992ABCDEF0124", "front").unwrap());
        let mut reader = png::Decoder::new(std::io::Cursor::new(&front)).read_info().unwrap();
        let mut shown = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut shown).unwrap();
        assert_eq!((info.width, info.height), (320, 240));
        assert_eq!(shown, drawn("9992ABCDEF0123", "front").luma);
    }
}
