//! The report, from a made-up assessment to a PDF that other programs read.

mod corroborated;
mod drifted;
mod editions;
mod other_tools;
pub(crate) mod synthetic;
mod trail_coverage;

use std::path::{Path, PathBuf};

use corroborated::corroboration;
use proofpack::canonical::sha256;
use proofpack::model::{Assessment, DecidingLine, LeftOut, Outcome, UsedParameter};
use proofpack::report::{ReportOptions, render};
use synthetic::Synthetic;

use crate::support::{python_tool, succeed};

const MANIFEST: &[u8] = b"{\"version\":1}\n";

fn options() -> ReportOptions {
    ReportOptions {
        organization: "Example Health, Inc.".into(),
        demonstration: true,
        ..ReportOptions::default()
    }
}

/// Renders, and leaves the PDF where it can be looked at and given to other programs.
#[track_caller]
fn rendered(name: &str, assessment: &Assessment, options: &ReportOptions) -> PathBuf {
    let pdf = render(assessment, MANIFEST, options).unwrap();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{name}.pdf"));
    std::fs::write(&path, pdf).unwrap();
    path
}

/// Runs a Python script of this directory on a PDF.
#[track_caller]
fn python(script: &str, pdf: &Path) -> String {
    let path = crate::support::root().join("tests/report").join(script);
    let output = succeed(python_tool("python").arg(path).arg(pdf));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let assessment = Synthetic::default().assessment();
    let first = render(&assessment, MANIFEST, &options()).unwrap();
    let second = render(&Synthetic::default().assessment(), MANIFEST, &options()).unwrap();
    assert!(first == second, "two renderings differ");
    let other = render(&assessment, b"{\"version\":2}\n", &options()).unwrap();
    assert_ne!(sha256(&first), sha256(&other), "the manifest leaves no trace in the report");
}

#[test]
fn the_pdf_is_tagged_archivable_and_carries_the_manifest() {
    let pdf = rendered("structure", &Synthetic::default().assessment(), &options());
    let facts: serde_json::Value = serde_json::from_str(&python("inspect_pdf.py", &pdf)).unwrap();
    assert_eq!(facts["attachments"]["manifest.json"], String::from_utf8_lossy(MANIFEST).as_ref());
    assert_eq!(facts["marked"], true);
    assert_eq!(facts["language"], "en-US");
    assert_eq!((&facts["pdfa_part"], &facts["pdfa_conformance"]), (&"3".into(), &"A".into()));
    assert_eq!(facts["pdfua_part"], "1");
    assert_eq!(facts["title"], "Evidence report: HIPAA Security Rule");
    assert_eq!(facts["author"], "proofpack 0.1.0");
    assert_eq!(facts["created"], "D:20260701000000Z");
    assert_eq!(facts["problems"], serde_json::json!([]), "qpdf's check");
    let bookmarks: Vec<&str> =
        facts["bookmarks"].as_array().unwrap().iter().filter_map(|title| title.as_str()).collect();
    for section in [
        "Scope and method",
        "Summary",
        "Controls",
        "Gaps",
        "CloudTrail",
        "Coverage by validated log files",
        "What this shows, and what it does not",
        "Evidence index",
        "Glossary",
        "How to verify",
    ] {
        assert!(bookmarks.contains(&section), "no bookmark {section} among {bookmarks:?}");
    }
    assert!(bookmarks.iter().any(|title| title.starts_with("164.312(a)(1)(iv)")), "{bookmarks:?}");
    assert_eq!(facts["figures_without_alt"], 0);
    assert_eq!(facts["figures"], 2);
}

#[test]
fn the_demonstration_is_marked_and_the_real_thing_is_not() {
    let assessment = Synthetic::default().assessment();
    for demonstration in [true, false] {
        let pdf = rendered("demonstration", &assessment, &ReportOptions { demonstration, ..options() });
        let text = python("extract_text.py", &pdf);
        assert_eq!(text.contains("DEMONSTRATION"), demonstration);
        assert!(text.contains("Thisreportstatesevidence,notlegalcompliance."));
    }
}

#[test]
fn every_framework_is_shown_in_turn_and_links_stay_within_it() {
    let mut assessment = Synthetic::default().assessment();
    let mut second = assessment.frameworks[0].clone();
    second.reference.title = "Security and Privacy Controls".into();
    second.reference.edition = "Revision 5".into();
    for control in &mut second.controls {
        control.title = format!("{} again", control.title);
    }
    assessment.frameworks.push(second);
    let pdf = rendered("frameworks", &assessment, &options());
    let facts: serde_json::Value = serde_json::from_str(&python("inspect_pdf.py", &pdf)).unwrap();
    assert_eq!(facts["title"], "Evidence report: HIPAA Security Rule; Security and Privacy Controls");
    assert_eq!((&facts["figures"], &facts["problems"]), (&3.into(), &serde_json::json!([])));
    let text = python("extract_text.py", &pdf);
    for shown in [
        "SecurityandPrivacyControls:Revision5",
        "ControlsofHIPAASecurityRule",
        "ControlsofSecurityandPrivacyControls",
        "164.312(a)(1)(iv)Encryptionanddecryptionagain",
    ] {
        assert!(text.contains(shown), "{shown} is not on the pages:\n{text}");
    }
    // The second framework points at the first for what is shown there.
    let shown = text.matches("Under164.312(a)(1)(iv),page").count();
    assert_eq!(shown, 3, "once in the first framework, twice in the second");
}

#[test]
fn no_text_stops_the_report() {
    let texts = [
        "#panic(\"x\") #set page(width: 1pt) *b* _i_ `r` $x^2$ <l> @r // /* [ ] \\ #eval(\"1\")",
        "nul \0 bell \u{7} delete \u{7f} next line \u{85} line\nfeed\r\u{2028}\u{2029}",
        "\u{202E}reversed\u{202C} \u{2066}isolated\u{2069} \u{200F}mark",
        "日本語 한국어 العربية עברית ไทย हिन्दी 😀 👩‍👩‍👧‍👦 🇺🇸 \u{1F512}",
        "\u{FEFF}\u{FFFE}\u{FFFF}\u{10FFFF}\u{E000}\u{F0000}\u{FFFD}\u{FFFC}",
        "Z\u{0300}\u{0301}\u{0302}\u{0489}\u{20DD}algo ﬁ ﷺ \u{00AD}\u{00A0}\u{200B}\u{200D}\u{180E}",
        "  two  spaces   https://example.com/a?b=c#d --- ... - item = heading 1. one ",
    ];
    for (number, text) in [texts.concat().as_str(), "", " ", "= heading"].into_iter().enumerate() {
        let synthetic = Synthetic { text: text.into(), buckets: 7, filler: 0 };
        let mut assessment = synthetic.assessment();
        everywhere(&mut assessment, text);
        let corroboration = Some(corroboration(text, &assessment));
        let options = ReportOptions { organization: text.into(), corroboration, ..options() };
        let pdf = rendered(&format!("hostile-{number}"), &assessment, &options);
        if number == 0 {
            let printed = python("extract_text.py", &pdf);
            for visible in ["#eval(\"1\")", "nul⟨U+0000⟩bell", "⟨U+202E⟩reversed", "⟨U+65E5⟩", "⟨U+1F512⟩"]
            {
                assert!(printed.contains(visible), "{visible} is not on the pages:\n{printed}");
            }
        }
    }
}

#[test]
fn very_long_values_do_not_stop_the_report() {
    let text = "x".repeat(40_000);
    let mut assessment = Synthetic { text: "a:b/".repeat(500), buckets: 7, filler: 0 }.assessment();
    everywhere(&mut assessment, &text);
    let corroboration = Some(corroboration(&text, &assessment));
    rendered(
        "long",
        &assessment,
        &ReportOptions { organization: text, corroboration, ..ReportOptions::default() },
    );
}

#[test]
fn what_cloudtrail_says_of_the_collection_is_shown_and_that_nobody_asked_too() {
    let assessment = Synthetic::default().assessment();
    let pdf = rendered("not-corroborated", &assessment, &options());
    assert!(python("extract_text.py", &pdf).contains("Nobodyaskedwhether"));

    let corroboration = Some(corroboration("logs", &assessment));
    let pdf = rendered("corroborated", &assessment, &ReportOptions { corroboration, ..options() });
    let text = python("extract_text.py", &pdf);
    for shown in [
        "730recordsofAPIcallswereheld",
        "700",
        "confirmed:",
        "29",
        "CloudTrailloggedtherequestotherwisethan",
        "principal:logsintherecord,",
        "eventlogs",
    ] {
        assert!(text.contains(shown), "{shown} is not on the pages:\n{text}");
    }
    assert!(!text.contains("Nobodyaskedwhether"));
}

#[test]
fn what_was_left_out_is_said_and_many_accounts_fit_the_cover() {
    let mut assessment = Synthetic::default().assessment();
    let scope = &mut assessment.bundle.scope;
    scope.accounts = (0..40).map(|number| format!("{:012}", 100_000_000_000_u64 + number)).collect();
    scope.accounts_left_out.insert("999988887777".into(), LeftOut::Suspended);
    for account in &scope.accounts[..3] {
        scope.regions_not_enabled.insert(account.clone(), ["me-south-1".to_owned()].into());
    }
    assessment.frameworks[0].controls[3].excerpts[0].accounts_without.push("100000000039".into());
    let text = python("extract_text.py", &rendered("left-out", &assessment, &options()));
    for shown in [
        "and28moreaccounts,listedunderScopeandmethod",
        "100000000037,100000000038,100000000039",
        "suspendedbyAWS999988887777",
        "me-south-1100000000000,100000000001,100000000002",
        "Nocheckwasjudgedinthem",
        "Notreadfor1account:100000000039.",
    ] {
        assert!(text.contains(shown), "{shown} is not on the pages:\n{text}");
    }
}

#[test]
fn what_is_not_listed_is_counted() {
    let assessment = Synthetic { buckets: 800, ..Synthetic::default() }.assessment();
    let text = python("extract_text.py", &rendered("large", &assessment, &options()));
    // 800 buckets: 114 each fail, are excepted and are indeterminate, and 458 pass
    let left = "and14fail,74indeterminate,74excepted,456passmoreinthepackage’sassessment.json";
    assert!(text.contains(left), "the rest of the findings is not counted");
    assert!(text.contains("and798moreinthepackage’sassessment.json"));
    let index = text.rfind("Evidenceindex").unwrap();
    for entry in &assessment.evidence {
        assert!(text[index..].contains(&entry.id.to_string()), "{} is not in the index", entry.id);
    }
}

#[test]
fn every_control_is_shown_with_its_proof_or_says_that_it_has_none() {
    let assessment = Synthetic::default().assessment();
    let text = python("extract_text.py", &rendered("controls", &assessment, &options()));
    for control in assessment.controls() {
        let title: String = format!("{}{}", control.id, control.title).split_whitespace().collect();
        assert!(text.contains(&title), "{title}");
    }
    for shown in [
        "Nocheck,logexcerptorattestationismappedtoitinthiscatalog.", // 164.312(b)
        "Predicateovereachs3-bucket.Trueisapass.resource.encryption.algorithm=='aws:kms'",
        "$awss3apiget-bucket-encryption--bucketphi-records-0005-us-east-1-a-rather-long-bucket-name--regionus-east-1",
        "access-key-age-days60days90CISAWSFoundationsBenchmark",
        "listener-tls-policies[\"ELBSecurityPolicy-TLS13-1-2-2021-06\",\"phi\"]itisthedefault",
        "absent,AWSsays:ServerSideEncryptionConfigurationNotFoundError",
        "gap:AccessDenied",
        "Leavesundecided:s3-bucket-customer-key(1finding)",
        "Problem.Ithasexpired.",
        "Under164.312(a)(1)(iv),page",
        "givenbyAdaPark,Securityofficer,on2026-04-01,andholdsuntil2027-03-31",
        "butnolongerholds(until2025-03-31)",
        "Thestatusrestsonthisdecision.",
        "riskanalysis2026.pdf",
        "Alateronehastakenitsplace.",
        "Noframeworkofthisassessmentasksforit.",
        "and5morefiles,namedintherecord",
        "Itsrecorddoesnotholdastatement",
        "Examined1checkof14resources;1checkwithnothinginscope",
        "Found✖2resourcesfail1checkofhighseverity",
        "Missing?2findingsof1checkcouldnotbedecided",
        "◐2failuresbySamOdeuntil2026-12-31(exception1,SEC-1042):s3-bucket-customer-keyofarn:aws:s3:::phi-records-*;exception2iswithouteffect:expiredon2025-12-31",
        "(exception2:withouteffect:expiredon2025-12-31)",
        "(exception1:accepteduntil2026-12-31)",
        "Missing?notallcouldbereadfor1excerpt;◷nolongerholds:log-review",
        "Useoftherootuser:5events,shownunder",
        "absent,AWSsays:ServerSideEncryptionConfigurationNotFoundError(ServerSideEncryptionConfigurationNotFoundError:notauthorized",
        "Validatedlogfilesdonotcoverthewholeperiod(seeCloudTrail)",
        "1of3accountsandregionsarecoveredwhole.",
        "Notcovered:2026-04-0307:00:00UTCto2026-04-0308:00:00UTC",
        "1logfileisinnodigestfile:",
        "and3moreintherecord",
    ] {
        assert!(text.contains(shown), "{shown} is not on the pages");
    }
    let failure = assessment.findings.iter().find(|finding| finding.message.contains("0005")).unwrap();
    for record in failure.proof.ids() {
        assert!(text.contains(&record.short()) && text.contains(&format!("sha256{record}")), "{record}");
    }
}

/// Puts a text wherever an assessment takes one.
fn everywhere(assessment: &mut Assessment, text: &str) {
    assessment.frameworks[0].reference.title = text.into();
    assessment.frameworks[0].reference.edition = text.into();
    assessment.tool.name = text.into();
    assessment.bundle.scope.partition = text.into();
    assessment.bundle.scope.accounts.push(text.into());
    assessment.bundle.scope.regions.push(text.into());
    assessment.bundle.scope.regions_not_enabled.insert(text.into(), [text.to_owned()].into());
    assessment.bundle.scope.accounts_left_out.insert(text.into(), LeftOut::Closed);
    assessment.frameworks[0].controls[3].excerpts[0].accounts_without.push(text.into());
    let used = UsedParameter {
        value: serde_json::json!({ text: [text] }),
        default: text.into(),
        unit: Some(text.into()),
        source: Some(text.into()),
    };
    assessment.parameters.insert(text.into(), used);
    for control in &mut assessment.frameworks[0].controls {
        control.title = text.into();
        control.guidance = text.into();
        control.parent = Some(text.into());
    }
    assessment.frameworks[0].controls[8].group = text.into();
    assessment.frameworks[0].controls[8].id = text.into();
    for check in &mut assessment.checks {
        check.title = text.into();
        check.expression = format!("{text}\n  {text}");
        check.references.insert(text.into(), vec![text.into()]);
    }
    for finding in &mut assessment.findings {
        finding.message = text.into();
        finding.subject.arn = text.into();
        finding.subject.region = text.into();
        if let (Outcome::Fail, [record, ..]) = (finding.outcome, finding.proof.ids()) {
            let line =
                |value| DecidingLine { record: *record, at: text.into(), property: text.into(), value };
            finding.decided_by = vec![line(Some(text.to_owned())), line(None)];
        }
    }
    for entry in &mut assessment.evidence {
        entry.path = text.into();
        entry.region = text.into();
        entry.service = text.into();
        entry.operation = text.into();
        entry.caller = text.into();
        entry.error = Some(text.into());
        entry.message = Some(text.into());
        entry.parameters = serde_json::json!({ text: text, "Nested": [{ text: text }] });
    }
    for source in &mut assessment.trail_sources {
        source.account = text.into();
        source.region = text.into();
    }
    for statement in assessment.attestations.iter_mut().filter_map(|entry| entry.statement.as_mut()) {
        statement.statement = format!("{text}\n{text}");
        statement.author = text.into();
        statement.role = text.into();
        statement.files.iter_mut().for_each(|file| file.name = text.into());
    }
    assessment.attestations[0].id = text.into();
    for report in &mut assessment.exceptions {
        report.exception.check = text.into();
        report.exception.owner = text.into();
        report.exception.reference = Some(text.into());
    }
}
