//! The recording of a phone identification.
//!
//! MP3 (MPEG-1 layer III), written without an encoder: all frames are equal and contain a tone of one spectral line,
//! which takes nine bits of Huffman code.

/// Size of a frame in bytes: 144 x 128 kbit/s / 44.1 kHz, rounded down, without padding.
const FRAME: usize = 417;

/// Number of frames of 1152 samples: about three seconds.
const FRAMES: usize = 115;

/// MPEG-1 layer III without checksum, 128 kbit/s, 44.1 kHz, mono, original.
const HEADER: [u8; 4] = [0xff, 0xfb, 0x90, 0xc4];

/// Volume: the spectral line is multiplied by 2 to the power of a quarter of this.
const GAIN: u64 = 198;

/// A bit stream, most significant bit first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(&mut self, value: u64, width: usize) {
        for bit in (0..width).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let set = u8::try_from(value >> bit & 1).unwrap_or_default();
            if let Some(last) = self.bytes.last_mut() {
                *last |= set << (7 - self.used % 8);
            }
            self.used += 1;
        }
    }
}

/// Returns one frame: header, side information, and the spectrum twice.
fn frame() -> Vec<u8> {
    // Six pairs of lines in code table 1. Only the last line, about 440 Hz, is not zero: five times "1", then "001" and
    // the sign.
    const SPECTRUM: (u64, usize) = (0b1_1111_0010, 9);
    let mut bits = Bits::default();
    bits.put(u64::from(u32::from_be_bytes(HEADER)), 32);
    // Begin of the main data, private bits, nothing shared between the two granules.
    bits.put(0, 9 + 5 + 4);
    for _ in 0..2 {
        for (value, width) in [
            (9, 12), // bits of this granule
            (6, 9),  // pairs of lines
            (GAIN, 8),
            (0, 4), // no bits for scale factors
            (0, 1), // a normal block
            (1, 5), // code table of the first region
            (0, 5), // code tables of the others, which are empty
            (0, 5),
            (7, 4), // the first region ends after line 36
            (0, 3), // the second region is empty
            (0, 1),
            (0, 1),
            (0, 1),
        ] {
            bits.put(value, width);
        }
    }
    for _ in 0..2 {
        bits.put(SPECTRUM.0, SPECTRUM.1);
    }
    let mut frame = bits.bytes;
    frame.resize(FRAME, 0);
    frame
}

/// Returns the recording of an order as MP3: a tone, and an ID3v1 tag with the order id, which determines the bytes.
pub fn voice(order_id: &str) -> Vec<u8> {
    let mut file = frame().repeat(FRAMES);
    // The tag is at the end, because the document's example begins with a frame (AT-40).
    let mut tag = |text: &str, width: usize| {
        let letters = text.bytes().filter(u8::is_ascii_graphic).chain(std::iter::repeat(0));
        file.extend(letters.take(width));
    };
    tag("TAG", 3);
    tag(order_id, 30);
    tag("SANDBOX", 30);
    tag("synthetic", 30);
    tag("", 4);
    tag("nobody-is-heard", 30);
    file.push(12); // "Other"
    file
}
