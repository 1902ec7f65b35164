//! Whether a downloaded artifact is whole (AT-96). The rule belongs to the artifact, whatever form it came in: a binary
//! response, an entry of a JSON list, a stream.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::{Content, Error, Kind};

/// Number of bytes at either end of a PDF in which its marks must be.
const PDF_ENDS: usize = 1024;

/// Kind of an artifact.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Artifact {
    /// A PDF: `%PDF-` within its first 1,024 bytes and `%%EOF` within its last 1,024.
    Pdf,
    /// A video: an MP4 whose top-level boxes add up to its length and include `moov` and a filled `mdat`, or a WebM with a
    /// complete EBML header that says so and a cluster.
    Video,
    /// An audio file of a known format, with more than its header, and with the length that its header states.
    Audio,
}

/// Why an artifact is not whole. Its text contains no bytes of the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(&'static str);

impl Damage {
    /// Text that should be Base64 but cannot be decoded.
    pub const NOT_BASE64: Self = Self("it is not valid Base64");

    /// Bytes whose content coding is damaged or not supported (AT-90).
    pub const UNDECODED: Self = Self("its content coding is damaged or not supported");

    /// The reason as half a sentence, e.g. `it has no %%EOF within its last 1,024 bytes`.
    pub fn reason(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Damage {}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Self {
        Self::new(Kind::Integrity, format!("the file is damaged: {damage}"))
    }
}

impl Artifact {
    /// Checks an artifact in memory.
    ///
    /// # Errors
    /// If it is not whole.
    pub fn check(self, bytes: &[u8]) -> Result<(), Damage> {
        let mut check = ArtifactCheck::new(self);
        check.push(bytes);
        check.finish()
    }

    /// Checks a stream while it is read: if the artifact is not whole, the stream ends with [`Kind::Integrity`].
    pub fn checked(self, content: Content) -> Content {
        let check = Some(ArtifactCheck::new(self));
        Content::new(content.len(), Checked { content, check })
    }
}

/// Checks an artifact piece by piece. Keeps at most 2 KiB of it.
#[derive(Debug)]
pub struct ArtifactCheck {
    artifact: Artifact,
    length: u64,
    first: Vec<u8>,
    last: VecDeque<u8>,
    boxes: Boxes,
    /// Whether a WebM has a cluster so far.
    cluster: bool,
}

impl ArtifactCheck {
    /// Creates the check of an artifact.
    pub fn new(artifact: Artifact) -> Self {
        let (first, last) = (Vec::new(), VecDeque::new());
        Self { artifact, length: 0, first, last, boxes: Boxes::default(), cluster: false }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        let room = PDF_ENDS.saturating_sub(self.first.len()).min(bytes.len());
        self.first.extend_from_slice(bytes.get(..room).unwrap_or_default());
        match self.artifact {
            Artifact::Pdf => self.keep_last(bytes, PDF_ENDS),
            Artifact::Video | Artifact::Audio if self.first.starts_with(EBML) => {
                if !self.cluster {
                    // An id can begin in the piece before.
                    let begin = bytes.get(..bytes.len().min(CLUSTER.len() - 1)).unwrap_or_default();
                    let seam = [self.last.make_contiguous(), begin].concat();
                    self.cluster = has(&seam, CLUSTER) || has(bytes, CLUSTER);
                    self.keep_last(bytes, CLUSTER.len() - 1);
                }
            }
            Artifact::Video | Artifact::Audio => self.boxes.push(bytes),
        }
    }

    fn keep_last(&mut self, bytes: &[u8], count: usize) {
        self.last.extend(bytes.get(bytes.len().saturating_sub(count)..).unwrap_or_default());
        self.last.drain(..self.last.len().saturating_sub(count));
    }

    /// Returns the result at the end of the artifact.
    ///
    /// # Errors
    /// If the artifact is not whole.
    pub fn finish(mut self) -> Result<(), Damage> {
        if self.length == 0 {
            return Err(Damage("it is empty"));
        }
        match self.artifact {
            Artifact::Pdf if !has(&self.first, b"%PDF-") => {
                Err(Damage("it is not a PDF: it has no %PDF- within its first 1,024 bytes"))
            }
            Artifact::Pdf if !has(self.last.make_contiguous(), b"%%EOF") => {
                Err(Damage("it is not complete: it has no %%EOF within its last 1,024 bytes"))
            }
            Artifact::Pdf => Ok(()),
            Artifact::Video | Artifact::Audio if self.first.starts_with(EBML) => {
                let formats: &[&[u8]] =
                    if self.artifact == Artifact::Video { &[b"webm"] } else { &[b"webm", b"matroska"] };
                check_ebml(&self.first, self.length, formats)?;
                self.cluster.then_some(()).ok_or(Damage("it has no content: the WebM has no cluster"))
            }
            Artifact::Video => self.boxes.finish(),
            Artifact::Audio if self.first.get(4..8) == Some(b"ftyp") => self.boxes.finish(),
            Artifact::Audio => check_audio(&self.first, self.length),
        }
    }
}

fn has(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

/// First bytes of a WebM or Matroska file: the id of the EBML header (RFC 8794).
const EBML: &[u8] = &[0x1a, 0x45, 0xdf, 0xa3];

/// Id of the element in the EBML header that names the format.
const DOC_TYPE: &[u8] = &[0x42, 0x82];

/// Id of the element that contains everything after the EBML header (RFC 9559).
const SEGMENT: &[u8] = &[0x18, 0x53, 0x80, 0x67];

/// Id of the element that contains pictures and sound.
const CLUSTER: &[u8] = &[0x1f, 0x43, 0xb6, 0x75];

/// Checks the beginning of a WebM or Matroska file: the EBML header is complete, it names one of these formats, and the
/// segment after it, if its size is known, ends within the file.
fn check_ebml(first: &[u8], length: u64, formats: &[&[u8]]) -> Result<(), Damage> {
    const CUT: Damage = Damage("it is not complete: it has no complete EBML header");
    let (mut header, rest) = first.strip_prefix(EBML).and_then(read_element).ok_or(CUT)?;
    let mut format = None;
    while !header.is_empty() {
        let (id, after) = header.split_at_checked(id_length(header)).ok_or(CUT)?;
        let (content, next) = read_element(after).ok_or(CUT)?;
        if id == DOC_TYPE {
            format = Some(content);
        }
        header = next;
    }
    if !format.is_some_and(|format| formats.contains(&without_padding(format))) {
        return Err(Damage("it is neither a WebM nor an MP4: its EBML header names another format"));
    }
    let Some((Some(size), content)) = rest.strip_prefix(SEGMENT).and_then(read_size) else { return Ok(()) };
    let before = (first.len() - content.len()) as u64;
    match before.saturating_add(size) <= length {
        true => Ok(()),
        false => Err(Damage("it is not complete: the segment of the WebM is longer than the file")),
    }
}

/// A text without the zero bytes that can follow it.
fn without_padding(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Length in bytes of the id at this place: its first bits say it. An id begins with at most three zero bits.
fn id_length(bytes: &[u8]) -> usize {
    bytes.first().map_or(usize::MAX, |first| first.leading_zeros() as usize + 1)
}

/// The size of an element, `None` if it is unknown, and the bytes after it. `None` if the size is cut off or invalid.
fn read_size(bytes: &[u8]) -> Option<(Option<u64>, &[u8])> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let (digits, rest) = bytes.split_at_checked(length).filter(|_| length <= 8)?;
    let marked = digits.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    // The bit after the leading zeros is a mark. A size of ones is unknown.
    let number = marked & !(1 << (7 * length));
    Some(((number != (1 << (7 * length)) - 1).then_some(number), rest))
}

/// The content of an element, whose id was read, and the bytes after it.
fn read_element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (size, rest) = read_size(bytes)?;
    rest.split_at_checked(usize::try_from(size?).ok()?)
}

/// Whether a file starts like WAV, AIFF, MP3, AAC, Ogg, FLAC, AMR, CAF, AU or WMA.
fn is_audio(head: &[u8]) -> bool {
    const ASF: &[u8] = &[0x30, 0x26, 0xb2, 0x75];
    const PREFIXES: [&[u8]; 9] = [b"RF64", b"FORM", b"ID3", b"OggS", b"fLaC", b"#!AMR", b"caff", b".snd", ASF];
    // The frames of MP3 and AAC start with eleven or twelve set bits.
    let frame = matches!(head, [0xff, second, ..] if second & 0xe0 == 0xe0 && *second != 0xff);
    let wave = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WAVE");
    frame || wave || PREFIXES.iter().any(|prefix| head.starts_with(prefix))
}

/// Lengths of headers in bytes. A file that is not longer has no sound.
const HEADERS: [(&[u8], u64); 5] = [(b"RIFF", 44), (b"fLaC", 42), (b"OggS", 27), (b".snd", 24), (b"#!AMR", 6)];

/// Checks the beginning of an audio file other than WebM and MP4.
fn check_audio(head: &[u8], length: u64) -> Result<(), Damage> {
    if !is_audio(head) {
        return Err(Damage("it is not an audio file of a known format"));
    }
    if HEADERS.iter().any(|(prefix, header)| head.starts_with(prefix) && length <= *header) {
        return Err(Damage("it has no content: it is only the header of an audio file"));
    }
    match head {
        // 0xffff_ffff is an unknown length. Some programs count a last padding byte that they do not write.
        [b'R', b'I', b'F', b'F', size @ ..] | [b'F', b'O', b'R', b'M', size @ ..] => {
            let size = size.first_chunk().copied().unwrap_or_default();
            let size = if head.starts_with(b"RIFF") { u32::from_le_bytes(size) } else { u32::from_be_bytes(size) };
            match size == u32::MAX || u64::from(size) + 8 <= length + 1 {
                true => Ok(()),
                false => Err(Damage("it is not complete: its header states a greater length")),
            }
        }
        // The size of a tag has seven bits in each byte (ID3v2, 3.1). A footer is as long as the header.
        [b'I', b'D', b'3', _, _, flags, size @ ..] => {
            let size = size.first_chunk::<4>().copied().unwrap_or_default();
            let size = size.iter().fold(0, |size, byte| (size << 7) | u64::from(byte & 0x7f));
            let ends = if flags & 0x10 == 0 { 10 } else { 20 };
            match size + ends < length {
                true => Ok(()),
                false => Err(Damage("it has no content: it is only an ID3 tag")),
            }
        }
        [b'I', b'D', b'3', ..] => Err(Damage("it has no content: it is only an ID3 tag")),
        _ => Ok(()),
    }
}

/// Boxes with which an MP4 can begin.
const FIRST_BOXES: [&[u8]; 9] = [b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid"];

/// Walks the top-level boxes of an MP4 (ISO/IEC 14496-12, 4.2).
#[derive(Debug, Default)]
struct Boxes {
    /// Header of the current box so far.
    header: Vec<u8>,
    /// Rest of the current box in bytes.
    rest: u64,
    /// Whether the current box ends with the file.
    open: bool,
    first: bool,
    moov: bool,
    /// Whether a box `mdat` has content.
    media: bool,
    broken: bool,
}

impl Boxes {
    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.open && !self.broken {
            if self.rest > 0 {
                let skipped = usize::try_from(self.rest).unwrap_or(usize::MAX).min(bytes.len());
                self.rest -= skipped as u64;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            let needed = if self.is_long() { 16 } else { 8 };
            let taken = (needed - self.header.len().min(needed)).min(bytes.len());
            self.header.extend_from_slice(bytes.get(..taken).unwrap_or_default());
            bytes = bytes.get(taken..).unwrap_or_default();
            if self.header.len() == 16 || (self.header.len() == 8 && !self.is_long()) {
                self.begin();
            }
        }
    }

    /// Whether the size of the current box is in eight further bytes.
    fn is_long(&self) -> bool {
        self.header.get(..4) == Some(&[0, 0, 0, 1])
    }

    /// Starts the box of the complete header.
    fn begin(&mut self) {
        let number =
            |bytes: Option<&[u8]>| bytes.unwrap_or_default().iter().fold(0_u64, |n, b| (n << 8) | u64::from(*b));
        let header = self.header.len() as u64;
        let size = if header == 16 { number(self.header.get(8..)) } else { number(self.header.get(..4)) };
        let kind = self.header.get(4..8).unwrap_or_default().to_vec();
        self.moov |= kind == b"moov";
        self.media |= kind == b"mdat" && (size == 0 || size > header);
        self.broken |= !kind.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ' || *byte == 0xa9);
        self.broken |= !std::mem::replace(&mut self.first, true) && !FIRST_BOXES.contains(&kind.as_slice());
        match size {
            0 => self.open = true,
            size if size < header => self.broken = true,
            size => self.rest = size - header,
        }
        self.header.clear();
    }

    fn finish(&self) -> Result<(), Damage> {
        match self {
            Self { broken: true, .. } | Self { first: false, .. } => {
                Err(Damage("it is neither an MP4 nor a WebM: its first bytes are of another format"))
            }
            Self { header, rest, .. } if !header.is_empty() || *rest > 0 => {
                Err(Damage("it is not complete: the boxes of the MP4 are longer than the file"))
            }
            Self { moov: false, .. } => Err(Damage("it is not complete: the MP4 has no box moov")),
            Self { media: false, .. } => Err(Damage("it has no content: the MP4 has no filled box mdat")),
            _ => Ok(()),
        }
    }
}

/// A stream that fails at its end if the artifact is not whole.
struct Checked {
    content: Content,
    check: Option<ArtifactCheck>,
}

impl Body for Checked {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let next = ready!(Pin::new(&mut self.content).poll_frame(cx));
        match &next {
            Some(Ok(frame)) => {
                if let (Some(bytes), Some(check)) = (frame.data_ref(), &mut self.check) {
                    check.push(bytes);
                }
            }
            // The error of the stream says more.
            Some(Err(_)) => self.check = None,
            None => {
                if let Some(Err(damage)) = self.check.take().map(ArtifactCheck::finish) {
                    return Poll::Ready(Some(Err(damage.into())));
                }
            }
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box of an MP4 with this content.
    fn mp4_box(kind: &[u8; 4], content: usize) -> Vec<u8> {
        let size = u32::try_from(content + 8).unwrap().to_be_bytes();
        [&size[..], kind, &vec![7; content]].concat()
    }

    fn mp4() -> Vec<u8> {
        [mp4_box(b"ftyp", 12), mp4_box(b"mdat", 5000), mp4_box(b"moov", 100)].concat()
    }

    /// An EBML header of this format, and a segment of this size.
    fn ebml(format: &[u8], segment: u64) -> Vec<u8> {
        let doc_type = [DOC_TYPE, &[0x80 | u8::try_from(format.len()).unwrap()], format].concat();
        let version = [0x42, 0x86, 0x81, 1];
        let size = u64::try_from(version.len() + doc_type.len()).unwrap() | (1 << 56);
        let segment = (segment | (1 << 56)).to_be_bytes();
        [EBML, &size.to_be_bytes(), &version, &doc_type, SEGMENT, &segment, CLUSTER, &[7; 36]].concat()
    }

    fn pdf(before: usize, after: usize) -> Vec<u8> {
        [vec![b' '; before], b"%PDF-1.7 x %%EOF".to_vec(), vec![b' '; after]].concat()
    }

    #[test]
    fn at_96_whole_and_damaged_artifacts_of_each_kind() {
        use Artifact::{Audio, Pdf, Video};
        let long = [&[0, 0, 0, 1][..], b"mdat", &24_u64.to_be_bytes(), &[7; 8]].concat();
        let open = [&[0, 0, 0, 0][..], b"mdat", &[7; 99]].concat();
        let webm = ebml(b"webm", 40);
        let header = webm.len() - 40 - SEGMENT.len() - 8;
        let without_cluster = [&webm[..header], SEGMENT, &[0x84, 7, 7, 7, 7]].concat();
        let cut = mp4()[..5019].to_vec();
        let wav =
            |size: u32, length: usize| [b"RIFF", &size.to_le_bytes()[..], b"WAVE", &vec![7; length - 12]].concat();
        let aiff =
            |size: u32, length: usize| [b"FORM", &size.to_be_bytes()[..], b"AIFF", &vec![7; length - 12]].concat();
        let id3 = |flags: u8, length: usize| [b"ID3\x04\0", &[flags, 0, 0, 1, 2][..], &vec![7; length - 10]].concat();
        let rows: Vec<(Artifact, Vec<u8>, &str)> = vec![
            (Pdf, pdf(0, 0), ""),
            (Pdf, pdf(1019, 1019), ""),
            (Pdf, pdf(1020, 0), "no %PDF-"),
            (Pdf, pdf(0, 1020), "no %%EOF"),
            (Pdf, b"%PDF-1.7 cut off".to_vec(), "no %%EOF"),
            (Pdf, b"<html>an error page</html>".to_vec(), "no %PDF-"),
            (Pdf, Vec::new(), "empty"),
            (Video, mp4(), ""),
            (Video, [mp4_box(b"ftyp", 0), long, mp4_box(b"moov", 0)].concat(), ""),
            (Video, [mp4_box(b"moov", 4), open].concat(), ""),
            (Video, webm.clone(), ""),
            (Video, ebml(b"webm\0\0", (1 << 56) - 1), ""),
            (Video, webm[..header].to_vec(), "no cluster"),
            (Video, without_cluster.clone(), "no cluster"),
            (Audio, without_cluster, "no cluster"),
            (Video, webm[..header - 1].to_vec(), "no complete EBML header"),
            (Video, EBML.to_vec(), "no complete EBML header"),
            (Video, [EBML, b"rest"].concat(), "no complete EBML header"),
            (Video, [EBML, &[0x80]].concat(), "another format"),
            (Video, ebml(b"webm", 41), "segment of the WebM is longer"),
            (Video, ebml(b"matroska", 40), "another format"),
            (Audio, EBML.to_vec(), "no complete EBML header"),
            (Audio, ebml(b"matroska", 40), ""),
            (Video, cut, "longer than the file"),
            (Video, [mp4(), vec![0, 0]].concat(), "longer than the file"),
            (Video, [mp4_box(b"ftyp", 12), mp4_box(b"mdat", 9)].concat(), "no box moov"),
            (Video, [mp4_box(b"ftyp", 12), mp4_box(b"moov", 9)].concat(), "no filled box mdat"),
            (Video, [mp4_box(b"ftyp", 12), mp4_box(b"mdat", 0), mp4_box(b"moov", 9)].concat(), "no filled box mdat"),
            (Video, b"<html>an error page</html>".to_vec(), "another format"),
            (Video, b"{}".to_vec(), "another format"),
            (Video, Vec::new(), "empty"),
            (Audio, vec![0xff, 0xfb, 0x90, 0], ""),
            (Audio, wav(92, 100), ""),
            (Audio, wav(93, 100), ""),
            (Audio, wav(94, 100), "greater length"),
            (Audio, wav(u32::MAX, 100), ""),
            (Audio, wav(36, 44), "only the header"),
            (Audio, [b"RIFF", &92_u32.to_le_bytes()[..], b"WEBP", &[7; 88]].concat(), "known format"),
            (Audio, aiff(92, 100), ""),
            (Audio, aiff(94, 100), "greater length"),
            (Audio, id3(0, 141), ""),
            (Audio, id3(0, 140), "only an ID3 tag"),
            (Audio, id3(0x10, 150), "only an ID3 tag"),
            (Audio, id3(0x10, 151), ""),
            (Audio, b"ID3".to_vec(), "only an ID3 tag"),
            (Audio, b"#!AMR\n".to_vec(), "only the header"),
            (Audio, [&b"#!AMR\n"[..], &[7; 9]].concat(), ""),
            (Audio, [&b"OggS"[..], &[7; 23]].concat(), "only the header"),
            (Audio, [&b"fLaC"[..], &[7; 38]].concat(), "only the header"),
            (Audio, [&b".snd"[..], &[7; 20]].concat(), "only the header"),
            (Audio, mp4()[..5019].to_vec(), "longer than the file"),
            (Audio, [mp4_box(b"ftyp", 12), mp4_box(b"moov", 9)].concat(), "no filled box mdat"),
            (Audio, webm, ""),
            (Audio, mp4(), ""),
            (Audio, b"hello".to_vec(), "known format"),
            (Audio, vec![0xff, 0xff], "known format"),
            (Audio, Vec::new(), "empty"),
        ];
        for (artifact, bytes, reason) in rows {
            for size in [1, 7, 1000, bytes.len().max(1)] {
                let mut check = ArtifactCheck::new(artifact);
                bytes.chunks(size).for_each(|piece| check.push(piece));
                let checked = check.finish();
                let shown = checked.map_err(|damage| damage.reason()).err().unwrap_or_default();
                assert_eq!(checked.err().map_or(String::new(), |damage| damage.to_string()), shown);
                assert_eq!(shown.is_empty(), reason.is_empty(), "{artifact:?} {shown} {reason}");
                assert!(shown.contains(reason), "{artifact:?} {shown} {reason}");
            }
        }
    }

    #[tokio::test]
    async fn at_96_a_checked_stream_fails_at_the_end() {
        let stream = |bytes: Vec<u8>| Artifact::Pdf.checked(Content::from_bytes(bytes)).collect(u64::MAX);
        assert_eq!(stream(pdf(0, 0)).await.unwrap(), pdf(0, 0));
        let error = stream(b"%PDF-1.7 cut off".to_vec()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Integrity);
        let short = Content::new(Some(99), Content::from_bytes(pdf(0, 0)));
        let error = Artifact::Pdf.checked(short).collect(u64::MAX).await.unwrap_err();
        assert!(error.to_string().contains("16 of 99 bytes"), "the stream's own error: {error}");
    }
}
