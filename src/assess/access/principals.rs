//! The rows of the review: root users, users, groups and roles.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::functions::age::age_days;
use super::super::functions::policy::{Policy, Principal};
use super::super::functions::policy_grants::cross_account_principals;
use super::facts::{Basis, Estate};
use super::paths::{self, Actor};
use super::rights::{Rights, granting};
use crate::catalog::AccessRules;
use crate::model::{
    AdminPath, AdminPathKind, Credential, FindingError, PrincipalKind, Proof, Resource, ReviewedPrincipal,
};

/// How the credential report calls the root user.
const ROOT: &str = "<root_account>";

/// All principals of all accounts.
///
/// # Errors
/// When one would rest on no record.
pub(super) fn principals(
    estate: &Estate<'_>,
    rules: &AccessRules,
    as_of: DateTime<Utc>,
) -> Result<Vec<ReviewedPrincipal>, FindingError> {
    let people = People::new(estate, rules.unused_days, as_of);
    let mut rows: Vec<Row> = Vec::new();
    let kinds = [
        ("iam-user", PrincipalKind::User),
        ("iam-group", PrincipalKind::Group),
        ("iam-role", PrincipalKind::Role),
    ];
    for (kind, sort) in kinds {
        for resource in estate.of_kind(kind) {
            rows.push(people.row(resource, sort)?);
        }
    }
    let actors: Vec<Actor> = rows.iter_mut().filter_map(|row| row.actor.take()).collect();
    for (row, paths) in rows.iter_mut().zip(paths::of_all(&actors, rules)) {
        row.principal.admin_paths = paths;
    }
    for root in estate.of_kind("iam-credential").iter().filter(|one| one.id == ROOT) {
        rows.push(people.root(root)?);
    }
    let mut principals = Vec::new();
    for Row { principal, basis, .. } in rows {
        principals.push(ReviewedPrincipal { proof: basis.proof()?, unknown: basis.unknown, ..principal });
    }
    principals.sort_by(|one, other| {
        (&one.account, one.kind, &one.name, &one.arn).cmp(&(
            &other.account,
            other.kind,
            &other.name,
            &other.arn,
        ))
    });
    Ok(principals)
}

/// A principal while it is looked at.
struct Row {
    principal: ReviewedPrincipal,
    basis: Basis,
    actor: Option<Actor>,
}

struct People<'a> {
    estate: &'a Estate<'a>,
    /// Rows of the credential report, by account and ARN.
    credentials: BTreeMap<(&'a str, &'a str), &'a Resource>,
    /// Groups by account and name.
    groups: BTreeMap<(&'a str, &'a str), &'a Resource>,
    /// Findings of IAM Access Analyzer about unused access, by the ARN that they are about.
    findings: BTreeMap<String, Vec<&'a Resource>>,
    unused_days: i64,
    as_of: DateTime<Utc>,
}

impl<'a> People<'a> {
    fn new(estate: &'a Estate<'a>, unused_days: u32, as_of: DateTime<Utc>) -> Self {
        let by_arn = |one: &&'a Resource| ((one.account.as_str(), one.arn.as_str()), *one);
        let by_name = |one: &&'a Resource| ((one.account.as_str(), one.id.as_str()), *one);
        let mut findings: BTreeMap<String, Vec<&Resource>> = BTreeMap::new();
        for finding in estate.of_kind("accessanalyzer-finding") {
            let mut basis = Basis::default();
            if let Some(about) = basis.text(finding, "resource")
                && basis.text(finding, "type").is_some_and(|sort| sort.starts_with("Unused"))
            {
                findings.entry(about).or_default().push(finding);
            }
        }
        Self {
            estate,
            credentials: estate.of_kind("iam-credential").iter().map(by_arn).collect(),
            groups: estate.of_kind("iam-group").iter().map(by_name).collect(),
            findings,
            unused_days: i64::from(unused_days),
            as_of,
        }
    }

    fn row(&self, resource: &Resource, kind: PrincipalKind) -> Result<Row, FindingError> {
        let mut basis = Basis::of(resource);
        let mut principal = empty(kind, resource)?;
        principal.created = basis.text(resource, "created");
        let mut groups: Vec<&Resource> = Vec::new();
        let mut trust = None;
        match kind {
            PrincipalKind::User => {
                for name in texts(basis.read(resource, "groups")) {
                    match self.groups.get(&(resource.account.as_str(), name.as_str())) {
                        Some(group) => groups.push(group),
                        None => basis.doubt(format!("what the group {name} allows was not seen")),
                    }
                    principal.groups.push(name);
                }
                match self.credentials.get(&(resource.account.as_str(), resource.arn.as_str())) {
                    Some(row) => self.credentials_of(row, &mut principal, &mut basis),
                    None => basis.doubt("the credential report does not have this user"),
                }
            }
            PrincipalKind::Group => principal.members = texts(basis.read(resource, "members")),
            PrincipalKind::Role => {
                principal.last_used = basis.text(resource, "last_used");
                let (last_used, created) = (principal.last_used.as_deref(), principal.created.as_deref());
                principal.unused.extend(self.disuse("role", last_used, created));
                trust = trust_of(resource, &mut principal, &mut basis);
            }
            PrincipalKind::Root => {}
        }
        for finding in self.findings.get(&resource.arn).into_iter().flatten() {
            let sort = basis.text(finding, "type").unwrap_or_default();
            basis.records.insert(finding.record);
            principal.unused.push(format!("IAM Access Analyzer: {sort}"));
        }
        let rights = Rights::of(resource, &groups, self.estate, &mut basis);
        let own = rights.sources.iter().filter(|source| source.group.is_none());
        principal.policies = own.map(|source| source.label.clone()).collect();
        if kind != PrincipalKind::Group {
            principal.boundary = basis.text(resource, "permissions_boundary");
        }
        let actor = Actor {
            account: resource.account.clone(),
            name: resource.id.clone(),
            arn: resource.arn.clone(),
            rights,
            trust,
            acts: kind != PrincipalKind::Group,
        };
        Ok(Row { principal, basis, actor: Some(actor) })
    }

    fn root(&self, resource: &Resource) -> Result<Row, FindingError> {
        let mut basis = Basis::of(resource);
        let mut principal = empty(PrincipalKind::Root, resource)?;
        principal.name = "root".to_owned();
        principal.admin_paths = vec![AdminPath {
            kind: AdminPathKind::Direct,
            description: "the root user can do everything".to_owned(),
            roles: Vec::new(),
        }];
        self.credentials_of(resource, &mut principal, &mut basis);
        // The root user is meant not to be used.
        principal.unused.clear();
        Ok(Row { principal, basis, actor: None })
    }

    /// What the credential report says of somebody.
    fn credentials_of(&self, row: &Resource, principal: &mut ReviewedPrincipal, basis: &mut Basis) {
        basis.records.insert(row.record);
        let all: Vec<Value> =
            basis.read(row, "credentials").and_then(Value::as_array).cloned().unwrap_or_default();
        for entry in &all {
            let member = |name: &str| entry.get(name).and_then(Value::as_str).and_then(told);
            let Some(name) = member("name") else { continue };
            let is_password = name == "password";
            let active = entry.get("active").and_then(Value::as_str).unwrap_or_default();
            // The report does not say of the root user's password that there is one; there is.
            let is_active = active == "true" || (is_password && principal.kind == PrincipalKind::Root);
            if !is_active {
                continue;
            }
            let credential =
                Credential { name: name.clone(), since: member("since"), last_used: member("last_used") };
            let (last_used, since) = (credential.last_used.as_deref(), credential.since.as_deref());
            principal.unused.extend(self.disuse(&name, last_used, since));
            if later(credential.last_used.as_deref(), principal.last_used.as_deref(), self.as_of) {
                principal.last_used.clone_from(&credential.last_used);
            }
            if is_password {
                principal.password = Some(credential)
            } else {
                principal.access_keys.push(credential)
            }
        }
        if principal.password.is_some() {
            principal.mfa = basis.text(row, "mfa_active").map(|active| active == "true");
        }
    }

    /// That something is not used, where it is not.
    fn disuse(&self, what: &str, last_used: Option<&str>, since: Option<&str>) -> Option<String> {
        let days = |instant: Option<&str>| age_days(instant?, self.as_of).ok();
        match (days(last_used), days(since)) {
            (Some(unused), _) => {
                (unused > self.unused_days).then(|| format!("{what}: not used for {unused} days"))
            }
            // What is new need not have been used yet.
            (None, Some(age)) if age <= self.unused_days => None,
            (None, _) => Some(format!("{what}: no use on record")),
        }
    }
}

fn trust_of(resource: &Resource, principal: &mut ReviewedPrincipal, basis: &mut Basis) -> Option<Policy> {
    let document = basis.read(resource, "trust_policy")?;
    match cross_account_principals(document, &resource.account) {
        Ok(outsiders) => principal.outsiders = outsiders,
        Err(error) => basis.doubt(format!("who outside of the account may assume it: {error}")),
    }
    match Policy::read(document) {
        Ok(policy) => {
            let mut trusted = BTreeSet::new();
            for statement in granting(&policy) {
                match &statement.principal {
                    Some(Principal::Everyone) => {
                        trusted.insert("*".to_owned());
                    }
                    Some(Principal::These(named)) => trusted.extend(named.iter().map(|one| one.name.clone())),
                    Some(Principal::AllBut(named)) => {
                        let names: Vec<&str> = named.iter().map(|one| one.name.as_str()).collect();
                        trusted.insert(format!("* but {}", names.join(", ")));
                    }
                    None => {}
                }
            }
            principal.trusted = trusted.into_iter().collect();
            Some(policy)
        }
        Err(error) => {
            basis.doubt(format!("its trust policy: {error}"));
            None
        }
    }
}

/// A principal of which nothing is told yet.
fn empty(kind: PrincipalKind, resource: &Resource) -> Result<ReviewedPrincipal, FindingError> {
    Ok(ReviewedPrincipal {
        kind,
        account: resource.account.clone(),
        name: resource.id.clone(),
        arn: resource.arn.clone(),
        created: None,
        password: None,
        mfa: None,
        access_keys: Vec::new(),
        last_used: None,
        groups: Vec::new(),
        members: Vec::new(),
        policies: Vec::new(),
        boundary: None,
        admin_paths: Vec::new(),
        trusted: Vec::new(),
        outsiders: Vec::new(),
        unused: Vec::new(),
        unknown: Vec::new(),
        proof: Proof::new([resource.record])?,
    })
}

/// A value of the credential report, unless it stands for none.
fn told(text: &str) -> Option<String> {
    (!["", "N/A", "no_information", "not_supported"].contains(&text)).then(|| text.to_owned())
}

fn later(one: Option<&str>, other: Option<&str>, as_of: DateTime<Utc>) -> bool {
    let age = |instant: Option<&str>| instant.and_then(|instant| age_days(instant, as_of).ok());
    match (age(one), age(other)) {
        (Some(one), Some(other)) => one < other,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
