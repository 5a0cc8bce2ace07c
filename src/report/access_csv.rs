//! The access review as CSV (RFC 4180), for a manager to decide on row by row.

use crate::model::{
    AccessGap, AccessReview, AdminPath, Credential, RecordId, ReviewedPrincipal, SharedResource,
    spreadsheet_cell,
};

/// The columns; the last ones are for the reviewer to fill in.
const COLUMNS: [&str; 24] = [
    "account",
    "type",
    "name",
    "arn",
    "region",
    "created",
    "password since",
    "mfa",
    "access keys",
    "last used",
    "groups",
    "members",
    "policies",
    "permissions boundary",
    "administrator",
    "can be assumed by",
    "outside of the account",
    "not used",
    "not known",
    "records",
    "decision",
    "reviewer",
    "date",
    "comment",
];

/// How many of them are the reviewer's.
const FOR_THE_REVIEWER: usize = 4;

/// Why there is no CSV.
#[derive(Debug, thiserror::Error)]
#[error("the access review cannot be written as CSV: {0}")]
pub struct CsvError(String);

/// Writes the review as CSV: principals, then shared resources, then what could not be seen.
///
/// Names and tags are text that strangers may choose: a cell that a spreadsheet program would take for a formula
/// begins with an apostrophe.
///
/// # Errors
/// When it cannot be written; no text in the review is a reason for that.
pub fn access_csv(review: &AccessReview) -> Result<Vec<u8>, CsvError> {
    let failed = |error: csv::Error| CsvError(error.to_string());
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(failed)?;
    let rows = review
        .principals
        .iter()
        .map(of_principal)
        .chain(review.shared.iter().map(of_resource))
        .chain(review.gaps.iter().map(of_gap));
    for row in rows {
        let cells = row.iter().map(|cell| spreadsheet_cell(cell));
        let blanks = std::iter::repeat_n(String::new(), FOR_THE_REVIEWER);
        writer.write_record(cells.chain(blanks)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| CsvError(error.to_string()))
}

type Cells = [String; COLUMNS.len() - FOR_THE_REVIEWER];

fn of_principal(principal: &ReviewedPrincipal) -> Cells {
    [
        principal.account.clone(),
        principal.kind.words().to_owned(),
        principal.name.clone(),
        principal.arn.clone(),
        "global".to_owned(),
        text(&principal.created),
        principal.password.as_ref().map(since).unwrap_or_default(),
        principal.mfa.map(|mfa| if mfa { "yes" } else { "no" }.to_owned()).unwrap_or_default(),
        joined(principal.access_keys.iter().map(key)),
        text(&principal.last_used),
        joined(principal.groups.iter().cloned()),
        joined(principal.members.iter().cloned()),
        joined(principal.policies.iter().cloned()),
        text(&principal.boundary),
        joined(principal.admin_paths.iter().map(way)),
        joined(principal.trusted.iter().cloned()),
        joined(principal.outsiders.iter().cloned()),
        joined(principal.unused.iter().cloned()),
        joined(principal.unknown.iter().cloned()),
        records(principal.proof.ids()),
    ]
}

fn of_resource(resource: &SharedResource) -> Cells {
    let mut cells = Cells::default();
    let told = [&resource.account, &resource.kind, &resource.id, &resource.arn, &resource.region];
    cells.iter_mut().zip(told).for_each(|(cell, told)| cell.clone_from(told));
    set(&mut cells, "outside of the account", joined(resource.outsiders.iter().cloned()));
    set(&mut cells, "not known", text(&resource.unknown));
    set(&mut cells, "records", records(resource.proof.ids()));
    cells
}

fn of_gap(gap: &AccessGap) -> Cells {
    let mut cells = Cells::default();
    set(&mut cells, "account", gap.account.clone());
    set(&mut cells, "type", gap.kind.clone());
    set(&mut cells, "region", gap.region.clone());
    set(&mut cells, "not known", "could not be seen".to_owned());
    set(&mut cells, "records", records(&gap.records));
    cells
}

fn set(cells: &mut Cells, column: &str, value: String) {
    let place = COLUMNS.iter().position(|name| *name == column);
    if let Some(cell) = place.and_then(|place| cells.get_mut(place)) {
        *cell = value;
    }
}

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

fn since(credential: &Credential) -> String {
    credential.since.clone().unwrap_or_else(|| "yes".to_owned())
}

fn key(credential: &Credential) -> String {
    let used = credential.last_used.as_deref().unwrap_or("no use on record");
    format!(
        "{} since {}, last used: {used}",
        credential.name,
        credential.since.as_deref().unwrap_or("unknown")
    )
}

fn way(path: &AdminPath) -> String {
    if path.roles.is_empty() {
        path.description.clone()
    } else {
        format!("{} ({})", path.description, path.roles.join(" then "))
    }
}

fn records(ids: &[RecordId]) -> String {
    joined(ids.iter().map(RecordId::to_string))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;
    use crate::model::{AdminPathKind, PrincipalKind, Proof};
    use proptest::prelude::*;

    fn principal(name: &str) -> ReviewedPrincipal {
        ReviewedPrincipal {
            kind: PrincipalKind::User,
            account: "123456789012".into(),
            name: name.into(),
            arn: format!("arn:aws:iam::123456789012:user/{name}"),
            created: Some("2024-01-01T00:00:00Z".into()),
            password: Some(Credential { name: "password".into(), since: None, last_used: None }),
            mfa: Some(false),
            access_keys: vec![Credential { name: "access key 1".into(), since: None, last_used: None }],
            last_used: None,
            groups: vec!["a".into(), "b".into()],
            members: vec![],
            policies: vec![name.into()],
            boundary: None,
            admin_paths: vec![AdminPath {
                kind: AdminPathKind::Role,
                description: "can assume".into(),
                roles: vec!["x".into(), "y".into()],
            }],
            trusted: vec![],
            outsiders: vec![],
            unused: vec![],
            unknown: vec![],
            proof: Proof::new([RecordId(sha256(b"a"))]).unwrap(),
        }
    }

    fn read(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn every_row_names_its_records_and_leaves_the_decision_open() {
        let shared = SharedResource {
            kind: "s3-bucket".into(),
            account: "123456789012".into(),
            region: "global".into(),
            id: "b".into(),
            arn: "arn:aws:s3:::b".into(),
            outsiders: vec!["*".into()],
            unknown: None,
            proof: Proof::new([RecordId(sha256(b"b"))]).unwrap(),
        };
        let gap = AccessGap {
            account: "123456789012".into(),
            region: "*".into(),
            kind: "iam-role".into(),
            records: vec![RecordId(sha256(b"c"))],
        };
        let review = AccessReview {
            unused_days: 90,
            principals: vec![principal("ada")],
            shared: vec![shared],
            gaps: vec![gap],
        };
        let bytes = access_csv(&review).unwrap();
        let rows = read(&bytes);
        assert_eq!(rows[0], COLUMNS);
        assert_eq!(rows.len(), 4);
        let column = |row: usize, name: &str| {
            rows[row][COLUMNS.iter().position(|column| *column == name).unwrap()].clone()
        };
        for (row, seed) in [(1, b"a"), (2, b"b"), (3, b"c")] {
            assert_eq!(column(row, "records"), sha256(seed).to_string());
            for blank in ["decision", "reviewer", "date", "comment"] {
                assert_eq!(column(row, blank), "");
            }
        }
        assert_eq!(column(1, "administrator"), "can assume (x then y)");
        assert_eq!(column(1, "mfa"), "no");
        assert_eq!(column(1, "groups"), "a; b");
        assert_eq!(
            (column(2, "type"), column(2, "outside of the account")),
            ("s3-bucket".into(), "*".into())
        );
        assert_eq!(column(3, "not known"), "could not be seen");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (name, cell) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1", "'+1"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("a=1", "a=1"),
        ] {
            let review = AccessReview { principals: vec![principal(name)], ..AccessReview::default() };
            assert_eq!(read(&access_csv(&review).unwrap())[1][2], cell);
        }
    }

    proptest! {
        #[test]
        fn any_name_stays_in_its_cell(name in ".{0,40}|[=+@\\-\\t\\r\\n\",]{0,8}.{0,8}") {
            let review = AccessReview { principals: vec![principal(&name)], ..AccessReview::default() };
            let rows = read(&access_csv(&review).unwrap());
            prop_assert_eq!(rows.len(), 2);
            prop_assert_eq!(rows[1].len(), COLUMNS.len());
            for cell in &rows[1] {
                prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
            }
        }
    }
}
