//! The report: the assessment as a PDF for people, tagged and archivable (PDF/A-3a, PDF/UA-1).
//!
//! Assessment → view (plain data, in the order in which it is read) → safe text → Typst template → PDF.
//! Values reach the template as data and never as markup, and equal inputs give equal bytes.

mod access_csv;
mod annex;
mod brand;
mod edition;
mod layout;
mod outlines;
mod template;
mod text;
mod view;
mod world;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde_json::Value;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Datetime, Smart};
use typst::{World, WorldExt};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

pub use access_csv::{CsvError, access_csv};
pub use brand::{Brand, LogoFormat};
pub use edition::Edition;
pub use outlines::{Line, outlined};
pub use template::Template;

use crate::canonical;
use crate::model::{Assessment, Comparison, Corroboration};
use layout::{forget, lay_out};
use text::Printer;
use view::View;
use world::ReportWorld;

/// What the report says that is not in the assessment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportOptions {
    /// Name of the organization that is assessed, as the cover shows it.
    pub organization: String,
    /// What CloudTrail's log files say of the bundle's requests, where somebody asked them.
    pub corroboration: Option<Corroboration>,
    /// What changed since the bundle before, where one was named.
    pub comparison: Option<Comparison>,
    /// The roles in which the report is to be signed; each gets a box.
    pub roles: Vec<String>,
    /// Which edition, by its id; the whole report where none is named.
    pub edition: Option<String>,
    /// The organization's logo and colour.
    pub brand: Brand,
    /// What it is laid out by.
    pub template: Template,
    /// The most lines of evidence that the report lists before they go to annexes, which it carries; without a word on that, 5,000.
    pub most_lines_of_evidence: Option<usize>,
    /// Marks every page as a demonstration with recorded data.
    pub demonstration: bool,
}

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A template or font that is compiled in is missing or broken.
    #[error(
        "the embedded report file {path} cannot be used; the program was built from a damaged source tree"
    )]
    Embedded {
        /// Path below `report-templates/`, or the name of a virtual file.
        path: &'static str,
    },
    /// There is no such edition.
    #[error("there is no edition {id:?} of the report: there are {known}")]
    UnknownEdition {
        /// The name that was given.
        id: String,
        /// Those that there are.
        known: String,
    },
    /// The organization's own template cannot be used.
    #[error("the templates in report.templates cannot be used: {0}")]
    OwnTemplate(String),
    /// The logo or the colour cannot be used.
    #[error("[report] cannot be used: {0}")]
    Brand(String),
    /// The view could not be written as JSON.
    #[error("the report's data cannot be written as JSON: {0}")]
    Data(#[from] serde_json::Error),
    /// The assessment's date is outside of what a PDF can say.
    #[error("the assessment's date {0} cannot stand in a PDF: a year from 0 to 9999 is expected")]
    Date(DateTime<Utc>),
    /// Typst refused the document; a fault of the template or of the escaping of text.
    #[error(
        "the report could not be {stage}: {message}; please report this with the assessment.json that caused it"
    )]
    Typst {
        /// `laid out` or `written as PDF/A`.
        stage: &'static str,
        /// What Typst said.
        message: String,
    },
}

/// Renders the report as an unsigned PDF/A-3a and PDF/UA-1 file with the bundle's manifest attached.
///
/// `manifest_json` are the bytes of `data/manifest.json`. The result depends on nothing but the arguments.
///
/// # Errors
/// When the document cannot be made; no text in the assessment is a reason for that.
pub fn render(
    assessment: &Assessment,
    manifest_json: &[u8],
    options: &ReportOptions,
) -> Result<Vec<u8>, ReportError> {
    Report::new(assessment, manifest_json, options)?.render()
}

/// The edition that an annex is.
const INDEX: &str = "index";

/// A report with all that it will say, not yet laid out. It holds nothing of the assessment: who needs the memory for the
/// layout drops that first.
pub struct Report {
    world: ReportWorld,
    options: PdfOptions,
    /// Rendered before the report, which carries them.
    annexes: Vec<(String, ReportWorld, PdfOptions)>,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Report").finish_non_exhaustive()
    }
}

impl Report {
    /// What the report says; the arguments are those of [`render`].
    ///
    /// # Errors
    /// When a part of the program that the report needs cannot be read.
    pub fn new(
        assessment: &Assessment,
        manifest_json: &[u8],
        options: &ReportOptions,
    ) -> Result<Self, ReportError> {
        let printer = Printer::new(world::fonts()?);
        let mut data = printer.value(serde_json::to_value(View::new(assessment, options))?);
        // A template of one's own may have no edition for annexes: then the index stays where it is.
        let has_annexes = options.template.edition(Some(INDEX)).is_ok();
        let most = options.most_lines_of_evidence.unwrap_or(annex::MOST_LINES);
        let taken = annex::take(&mut data, if has_annexes { most } else { usize::MAX });
        let world = |data: &Value, options: &ReportOptions| {
            let files =
                vec![("data.json", serde_json::to_vec(data)?), ("manifest.json", manifest_json.to_vec())];
            let files = [files, option_files(options)?].concat();
            ReportWorld::new(files, options.template.clone(), assessment.as_of)
        };
        let of_index = ReportOptions { edition: Some(INDEX.to_owned()), ..options.clone() };
        let annexes = taken.into_iter().map(|annex| {
            let pdf = pdf_options(assessment, manifest_json, printer, &annex.name)?;
            Ok((annex.name, world(&annex.data, &of_index)?, pdf))
        });
        let annexes = annexes.collect::<Result<_, ReportError>>()?;
        let pdf = pdf_options(assessment, manifest_json, printer, "")?;
        Ok(Self { world: world(&data, options)?, options: pdf, annexes })
    }

    /// Lays it out and writes it as PDF.
    ///
    /// # Errors
    /// As [`render`].
    pub fn render(self) -> Result<Vec<u8>, ReportError> {
        let Self { mut world, options, annexes } = self;
        for (name, of_annex, options) in annexes {
            world.add(&name, render_one(&of_annex, &options)?)?;
        }
        render_one(&world, &options)
    }
}

fn render_one(world: &ReportWorld, options: &PdfOptions) -> Result<Vec<u8>, ReportError> {
    let rendered =
        lay_out(world).map_err(|errors| refused("laid out", world, &errors)).and_then(|document| {
            forget(); // nothing of the layout is asked for while the PDF is written
            typst_pdf::pdf(&document, options).map_err(|errors| refused("written as PDF/A", world, &errors))
        });
    forget(); // Typst's caches hold the whole document
    rendered
}

/// What the template is told beside the view: `options.json`, and the logo.
fn option_files(options: &ReportOptions) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
    let edition = options.template.edition(options.edition.as_deref())?;
    options.brand.check()?;
    let logo = options.brand.logo.as_ref().map(|(format, bytes)| (format.file(), bytes.clone()));
    let mut told = serde_json::json!({ "edition": edition.id, "logo": logo.as_ref().map(|(name, _)| name), "roles": options.roles });
    if let Some(accent) = &options.brand.accent {
        told["accent"] = accent.as_str().into();
    }
    Ok(std::iter::once(("options.json", serde_json::to_vec(&told)?)).chain(logo).collect())
}

fn pdf_options(
    assessment: &Assessment,
    manifest_json: &[u8],
    printer: Printer<'_>,
    part: &str,
) -> Result<PdfOptions, ReportError> {
    let frameworks: Vec<&str> =
        assessment.frameworks.iter().map(|framework| framework.reference.id.as_str()).collect();
    let identity = format!(
        "{} {} {} {}{part}",
        frameworks.join(" "),
        assessment.catalog_sha256,
        canonical::sha256(manifest_json),
        assessment.as_of.to_rfc3339(),
    );
    let standards = PdfStandards::new(&[PdfStandard::A_3a, PdfStandard::Ua_1]).map_err(|error| {
        ReportError::Typst { stage: "written as PDF/A", message: error.message().to_string() }
    })?;
    Ok(PdfOptions {
        ident: Smart::Custom(identity),
        creator: Smart::Custom(Some(
            printer.text(&format!("{} {}", assessment.tool.name, assessment.tool.version)),
        )),
        timestamp: Some(Timestamp::new_utc(datetime(assessment.as_of)?)),
        page_ranges: None,
        standards,
        tagged: true,
        pretty: false,
    })
}

fn datetime(instant: DateTime<Utc>) -> Result<Datetime, ReportError> {
    let small = |number: u32| u8::try_from(number).ok();
    (|| {
        Datetime::from_ymd_hms(
            Some(instant.year()).filter(|year| (0..=9999).contains(year))?,
            small(instant.month())?,
            small(instant.day())?,
            small(instant.hour())?,
            small(instant.minute())?,
            small(instant.second())?,
        )
    })()
    .ok_or(ReportError::Date(instant))
}

/// What Typst said, with the places in the templates.
fn refused(stage: &'static str, world: &ReportWorld, errors: &[SourceDiagnostic]) -> ReportError {
    let place = |error: &SourceDiagnostic| {
        let source = world.source(error.span.id()?).ok()?;
        let line = source.lines().byte_to_line(world.range(error.span)?.start)? + 1;
        Some(format!("{}:{line}: ", source.id().vpath().get_without_slash()))
    };
    let one = |error: &SourceDiagnostic| {
        let hints: String = error.hints.iter().map(|hint| format!(" ({})", hint.v)).collect();
        format!("{}{}{hints}", place(error).unwrap_or_default(), error.message)
    };
    let message = errors.iter().take(5).map(one).collect::<Vec<_>>().join("; ");
    if world.has_own_template() {
        return ReportError::OwnTemplate(format!("the report could not be {stage}: {message}"));
    }
    ReportError::Typst { stage, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Every way in which the templates print a value.
    const TEMPLATE: &str = r#"
        #import "style.typ": *
        #let value = json("data.json")
        #set document(title: "x" + plain(value), keywords: plain(value), date: auto)
        #set text(font: sans, lang: "en", ligatures: false, features: (calt: 0))
        #heading(named(value))
        #outline()
        #t(value) *#t(value)* _#t(value)_ #code(value) #code(value, weight: "bold")
        #figure(alt: "x" + plain(value), t(value))
    "#;

    fn printed_pdf(text: &str) -> Result<Vec<u8>, String> {
        let value = Printer::new(world::fonts().unwrap()).value(json!(text));
        let files = vec![
            ("main.typ", TEMPLATE.as_bytes().to_vec()),
            ("data.json", serde_json::to_vec(&value).unwrap()),
            ("options.json", b"{}".to_vec()),
        ];
        let world = ReportWorld::new(files, Template::default(), DateTime::UNIX_EPOCH).unwrap();
        let document = lay_out(&world).map_err(|errors| format!("{errors:?}"))?;
        let options = PdfOptions {
            standards: PdfStandards::new(&[PdfStandard::A_3a, PdfStandard::Ua_1]).unwrap(),
            timestamp: Some(Timestamp::new_utc(datetime(DateTime::UNIX_EPOCH).unwrap())),
            ..PdfOptions::default()
        };
        typst_pdf::pdf(&document, &options).map_err(|errors| format!("{errors:?}"))
    }

    #[test]
    fn every_character_that_is_printed_as_itself_can_be() {
        let printer = Printer::new(world::fonts().unwrap());
        let plain: Vec<char> = ('\0'..=char::MAX)
            .filter(|character| printer.text(&character.to_string()).chars().eq([*character]))
            .collect();
        assert!(plain.len() > 2_500, "only {} characters", plain.len());
        for some in plain.chunks(500) {
            let text: String = some.iter().flat_map(|character| [*character, ' ']).collect();
            if let Err(error) = printed_pdf(&text) {
                panic!("{text}: {error}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_text_can_be_printed(text in "\\PC{0,30}|[\\x00-\\x7f]{0,60}|.{0,60}", long in any::<String>()) {
            for text in [text, long] {
                if let Err(error) = printed_pdf(&text) {
                    prop_assert!(false, "{text:?}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_date_that_no_pdf_can_say_is_refused() {
        assert!(datetime("2026-07-01T12:34:56Z".parse().unwrap()).is_ok());
        assert!(matches!(datetime(DateTime::<Utc>::MAX_UTC), Err(ReportError::Date(_))));
    }
}
