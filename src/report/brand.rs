//! Whose report it is, to the eye: a logo on the cover, and a colour for headings and links.

use chrono::DateTime;

use super::ReportError;
use super::layout::{forget, lay_out};
use super::template::Template;
use super::world::ReportWorld;

/// The largest logo, in bytes.
const LARGEST_LOGO: usize = 2 << 20;
/// The least contrast of text to white paper (WCAG 2.1, success criterion 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

/// A logo and a colour of the organization's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The picture's bytes, and what it is.
    pub logo: Option<(LogoFormat, Vec<u8>)>,
    /// `#rrggbb`.
    pub accent: Option<String>,
}

/// What a logo may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// Scalable Vector Graphics.
    Svg,
}

impl LogoFormat {
    /// By the end of a file's name.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "svg" => Some(Self::Svg),
            _ => None,
        }
    }

    /// Under which name the template finds it.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Png => "logo.png",
            Self::Jpeg => "logo.jpg",
            Self::Svg => "logo.svg",
        }
    }
}

impl Brand {
    /// Checks that a report can be made with it and read.
    pub(super) fn check(&self) -> Result<(), ReportError> {
        self.check_logo()?;
        let Some(accent) = &self.accent else { return Ok(()) };
        let luminance = luminance(accent)
            .ok_or_else(|| ReportError::Brand(format!("{accent:?} is no colour: write \"#1d4368\"")))?;
        let contrast = 1.05 / (luminance + 0.05);
        if contrast < LEAST_CONTRAST {
            return Err(ReportError::Brand(format!(
                "text in {accent} is too light to be read on white (contrast {contrast:.1}, at least {LEAST_CONTRAST} is needed): take a darker one"
            )));
        }
        Ok(())
    }

    /// Lays out nothing but the logo: what is wrong with it is told before anything else is done.
    fn check_logo(&self) -> Result<(), ReportError> {
        let Some((format, bytes)) = &self.logo else { return Ok(()) };
        if bytes.len() > LARGEST_LOGO {
            return Err(ReportError::Brand(format!("the logo has more than {LARGEST_LOGO} bytes")));
        }
        let main = format!("#image({:?}, width: 1cm)", format.file());
        let files = vec![("main.typ", main.into_bytes()), (format.file(), bytes.clone())];
        let world = ReportWorld::new(files, Template::default(), DateTime::UNIX_EPOCH)?;
        let laid_out = lay_out(&world).map(drop);
        forget();
        laid_out.map_err(|errors| {
            let reasons: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
            ReportError::Brand(format!("the logo cannot be read ({})", reasons.join("; ")))
        })
    }
}

/// Relative luminance (WCAG 2.1) of `#rrggbb`.
fn luminance(colour: &str) -> Option<f64> {
    let digits = colour
        .strip_prefix('#')
        .filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?) / 255.0;
        Some(if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) })
    };
    Some(0.2126 * channel(0)? + 0.7152 * channel(2)? + 0.0722 * channel(4)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(accent: &str) -> Option<String> {
        let brand = Brand { accent: Some(accent.into()), ..Brand::default() };
        brand.check().err().map(|error| error.to_string())
    }

    #[test]
    fn a_colour_must_be_one_that_can_be_read() {
        assert_eq!(problem("#1d4368"), None);
        assert_eq!(problem("#767676"), None);
        assert!(problem("#777777").unwrap().contains("contrast 4.5"), "{:?}", problem("#777777"));
        assert!(problem("#ffff00").unwrap().contains("too light"));
        for wrong in ["1d4368", "#1d436", "#1d436g", "#+d4368", "blue", ""] {
            assert!(problem(wrong).unwrap().contains("is no colour"), "{wrong}");
        }
    }

    #[test]
    fn a_logo_is_what_its_name_says() {
        assert_eq!(LogoFormat::of_name("a.b.PNG"), Some(LogoFormat::Png));
        assert_eq!(LogoFormat::of_name("logo.webp"), None);
        let logo = Some((LogoFormat::Svg, vec![0; LARGEST_LOGO + 1]));
        assert!(Brand { logo, accent: None }.check().is_err());
    }
}
