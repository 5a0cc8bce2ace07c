//! Everything that verification can find wrong, each with a stable id.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! problem_codes {
    ($($(#[$doc:meta])+ $variant:ident = $id:literal,)+) => {
        /// What is wrong, as a stable id that scripts may rely on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemCode {
            $($(#[$doc])+ $variant,)+
        }

        impl ProblemCode {
            /// Every code, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The id: `merkle-root`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }
        }
    };
}

problem_codes! {
    /// A file or directory could not be read at all.
    Unreadable = "unreadable",
    /// Neither a package, a bundle nor a report.
    UnknownFormat = "unknown-format",

    /// The zip has no end record where one belongs, or a field of it is not what the archive demands.
    ZipEndRecord = "zip-end-record",
    /// The archive comment is not `proofpack-sha256:` and 64 digits.
    ZipComment = "zip-comment",
    /// The archive comment's digest is not that of the bytes before the end record.
    ZipDigest = "zip-digest",
    /// Bytes after the end of the archive.
    ZipTrailingBytes = "zip-trailing-bytes",
    /// Bytes that belong to no member, or to two: a prefix, a gap, an overlap.
    ZipLayout = "zip-layout",
    /// The central directory, or a local header, ends early or does not begin where it should.
    ZipDirectory = "zip-directory",
    /// A header field with a value that proofpack never writes.
    ZipHeader = "zip-header",
    /// A member's local header contradicts the central directory.
    ZipMismatch = "zip-mismatch",
    /// Encryption, data descriptors, extra fields, other compression, zip64 where it is not needed, several disks.
    ZipFeature = "zip-feature",
    /// A member's name could lead out of the folder, or means different files on different systems.
    ZipName = "zip-name",
    /// Two members under one name, or names that differ in case only.
    ZipTwin = "zip-twin",
    /// Members are not in order of their names.
    ZipOrder = "zip-order",
    /// A member, or all of them, are larger than proofpack writes, or expand too much (a bomb).
    ZipSize = "zip-size",
    /// A member's data does not decompress to what its header says.
    ZipData = "zip-data",

    /// The members are not in one folder, or that folder has not the name that the bundle demands.
    PackageFolder = "package-folder",
    /// A file that every package has is not there.
    MemberMissing = "member-missing",
    /// A file that does not belong there.
    MemberUnlisted = "member-unlisted",
    /// `SHA256SUMS` is not in the form that proofpack writes.
    SumsMalformed = "sums-malformed",
    /// A file does not have the digest that `SHA256SUMS` gives.
    SumsMismatch = "sums-mismatch",
    /// `VERIFY.md` is not the text that the package's contents demand.
    InstructionsDiffer = "instructions-differ",

    /// `bagit.txt` or `bag-info.txt` is not what the bundle demands.
    BagDeclaration = "bag-declaration",
    /// A checksum file of the bag is not in the form that proofpack writes.
    BagManifest = "bag-manifest",
    /// A file does not have the digest that the bag's checksum file gives.
    BagDigest = "bag-digest",
    /// A file that the bag lists is not there.
    BagFileMissing = "bag-file-missing",
    /// A file in the bag that it does not list.
    BagFileUnlisted = "bag-file-unlisted",

    /// A record names a file that is not in the bundle.
    AttachedMissing = "attached-missing",
    /// A file that a record names is not the one that was attached to it.
    AttachedDiffers = "attached-differs",
    /// A file among those that records name, that no record names.
    AttachedUnnamed = "attached-unnamed",

    /// `data/manifest.json` is not a manifest in canonical form.
    ManifestMalformed = "manifest-malformed",
    /// The manifest's list of files is not in order, names a file twice, or is not that of the files there are.
    ManifestFiles = "manifest-files",
    /// The Merkle root over the records is not the manifest's.
    MerkleRoot = "merkle-root",
    /// The number of records is not the manifest's.
    RecordCount = "record-count",
    /// The gaps are not those that the manifest sums up.
    GapSummary = "gap-summary",

    /// A line is not a record.
    RecordMalformed = "record-malformed",
    /// A record is not in canonical form: its text could be read in two ways.
    RecordNotCanonical = "record-not-canonical",
    /// A record's digest is not the id that the manifest has for its line.
    RecordId = "record-id",
    /// A record stands in a file that its own source does not lead to.
    RecordMisplaced = "record-misplaced",
    /// A record is there twice.
    RecordRepeated = "record-repeated",
    /// Records are not in the order that sealing gives them.
    RecordOrder = "record-order",

    /// `sample.json` is not a sample's list in canonical form.
    SampleMalformed = "sample-malformed",
    /// A record of a sample is not proven to be of the bundle whose manifest was signed.
    SampleProof = "sample-proof",
    /// The records of a sample are not those that it lists.
    SampleRecords = "sample-records",
    /// The records were not chosen as the sample says.
    SampleSelection = "sample-selection",

    /// `assessment.json` is not an assessment in canonical form.
    AssessmentMalformed = "assessment-malformed",
    /// The assessment is of another bundle.
    AssessmentBundle = "assessment-bundle",
    /// `catalog.json` is not a catalog in canonical form.
    CatalogMalformed = "catalog-malformed",
    /// `catalog.json` is not the catalog that the assessment was made with.
    CatalogDiffers = "catalog-differs",
    /// This version of the program cannot make the assessment again: it cannot read the catalog, or another version that
    /// made it came to something else.
    AssessmentNotReproducible = "assessment-not-reproducible",
    /// Assessed again, the bundle gives another assessment.
    AssessmentDiffers = "assessment-differs",

    /// `corroboration.json` cannot be read, or is not in canonical form.
    CorroborationMalformed = "corroboration-malformed",
    /// The corroboration is of another bundle, or does not say of each of its API calls what came of it.
    CorroborationDiffers = "corroboration-differs",

    /// A signature does not hold for the bytes it stands beside, or cannot be read.
    SignatureInvalid = "signature-invalid",
    /// The timestamp over the manifest does not hold, or is of something else.
    TimestampInvalid = "timestamp-invalid",
    /// The report's signature does not hold, or does not cover the whole file.
    ReportSignature = "report-signature",
    /// `signer.pem` does not hold the certificates that signed.
    SignerFile = "signer-file",
    /// The signatures were made by different signers.
    SignersDiffer = "signers-differ",
    /// The signer's certificate does not lead to a certificate that was given as trusted.
    SignerNotTrusted = "signer-not-trusted",
    /// A certificate was revoked when it signed.
    CertificateRevoked = "certificate-revoked",
    /// The manifest attached to the report is not that of the bundle.
    ReportManifest = "report-manifest",
}

impl ProblemCode {
    /// Whether the problem means that something could not be judged, rather than that it is wrong.
    pub fn is_limitation(self) -> bool {
        matches!(self, Self::AssessmentNotReproducible)
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for ProblemCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = Self::ALL.iter().find(|code| code.id() == text);
        found.copied().ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not the id of a problem")))
    }
}

impl JsonSchema for ProblemCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ProblemCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let ids: Vec<&str> = Self::ALL.iter().map(|code| code.id()).collect();
        json_schema!({ "type": "string", "enum": ids })
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// What sort of thing.
    pub code: ProblemCode,
    /// Where: a file, with its line where it has lines, or a byte of the archive.
    pub place: String,
    /// What was found there, what should have been, and what that means.
    pub message: String,
}

impl Problem {
    /// A problem; values from outside are made harmless to show (see [`harmless`]).
    pub fn new(code: ProblemCode, place: impl AsRef<str>, message: impl AsRef<str>) -> Self {
        Self { code, place: harmless(place.as_ref(), 400), message: harmless(message.as_ref(), 2000) }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {} [{}]", self.place, self.message, self.code.id())
    }
}

/// Problems as they are found: all are counted, the first [`Problems::SHOWN`] of each code are kept, so
/// that a hostile input cannot fill the memory with what is wrong about it.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    kept: Vec<Problem>,
    counts: BTreeMap<ProblemCode, usize>,
}

impl Problems {
    /// How many problems of one code are kept.
    pub const SHOWN: usize = 50;

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        let count = self.counts.entry(problem.code).or_default();
        *count += 1;
        if *count <= Self::SHOWN {
            self.kept.push(problem);
        }
    }

    /// Adds one made of its parts, see [`Problem::new`].
    pub fn add(&mut self, code: ProblemCode, place: impl AsRef<str>, message: impl AsRef<str>) {
        self.push(Problem::new(code, place, message));
    }

    /// Adds several.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// Adds what was found elsewhere, behind what was found so far.
    pub fn append(&mut self, found: Self) {
        let mut left = found.counts;
        for problem in found.kept {
            if let Some(count) = left.get_mut(&problem.code) {
                *count -= 1;
            }
            self.push(problem);
        }
        for (code, count) in left {
            *self.counts.entry(code).or_default() += count;
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether one of these codes was found.
    pub fn has_any(&self, codes: &[ProblemCode]) -> bool {
        codes.iter().any(|code| self.counts.contains_key(code))
    }

    /// The problems that were kept, in the order found, and for each code of which there were more, how many.
    pub fn into_list(self) -> Vec<Problem> {
        let mut list = self.kept;
        for (code, count) in self.counts.into_iter().filter(|(_, count)| *count > Self::SHOWN) {
            let message = format!("{} more problems of this sort are not listed", count - Self::SHOWN);
            list.push(Problem::new(code, "(elsewhere)", message));
        }
        list
    }
}

/// `text` without control and invisible characters, which could steer a terminal or reorder what is
/// read, and cut to `longest` characters.
pub fn harmless(text: &str, longest: usize) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == longest {
            shown.push('…');
            break;
        }
        let steers = character.is_control()
            || matches!(character, '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        if steers {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_kebab_case_and_round_trip() {
        let ids: BTreeSet<&str> = ProblemCode::ALL.iter().map(|code| code.id()).collect();
        assert_eq!(ids.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            assert!(code.id().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", code.id());
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<ProblemCode>(&json).unwrap(), *code);
        }
        assert!(serde_json::from_str::<ProblemCode>("\"no-such-code\"").is_err());
    }

    #[test]
    fn a_flood_of_problems_is_counted_not_kept() {
        let mut problems = Problems::default();
        for line in 0..1000 {
            problems.add(ProblemCode::RecordMalformed, format!("line {line}"), "x");
        }
        let list = problems.into_list();
        assert_eq!(list.len(), Problems::SHOWN + 1);
        assert_eq!(list[Problems::SHOWN].message, "950 more problems of this sort are not listed");
    }

    #[test]
    fn what_was_found_in_parts_reads_as_if_found_at_once() {
        let (mut whole, mut appended) = (Problems::default(), Problems::default());
        for (part, count) in [70, 3, 60].into_iter().enumerate() {
            let mut found = Problems::default();
            for line in 0..count {
                for code in [ProblemCode::RecordMalformed, ProblemCode::RecordId] {
                    whole.add(code, format!("part {part}, line {line}"), "x");
                    found.add(code, format!("part {part}, line {line}"), "x");
                }
            }
            appended.append(found);
        }
        assert_eq!(appended.into_list(), whole.into_list());
    }

    #[test]
    fn hostile_text_is_shown_and_not_obeyed() {
        let problem = Problem::new(ProblemCode::ZipName, "a\u{1b}[31m\u{202e}b", "x\ny");
        assert_eq!(problem.to_string(), "a⟨U+001B⟩[31m⟨U+202E⟩b: x⟨U+000A⟩y [zip-name]");
        assert_eq!(harmless("abcdef", 3), "abc…");
    }
}
