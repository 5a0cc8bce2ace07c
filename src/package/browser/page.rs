//! `index.html`: the page's parts out of `report-templates/browser/`, joined into one file.

use include_dir::{Dir, include_dir};

use super::{BrowserError, policy_hash};

static PARTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/report-templates/browser");

/// The style sheets, in order.
const STYLES: [&str; 4] = ["tokens.css", "layout.css", "parts.css", "print.css"];

/// The scripts, in order: they share one scope, and the last one starts the page.
const SCRIPTS: [&str; 19] = [
    "words.js",
    "dom.js",
    "data.js",
    "hash.js",
    "filter.js",
    "route.js",
    "json/scan.js",
    "json/deciding.js",
    "json/view.js",
    "parts/badge.js",
    "parts/filters.js",
    "parts/pages.js",
    "parts/record.js",
    "views/overview.js",
    "views/controls.js",
    "views/findings.js",
    "views/records.js",
    "views/integrity.js",
    "main.js",
];

/// The page. It states in a Content-Security-Policy that nothing may run, load or be sent but its own parts, by their
/// hashes, and the data files beside it. (Those cannot be named by hash: a page from a disk may not read what it
/// loads. What they can do is bounded by the page: it takes JSON texts from them, and their records are hashed.)
pub(super) fn assemble() -> Result<String, BrowserError> {
    let style = joined(&STYLES)?;
    let scripts = joined(&SCRIPTS)?;
    let script = format!("\"use strict\";\n(() => {{\n{scripts}}})();\n");
    let policy = [
        "default-src 'none'".to_owned(),
        format!("script-src {} 'self' file:", policy_hash(&script)),
        format!("style-src {}", policy_hash(&style)),
        "base-uri 'none'".to_owned(),
        "form-action 'none'".to_owned(),
        "require-trusted-types-for 'script'".to_owned(),
        "trusted-types proofpack".to_owned(),
    ]
    .join("; ");
    let mut page = part("index.html")?.to_owned();
    for (place, text) in [("{{policy}}", &policy), ("{{style}}", &style), ("{{script}}", &script)] {
        page = page.replacen(place, text, 1);
    }
    Ok(page)
}

fn joined(names: &[&'static str]) -> Result<String, BrowserError> {
    names.iter().map(|name| part(name)).collect()
}

fn part(path: &'static str) -> Result<&'static str, BrowserError> {
    PARTS.get_file(path).and_then(|file| file.contents_utf8()).ok_or(BrowserError::Embedded { path })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all<'a>(folder: &'a Dir<'a>, found: &mut BTreeSet<&'a str>) {
        found.extend(folder.files().map(|file| file.path().to_str().unwrap()));
        folder.dirs().for_each(|folder| all(folder, found));
    }

    #[test]
    fn every_part_is_in_the_page_once() {
        let mut found = BTreeSet::new();
        all(&PARTS, &mut found);
        let listed: BTreeSet<&str> = STYLES.iter().chain(&SCRIPTS).copied().chain(["index.html"]).collect();
        assert_eq!(found, listed);
        assert_eq!(listed.len(), STYLES.len() + SCRIPTS.len() + 1);
    }

    #[test]
    fn the_page_holds_one_script_and_one_style_that_its_policy_names() {
        let page = assemble().unwrap();
        assert!(!page.contains("{{"), "a place was not filled in");
        for (open, close) in [("<script>", "</script>"), ("<style>", "</style>")] {
            assert_eq!((page.matches(open).count(), page.matches(close).count()), (1, 1));
            let text = page.split_once(open).unwrap().1.split_once(close).unwrap().0;
            assert!(page.contains(&policy_hash(text)), "the policy does not name {open}");
        }
        let policy = page.split_once("Content-Security-Policy").unwrap().1.split_once('>').unwrap().0;
        for weak in ["unsafe", "http:", "https:", "data:", "blob:", " *"] {
            assert!(!policy.contains(weak), "{weak}: {policy}");
        }
    }

    #[test]
    fn no_part_makes_markup_out_of_text_or_reaches_for_the_network() {
        let mut found = BTreeSet::new();
        all(&PARTS, &mut found);
        for path in found {
            let text = PARTS.get_file(path).unwrap().contents_utf8().unwrap();
            for banned in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "Function(",
                "fetch(",
                "XMLHttpRequest",
                "WebSocket",
                "importScripts",
                "srcdoc",
                "http://",
                "https://",
                "url(",
                "@import",
                "javascript:",
                "localStorage",
            ] {
                let svg = text.replace("http://www.w3.org/2000/svg", "");
                assert!(!svg.contains(banned), "{path} has {banned}");
            }
        }
    }
}
