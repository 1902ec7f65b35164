//! The colors of the style sheet: contrast by WCAG 2.2, level AA.

use std::collections::BTreeMap;

/// Relative luminance of a color (WCAG 2.2).
fn luminance(color: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn m_15_colors_have_enough_contrast() {
    let style = include_str!("../../../assets/person.css");
    let themes: Vec<BTreeMap<&str, &str>> = style
        .split(":root {")
        .skip(1)
        .map(|block| {
            let lines = block.split('}').next().unwrap().lines();
            lines.filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": ")).collect()
        })
        .collect();
    assert_eq!(themes.len(), 2, "light and dark");
    for colors in themes {
        for (text, ground, least) in [
            ("text", "page", 4.5),
            ("text", "panel", 4.5),
            ("muted", "page", 4.5),
            ("muted", "panel", 4.5),
            ("accent", "page", 4.5),
            ("on-accent", "accent", 4.5),
            ("on-banner", "banner", 4.5),
            ("alert", "panel", 4.5),
            // Borders of fields and buttons.
            ("line", "page", 3.0),
        ] {
            let ratio = contrast(colors[text], colors[ground]);
            assert!(ratio >= least, "{text} on {ground}: {ratio:.2}");
        }
    }
}
