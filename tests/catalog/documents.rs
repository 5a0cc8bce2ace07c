//! The catalog that comes with the program: nothing is wrong with it, and `docs/` says what is in it.

use std::fs;

use proofpack::assess::expression_defects;
use proofpack::catalog::{Catalog, Sources, documents};

use crate::support::root;

#[test]
fn the_pages_in_docs_are_those_that_the_catalog_gives() {
    let catalog = Catalog::embedded().unwrap();
    let mut stale = Vec::new();
    for (name, expected) in documents(&catalog) {
        let path = root().join("docs").join(name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(root().join("docs")).unwrap();
            fs::write(&path, &expected).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != expected {
            stale.push(name);
        }
    }
    assert_eq!(stale, Vec::<&str>::new(), "run the tests with UPDATE_EXPECT=1");
}

#[test]
fn nothing_is_wrong_with_the_catalog_that_is_compiled_in() {
    let (catalog, mut defects) = Catalog::examine(&Sources::embedded());
    defects.extend(expression_defects(&catalog));
    let defects: Vec<String> = defects.iter().map(ToString::to_string).collect();
    assert!(defects.is_empty(), "{} defects:\n{}", defects.len(), defects.join("\n"));
}

/// Every check, control and rule of others stands on its page; a page that lost some would still be "the same".
#[test]
fn the_pages_are_whole() {
    let catalog = Catalog::embedded().unwrap();
    let pages: Vec<(&str, String)> = documents(&catalog).into();
    let page = |name: &str| &pages.iter().find(|(page, _)| *page == name).unwrap().1;
    for check in catalog.checks.values() {
        assert!(page("checks.md").contains(&format!("<a id=\"{}\"></a>", check.id)), "{}", check.id);
        assert!(page("controls.md").contains(&format!("checks.md#{})", check.id)), "{}", check.id);
    }
    for control in catalog.frameworks.values().flat_map(|framework| &framework.controls) {
        assert!(page("controls.md").contains(&format!("\n| {} |", control.id)), "{}", control.id);
    }
    for name in catalog.crosswalk.schemes.iter().flat_map(|scheme| &scheme.names) {
        assert!(page("equivalents.md").contains(&format!("\n| `{name}` |")), "{name}");
    }
    let rows = (1..=19).map(|row| format!("A{row}")).chain((1..=17).map(|row| format!("B{row}")));
    for row in rows {
        assert!(page("targets.md").contains(&format!("\n| {row} |")), "{row} is missing in targets.toml");
    }
}
