//! A closed world for Typst: the templates and fonts that are compiled in, the data of one report, and
//! nothing else. No file, no network, no package, no clock, no font of the machine.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Datelike, Utc};
use include_dir::{Dir, include_dir};
use ttf_parser::Face;
use typst::diag::{FileError, FileResult, PackageError};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::layout::Abs;
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook, FontInstance, FontVariant, FontVariations};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

use super::ReportError;
use super::layout::Work;
use super::template::Template;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/report-templates");

/// The report's template, a folder of `report-templates/`.
const TEMPLATE: &str = "audit";

/// The face whose glyphs decide what can be printed; it is the last resort of every font list.
const FALLBACK_FONT: &str = "fonts/DejaVuSans.ttf";
/// The face of running text.
const TEXT_FONT: &str = "fonts/Inter-Regular.otf";

/// The embedded fonts.
pub(super) struct Fonts {
    book: LazyHash<FontBook>,
    faces: Vec<Font>,
    fallback: FontInstance,
    text: FontInstance,
}

impl Fonts {
    /// Whether every text of a report has a glyph for `character`. Asks the face itself: Typst's own record of
    /// its coverage also holds characters that the face maps to its sign for a missing glyph.
    pub(super) fn has_glyph(&self, character: char) -> bool {
        self.fallback.ttf().glyph_index(character).is_some_and(|glyph| glyph.0 != 0)
    }

    /// The faces of running text, the preferred one first.
    pub(super) fn running_text(&self) -> impl Iterator<Item = &Face<'_>> {
        [self.text.ttf(), self.fallback.ttf()].into_iter()
    }
}

/// The embedded fonts, parsed once.
pub(super) fn fonts() -> Result<&'static Fonts, ReportError> {
    static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
    FONTS.get_or_init(load_fonts).as_ref().ok_or(ReportError::Embedded { path: FALLBACK_FONT })
}

fn load_fonts() -> Option<Fonts> {
    let face = |data: &'static [u8]| Font::new(Bytes::new(data), 0);
    let is_font = |path: &Path| path.extension().is_some_and(|end| end == "ttf" || end == "otf");
    let files = TEMPLATES.get_dir("fonts")?.files().filter(|file| is_font(file.path()));
    let faces: Vec<Font> = files.map(|file| face(file.contents())).collect::<Option<_>>()?;
    let instance = |path: &str| {
        let font = face(TEMPLATES.get_file(path)?.contents())?;
        Some(font.instantiate(FontVariant::default(), Abs::pt(9.0), &FontVariations::default()))
    };
    let (fallback, text) = (instance(FALLBACK_FONT)?, instance(TEXT_FONT)?);
    Some(Fonts { book: LazyHash::new(FontBook::from_fonts(&faces)), faces, fallback, text })
}

/// What one compilation can see.
pub(super) struct ReportWorld {
    library: LazyHash<Library>,
    fonts: &'static Fonts,
    main: FileId,
    /// Files made for this report: the view as JSON, and what is attached.
    files: Vec<(FileId, Bytes)>,
    template: Template,
    today: DateTime<Utc>,
    /// The sources that were read: a layout asks for each many times.
    sources: Mutex<Vec<Source>>,
    /// How much the layout has asked for.
    pub(super) work: Work,
}

impl ReportWorld {
    /// A world with `files` beside the template's own (names without directories), in which it is `today`.
    pub(super) fn new(
        files: Vec<(&'static str, Vec<u8>)>,
        template: Template,
        today: DateTime<Utc>,
    ) -> Result<Self, ReportError> {
        let files = files
            .into_iter()
            .map(|(name, bytes)| Ok((file_id(name)?, Bytes::new(bytes))))
            .collect::<Result<_, ReportError>>()?;
        Ok(Self {
            library: LazyHash::new(Library::default()),
            fonts: fonts()?,
            main: file_id("main.typ")?,
            files,
            template,
            today,
            sources: Mutex::default(),
            work: Work::default(),
        })
    }
}

impl ReportWorld {
    /// Adds a file (a name without directories).
    pub(super) fn add(&mut self, name: &str, contents: Vec<u8>) -> Result<(), ReportError> {
        self.files.push((file_id(name)?, Bytes::new(contents)));
        Ok(())
    }

    /// Whether files of the organization's own are among those that it is laid out by.
    pub(super) fn has_own_template(&self) -> bool {
        self.template.is_own()
    }
}

/// A file of the template that is compiled in.
pub(super) fn embedded(path: &str) -> Option<&'static [u8]> {
    TEMPLATES.get_file(Path::new(TEMPLATE).join(path)).map(|file| file.contents())
}

/// All of them, by their names.
pub(super) fn embedded_files() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let files = TEMPLATES.get_dir(TEMPLATE).into_iter().flat_map(Dir::files);
    files.filter_map(|file| Some((file.path().file_name()?.to_str()?, file.contents())))
}

fn file_id(name: &str) -> Result<FileId, ReportError> {
    let path = VirtualPath::new(name).map_err(|_| ReportError::Embedded { path: "a file's name" })?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for ReportWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.fonts.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = sources.iter().find(|source| source.id() == id) {
            return Ok(source.clone());
        }
        let text = self.file(id)?.into_string().map_err(|_| FileError::InvalidUtf8)?;
        let source = Source::new(id, text);
        sources.push(source.clone());
        Ok(source)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if let VirtualRoot::Package(package) = id.get().root() {
            return Err(FileError::Package(PackageError::NotFound(package.clone())));
        }
        if let Some((_, bytes)) = self.files.iter().find(|(other, _)| *other == id) {
            return Ok(bytes.clone());
        }
        let path = id.get().vpath().get_without_slash();
        match (self.template.own_file(path), embedded(path)) {
            (Some(own), _) => Ok(Bytes::new(own.clone())),
            (None, Some(contents)) => Ok(Bytes::new(contents)),
            (None, None) => Err(FileError::NotFound(path.into())),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.work.count();
        self.fonts.faces.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        let (month, day) = (u8::try_from(self.today.month()).ok()?, u8::try_from(self.today.day()).ok()?);
        Datetime::from_ymd(self.today.year(), month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use typst_layout::PagedDocument;

    fn compile(template: &str) -> Result<usize, String> {
        let world = ReportWorld::new(
            vec![("main.typ", template.as_bytes().to_vec()), ("data.json", b"{\"a\": \"#eval\"}".to_vec())],
            Template::default(),
            DateTime::UNIX_EPOCH,
        )
        .unwrap();
        let document = typst::compile::<PagedDocument>(&world).output;
        document.map(|document| document.pages().len()).map_err(|errors| format!("{errors:?}"))
    }

    #[test]
    fn nothing_outside_can_be_read() {
        for template in [
            "#read(\"/etc/passwd\")",
            "#read(\"../fonts/README.md\")",
            "#read(\"../../etc/passwd\")",
            "#import \"@preview/cetz:0.3.0\"",
            "#image(\"https://example.com/x.png\")",
        ] {
            assert!(compile(template).is_err(), "{template}");
        }
        assert_eq!(compile("#json(\"data.json\").a"), Ok(1));
    }

    #[test]
    fn today_is_the_assessments() {
        assert_eq!(compile("#assert.eq(datetime.today().year(), 1970)"), Ok(1));
    }

    #[test]
    fn no_template_can_run_data() {
        let templates = TEMPLATES.get_dir(TEMPLATE).unwrap();
        assert!(templates.files().count() > 5);
        for file in templates.files() {
            let text = file.contents_utf8().unwrap();
            for banned in [r"\beval\b", r"\bplugin\b", "@preview", r"\btoday\b", r"\bstd\b", r"\bsys\b"] {
                let banned = regex_lite::Regex::new(banned).unwrap();
                assert!(!banned.is_match(text), "{} has {banned}", file.path().display());
            }
        }
    }
}
