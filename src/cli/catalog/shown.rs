//! A mistake with the lines around it.

use std::fmt;
use std::io::{IsTerminal, stdout};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::catalog::Defect;
use crate::cli::exit::CommandError;

/// Columns that a mistake takes at most.
const WIDTH: usize = 110;

/// A mistake as miette shows it.
#[derive(Debug)]
struct Shown<'a> {
    defect: &'a Defect,
    source: NamedSource<String>,
    /// Where; `None` in a file that has no text.
    label: Option<LabeledSpan>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.label {
            Some(_) => formatter.write_str(&self.defect.what),
            None => write!(formatter, "{}: {}", self.source.name(), self.defect.what),
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help<'h>(&'h self) -> Option<Box<dyn fmt::Display + 'h>> {
        Some(Box::new(&self.defect.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = self.label.clone()?;
        Some(Box::new(std::iter::once(label)))
    }
}

/// A mistake for people: in colours on a terminal, plain elsewhere.
pub(super) fn shown(defect: &Defect, name: &str, text: Option<&str>) -> Result<String, CommandError> {
    let fancy = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let theme = if fancy { GraphicalTheme::unicode() } else { GraphicalTheme::none() };
    let place = defect.place.to_string();
    let label = text.map(|text| {
        let range = defect.place.find(text);
        LabeledSpan::new((!place.is_empty()).then_some(place), range.start, range.len())
    });
    // What a file holds may come from anyone: nothing in it may steer a terminal. The replacement has as many bytes.
    let harmless = |text: &str| -> String {
        let visible = |c: char| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c };
        text.chars()
            .flat_map(|c| {
                let shown = visible(c);
                std::iter::repeat_n(shown, if shown == c { 1 } else { c.len_utf8() })
            })
            .collect()
    };
    let source = NamedSource::new(name, harmless(text.unwrap_or_default()));
    let harmless_defect =
        Defect { what: harmless(&defect.what), help: harmless(&defect.help), ..defect.clone() };
    let shown = Shown { defect: &harmless_defect, source, label };
    let mut written = String::new();
    GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_links(false)
        .render_report(&mut written, &shown)
        .map_err(CommandError::internal)?;
    Ok(written)
}
