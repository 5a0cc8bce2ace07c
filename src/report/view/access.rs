//! The access review: administrators first, then users, roles, groups and what is shared with other accounts.

use serde::Serialize;

use super::{RecordLink, Records};
use crate::model::{
    AccessGap, AccessReview, AdminPath, Assessment, Credential, PrincipalKind, RecordId, ReviewedPrincipal,
    SharedResource,
};

/// The most rows of one table: beyond that the review is read as CSV.
const MOST_ROWS: usize = 300;
/// The most records that one row names.
const MOST_RECORDS: usize = 4;

/// The section.
#[derive(Debug, Serialize)]
pub(super) struct AccessSection {
    unused_days: u32,
    administrators: Table<AdministratorRow>,
    users: Table<UserRow>,
    roles: Table<RoleRow>,
    groups: Table<GroupRow>,
    shared: Table<SharedRow>,
    gaps: Table<GapRow>,
    unknown: Table<UnknownRow>,
}

/// Rows, and how many more there are.
#[derive(Debug, Serialize)]
struct Table<Row> {
    rows: Vec<Row>,
    more: usize,
}

/// The records of a row, and how many more there are.
#[derive(Debug, Serialize)]
struct Proofs {
    records: Vec<RecordLink>,
    more: usize,
}

#[derive(Debug, Serialize)]
struct AdministratorRow {
    kind: &'static str,
    name: String,
    account: String,
    /// One of each way.
    ways: Vec<Way>,
    proofs: Proofs,
}

#[derive(Debug, Serialize)]
struct Way {
    description: String,
    roles: Vec<String>,
}

#[derive(Debug, Serialize)]
struct UserRow {
    name: String,
    account: String,
    password: bool,
    /// `None`: no password, or not known.
    mfa: Option<bool>,
    keys: usize,
    last_used: Option<String>,
    groups: Vec<String>,
    policies: Vec<String>,
    unused: Vec<String>,
    proofs: Proofs,
}

#[derive(Debug, Serialize)]
struct RoleRow {
    name: String,
    account: String,
    trusted: Vec<String>,
    outsiders: Vec<String>,
    last_used: Option<String>,
    policies: Vec<String>,
    unused: Vec<String>,
    proofs: Proofs,
}

#[derive(Debug, Serialize)]
struct GroupRow {
    name: String,
    account: String,
    members: Vec<String>,
    policies: Vec<String>,
    proofs: Proofs,
}

#[derive(Debug, Serialize)]
struct SharedRow {
    kind: String,
    name: String,
    account: String,
    region: String,
    outsiders: Vec<String>,
    unknown: Option<String>,
    proofs: Proofs,
}

#[derive(Debug, Serialize)]
struct GapRow {
    kind: String,
    account: String,
    region: String,
    proofs: Proofs,
}

#[derive(Debug, Serialize)]
struct UnknownRow {
    kind: &'static str,
    name: String,
    account: String,
    unknown: Vec<String>,
    proofs: Proofs,
}

/// The section of an assessment.
pub(super) fn access(assessment: &Assessment, records: &mut Records<'_>) -> AccessSection {
    let review = &assessment.access_review;
    let administrators = review.principals.iter().filter(|one| !one.admin_paths.is_empty());
    let users = of_kinds(review, &[PrincipalKind::Root, PrincipalKind::User]);
    AccessSection {
        unused_days: review.unused_days,
        administrators: table(administrators, |one| AdministratorRow {
            kind: one.kind.words(),
            name: one.name.clone(),
            account: one.account.clone(),
            ways: one.admin_paths.iter().map(way).collect(),
            proofs: proofs(one.proof.ids(), records),
        }),
        users: table(users.into_iter(), |one| user(one, records)),
        roles: table(of_kinds(review, &[PrincipalKind::Role]).into_iter(), |one| role(one, records)),
        groups: table(of_kinds(review, &[PrincipalKind::Group]).into_iter(), |one| GroupRow {
            name: one.name.clone(),
            account: one.account.clone(),
            members: one.members.clone(),
            policies: one.policies.clone(),
            proofs: proofs(one.proof.ids(), records),
        }),
        shared: table(review.shared.iter(), |one| shared(one, records)),
        gaps: table(review.gaps.iter(), |one: &AccessGap| GapRow {
            kind: one.kind.clone(),
            account: one.account.clone(),
            region: one.region.clone(),
            proofs: proofs(&one.records, records),
        }),
        unknown: table(review.principals.iter().filter(|one| !one.unknown.is_empty()), |one| UnknownRow {
            kind: one.kind.words(),
            name: one.name.clone(),
            account: one.account.clone(),
            unknown: one.unknown.clone(),
            proofs: proofs(one.proof.ids(), records),
        }),
    }
}

fn of_kinds<'a>(review: &'a AccessReview, kinds: &[PrincipalKind]) -> Vec<&'a ReviewedPrincipal> {
    review.principals.iter().filter(|one| kinds.contains(&one.kind)).collect()
}

fn table<'a, T: 'a, Row>(
    items: impl Iterator<Item = &'a T>,
    mut row: impl FnMut(&'a T) -> Row,
) -> Table<Row> {
    let mut items = items;
    let rows = items.by_ref().take(MOST_ROWS).map(&mut row).collect();
    Table { rows, more: items.count() }
}

fn proofs(ids: &[RecordId], records: &mut Records<'_>) -> Proofs {
    Proofs {
        records: ids.iter().take(MOST_RECORDS).map(|id| records.link(*id)).collect(),
        more: ids.len().saturating_sub(MOST_RECORDS),
    }
}

/// The day of an instant as AWS writes it; anything else as it is.
fn day(instant: &str) -> String {
    instant.split_once('T').map_or(instant, |(day, _)| day).to_owned()
}

fn way(path: &AdminPath) -> Way {
    Way { description: path.description.clone(), roles: path.roles.clone() }
}

fn user(one: &ReviewedPrincipal, records: &mut Records<'_>) -> UserRow {
    let keys: &[Credential] = &one.access_keys;
    UserRow {
        name: one.name.clone(),
        account: one.account.clone(),
        password: one.password.is_some(),
        mfa: one.mfa,
        keys: keys.len(),
        last_used: one.last_used.as_deref().map(day),
        groups: one.groups.clone(),
        policies: one.policies.clone(),
        unused: one.unused.clone(),
        proofs: proofs(one.proof.ids(), records),
    }
}

fn role(one: &ReviewedPrincipal, records: &mut Records<'_>) -> RoleRow {
    RoleRow {
        name: one.name.clone(),
        account: one.account.clone(),
        trusted: one.trusted.clone(),
        outsiders: one.outsiders.clone(),
        last_used: one.last_used.as_deref().map(day),
        policies: one.policies.clone(),
        unused: one.unused.clone(),
        proofs: proofs(one.proof.ids(), records),
    }
}

fn shared(one: &SharedResource, records: &mut Records<'_>) -> SharedRow {
    SharedRow {
        kind: one.kind.clone(),
        name: one.id.clone(),
        account: one.account.clone(),
        region: one.region.clone(),
        outsiders: one.outsiders.clone(),
        unknown: one.unknown.clone(),
        proofs: proofs(one.proof.ids(), records),
    }
}
