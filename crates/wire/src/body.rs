//! Request bodies made of sized parts, so that a large document is uploaded without a copy in memory.
//!
//! Invariants: the length of a body is known before it is sent; a body can be read again from the start for another
//! attempt; a source that yields another length than declared fails the request.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Seek};
use std::path::PathBuf;
use std::sync::Arc;

use base64_simd::AsOut;
use bytes::{Bytes, BytesMut};

/// Source bytes per chunk: a multiple of 3, so that Base64 chunks join without padding.
const CHUNK: usize = 48 * 1024;

/// Bytes of known length that can be read more than once.
pub trait Source: Send + Sync + fmt::Debug {
    /// Number of bytes that [`open`](Self::open) yields.
    fn len(&self) -> u64;

    /// Whether the length is 0.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether reading never blocks on a disk, so that it can run on an async thread.
    fn in_memory(&self) -> bool;

    /// Opens a reader at the start.
    ///
    /// # Errors
    /// If the source cannot be opened.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;

    /// Opens a reader at byte `from`. By default it reads and discards the bytes before.
    ///
    /// # Errors
    /// If the source cannot be opened or read.
    fn open_at(&self, from: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut reader = self.open()?;
        io::copy(&mut reader.by_ref().take(from), &mut io::sink())?;
        Ok(reader)
    }

    /// The bytes, if they are one buffer in memory, which is then sent without a copy.
    fn bytes(&self) -> Option<Bytes> {
        None
    }
}

/// Bytes in memory, shared and not copied.
#[derive(Clone)]
pub struct MemorySource(pub Bytes);

debug_as!(MemorySource, |source| "MemorySource({} bytes)", source.0.len());

impl Source for MemorySource {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn in_memory(&self) -> bool {
        true
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        self.open_at(0)
    }

    fn open_at(&self, from: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut reader = io::Cursor::new(self.0.clone());
        reader.set_position(from);
        Ok(Box::new(reader))
    }

    fn bytes(&self) -> Option<Bytes> {
        Some(self.0.clone())
    }
}

/// A file on disk, opened again for each attempt.
pub struct FileSource {
    path: PathBuf,
    len: u64,
}

impl FileSource {
    /// Records the present length of the file. If it changes before the file is sent, the request fails.
    ///
    /// # Errors
    /// If the file does not exist or its metadata cannot be read.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let len = std::fs::metadata(&path)?.len();
        Ok(Self { path, len })
    }
}

// A file name can contain personal data.
debug_as!(FileSource, |file| "FileSource({} bytes)", file.len);

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn in_memory(&self) -> bool {
        false
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(std::fs::File::open(&self.path)?))
    }

    fn open_at(&self, from: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut file = std::fs::File::open(&self.path)?;
        file.seek(io::SeekFrom::Start(from))?;
        Ok(Box::new(file))
    }
}

/// A part of a body.
#[derive(Clone)]
pub enum Part {
    /// Bytes.
    Bytes(Bytes),
    /// A source, written as Base64 with padding.
    Base64(Arc<dyn Source>),
    /// A source, written unchanged.
    Raw(Arc<dyn Source>),
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Base64(source) => source.len().div_ceil(3) * 4,
            Self::Raw(source) => source.len(),
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bytes(_) => "Bytes",
            Self::Base64(_) => "Base64",
            Self::Raw(_) => "Raw",
        };
        write!(f, "{name}({} bytes)", self.len())
    }
}

/// A request body of known length that can be read again from the start.
#[derive(Clone, Debug, Default)]
pub struct Body {
    parts: Parts,
}

/// The parts in order, shared by clones. A single part, the usual case, needs no allocation.
#[derive(Clone, Default)]
enum Parts {
    #[default]
    None,
    One(Part),
    Many(Arc<[Part]>),
}

impl Parts {
    fn as_slice(&self) -> &[Part] {
        match self {
            Self::None => &[],
            Self::One(part) => std::slice::from_ref(part),
            Self::Many(parts) => parts,
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

impl Body {
    /// Creates a body without bytes.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Creates a body from parts, in order.
    pub fn from_parts(mut parts: Vec<Part>) -> Self {
        let parts = match parts.len() {
            0 | 1 => parts.pop().map_or(Parts::None, Parts::One),
            _ => Parts::Many(parts.into()),
        };
        Self { parts }
    }

    /// The exact length in bytes.
    pub fn len(&self) -> u64 {
        self.parts.as_slice().iter().map(Part::len).sum()
    }

    /// Whether the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether reading never blocks on a disk.
    pub fn in_memory(&self) -> bool {
        self.parts.as_slice().iter().all(|part| match part {
            Part::Bytes(_) => true,
            Part::Base64(source) | Part::Raw(source) => source.in_memory(),
        })
    }

    /// Opens every source once and closes it again. Can block on a disk.
    ///
    /// # Errors
    /// If a source cannot be opened.
    pub fn openable(&self) -> io::Result<()> {
        self.parts.as_slice().iter().try_for_each(|part| match part {
            Part::Bytes(_) => Ok(()),
            Part::Base64(source) | Part::Raw(source) => source.open().map(drop),
        })
    }

    /// The bytes, if the body is a single buffer or empty.
    pub fn as_bytes(&self) -> Option<Bytes> {
        match self.parts.as_slice() {
            [] => Some(Bytes::new()),
            [Part::Bytes(bytes)] => Some(bytes.clone()),
            _ => None,
        }
    }

    /// Reads the body in chunks of at most 64 KiB from the start. A buffer that is sent unchanged is one chunk.
    pub fn read(&self) -> BodyReader {
        BodyReader { parts: self.parts.clone(), at: 0, current: None, spare: Blocks::default() }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { parts: Parts::One(Part::Bytes(bytes)) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

enum Current {
    /// The rest of a buffer that is sent as Base64.
    Bytes(Bytes),
    Reader {
        reader: Box<dyn Read + Send>,
        left: u64,
        base64: bool,
        /// Bytes of the present chunk before encoding, reused for each chunk.
        block: Vec<u8>,
    },
}

/// Iterator over the chunks of a [`Body`]. It can block on a disk: see [`Body::in_memory`].
pub struct BodyReader {
    parts: Parts,
    at: usize,
    current: Option<Current>,
    spare: Blocks,
}

/// Returned Base64 blocks, reused when no longer referenced: allocating a chunk costs more than encoding it.
#[derive(Default)]
struct Blocks(VecDeque<Bytes>);

impl Blocks {
    const MAX: usize = 24;

    fn encode(&mut self, bytes: &[u8]) -> Bytes {
        let len = bytes.len().div_ceil(3) * 4;
        // The block that was returned first is released first.
        let oldest = self.0.pop_front().map(Bytes::try_into_mut);
        let mut block = match oldest {
            Some(Ok(block)) if block.len() >= len => block,
            Some(Err(held)) => {
                self.0.push_front(held);
                BytesMut::zeroed(len)
            }
            _ => BytesMut::zeroed(len),
        };
        block.truncate(len);
        let _ = base64_simd::STANDARD.encode(bytes, block.as_out());
        let block = block.freeze();
        if self.0.len() < Self::MAX {
            self.0.push_back(block.clone());
        }
        block
    }
}

debug_as!(BodyReader, |_reader| "BodyReader");

impl BodyReader {
    /// Starts a source. Returns the bytes of one in memory that is sent unchanged.
    fn start(&mut self, source: &Arc<dyn Source>, base64: bool) -> io::Result<Option<Bytes>> {
        self.current = Some(match source.bytes() {
            Some(bytes) if bytes.len() as u64 != source.len() => return Err(length_changed("longer or shorter")),
            Some(bytes) if !base64 => return Ok(Some(bytes)),
            Some(bytes) => Current::Bytes(bytes),
            None => Current::Reader { reader: source.open()?, left: source.len(), base64, block: Vec::new() },
        });
        Ok(None)
    }

    /// The next chunk, `None` at the end of the source.
    fn chunk(current: &mut Current, spare: &mut Blocks) -> io::Result<Option<Bytes>> {
        match current {
            Current::Bytes(bytes) if bytes.is_empty() => Ok(None),
            Current::Bytes(bytes) => Ok(Some(spare.encode(&bytes.split_to(bytes.len().min(CHUNK))))),
            Current::Reader { reader, left: 0, .. } => match reader.read(&mut [0])? {
                0 => Ok(None),
                _ => Err(length_changed("longer")),
            },
            Current::Reader { reader, left, base64, block } => {
                block.resize(usize::try_from(*left).map_or(CHUNK, |left| left.min(CHUNK)), 0);
                reader.read_exact(block).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => length_changed("shorter"),
                    kind => io::Error::new(kind, "a file could not be read while it was being sent"),
                })?;
                *left -= block.len() as u64;
                Ok(Some(if *base64 { spare.encode(block) } else { std::mem::take(block).into() }))
            }
        }
    }
}

fn length_changed(how: &str) -> io::Error {
    let kind = if how == "shorter" { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
    io::Error::new(kind, format!("a file became {how} while it was being sent"))
}

impl Iterator for BodyReader {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(mut current) = self.current.take() {
                match Self::chunk(&mut current, &mut self.spare).transpose() {
                    Some(Ok(chunk)) => {
                        self.current = Some(current);
                        return Some(Ok(chunk));
                    }
                    None => {}
                    failed => return failed,
                }
            }
            let part = self.parts.as_slice().get(self.at)?.clone();
            self.at += 1;
            let started = match part {
                Part::Bytes(bytes) => Ok(Some(bytes)),
                Part::Base64(source) => self.start(&source, true),
                Part::Raw(source) => self.start(&source, false),
            };
            match started.transpose() {
                Some(Ok(bytes)) if bytes.is_empty() => {}
                None => {}
                chunk => return chunk,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(body: &Body) -> io::Result<Vec<u8>> {
        body.read().collect::<io::Result<Vec<_>>>().map(|chunks| chunks.concat())
    }

    /// A source that is read like a file. Its declared length can be wrong.
    #[derive(Debug)]
    struct Declared(u64, Bytes);

    impl Source for Declared {
        fn len(&self) -> u64 {
            self.0
        }
        fn in_memory(&self) -> bool {
            false
        }
        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(io::Cursor::new(self.1.clone())))
        }
    }

    proptest! {
        #[test]
        fn a_body_has_its_declared_length_and_reads_the_same_twice(size in 0_usize..200_000, text in ".{0,20}") {
            let pdf = Bytes::from((0..size).map(|at| (at % 251) as u8).collect::<Vec<_>>());
            let body = Body::from_parts(vec![
                Part::Bytes(Bytes::from(text.clone())),
                Part::Base64(Arc::new(MemorySource(pdf.clone()))),
                Part::Raw(Arc::new(MemorySource(pdf.clone()))),
                Part::Base64(Arc::new(Declared(size as u64, pdf.clone()))),
                Part::Raw(Arc::new(Declared(size as u64, pdf.clone()))),
            ]);
            let sent = all(&body).unwrap();
            prop_assert_eq!(sent.len() as u64, body.len());
            let mut expected = text.into_bytes();
            for _ in 0..2 {
                expected.extend(base64_simd::STANDARD.encode_to_string(&pdf).into_bytes());
                expected.extend_from_slice(&pdf);
            }
            prop_assert!(sent == expected);
            prop_assert!(all(&body).unwrap() == sent);
        }
    }

    #[test]
    fn a_body_knows_whether_it_is_empty_one_buffer_or_in_memory() {
        let (memory, file) = (MemorySource("ab".into()), Declared(2, "ab".into()));
        assert!(memory.in_memory());
        for (body, bytes, in_memory) in [
            (Body::empty(), Some(""), true),
            (Body::from_parts(vec![Part::Bytes("ab".into())]), Some("ab"), true),
            (Body::from_parts(vec![Part::Bytes("a".into()), Part::Bytes("b".into())]), None, true),
            (Body::from_parts(vec![Part::Raw(Arc::new(memory))]), None, true),
            (Body::from_parts(vec![Part::Bytes("a".into()), Part::Raw(Arc::new(file))]), None, false),
        ] {
            assert_eq!(body.as_bytes(), bytes.map(Bytes::from), "{body:?}");
            assert_eq!((body.is_empty(), body.in_memory()), (bytes == Some(""), in_memory), "{body:?}");
        }
    }

    #[test]
    fn a_returned_block_is_reused_only_if_it_is_large_enough() {
        let source = |text: &'static str| Part::Base64(Arc::new(MemorySource(text.into())));
        let body = Body::from_parts(vec![source("a"), source("a longer text"), source("short")]);
        // Each chunk is dropped before the next one is read.
        let sent: String =
            body.read().map(|chunk| String::from_utf8_lossy(&chunk.unwrap()).into_owned() + " ").collect();
        assert_eq!(sent, "YQ== YSBsb25nZXIgdGV4dA== c2hvcnQ= ");
    }

    #[test]
    fn a_source_opens_at_any_position() {
        let path = std::env::temp_dir().join(format!("identkit-source-{}", std::process::id()));
        std::fs::write(&path, "0123456789").unwrap();
        let sources: [Box<dyn Source>; 3] = [
            Box::new(MemorySource("0123456789".into())),
            Box::new(Declared(10, "0123456789".into())),
            Box::new(FileSource::new(&path).unwrap()),
        ];
        for source in sources {
            for (from, expected) in [(0, "0123456789"), (7, "789"), (10, ""), (11, "")] {
                let mut read = String::new();
                source.open_at(from).unwrap().read_to_string(&mut read).unwrap();
                assert_eq!(read, expected, "{source:?} from {from}");
            }
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_source_with_another_length_fails() {
        for (declared, actual) in [(10, 9), (10, 11), (0, 1)] {
            let body = Body::from_parts(vec![Part::Raw(Arc::new(Declared(declared, vec![7; actual].into())))]);
            assert!(all(&body).is_err(), "declared {declared}, actual {actual}");
        }
    }
}
