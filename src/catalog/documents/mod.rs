//! The catalog as pages to read: `docs/` holds them, and a test that they are these.

mod checks;
mod controls;
mod equivalents;
mod targets;

use super::Catalog;

/// The pages, each with its file's name.
pub fn documents(catalog: &Catalog) -> [(&'static str, String); 4] {
    [
        ("checks.md", checks::page(catalog)),
        ("controls.md", controls::page(catalog)),
        ("equivalents.md", equivalents::page(catalog)),
        ("targets.md", targets::page(catalog)),
    ]
}

/// What stands at the head of every page: that nobody should write into it.
const GENERATED: &str =
    "<!-- Made of src/catalog/ by a test: UPDATE_EXPECT=1 cargo test --test integration documents -->\n";

/// One row of a table.
fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cell = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The head of a table.
fn head(names: &[&str]) -> String {
    format!("{}|{}\n", row(names.iter().copied()), "---|".repeat(names.len()))
}

/// Names as code, one after the other.
fn code<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A link to a check in `checks.md`.
fn check_link(id: &str) -> String {
    format!("[{id}](checks.md#{id})")
}

fn check_links<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    ids.into_iter().map(check_link).collect::<Vec<_>>().join(", ")
}

/// The controls that name a check, each with its framework's id.
fn controls_of<'a>(catalog: &'a Catalog, check: &str) -> Vec<(&'a str, &'a str)> {
    let frameworks = catalog.frameworks.values();
    frameworks
        .flat_map(|framework| framework.controls.iter().map(|control| (framework.id.as_str(), control)))
        .filter(|(_, control)| control.checks.iter().any(|id| id == check))
        .map(|(framework, control)| (framework, control.id.as_str()))
        .collect()
}

/// `1 check`, `2 checks`.
fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_in_its_row() {
        assert_eq!(row(["a|b", "c\n  d"]), "| a\\|b | c d |\n");
        assert_eq!(head(&["x", "y"]), "| x | y |\n|---|---|\n");
        assert_eq!(code(["a", "b"]), "`a`, `b`");
    }
}
