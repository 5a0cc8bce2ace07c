//! The section on what changed since the period before, and the picture of it in the summaries.

use proofpack::compare::{Side, compare};
use proofpack::model::{
    Assessment, AttestationChange, AttestationState, AttestedState, Change, ChangedResource, Comparison,
    ControlChange, ControlStatus, Drift, ExceptionChange, ExceptionState, ExcerptChange, FindingChange,
    FindingState, Outcome, RecordChange, RecordId, RecordState, ResourceSet, Severity, Subject,
};
use proofpack::report::ReportOptions;
use serde_json::json;

use super::synthetic::Synthetic;
use super::{options, python, rendered};

/// A comparison of an assessment with itself to which `rows` rows of every sort were added, all made of `text`.
pub fn comparison(text: &str, assessment: &Assessment, rows: usize) -> Comparison {
    let resources = ResourceSet::default();
    let side = Side { assessment, resources: &resources };
    let mut comparison = compare(side, side);
    let text = || text.to_owned();
    let both = Change { before: Some(json!(text())), after: None };
    let subject = || Subject { kind: text(), account: text(), region: text(), arn: text(), id: text() };
    let record =
        RecordState { id: RecordId(proofpack::canonical::sha256(b"x")), error: Some(text()), gap: true };
    let state = ExceptionState { expires: assessment.as_of.date_naive(), covers: 1, problems: vec![] };
    let drifts = [Drift::NewFailure, Drift::NoLongerDecided, Drift::Resolved, Drift::Gone, Drift::Accepted];
    comparison.parameters.insert(text(), both.clone());
    for row in 0..rows {
        comparison.controls.push(ControlChange {
            framework: text(),
            control: text(),
            title: text(),
            status: Change { before: Some(ControlStatus::Satisfied), after: None },
            checks: vec![text()],
        });
        comparison.findings.extend(drifts.map(|drift| FindingChange {
            check: text(),
            severity: Severity::High,
            subject: subject(),
            drift,
            state: Change {
                before: None,
                after: Some(FindingState { outcome: Outcome::Fail, excepted: false }),
            },
            message: text(),
        }));
        let changed = &mut comparison.resources;
        for list in
            [&mut changed.added, &mut changed.removed, &mut changed.first_seen, &mut changed.no_longer_seen]
        {
            list.push(subject());
        }
        changed.changed.push(ChangedResource {
            subject: subject(),
            properties: (0..10).map(|number| (format!("{number}{}", text()), both.clone())).collect(),
            tags: [(text(), Change { before: Some(text()), after: None })].into(),
        });
        comparison.exceptions.push(ExceptionChange {
            check: text(),
            resource: text(),
            lapsed: true,
            state: Change { before: Some(state.clone()), after: None },
        });
        let attested = AttestedState { state: AttestationState::Holds, holds_until: None };
        comparison
            .attestations
            .push(AttestationChange { id: text(), state: Change { before: Some(attested), after: None } });
        let events = Change { before: Some(3), after: None };
        comparison.excerpts.push(ExcerptChange { rule: text(), title: text(), events });
        comparison.records.push(RecordChange {
            account: text(),
            region: text(),
            service: format!("{row}{}", text()),
            operation: text(),
            parameters: json!({}),
            record: Change { before: Some(record.clone()), after: None },
        });
    }
    comparison
}

#[test]
fn lists_that_are_cut_say_how_much_there_is() {
    let assessment = Synthetic::default().assessment();
    let comparison = Some(comparison("some text", &assessment, 75));
    let text = python(
        "extract_text.py",
        &rendered("drift", &assessment, &ReportOptions { comparison, ..options() }),
    );
    for told in ["Newfailures:75", "and15more", "and75moreresources", "and15morecalls", "and3moreproperties"]
    {
        assert!(text.contains(told), "{told} is not in the report");
    }
}

#[test]
fn without_a_bundle_before_nothing_is_said_but_that() {
    let text =
        python("extract_text.py", &rendered("no-drift", &Synthetic::default().assessment(), &options()));
    assert!(text.contains("Nothingissaidofwhatchanged:noearlierbundlewasnamed"));
    assert!(!text.contains("Newfailures"));
}

#[test]
fn no_text_stops_it() {
    let text = "#panic(\"x\") *b* _i_ `r` $x^2$ <l> @r \0 \u{202E}日本 😀";
    for text in [text, "", " ", &"a:b/".repeat(500)] {
        let assessment = Synthetic { text: text.into(), buckets: 2, filler: 0 }.assessment();
        let comparison = Some(comparison(text, &assessment, 2));
        rendered("hostile-drift", &assessment, &ReportOptions { comparison, ..options() });
    }
}
