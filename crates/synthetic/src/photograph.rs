//! The images in results: PNG files of a labeled drawing.

use super::error::Error;
use super::picture::{BLACK, GRAY, HEIGHT, LETTER, Picture, WHITE, WIDTH};

/// Draws the image of this name.
fn drawing(order_id: &str, name: &str) -> Picture {
    let mut picture = Picture::new(GRAY);
    picture.fill((2 * LETTER, 2 * LETTER), (WIDTH - 4 * LETTER, HEIGHT - 4 * LETTER), BLACK);
    picture.line(HEIGHT / 4, 4, WHITE, "SANDBOX");
    picture.line(HEIGHT / 2, 2, WHITE, name);
    picture.line(HEIGHT * 5 / 8, 1, WHITE, "a drawing, not a document");
    picture.line(HEIGHT * 3 / 4, 2, WHITE, order_id);
    picture
}

/// Returns an image of the person or the ID document, as PNG. Order id and name determine the bytes.
///
/// # Errors
/// [`Error::Encoding`] if the encoder fails.
pub fn photograph(order_id: &str, name: &str) -> Result<Vec<u8>, Error> {
    encode(&drawing(order_id, name)).map_err(|_| Error::Encoding)
}

/// Encodes the brightness as 8-bit grayscale PNG.
fn encode(picture: &Picture) -> Result<Vec<u8>, png::EncodingError> {
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
    fn png_shows_the_drawing_of_the_order_and_name() {
        let front = photograph("9992ABCDEF0123", "front").unwrap();
        assert_eq!(front, photograph("9992ABCDEF0123", "front").unwrap());
        assert_ne!(front, photograph("9992ABCDEF0123", "back").unwrap());
        assert_ne!(front, photograph("9992ABCDEF0124", "front").unwrap());
        let mut reader = png::Decoder::new(std::io::Cursor::new(&front)).read_info().unwrap();
        let mut shown = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut shown).unwrap();
        assert_eq!((info.width, info.height), (320, 240));
        assert_eq!(shown, drawing("9992ABCDEF0123", "front").luma);
    }
}
