//! Gaps, and the index of all evidence.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{ProofRow, Records};
use crate::model::{Assessment, EvidenceEntry, GapReason, Outcome, RecordId, RecordKind};

/// What could not be seen.
#[derive(Debug, Serialize)]
pub(super) struct GapSection {
    codes: Vec<CodeCount>,
    rows: Vec<GapRow>,
    /// Gaps beyond those listed.
    more: usize,
    /// Indeterminate findings that rest on no gap: something that no record tells.
    other_indeterminate: usize,
}

#[derive(Debug, Serialize)]
struct CodeCount {
    reason: &'static str,
    code: String,
    count: usize,
}

#[derive(Debug, Serialize)]
struct GapRow {
    proof: ProofRow,
    /// Checks that it leaves undecided, with the number of findings.
    undecided: Vec<Undecided>,
    more_undecided: usize,
}

#[derive(Debug, Serialize)]
struct Undecided {
    check: String,
    findings: usize,
}

/// One file of the bag and its records. Its path tells account, region, service and operation.
#[derive(Debug, Serialize)]
pub(super) struct EvidenceFile {
    path: String,
    /// Whether its path can be that of a link: it names a file below the package's `bundle/`, and nothing else.
    can_be_opened: bool,
    records: Vec<EvidenceLine>,
}

/// One record, as one line of text: ten thousand of them must stay cheap.
#[derive(Debug, Serialize)]
struct EvidenceLine {
    /// Full SHA-256: the record's id.
    sha256: String,
    time: String,
    /// Line in the file, from 1.
    line: u64,
    /// Parameters and error, where there are any.
    detail: Option<String>,
    /// Place in the index, where the report points at it.
    place: Option<usize>,
}

/// The most gaps that are listed one by one.
const MOST_GAPS: usize = 150;

/// The most checks that one gap lists.
const MOST_UNDECIDED: usize = 12;

/// Parameters of an excerpt that the file's path and the report's period tell.
const TOLD_ELSEWHERE: [&str; 3] = ["rule", "start", "end"];

/// The most characters of a call's parameters that the index shows; the record holds all of them.
const MOST_PARAMETERS: usize = 120;

impl GapSection {
    /// The gaps of an assessment, those that leave most undecided first.
    pub(super) fn new(assessment: &Assessment, records: &mut Records<'_>) -> Self {
        let (undecided, other_indeterminate) = undecided(assessment);
        let mut codes: BTreeMap<(GapReason, &str), usize> = BTreeMap::new();
        let mut gaps: Vec<&EvidenceEntry> = assessment.evidence.iter().filter(|entry| entry.gap).collect();
        for gap in &gaps {
            let reason = gap.reason.unwrap_or(GapReason::Other);
            *codes.entry((reason, gap.error.as_deref().unwrap_or("unknown"))).or_default() += 1;
        }
        let weight = |id: &RecordId| undecided.get(id).map_or(0, |checks| checks.values().sum::<usize>());
        gaps.sort_by_key(|gap| std::cmp::Reverse(weight(&gap.id))); // stable: the manifest's order
        let more = gaps.len().saturating_sub(MOST_GAPS);
        let rows = gaps.iter().take(MOST_GAPS).map(|gap| {
            let checks = undecided.get(&gap.id);
            GapRow {
                proof: records.proof(gap.id),
                undecided: checks
                    .into_iter()
                    .flatten()
                    .take(MOST_UNDECIDED)
                    .map(|(check, findings)| Undecided { check: (*check).to_owned(), findings: *findings })
                    .collect(),
                more_undecided: checks.map_or(0, BTreeMap::len).saturating_sub(MOST_UNDECIDED),
            }
        });
        Self {
            rows: rows.collect(),
            codes: codes
                .into_iter()
                .map(|((reason, code), count)| CodeCount {
                    reason: reason.title(),
                    code: code.to_owned(),
                    count,
                })
                .collect(),
            more,
            other_indeterminate,
        }
    }
}

/// Indeterminate findings by the gap that they rest on and by check; and how many rest on none.
fn undecided(assessment: &Assessment) -> (BTreeMap<RecordId, BTreeMap<&str, usize>>, usize) {
    let gaps: std::collections::BTreeSet<RecordId> =
        assessment.evidence.iter().filter(|entry| entry.gap).map(|entry| entry.id).collect();
    let mut undecided: BTreeMap<RecordId, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut without = 0;
    for finding in assessment.findings.iter().filter(|finding| finding.outcome == Outcome::Indeterminate) {
        let mut rests_on_gap = false;
        for id in finding.proof.ids().iter().filter(|id| gaps.contains(id)) {
            rests_on_gap = true;
            *undecided.entry(*id).or_default().entry(&finding.check).or_default() += 1;
        }
        without += usize::from(!rests_on_gap);
    }
    (undecided, without)
}

/// The index of all evidence, file by file in the manifest's order.
pub(super) fn files(assessment: &Assessment, records: &Records<'_>) -> Vec<EvidenceFile> {
    let mut files: Vec<EvidenceFile> = Vec::new();
    for (place, entry) in assessment.evidence.iter().enumerate() {
        let line = EvidenceLine {
            sha256: entry.id.to_string(),
            time: super::time(entry.collected_at),
            line: entry.line,
            detail: detail(entry),
            place: records.linked.get(place).is_some_and(|linked| *linked).then_some(place),
        };
        match files.last_mut().filter(|file| file.path == entry.path) {
            Some(file) => file.records.push(line),
            None => files.push(EvidenceFile {
                path: entry.path.clone(),
                can_be_opened: is_plain_path(&entry.path),
                records: vec![line],
            }),
        }
    }
    files
}

/// Whether a path needs no escaping in a URI and leads nowhere but down.
fn is_plain_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    path.starts_with("data/")
        && path.bytes().all(is_plain)
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

fn detail(entry: &EvidenceEntry) -> Option<String> {
    let mut parts = Vec::new();
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let told = |name: &str| entry.kind != RecordKind::TrailExcerpt || !TOLD_ELSEWHERE.contains(&name);
    let all: Vec<String> = entry
        .parameters
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| told(name))
        .map(|(name, member)| format!("{name}={}", value(member)))
        .collect();
    if !all.is_empty() {
        let all = all.join(" ");
        let mut shown: String = all.chars().take(MOST_PARAMETERS).collect();
        if shown.len() < all.len() {
            shown.push_str(" … [cut; the record holds all]");
        }
        parts.push(shown);
    }
    if let Some(error) = &entry.error {
        parts.push(format!("{}: {error}", if entry.gap { "gap" } else { "absent" }));
    }
    (!parts.is_empty()).then(|| parts.join("  "))
}

#[cfg(test)]
mod tests {
    use super::is_plain_path;

    #[test]
    fn only_paths_below_the_bundle_are_opened() {
        assert!(is_plain_path("data/aws/123456789012/us-east-1/s3/ListBuckets.ndjson"));
        for other in [
            "data/../../x",
            "data//x",
            "data/.ssh",
            "/etc/passwd",
            "x",
            "data/a b",
            "data/%2e",
            "data/ü",
            "javascript:data/",
        ] {
            assert!(!is_plain_path(other), "{other}");
        }
    }
}
