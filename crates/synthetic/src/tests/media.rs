//! Videos and sound, checked with external tools.

use super::super::video::test_picture;
use super::super::{placeholder_video, recording, voice, webm_placeholder, webm_recording};
use super::tools::{output, run};

const ORDER: &str = "9992ABCDEF0123";

#[test]
fn order_id_determines_video_and_sound() {
    assert_eq!(recording(ORDER).unwrap(), recording(ORDER).unwrap());
    assert_ne!(recording(ORDER).unwrap(), recording("9992ABCDEF0124").unwrap());
    assert_eq!(voice(ORDER), voice(ORDER));
    assert_ne!(voice(ORDER), voice("9992ABCDEF0124"));
}

#[test]
fn at_38_placeholder_is_not_a_recording() {
    let placeholder = placeholder_video().unwrap();
    assert_eq!(placeholder, placeholder_video().unwrap());
    for id in [ORDER, ""] {
        assert_ne!(placeholder, recording(id).unwrap());
    }
}

#[test]
fn any_order_id_can_be_drawn() {
    for id in ["", "äöü\u{0}", &"Wx9".repeat(1000)] {
        assert_eq!(&recording(id).unwrap()[4..8], b"ftyp");
        assert_eq!(voice(id).len(), voice(ORDER).len());
    }
}

#[test]
fn videos_are_mp4_and_h_264() {
    for video in [recording(ORDER).unwrap(), placeholder_video().unwrap()] {
        let inform = "--Inform=Video;%Format% %Format_Profile% %Width%x%Height% %Duration% %FrameCount%";
        if let Some(info) = run("mediainfo", &[inform], &video, &[]) {
            assert_eq!(info.trim(), "AVC Baseline@L2 320x240 5000 1");
        }
        let inform = "--Inform=General;%Format% %IsStreamable% %FileSize%";
        if let Some(info) = run("mediainfo", &[inform], &video, &[]) {
            assert_eq!(info.trim(), format!("MPEG-4 Yes {}", video.len()));
        }
    }
}

#[test]
fn decoded_picture_is_lossless() {
    let decode = ["-hide_banner", "-v", "error", "-xerror", "-i"];
    let raw = ["-f", "rawvideo", "-pix_fmt", "yuvj420p", "-"];
    let Some(shown) = output("ffmpeg", &decode, &recording(ORDER).unwrap(), &raw) else { return };
    let drawn = test_picture(ORDER);
    assert!(shown == [drawn.luma, drawn.blue, drawn.red].concat(), "{} bytes of picture", shown.len());
}

/// Returns the peak of 16-bit samples.
fn peak(samples: &[u8]) -> u16 {
    samples.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs()).max().unwrap_or(0)
}

#[test]
fn at_40_sound_begins_with_a_frame_and_is_audible() {
    let sound = voice(ORDER);
    assert!(
        base64_simd::STANDARD.encode_to_string(&sound).starts_with("//uQ"),
        "as in the corrected example of the document"
    );
    // 115 frames of 1152 samples, of 2 bytes each.
    const DECODED: usize = 115 * 1152 * 2;
    if let Some(samples) = output("mpg123", &["--quiet", "--stdout"], &sound, &[]) {
        assert_eq!(samples.len(), DECODED);
        assert!((1_000..16_000).contains(&peak(&samples)), "{}", peak(&samples));
    }
    let inform = "--Inform=Audio;%Format% %Format_Version% %Format_Profile% %BitRate% %SamplingRate% %Channel(s)%";
    if let Some(info) = run("mediainfo", &[inform], &sound, &[]) {
        assert_eq!(info.trim(), "MPEG Audio Version 1 Layer 3 128000 44100 1");
    }
    if let Some(info) = run("mediainfo", &["--Inform=General;%Track%|%Performer%|%Comment%"], &sound, &[]) {
        assert_eq!(info.trim(), format!("{ORDER}|SANDBOX|nobody-is-heard"));
    }
    let decode = ["-hide_banner", "-v", "error", "-xerror", "-i"];
    if let Some(samples) = output("ffmpeg", &decode, &sound, &["-f", "s16le", "-"]) {
        assert!((1_000..16_000).contains(&peak(&samples)), "{}", peak(&samples));
    }
}

#[test]
fn m_17_webm_videos_are_vp8_and_differ() {
    let (recorded, placeholder) = (webm_recording(ORDER), webm_placeholder());
    assert_eq!(recorded, webm_recording(ORDER));
    assert_ne!(recorded, webm_recording("9992ABCDEF0124"));
    assert_ne!(recorded, placeholder);
    for video in [&recorded, &placeholder] {
        assert_eq!(video[..4], [0x1a, 0x45, 0xdf, 0xa3], "an EBML header");
        let inform = "--Inform=General;%Format% %Duration% %FileSize%";
        if let Some(info) = run("mediainfo", &[inform], video, &[]) {
            assert_eq!(info.trim(), format!("WebM 5000 {}", video.len()));
        }
        let decode = ["-hide_banner", "-v", "error", "-xerror", "-i"];
        let raw = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"];
        if let Some(shown) = output("ffmpeg", &decode, video, &raw) {
            assert_eq!(shown.len(), 5 * 320 * 240 * 3 / 2, "five pictures");
        }
    }
}
