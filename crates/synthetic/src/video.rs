//! The recording of a video identification, and the placeholder that the vendor sends until the recording is ready.
//!
//! H.264 in MP4: one lossless picture for some seconds. Only one, because the encoder gives all pictures the same
//! number, which H.264 forbids for consecutive pictures.

use std::num::NonZeroU32;

use less_avc::LessEncoder;
use less_avc::ycbcr_image::{DataPlane, Planes, YCbCrImage};
use shiguredo_mp4::boxes::{Avc1Box, AvccBox, SampleEntry, VisualSampleEntryFields};
use shiguredo_mp4::mux::{Mp4FileMuxer, Mp4FileMuxerOptions, Sample};
use shiguredo_mp4::{TrackKind, Uint};

use super::error::Error;
use super::picture::{BARS, BLACK, GRAY, HEIGHT, Picture, WHITE, WIDTH};

/// Duration of a video in seconds.
const SECONDS: u32 = 5;

/// H.264 level 2.0, the lowest level for this picture size. The encoder always writes 1.0.
const LEVEL: u8 = 20;

/// Space reserved for the `moov` box before the picture, because players need it first.
const MOOV_SIZE: usize = 2048;

/// Returns the recording of an order as MP4: a labeled test picture with the order id, which determines the bytes.
///
/// # Errors
/// [`Error::Encoding`] if the encoder fails.
pub fn recording(order_id: &str) -> Result<Vec<u8>, Error> {
    file(&test_picture(order_id)).ok_or(Error::Encoding)
}

pub(crate) fn test_picture(order_id: &str) -> Picture {
    let mut picture = Picture::new(BLACK);
    let width = WIDTH / BARS.len();
    for (index, tint) in BARS.into_iter().enumerate() {
        picture.fill((index * width, 0), (width, HEIGHT * 5 / 12), tint);
    }
    picture.line(HEIGHT / 2, 5, WHITE, "SANDBOX");
    picture.line(HEIGHT * 3 / 4, 1, WHITE, "synthetic recording without a person");
    picture.line(HEIGHT * 5 / 6, 2, WHITE, order_id);
    picture
}

/// Returns the placeholder for a recording that is not ready (AT-38), as MP4. It is the same for every order, so its
/// digest can be compared.
///
/// # Errors
/// [`Error::Encoding`] if the encoder fails.
pub fn placeholder_video() -> Result<Vec<u8>, Error> {
    let mut picture = Picture::new(GRAY);
    picture.line(HEIGHT / 4, 5, WHITE, "SANDBOX");
    picture.line(HEIGHT / 2, 3, WHITE, "PLACEHOLDER");
    picture.line(HEIGHT * 3 / 4, 1, WHITE, "this is not the recording");
    file(&picture).ok_or(Error::Encoding)
}

fn plane(data: &[u8], stride: usize) -> DataPlane<'_> {
    DataPlane { data, stride, bit_depth: less_avc::BitDepth::Depth8 }
}

fn file(picture: &Picture) -> Option<Vec<u8>> {
    let planes = (plane(&picture.luma, WIDTH), plane(&picture.blue, WIDTH / 2), plane(&picture.red, WIDTH / 2));
    let image = YCbCrImage {
        planes: Planes::YCbCr(planes),
        width: u32::try_from(WIDTH).ok()?,
        height: u32::try_from(HEIGHT).ok()?,
    };
    let (units, _) = LessEncoder::new(&image).ok()?;
    let mut sps = units.sps.to_nal_unit();
    *sps.get_mut(3)? = LEVEL;
    let &[_, profile, compatibility, level, ..] = sps.as_slice() else { return None };

    let visual = VisualSampleEntryFields {
        data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
        width: u16::try_from(WIDTH).ok()?,
        height: u16::try_from(HEIGHT).ok()?,
        horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
        vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
        frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
        compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
        depth: VisualSampleEntryFields::DEFAULT_DEPTH,
    };
    let avcc_box = AvccBox {
        avc_profile_indication: profile,
        profile_compatibility: compatibility,
        avc_level_indication: level,
        length_size_minus_one: Uint::new(3),
        sps_list: vec![sps],
        pps_list: vec![units.pps.to_nal_unit()],
        chroma_format: None,
        bit_depth_luma_minus8: None,
        bit_depth_chroma_minus8: None,
        sps_ext_list: Vec::new(),
    };

    let frame = units.frame.to_nal_unit();
    let mut data = u32::try_from(frame.len()).ok()?.to_be_bytes().to_vec();
    data.extend(frame);

    let options = Mp4FileMuxerOptions { reserved_moov_box_size: MOOV_SIZE, ..Mp4FileMuxerOptions::default() };
    let mut muxer = Mp4FileMuxer::with_options(options).ok()?;
    let mut file = muxer.initial_boxes_bytes().to_vec();
    let sample = Sample {
        track_kind: TrackKind::Video,
        sample_entry: Some(SampleEntry::Avc1(Avc1Box { visual, avcc_box, unknown_boxes: Vec::new() })),
        keyframe: true,
        timescale: NonZeroU32::MIN,
        duration: SECONDS,
        composition_time_offset: None,
        data_offset: u64::try_from(file.len()).ok()?,
        data_size: data.len(),
    };
    muxer.append_sample(&sample).ok()?;
    file.extend(data);
    for (offset, bytes) in muxer.finalize().ok()?.offset_and_bytes_pairs() {
        let from = usize::try_from(offset).ok()?;
        let until = from.checked_add(bytes.len())?;
        if file.len() < until {
            file.resize(until, 0);
        }
        file.get_mut(from..until)?.copy_from_slice(bytes);
    }
    Some(file)
}
