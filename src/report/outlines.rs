//! Lines of text as shapes: what is drawn for a signature, after the report is rendered, needs no font in the file then.

use std::fmt::Write as _;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::ReportError;
use super::text::Printer;
use super::world;

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The text; characters that do not print are shown as such. What does not fit gets smaller, then is cut.
    pub text: String,
    /// Size in points.
    pub size: f32,
    /// How dark: 0 is black, 1 is white.
    pub grey: f32,
}

/// The lines, one below the other, as operators of PDF content within a box of this size in points.
///
/// # Errors
/// When the fonts that are compiled in cannot be used.
pub fn outlined(lines: &[Line], width: f32, height: f32) -> Result<Vec<u8>, ReportError> {
    const MARGIN: f32 = 6.0;
    const LEADING: f32 = 1.35;
    let fonts = world::fonts()?;
    let printer = Printer::new(fonts);
    let mut content = String::new();
    let mut top = height - MARGIN;
    for line in lines {
        let (text, size) = fitting(fonts, &printer.text(&line.text), line.size, width - 2.0 * MARGIN);
        let mut pen = Pen { content: &mut content, at: (MARGIN, top - size), scale: 1.0, last: (0.0, 0.0) };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(pen.content, "{} g", number(line.grey));
        for (face, glyph) in text.chars().filter_map(|character| glyph(fonts, character)) {
            pen.scale = size / f32::from(face.units_per_em());
            face.outline_glyph(glyph, &mut pen);
            pen.at.0 += advance(face, glyph, size);
        }
        let _ = writeln!(pen.content, "f");
        top -= size * LEADING;
    }
    Ok(content.into_bytes())
}

/// The text and the size in which it fits: smaller, but not too small to read; then without its end.
fn fitting(fonts: &world::Fonts, text: &str, size: f32, width: f32) -> (String, f32) {
    const SMALLEST: f32 = 0.7;
    let wide = |text: &str, size: f32| -> f32 {
        text.chars().filter_map(|one| glyph(fonts, one)).map(|(face, glyph)| advance(face, glyph, size)).sum()
    };
    let full = wide(text, size);
    if full <= width + 0.01 {
        return (text.to_owned(), size);
    }
    let size = size * (width / full).max(SMALLEST);
    let mut shown = text.to_owned();
    while wide(&shown, size) > width + 0.01 {
        if shown.ends_with('…') {
            shown.pop();
        }
        if shown.pop().is_none() {
            break;
        }
        shown.push('…');
    }
    (shown, size)
}

fn advance(face: &Face<'_>, glyph: GlyphId, size: f32) -> f32 {
    f32::from(face.glyph_hor_advance(glyph).unwrap_or_default()) * size / f32::from(face.units_per_em())
}

/// The glyph of a character, in the first of the faces for running text that has one.
fn glyph(fonts: &world::Fonts, character: char) -> Option<(&Face<'_>, GlyphId)> {
    fonts.running_text().find_map(|face| {
        let glyph = face.glyph_index(character).filter(|glyph| glyph.0 != 0)?;
        Some((face, glyph))
    })
}

/// Writes outlines where the text has come to.
struct Pen<'c> {
    content: &'c mut String,
    at: (f32, f32),
    scale: f32,
    last: (f32, f32),
}

impl Pen<'_> {
    fn point(&mut self, x: f32, y: f32) -> String {
        self.last = (x, y);
        self.place(x, y)
    }

    fn place(&self, x: f32, y: f32) -> String {
        format!("{} {}", number(self.at.0 + x * self.scale), number(self.at.1 + y * self.scale))
    }
}

impl OutlineBuilder for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let point = self.point(x, y);
        let _ = writeln!(self.content, "{point} m");
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let point = self.point(x, y);
        let _ = writeln!(self.content, "{point} l");
    }

    /// PDF has cubic curves only.
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (from_x, from_y) = self.last;
        let third = |from: f32, towards: f32| from + (towards - from) * 2.0 / 3.0;
        self.curve_to(third(from_x, x1), third(from_y, y1), third(x, x1), third(y, y1), x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (first, second) = (self.place(x1, y1), self.place(x2, y2));
        let point = self.point(x, y);
        let _ = writeln!(self.content, "{first} {second} {point} c");
    }

    fn close(&mut self) {
        let _ = writeln!(self.content, "h");
    }
}

/// A hundredth of a point is finer than anything that prints.
fn number(value: f32) -> String {
    let text = format!("{value:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line { text: text.into(), size: 9.0, grey: 0.1 }
    }

    #[test]
    fn text_becomes_shapes_within_the_box() {
        let lines = [line("Signed by CN=Ægir 你 \u{202e}(x) Tj"), line(&"W".repeat(500)), line("")];
        let content = String::from_utf8(outlined(&lines, 300.0, 60.0).unwrap()).unwrap();
        assert!(content.len() > 2000);
        for token in content.split_ascii_whitespace() {
            let is_number = token.parse::<f32>().is_ok_and(|number| (-3.0..=300.0).contains(&number));
            assert!(is_number || ["m", "l", "c", "h", "f", "g"].contains(&token), "{token}");
        }
    }
}
