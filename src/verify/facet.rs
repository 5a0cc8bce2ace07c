//! The sides from which a package is looked at, and which problem speaks against which.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ProblemCode;

/// One side of the verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Facet {
    /// The archive is built exactly as proofpack builds one.
    Structure,
    /// Every file is there, none was added, and each has the digest that the checksum files give.
    Hashes,
    /// The manifest's files, counts, gaps and Merkle root are those of the records.
    Manifest,
    /// Every record is one, has its id and stands in its place.
    Records,
    /// The records of a sample are those that were chosen, and proven to be of the sealed bundle; only of samples.
    Sample,
    /// Assessed again, the evidence gives the same assessment.
    Assessment,
    /// What CloudTrail's log files confirm is said of this very evidence; only where a package holds it.
    Corroboration,
    /// The instructions are those that the contents demand.
    Instructions,
    /// The signatures hold, over these bytes, by one and the same signer.
    Signatures,
    /// The report is signed as a whole and carries this bundle's manifest.
    Report,
    /// No certificate was revoked when it signed; only a report that holds validation data tells.
    Revocation,
    /// The signer is one that is trusted.
    Trust,
}

impl Facet {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 12] = [
        Self::Structure,
        Self::Hashes,
        Self::Manifest,
        Self::Records,
        Self::Sample,
        Self::Assessment,
        Self::Corroboration,
        Self::Instructions,
        Self::Signatures,
        Self::Report,
        Self::Revocation,
        Self::Trust,
    ];

    /// Whether the verdict can be good while nothing is known of this side. It is told then that nothing is known.
    pub(super) fn may_stay_open(self) -> bool {
        matches!(self, Self::Revocation | Self::Trust)
    }

    /// What holds when nothing speaks against it, as a sentence; of a sample less can be said than of the whole.
    pub fn claim(self, is_sample: bool) -> &'static str {
        match self {
            Self::Manifest if is_sample => {
                "The manifest's count and Merkle root are those of the records that it lists"
            }
            Self::Hashes if is_sample => "Every file is there, none was added, and the checksums agree",
            Self::Signatures if is_sample => "The manifest is signed by the signer in signer.pem",
            Self::Records if is_sample => {
                "Every record is one, and stands in a file that its source leads to"
            }
            Self::Structure => "The archive is built exactly as proofpack builds it",
            Self::Hashes => "Every file is there, none was added, and all checksums agree",
            Self::Manifest => "The manifest's counts, gaps and Merkle root are those of the records",
            Self::Records => "Every record has the id that the manifest lists and stands in its place",
            Self::Sample => {
                "Each record is proven to be of the sealed bundle, and what was drawn by chance is what the seed draws"
            }
            Self::Assessment => "The assessment, made again from the evidence, is the same",
            Self::Corroboration => {
                "The corroboration says of every API call of this evidence what CloudTrail's log files confirm"
            }
            Self::Instructions => "The instructions are those that the contents demand",
            Self::Signatures => "The signatures hold and are all by the signer in signer.pem",
            Self::Report => "The report is signed as a whole and carries this manifest",
            Self::Revocation => "No certificate was revoked when it signed",
            Self::Trust => "The signer's certificate leads to one that is trusted",
        }
    }

    /// The facet that a problem speaks against; `None` where nothing could be looked at.
    pub fn of(code: ProblemCode) -> Option<Self> {
        use ProblemCode as Code;
        Some(match code {
            Code::Unreadable | Code::UnknownFormat => return None,
            Code::ZipEndRecord
            | Code::ZipComment
            | Code::ZipDigest
            | Code::ZipTrailingBytes
            | Code::ZipLayout
            | Code::ZipDirectory
            | Code::ZipHeader
            | Code::ZipMismatch
            | Code::ZipFeature
            | Code::ZipName
            | Code::ZipTwin
            | Code::ZipOrder
            | Code::ZipSize
            | Code::ZipData
            | Code::PackageFolder => Self::Structure,
            Code::MemberMissing
            | Code::MemberUnlisted
            | Code::SumsMalformed
            | Code::SumsMismatch
            | Code::BagDeclaration
            | Code::BagManifest
            | Code::BagDigest
            | Code::BagFileMissing
            | Code::BagFileUnlisted
            | Code::AttachedMissing
            | Code::AttachedDiffers
            | Code::AttachedUnnamed => Self::Hashes,
            Code::ManifestMalformed
            | Code::ManifestFiles
            | Code::MerkleRoot
            | Code::RecordCount
            | Code::GapSummary => Self::Manifest,
            Code::RecordMalformed
            | Code::RecordNotCanonical
            | Code::RecordId
            | Code::RecordMisplaced
            | Code::RecordRepeated
            | Code::RecordOrder => Self::Records,
            Code::SampleMalformed | Code::SampleProof | Code::SampleRecords | Code::SampleSelection => {
                Self::Sample
            }
            Code::AssessmentMalformed
            | Code::AssessmentBundle
            | Code::CatalogMalformed
            | Code::CatalogDiffers
            | Code::AssessmentNotReproducible
            | Code::AssessmentDiffers => Self::Assessment,
            Code::CorroborationMalformed | Code::CorroborationDiffers => Self::Corroboration,
            Code::InstructionsDiffer => Self::Instructions,
            Code::SignatureInvalid | Code::TimestampInvalid | Code::SignerFile | Code::SignersDiffer => {
                Self::Signatures
            }
            Code::ReportSignature | Code::ReportManifest => Self::Report,
            Code::CertificateRevoked => Self::Revocation,
            Code::SignerNotTrusted => Self::Trust,
        })
    }
}

/// How one side came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FacetStatus {
    /// Which side.
    pub facet: Facet,
    /// `Some(true)`: it holds; `Some(false)`: something speaks against it; `None`: it was not or could not be looked at.
    pub holds: Option<bool>,
    /// What holds, or would.
    pub claim: String,
}
