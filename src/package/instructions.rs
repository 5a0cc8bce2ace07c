//! `VERIFY.md`: how to check the package without proofpack. A function of the package's other files, so
//! that verification can make it again and compare.

use der::Document;
use der::pem::PemLabel;
use x509_cert::Certificate;

use super::layout;
use super::sample::Sample;
use crate::canonical;
use crate::model::{Assessment, Corroboration, Manifest, Sha256Digest};

const TEMPLATE: &str = include_str!("VERIFY.md.template");
const SAMPLE_TEMPLATE: &str = include_str!("VERIFY-sample.md.template");

/// The step that is numbered first by `{{step}}`; those before it are in every package.
const FIRST_NUMBERED: usize = 5;

/// Why `signer.pem` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("signer.pem does not begin with a certificate in PEM form ({0})")]
pub struct SignerFileError(String);

/// What `VERIFY.md` tells.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The bundle's manifest.
    pub manifest: &'a Manifest,
    /// SHA-256 of `data/manifest.json`.
    pub manifest_sha256: Sha256Digest,
    /// The assessment.
    pub assessment: &'a Assessment,
    /// What CloudTrail's log files say of the bundle's requests, where the package holds that.
    pub corroboration: Option<&'a Corroboration>,
    /// Whether the package holds a timestamp over the manifest.
    pub is_stamped: bool,
    /// SHA-256 of the signer's certificate (DER).
    pub signer_sha256: Sha256Digest,
}

impl Facts<'_> {
    /// The text of `VERIFY.md`.
    pub fn render(&self) -> String {
        let manifest = self.manifest;
        let period = manifest.scope.period;
        let gaps: u64 = manifest.gaps.iter().fold(0, |sum, gap| sum.saturating_add(gap.count));
        let frameworks = self.assessment.frameworks.iter();
        let frameworks: Vec<&str> = frameworks.map(|framework| framework.reference.title.as_str()).collect();
        let (confirmed, calls) =
            self.corroboration.map(|told| (told.confirmed, told.records)).unwrap_or_default();
        let values = [
            ("confirmed", confirmed.to_string()),
            ("calls", calls.to_string()),
            ("folder", layout::folder(manifest)),
            ("accounts", manifest.scope.accounts.join(", ")),
            ("regions", manifest.scope.regions.join(", ")),
            ("period-start", period.start.to_rfc3339()),
            ("period-end", period.end.to_rfc3339()),
            ("sealed-at", manifest.sealed_at.to_rfc3339()),
            ("records", manifest.records.to_string()),
            ("gaps", gaps.to_string()),
            ("framework", frameworks.join("; ")),
            ("as-of", self.assessment.as_of.to_rfc3339()),
            ("tool", format!("{} {}", manifest.tool.name, manifest.tool.version)),
            ("manifest-sha256", self.manifest_sha256.to_string()),
            ("merkle-root", manifest.merkle_root.to_string()),
            ("fingerprint", as_openssl_prints(&self.signer_sha256)),
            ("first-file", manifest.files.first().map(|file| file.path.clone()).unwrap_or_default()),
            (
                "first-id",
                manifest
                    .files
                    .first()
                    .and_then(|file| file.records.first())
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            ),
        ];
        let template = section(TEMPLATE, "corroboration", self.corroboration.is_some());
        fill(&section(&template, "timestamp", self.is_stamped), &values, FIRST_NUMBERED)
    }
}

/// What the `VERIFY.md` of a sample tells.
#[derive(Debug)]
pub struct SampleFacts<'a> {
    /// The bundle's manifest.
    pub manifest: &'a Manifest,
    /// What was chosen.
    pub sample: &'a Sample,
    /// Whether the sample holds a timestamp over the manifest.
    pub is_stamped: bool,
    /// SHA-256 of the signer's certificate (DER).
    pub signer_sha256: Sha256Digest,
}

impl SampleFacts<'_> {
    /// The text of `VERIFY.md`.
    pub fn render(&self) -> String {
        let Self { manifest, sample, .. } = self;
        let period = manifest.scope.period;
        let first = sample.records.first();
        let how: Vec<String> = sample.selections.iter().map(ToString::to_string).collect();
        let values = [
            ("accounts", manifest.scope.accounts.join(", ")),
            ("period-start", period.start.to_rfc3339()),
            ("period-end", period.end.to_rfc3339()),
            ("sealed-at", manifest.sealed_at.to_rfc3339()),
            ("package", layout::folder(manifest)),
            ("chosen", sample.records.len().to_string()),
            ("records", sample.population.to_string()),
            ("how", how.join("; ")),
            ("tool", format!("{} {}", sample.tool.name, sample.tool.version)),
            ("manifest-sha256", sample.manifest_sha256.to_string()),
            ("merkle-root", sample.merkle_root.to_string()),
            ("fingerprint", as_openssl_prints(&self.signer_sha256)),
            ("first-file", first.map(|record| record.path.clone()).unwrap_or_default()),
            ("first-id", first.map(|record| record.id.to_string()).unwrap_or_default()),
        ];
        fill(&section(SAMPLE_TEMPLATE, "timestamp", self.is_stamped), &values, FIRST_NUMBERED)
    }
}

/// The template with the values in their places; `{{step}}` counts from `step`.
fn fill(template: &str, values: &[(&str, String)], mut step: usize) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if name == "step" {
            text.push_str(&step.to_string());
            step += 1;
        }
        let value = values.iter().find(|(known, _)| *known == name);
        text.push_str(&value.map(|(_, value)| one_line(value)).unwrap_or_default());
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The text with or without what stands between the lines `{{#name}}` and `{{/name}}`.
fn section(text: &str, name: &str, is_kept: bool) -> String {
    let (opening, closing) = (format!("{{{{#{name}}}}}\n"), format!("{{{{/{name}}}}}\n"));
    let parts =
        text.split_once(&opening).and_then(|(before, rest)| Some((before, rest.split_once(&closing)?)));
    match parts {
        Some((before, (section, after))) if is_kept => format!("{before}{section}{after}"),
        Some((before, (_, after))) => format!("{before}{after}"),
        None => text.to_owned(),
    }
}

/// Values stay on their line and cannot become markup or a command.
fn one_line(value: &str) -> String {
    let kept = |character: char| {
        let plain = character.is_alphanumeric() || " -_.:,+/()§".contains(character);
        if plain { character } else { '?' }
    };
    value.chars().map(kept).collect()
}

/// SHA-256 of the first certificate in `signer_pem`.
///
/// # Errors
/// When it does not begin with a certificate.
pub fn fingerprint(signer_pem: &[u8]) -> Result<Sha256Digest, SignerFileError> {
    let text = str::from_utf8(signer_pem).map_err(|error| SignerFileError(error.to_string()))?;
    let end = format!("-----END {}-----", Certificate::PEM_LABEL);
    let first = text.split_once(&end).map(|(first, _)| format!("{first}{end}\n"));
    let first = first.ok_or_else(|| SignerFileError(format!("no {end:?}")))?;
    let (label, document) = Document::from_pem(&first).map_err(|error| SignerFileError(error.to_string()))?;
    if label != Certificate::PEM_LABEL {
        return Err(SignerFileError(format!("a {label} comes first")));
    }
    Ok(canonical::sha256(document.as_bytes()))
}

fn as_openssl_prints(digest: &Sha256Digest) -> String {
    let pairs: Vec<String> = digest.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_become_markup_or_commands() {
        assert_eq!(one_line("HIPAA Security Rule, 45 CFR 164"), "HIPAA Security Rule, 45 CFR 164");
        assert_eq!(one_line("a\n```sh\n$(rm) `x` | <b> [l](u)"), "a????sh??(rm) ?x? ? ?b? ?l?(u)");
    }

    #[test]
    fn the_template_names_only_known_values_and_files() {
        for name in layout::BESIDE_BUNDLE.iter().filter(|name| **name != layout::INSTRUCTIONS) {
            assert!(TEMPLATE.contains(name), "{name} is not explained");
        }
        let without = section(&section(TEMPLATE, "corroboration", false), "timestamp", false);
        for name in layout::OPTIONAL {
            assert!(
                TEMPLATE.contains(name) && !without.contains(name),
                "{name} is not explained where it is"
            );
        }
        let of_sample = layout::BESIDE_SAMPLE.iter().chain(&layout::OPTIONAL_IN_SAMPLE);
        for name in of_sample.filter(|name| **name != layout::INSTRUCTIONS) {
            assert!(SAMPLE_TEMPLATE.contains(name), "{name} of a sample is not explained");
        }
        for template in [TEMPLATE, SAMPLE_TEMPLATE] {
            assert_eq!(template.matches("{{").count(), template.matches("}}").count());
        }
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        for bad in ["", "x", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"] {
            assert!(fingerprint(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
