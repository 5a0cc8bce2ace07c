//! The verdict: one line, the facets behind it, who signed, and every problem.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Options;
use super::facet::{Facet, FacetStatus};
use crate::bundle::Examination;
use crate::model::{
    Assessment, ControlStatus, Manifest, Problem, ProblemCode, Problems, Scope, Sha256Digest, Tool, harmless,
};
use crate::sign::CertificateFacts;

/// The verdict in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictLine {
    /// Nothing is wrong, and the signer leads to a certificate that was given as trusted.
    Verified,
    /// Nothing is wrong, but nobody said which certificates are trusted: anyone could have signed.
    SignerNotTrusted,
    /// Nothing is wrong, but this sort of thing carries no signature: anyone could have made it.
    NotSigned,
    /// Something is wrong, or could not be looked at.
    NotVerified,
}

impl VerdictLine {
    /// The line's text.
    pub fn text(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::SignerNotTrusted => "VERIFIED, SIGNER NOT TRUSTED",
            Self::NotSigned => "VERIFIED, NOT SIGNED",
            Self::NotVerified => "NOT VERIFIED",
        }
    }
}

/// What was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A package.
    Package,
    /// The folder that a package unpacks to.
    UnpackedPackage,
    /// A sample of a package's records.
    Sample,
    /// The folder that a sample unpacks to.
    UnpackedSample,
    /// A bundle's directory.
    Bundle,
    /// A signed report alone.
    Report,
    /// Nothing that could be recognized.
    Unknown,
}

/// What the package says of itself. Facts to rely on only as far as the verdict goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Facts {
    /// SHA-256 of `data/manifest.json`.
    pub manifest_sha256: Sha256Digest,
    /// Merkle root in the manifest.
    pub merkle_root: Sha256Digest,
    /// What the bundle covers.
    pub scope: Scope,
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// By which program.
    pub tool: Tool,
    /// Number of records in the manifest.
    pub records: u64,
    /// How many of them are gaps.
    pub gaps: u64,
    /// Ids of the frameworks that were assessed against; at most a hundred.
    pub frameworks: Vec<String>,
    /// The assessment's instant.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether the assessment was made with the catalog of this program; `None` where that is not known.
    #[serde(default)]
    pub own_catalog: Option<bool>,
    /// What this program's own catalog would decide, where the assessment was made with another.
    #[serde(default)]
    pub today: Option<Today>,
    /// What CloudTrail's signed log files confirm, where the package tells.
    pub corroborated: Option<Corroborated>,
    /// What was chosen, where it is a sample.
    #[serde(default)]
    pub sample: Option<Sampled>,
}

/// What a sample says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// Number of records in it; those of the whole bundle are counted beside it.
    pub records: u64,
    /// How they were chosen, in words; at most a hundred.
    pub chosen: Vec<String>,
}

/// What the catalog of this program would decide of evidence that was assessed with another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Today {
    /// Why it decides nothing: a framework, parameter or check that it does not have.
    pub error: Option<String>,
    /// The controls that it would decide otherwise.
    pub otherwise: Vec<DecidedOtherwise>,
}

/// A control that another catalog decides otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidedOtherwise {
    /// Framework id.
    pub framework: String,
    /// Control id.
    pub control: String,
    /// As the package states it; `None` where that catalog does not have the control.
    pub stated: Option<ControlStatus>,
    /// As this program's catalog decides; `None` likewise.
    pub today: Option<ControlStatus>,
}

/// What a corroboration came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Corroborated {
    /// Records of API calls.
    pub calls: u64,
    /// Those that CloudTrail's log files confirm.
    pub confirmed: u64,
    /// Requests that CloudTrail logged otherwise than the record says.
    pub mismatches: u64,
}

impl Facts {
    pub(super) fn of_bundle(examination: &Examination) -> Option<Self> {
        Some(Self::of_manifest(examination.manifest.as_ref()?, examination.manifest_sha256?))
    }

    pub(super) fn of_manifest(manifest: &Manifest, manifest_sha256: Sha256Digest) -> Self {
        // What is shown may come from anyone: nothing in it may steer a terminal.
        let shown = |text: &String| harmless(text, 200);
        let scope = &manifest.scope;
        Self {
            manifest_sha256,
            merkle_root: manifest.merkle_root,
            scope: Scope {
                partition: shown(&scope.partition),
                accounts: scope.accounts.iter().map(shown).collect(),
                regions: scope.regions.iter().map(shown).collect(),
                regions_not_enabled: scope
                    .regions_not_enabled
                    .iter()
                    .map(|(account, regions)| (shown(account), regions.iter().map(shown).collect()))
                    .collect(),
                accounts_left_out: scope
                    .accounts_left_out
                    .iter()
                    .map(|(account, reason)| (shown(account), *reason))
                    .collect(),
                period: scope.period,
            },
            sealed_at: manifest.sealed_at,
            tool: Tool { name: shown(&manifest.tool.name), version: shown(&manifest.tool.version) },
            records: manifest.records,
            gaps: manifest.gaps.iter().fold(0, |sum, gap| sum.saturating_add(gap.count)),
            frameworks: Vec::new(),
            as_of: None,
            own_catalog: None,
            today: None,
            corroborated: None,
            sample: None,
        }
    }

    pub(super) fn add_assessment(&mut self, assessment: &Assessment) {
        let frameworks = assessment.frameworks.iter().take(100);
        self.frameworks = frameworks.map(|framework| harmless(&framework.reference.id, 200)).collect();
        self.as_of = Some(assessment.as_of);
    }
}

/// One signature and who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureFacts {
    /// The file that is signed.
    pub over: String,
    /// In which role; only in reports.
    #[serde(default)]
    pub role: Option<String>,
    /// Whether it holds for that file's bytes.
    pub holds: bool,
    /// When it was signed, as the signer of the report claims.
    pub signed_at: Option<DateTime<Utc>>,
    /// The timestamp over the signature, if it has one; for the manifest, the one over the file itself.
    #[serde(default)]
    pub timestamp: Option<TimestampFacts>,
    /// The signer's certificate, where one could be read.
    pub signer: Option<CertificateFacts>,
    /// Whether the signer leads to a trusted certificate; `None` where none was given.
    pub trusted: Option<bool>,
    /// Why it does not.
    pub distrust: Vec<String>,
    /// When the issuers last said that no certificate behind it was revoked; `None` where that is not known, or one was.
    #[serde(default)]
    pub not_revoked_as_of: Option<DateTime<Utc>>,
}

impl SignatureFacts {
    /// Whether it is known that no certificate behind it was revoked.
    fn is_not_revoked(&self) -> bool {
        self.not_revoked_as_of.is_some()
            && self.timestamp.as_ref().is_none_or(|stamped| stamped.not_revoked_as_of.is_some())
    }
}

/// What a timestamp authority attests (RFC 3161). Its token holds; whether the authority is trusted is another matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimestampFacts {
    /// When what is stamped existed.
    pub time: DateTime<Utc>,
    /// The authority's certificate.
    pub authority: CertificateFacts,
    /// Whether the authority leads to a trusted certificate; `None` where none was given.
    pub trusted: Option<bool>,
    /// Why it does not.
    pub distrust: Vec<String>,
    /// When the issuers last said that no certificate behind it was revoked; `None` where that is not known, or one was.
    #[serde(default)]
    pub not_revoked_as_of: Option<DateTime<Utc>>,
}

/// What there is to tell of a report beside its signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReportFacts {
    /// The timestamps over the document as it was then.
    pub timestamps: Vec<TimestampFacts>,
    /// The roles in which nobody has signed yet.
    pub unsigned_roles: Vec<String>,
}

/// The outcome of verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Version of this format; 1.
    pub version: u32,
    /// The verdict.
    pub verdict: VerdictLine,
    /// What was verified.
    pub subject: SubjectKind,
    /// Where it lay.
    pub path: String,
    /// What it says of itself, where it could be read.
    pub facts: Option<Facts>,
    /// Every side that was looked at, or could not be.
    pub facets: Vec<FacetStatus>,
    /// The signatures and who made them.
    pub signatures: Vec<SignatureFacts>,
    /// What there is to tell of the report beside its signatures, where there is one.
    #[serde(default)]
    pub report: Option<ReportFacts>,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

impl Verdict {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// Whether nothing is wrong (the signer may still be nobody that is trusted).
    pub fn is_sound(&self) -> bool {
        self.verdict != VerdictLine::NotVerified
    }

    /// Whether all problems mean that something could not be judged, rather than that it was altered.
    pub fn is_only_limited(&self) -> bool {
        !self.problems.is_empty() && self.problems.iter().all(|problem| problem.code.is_limitation())
    }

    /// The verdict in one line, with what it means.
    pub fn line(&self) -> String {
        let sample = self.facts.as_ref().and_then(|facts| facts.sample.as_ref()).filter(|_| self.is_sound());
        if let Some(sample) = sample {
            let signer = match self.verdict {
                VerdictLine::Verified => "a signer that you trust",
                _ => "somebody; compare the signer's fingerprint, or give the certificates that you trust",
            };
            return format!(
                "{}: these {} records are unaltered, of the bundle that was signed by {signer}; what is drawn by chance is complete, whether all is here that belongs to a control or a resource only the package shows",
                self.verdict.text(),
                sample.records
            );
        }
        let meaning = match self.verdict {
            VerdictLine::Verified => "unaltered, and signed by a signer that you trust".to_owned(),
            VerdictLine::SignerNotTrusted => {
                "unaltered since it was signed; compare the signer's fingerprint, or give the certificates that you trust"
                    .to_owned()
            }
            VerdictLine::NotSigned => "consistent in itself; a bundle carries no signature, so anyone could have made it".to_owned(),
            VerdictLine::NotVerified if self.is_only_limited() => {
                "nothing was found altered, but not everything could be checked".to_owned()
            }
            VerdictLine::NotVerified => match self.problems.len() {
                1 => "1 problem".to_owned(),
                several => format!("{several} problems"),
            },
        };
        format!("{}: {meaning}", self.verdict.text())
    }
}

/// The sides that a sample has.
const OF_SAMPLE: [Facet; 9] = [
    Facet::Structure,
    Facet::Hashes,
    Facet::Manifest,
    Facet::Records,
    Facet::Sample,
    Facet::Instructions,
    Facet::Signatures,
    Facet::Revocation,
    Facet::Trust,
];

/// A verdict in the making.
#[derive(Debug)]
pub(super) struct Draft {
    subject: SubjectKind,
    path: String,
    pub(super) facts: Option<Facts>,
    pub(super) problems: Problems,
    pub(super) signatures: Vec<SignatureFacts>,
    pub(super) report: Option<ReportFacts>,
    /// Whether there is a corroboration to look at.
    pub(super) is_corroborated: bool,
    reached: BTreeSet<Facet>,
}

impl Draft {
    pub(super) fn new(subject: SubjectKind, path: &str) -> Self {
        Self {
            subject,
            path: harmless(path, 4096),
            facts: None,
            problems: Problems::default(),
            signatures: Vec::new(),
            report: None,
            is_corroborated: false,
            reached: BTreeSet::new(),
        }
    }

    /// An empty one of the same thing, for what is looked at beside the rest.
    pub(super) fn part(&self) -> Self {
        Self {
            subject: self.subject,
            is_corroborated: self.is_corroborated,
            path: self.path.clone(),
            facts: None,
            problems: Problems::default(),
            signatures: Vec::new(),
            report: None,
            reached: BTreeSet::new(),
        }
    }

    /// Adds what was found of a part; what it says of the bundle was said to its own.
    pub(super) fn add(&mut self, part: Self) {
        self.problems.append(part.problems);
        self.signatures.extend(part.signatures);
        self.report = part.report.or(self.report.take());
        self.reached.extend(part.reached);
    }

    /// Notes that it is a sample, and not the whole.
    pub(super) fn becomes_sample(&mut self) {
        self.subject = match self.subject {
            SubjectKind::Package => SubjectKind::Sample,
            _ => SubjectKind::UnpackedSample,
        };
    }

    fn is_sample(&self) -> bool {
        matches!(self.subject, SubjectKind::Sample | SubjectKind::UnpackedSample)
    }

    /// Notes that these sides were looked at to the end.
    pub(super) fn reached(&mut self, facets: &[Facet]) {
        self.reached.extend(facets);
    }

    /// The sides that this sort of thing has.
    fn demanded(&self) -> impl Iterator<Item = Facet> + use<> {
        let facets: &'static [Facet] = match self.subject {
            SubjectKind::Package => &Facet::ALL,
            SubjectKind::UnpackedPackage => &Facet::ALL[1..],
            SubjectKind::Sample => &OF_SAMPLE,
            SubjectKind::UnpackedSample => &OF_SAMPLE[1..],
            SubjectKind::Bundle => &[Facet::Hashes, Facet::Manifest, Facet::Records],
            SubjectKind::Report => &[Facet::Report, Facet::Revocation, Facet::Trust],
            SubjectKind::Unknown => &[],
        };
        let is_corroborated = self.is_corroborated;
        let is_sample = self.is_sample();
        facets.iter().copied().filter(move |facet| match facet {
            Facet::Corroboration => is_corroborated,
            Facet::Sample => is_sample,
            _ => true,
        })
    }

    pub(super) fn finish(mut self, options: &Options) -> Verdict {
        let signed = !matches!(self.subject, SubjectKind::Bundle | SubjectKind::Unknown);
        if signed && !options.anchors.is_empty() {
            for signature in self.signatures.iter().filter(|signature| signature.trusted != Some(true)) {
                let reasons = match signature.distrust.as_slice() {
                    [] => "there is no signature that holds".to_owned(),
                    several => several.join("; "),
                };
                let message =
                    format!("the signer's certificate does not lead to one that you trust: {reasons}");
                self.problems.add(ProblemCode::SignerNotTrusted, &signature.over, message);
            }
            if !self.signatures.is_empty() {
                self.reached.insert(Facet::Trust);
            }
        }
        if signed && !self.signatures.is_empty() && self.signatures.iter().all(SignatureFacts::is_not_revoked)
        {
            self.reached.insert(Facet::Revocation);
        }
        let (demanded, is_sample) = (self.demanded(), self.is_sample());
        let problems = self.problems.into_list();
        let mut against: BTreeSet<Facet> =
            problems.iter().filter_map(|problem| Facet::of(problem.code)).collect();
        // What cannot be read has no checksum that could agree.
        if problems.iter().any(|problem| problem.code == ProblemCode::ZipData) {
            against.insert(Facet::Hashes);
        }
        let holds = |facet: Facet| match (against.contains(&facet), self.reached.contains(&facet)) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        };
        let facets: Vec<FacetStatus> = demanded
            .map(|facet| FacetStatus { facet, holds: holds(facet), claim: facet.claim(is_sample).to_owned() })
            .collect();
        // Fail closed: a side that was not looked at is as good as one that does not hold.
        let complete = facets.iter().all(|status| status.holds == Some(true) || status.facet.may_stay_open());
        let verdict = if !problems.is_empty() || !complete || self.subject == SubjectKind::Unknown {
            VerdictLine::NotVerified
        } else if !signed {
            VerdictLine::NotSigned
        } else if holds(Facet::Trust) == Some(true) {
            VerdictLine::Verified
        } else {
            VerdictLine::SignerNotTrusted
        };
        Verdict {
            version: Verdict::VERSION,
            verdict,
            subject: self.subject,
            path: self.path,
            facts: self.facts,
            facets,
            signatures: self.signatures,
            report: self.report,
            problems,
        }
    }
}
