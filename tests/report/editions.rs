//! Editions of the report, and what it looks like.

use proofpack::report::{Brand, LogoFormat, ReportError, ReportOptions, Template, render};
use serde_json::{Value, json};

use super::corroborated::corroboration;
use super::drifted::comparison;
use super::synthetic::Synthetic;
use super::{MANIFEST, everywhere, options, python, rendered};

fn of_edition(id: &str) -> ReportOptions {
    ReportOptions { edition: Some(id.into()), ..options() }
}

fn facts(pdf: &std::path::Path) -> Value {
    serde_json::from_str(&python("inspect_pdf.py", pdf)).unwrap()
}

#[test]
fn the_manifest_names_the_editions_and_the_first_is_the_whole_report() {
    let editions = Template::default().editions().unwrap();
    let ids: Vec<&str> = editions.iter().map(|edition| edition.id.as_str()).collect();
    assert_eq!(ids, ["full", "executive", "findings", "index"]);
    let assessment = Synthetic::default().assessment();
    let named = render(&assessment, MANIFEST, &of_edition("full")).unwrap();
    assert!(named == render(&assessment, MANIFEST, &options()).unwrap());
    let unknown = render(&assessment, MANIFEST, &of_edition("short")).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no edition \"short\" of the report: there are full, executive, findings, index"
    );
}

#[test]
fn the_executive_edition_has_six_pages_at_most_whatever_there_is() {
    let small = Synthetic::default().assessment();
    let mut large = Synthetic { buckets: 800, ..Synthetic::default() }.assessment();
    large.frameworks.extend(large.frameworks.clone());
    large.frameworks.extend(large.frameworks.clone());
    let mut long = Synthetic { text: "a:b/".repeat(500), buckets: 7, filler: 0 }.assessment();
    everywhere(&mut long, &"x".repeat(40_000));
    for (name, assessment) in [("small", small), ("large", large), ("long", long)] {
        let comparison = (name != "small").then(|| comparison(name, &assessment, 100));
        let options = ReportOptions { comparison, ..of_edition("executive") };
        let pdf = rendered(&format!("executive-{name}"), &assessment, &options);
        let facts = facts(&pdf);
        let pages = facts["pages"].as_u64().unwrap();
        assert!((2..=6).contains(&pages), "{name}: {pages} pages");
        assert_eq!(facts["problems"], json!([]), "{name}");
        let text = python("extract_text.py", &pdf);
        assert!(text.contains("EXECUTIVESUMMARY") && text.contains("Whattolookatfirst"), "{name}");
    }
}

#[test]
fn the_findings_edition_shows_every_failure_and_no_more() {
    let mut assessment = Synthetic::default().assessment();
    let pdf = rendered("findings", &assessment, &of_edition("findings"));
    let text = python("extract_text.py", &pdf);
    for shown in ["Severity:high", "phi-records-0005", "Toremedyafailure", "EvidenceindexX"] {
        assert_eq!(text.contains(shown), !shown.ends_with('X'), "{shown}: {text}");
    }
    assert!(!text.contains("Evidenceindex"), "it has sections of the whole report");
    assert_eq!(facts(&pdf)["title"], "Findings: HIPAA Security Rule");

    for framework in &mut assessment.frameworks {
        framework.controls.clear();
    }
    let pdf = rendered("findings-none", &assessment, &of_edition("findings"));
    assert!(python("extract_text.py", &pdf).contains("Everythingthatwaslookedatpassed"));
}

#[test]
fn no_text_stops_an_edition() {
    let text = "#panic(\"x\") *b* _i_ `r` $x^2$ <l> @r \0 \u{202E}日本 😀";
    for id in ["executive", "findings"] {
        for text in [text, "", " "] {
            let mut assessment = Synthetic { text: text.into(), buckets: 7, filler: 0 }.assessment();
            everywhere(&mut assessment, text);
            let corroboration = Some(corroboration(text, &assessment));
            let options = ReportOptions { organization: text.into(), corroboration, ..of_edition(id) };
            rendered("hostile-edition", &assessment, &options);
        }
    }
}

#[test]
fn a_logo_stands_on_the_cover_and_says_whose_it_is() {
    let assessment = Synthetic::default().assessment();
    let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#1d4368"/></svg>"##;
    let brand = Brand { logo: Some((LogoFormat::Svg, svg.to_vec())), accent: Some("#5b1a1a".into()) };
    let pdf = rendered("branded", &assessment, &ReportOptions { brand, ..of_edition("executive") });
    let facts = facts(&pdf);
    assert_eq!((&facts["figures_without_alt"], &facts["problems"]), (&json!(0), &json!([])));
    let plain = rendered("unbranded", &assessment, &of_edition("executive"));
    assert_eq!(facts["figures"].as_u64(), self::facts(&plain)["figures"].as_u64().map(|count| count + 1));

    let refused =
        |brand: Brand| render(&assessment, MANIFEST, &ReportOptions { brand, ..options() }).unwrap_err();
    let light = refused(Brand { logo: None, accent: Some("#ffd700".into()) });
    assert!(matches!(light, ReportError::Brand(_)), "{light}");
    let broken = refused(Brand { logo: Some((LogoFormat::Png, b"no picture".to_vec())), accent: None });
    assert!(
        matches!(&broken, ReportError::Brand(why) if why.contains("the logo cannot be read")),
        "{broken}"
    );
}

#[test]
fn own_templates_stand_in_the_place_of_those_that_are_compiled_in() {
    let assessment = Synthetic::default().assessment();
    let with = |files: &[(&str, &str)]| {
        let own = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        render(&assessment, MANIFEST, &ReportOptions { template: Template::with(own).unwrap(), ..options() })
    };
    let glossary = ("glossary.typ", "#import \"house.typ\": word\n#let glossary() = [= #word]\n");
    let pdf = with(&[glossary, ("house.typ", "#let word = \"Our own words\"")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.pdf");
    std::fs::write(&file, &pdf).unwrap();
    let text = python("extract_text.py", &file);
    assert!(text.contains("Ourownwords") && text.contains("Howtoverify"), "the others are as they were");

    let broken = with(&[("glossary.typ", "#let glossary() = [\n #nothing ]")]).unwrap_err().to_string();
    assert!(broken.starts_with("the templates in report.templates cannot be used: "), "{broken}");
    assert!(broken.contains("glossary.typ:2: unknown variable: nothing"), "{broken}");
    for outside in ["/etc/passwd", "../../Cargo.toml"] {
        let template = format!("#let glossary() = read({outside:?})");
        let refused = with(&[("glossary.typ", &template)]).unwrap_err().to_string();
        assert!(refused.contains("glossary.typ:1: "), "{refused}");
    }
}

#[test]
fn an_index_that_is_too_long_is_attached_and_holds_every_record() {
    let assessment = Synthetic::default().assessment();
    let records = assessment.evidence.len();
    let most = records / 2 - 1;
    let divided = ReportOptions { most_lines_of_evidence: Some(most), ..options() };
    let pdf = rendered("annexes", &assessment, &divided);
    assert!(python("extract_text.py", &pdf).contains("Itistoolongforthesepages"));
    let bytes = std::fs::read(&pdf).unwrap();
    assert!(bytes == render(&assessment, MANIFEST, &divided).unwrap(), "the same every time");
    let names = python("detach.py", &pdf);
    let names: Vec<&str> = names.lines().filter(|name| *name != "manifest.json").collect();
    assert_eq!(names, ["evidence-index-01.pdf", "evidence-index-02.pdf", "evidence-index-03.pdf"]);
    let annexes = names.iter().map(|name| pdf.with_file_name(name));
    let listed: String = annexes
        .map(|annex| {
            let facts = facts(&annex);
            assert_eq!((&facts["pdfa_part"], &facts["problems"]), (&json!("3"), &json!([])), "{facts}");
            python("extract_text.py", &annex)
        })
        .collect();
    for entry in &assessment.evidence {
        assert!(listed.contains(&entry.id.to_string()), "{}", entry.id);
    }
    let whole = python("extract_text.py", &rendered("no-annexes", &assessment, &options()));
    assert!(
        !whole.contains("Itistoolongforthesepages") && whole.contains(&assessment.evidence[0].id.to_string())
    );
}
