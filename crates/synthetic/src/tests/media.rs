//! Videos and sound, read by the tools that people have.

use super::super::video::test_picture;
use super::super::{placeholder_video, recording, voice};
use super::tools::{output, run};

const ORDER: &str = "9992ABCDEF0123";

#[test]
fn a_video_is_the_same_for_an_order_and_another_for_every_other() {
    assert_eq!(recording(ORDER).unwrap(), recording(ORDER).unwrap());
    assert_ne!(recording(ORDER).unwrap(), recording("9992ABCDEF0124").unwrap());
    assert_eq!(voice(ORDER), voice(ORDER));
    assert_ne!(voice(ORDER), voice("9992ABCDEF0124"));
}

#[test]
fn at_38_the_placeholder_is_no_recording() {
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
        let told = "--Inform=Video;%Format% %Format_Profile% %Width%x%Height% %Duration% %FrameCount%";
        if let Some(told) = run("mediainfo", &[told], &video, &[]) {
            assert_eq!(told.trim(), "AVC Baseline@L2 320x240 5000 1");
        }
        let told = "--Inform=General;%Format% %IsStreamable% %FileSize%";
        if let Some(told) = run("mediainfo", &[told], &video, &[]) {
            assert_eq!(told.trim(), format!("MPEG-4 Yes {}", video.len()));
        }
    }
}

#[test]
fn a_decoder_shows_the_picture_without_loss() {
    let decode = ["-hide_banner", "-v", "error", "-xerror", "-i"];
    let raw = ["-f", "rawvideo", "-pix_fmt", "yuvj420p", "-"];
    let Some(shown) = output("ffmpeg", &decode, &recording(ORDER).unwrap(), &raw) else { return };
    let drawn = test_picture(ORDER);
    assert!(shown == [drawn.luma, drawn.blue, drawn.red].concat(), "{} bytes of picture", shown.len());
}

/// The loudest of these samples of 16 bits.
fn peak(samples: &[u8]) -> u16 {
    samples.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs()).max().unwrap_or(0)
}

#[test]
fn at_40_the_sound_begins_with_a_frame_and_can_be_heard() {
    let sound = voice(ORDER);
    assert!(base64_simd::STANDARD.encode_to_string(&sound).starts_with("//uQ"), "as the document's example, put right");
    // 115 frames of 1152 samples, of 2 bytes each.
    const DECODED: usize = 115 * 1152 * 2;
    if let Some(samples) = output("mpg123", &["--quiet", "--stdout"], &sound, &[]) {
        assert_eq!(samples.len(), DECODED);
        assert!((1_000..16_000).contains(&peak(&samples)), "{}", peak(&samples));
    }
    let told = "--Inform=Audio;%Format% %Format_Version% %Format_Profile% %BitRate% %SamplingRate% %Channel(s)%";
    if let Some(told) = run("mediainfo", &[told], &sound, &[]) {
        assert_eq!(told.trim(), "MPEG Audio Version 1 Layer 3 128000 44100 1");
    }
    if let Some(told) = run("mediainfo", &["--Inform=General;%Track%|%Performer%|%Comment%"], &sound, &[]) {
        assert_eq!(told.trim(), format!("{ORDER}|SANDBOX|nobody-is-heard"));
    }
    let decode = ["-hide_banner", "-v", "error", "-xerror", "-i"];
    if let Some(samples) = output("ffmpeg", &decode, &sound, &["-f", "s16le", "-"]) {
        assert!((1_000..16_000).contains(&peak(&samples)), "{}", peak(&samples));
    }
}
