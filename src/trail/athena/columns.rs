//! The columns of the Athena table over log files: `columns.toml`, compiled in.

use std::sync::LazyLock;

use serde::Deserialize;

const TEXT: &str = include_str!("columns.toml");

/// A column, or a member of what a column holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    /// Name of the event's member.
    pub(super) member: String,
    /// What it holds, where neither `members` nor `elements` say it.
    #[serde(default)]
    pub(super) sort: Sort,
    /// Members of the object that it holds.
    #[serde(default)]
    pub(super) members: Vec<Column>,
    /// Members of the objects in the list that it holds.
    #[serde(default)]
    pub(super) elements: Vec<Column>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sort {
    /// A text.
    #[default]
    Text,
    /// `true` or `false`, as a text.
    Truth,
    /// The JSON text of any value.
    Json,
    /// Names and texts.
    Map,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    column: Vec<Column>,
}

/// All columns, in the table's order. (Were their file broken, there would be none; a test reads it.)
pub(super) fn columns() -> &'static [Column] {
    static COLUMNS: LazyLock<Vec<Column>> =
        LazyLock::new(|| toml::from_str::<File>(TEXT).map(|file| file.column).unwrap_or_default());
    &COLUMNS
}

impl Column {
    /// Its name in the table: Athena knows no capitals.
    pub(super) fn name(&self) -> String {
        self.member.to_lowercase()
    }

    /// Its type in Hive's language.
    pub(super) fn hive_type(&self) -> String {
        let object = |members: &[Self]| {
            let all: Vec<String> =
                members.iter().map(|member| format!("{}:{}", member.name(), member.hive_type())).collect();
            format!("struct<{}>", all.join(","))
        };
        match (self.members.as_slice(), self.elements.as_slice(), self.sort) {
            ([], [], Sort::Map) => "map<string,string>".to_owned(),
            ([], [], _) => "string".to_owned(),
            (members, [], _) => object(members),
            (_, elements, _) => format!("array<{}>", object(elements)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_read_and_typed() {
        toml::from_str::<File>(TEXT).unwrap();
        let typed = |name: &str| columns().iter().find(|column| column.name() == name).unwrap().hive_type();
        assert_eq!(typed("readonly"), "string");
        assert_eq!(typed("resources"), "array<struct<arn:string,accountid:string,type:string>>");
        assert!(
            typed("useridentity").contains(
                "webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>>"
            )
        );
    }
}
