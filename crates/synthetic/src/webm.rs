//! The videos as WebM: a still VP8 picture for some seconds, in a Matroska container (RFC 9559).
//!
//! The pictures were encoded once, because no VP8 encoder is written in Rust. They are 320 x 240 pixels large and say
//! what they are.

/// The picture of a recording, one VP8 key frame.
const RECORDING: &[u8] = include_bytes!("../assets/recording.vp8");

/// The picture of the placeholder, one VP8 key frame.
const PLACEHOLDER: &[u8] = include_bytes!("../assets/placeholder.vp8");

/// Duration of a video in seconds. There is one picture per second.
const SECONDS: u8 = 5;

/// Returns the recording of an order as WebM: a labeled picture. The order id is the title of the file.
pub fn webm_recording(order_id: &str) -> Vec<u8> {
    file(RECORDING, &format!("synthetic recording of {order_id}, without a person"))
}

/// Returns the placeholder for a recording that is not ready (AT-38), as WebM. It is the same for every order.
pub fn webm_placeholder() -> Vec<u8> {
    file(PLACEHOLDER, "placeholder, not the recording")
}

fn file(picture: &[u8], title: &str) -> Vec<u8> {
    let header = [
        unsigned(&[0x42, 0x86], 1),      // EBMLVersion
        unsigned(&[0x42, 0xf7], 1),      // EBMLReadVersion
        unsigned(&[0x42, 0xf2], 4),      // EBMLMaxIDLength
        unsigned(&[0x42, 0xf3], 8),      // EBMLMaxSizeLength
        element(&[0x42, 0x82], b"webm"), // DocType
        unsigned(&[0x42, 0x87], 2),      // DocTypeVersion
        unsigned(&[0x42, 0x85], 2),      // DocTypeReadVersion
    ];
    let info = [
        unsigned(&[0x2a, 0xd7, 0xb1], 1_000_000), // TimestampScale: milliseconds
        element(&[0x44, 0x89], &(f64::from(SECONDS) * 1_000.0).to_be_bytes()), // Duration
        element(&[0x7b, 0xa9], title.as_bytes()), // Title
        element(&[0x4d, 0x80], b"identkit sandbox"), // MuxingApp
        element(&[0x57, 0x41], b"identkit sandbox"), // WritingApp
    ];
    let picture_size = [unsigned(&[0xb0], 320), unsigned(&[0xba], 240)]; // PixelWidth, PixelHeight
    let track = [
        unsigned(&[0xd7], 1),                         // TrackNumber
        unsigned(&[0x73, 0xc5], 1),                   // TrackUID
        unsigned(&[0x83], 1),                         // TrackType: video
        unsigned(&[0x23, 0xe3, 0x83], 1_000_000_000), // DefaultDuration: one second
        element(&[0x86], b"V_VP8"),                   // CodecID
        element(&[0xe0], &picture_size.concat()),     // Video
    ];
    let pictures = (0..SECONDS).map(|second| {
        // Track 1, milliseconds since the start of the cluster, key frame.
        let time = (i16::from(second) * 1_000).to_be_bytes();
        element(&[0xa3], &[&[0x81], &time[..], &[0x80], picture].concat()) // SimpleBlock
    });
    let cluster = [unsigned(&[0xe7], 0)].into_iter().chain(pictures); // Timestamp
    let segment = [
        element(&[0x15, 0x49, 0xa9, 0x66], &info.concat()), // Info
        element(&[0x16, 0x54, 0xae, 0x6b], &element(&[0xae], &track.concat())), // Tracks, TrackEntry
        element(&[0x1f, 0x43, 0xb6, 0x75], &cluster.collect::<Vec<_>>().concat()), // Cluster
    ];
    [
        element(&[0x1a, 0x45, 0xdf, 0xa3], &header.concat()),  // EBML
        element(&[0x18, 0x53, 0x80, 0x67], &segment.concat()), // Segment
    ]
    .concat()
}

/// Returns an element with this id (RFC 8794, section 5). Its size has eight bytes.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u64 | 1 << 56).to_be_bytes();
    [id, &size, content].concat()
}

fn unsigned(id: &[u8], number: u32) -> Vec<u8> {
    element(id, &number.to_be_bytes())
}
