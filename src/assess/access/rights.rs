//! What a principal may do: its policies, those of its groups, and its permissions boundary, read together.

use serde_json::Value;

use super::super::functions::policy::{Effect, Policy, Principal, Selection, Statement};
use super::super::functions::policy_conditions::{Fact, Request, Truth, hold};
use super::facts::{Basis, Estate};
use crate::model::Resource;

/// One policy of a principal.
pub(super) struct Source {
    /// `inline: name`, or the ARN.
    pub(super) label: String,
    /// The group that it comes from.
    pub(super) group: Option<String>,
    /// The policy; `None` where it is not known.
    pub(super) policy: Option<Policy>,
}

/// All that lets a principal do something.
pub(super) struct Rights {
    /// Its policies, its own first.
    pub(super) sources: Vec<Source>,
    /// The statements of all of them.
    pub(super) all: Policy,
    /// What its rights end at, where there is such a policy and it is known.
    boundary: Option<Policy>,
}

impl Rights {
    /// The rights of a user, group or role; `groups` are those that a user is in.
    pub(super) fn of(
        principal: &Resource,
        groups: &[&Resource],
        estate: &Estate<'_>,
        basis: &mut Basis,
    ) -> Self {
        let mut sources = sources(principal, None, estate, basis);
        for group in groups {
            basis.records.insert(group.record);
            sources.extend(self::sources(group, Some(&group.id), estate, basis));
        }
        let statements = sources
            .iter()
            .filter_map(|source| source.policy.as_ref())
            .flat_map(|policy| policy.statements.clone());
        let all = Policy { statements: statements.collect() };
        let has_boundary = principal.properties.contains_key("permissions_boundary");
        let boundary = has_boundary.then(|| basis.text(principal, "permissions_boundary")).flatten();
        let boundary = boundary.and_then(|arn| attached(&arn, &principal.account, estate, basis));
        Self { sources, all, boundary }
    }

    /// Whether they allow everything.
    pub(super) fn are_all(&self) -> bool {
        self.all.allows_admin() && self.boundary.as_ref().is_none_or(Policy::allows_admin)
    }

    /// Whether they allow an action (in lower case) on something that is not only the caller's own.
    pub(super) fn allow(&self, action: &str) -> bool {
        self.all.allows(action)
            && self.all.statements.iter().any(|statement| {
                statement.effect == Effect::Allow
                    && statement.actions.overlaps(action)
                    && statement.resources.as_ref().is_some_and(is_of_others)
            })
            && self.boundary.as_ref().is_none_or(|boundary| boundary.allows(action))
    }

    /// Whether they may allow an action (in lower case) on one resource, in a request of which this is known.
    pub(super) fn allow_on(&self, action: &str, resource: &str, request: &Request) -> bool {
        let within = |policy: &Policy| {
            policy.statements.iter().any(|statement| {
                statement.effect == Effect::Allow
                    && applies(statement, action, resource)
                    && hold(&statement.conditions, request) != Ok(Truth::No)
            })
        };
        within(&self.all)
            && self.boundary.as_ref().is_none_or(within)
            && !self.deny_on(action, resource, request)
    }

    /// Whether they deny an action on one resource for certain.
    pub(super) fn deny_on(&self, action: &str, resource: &str, request: &Request) -> bool {
        self.all.statements.iter().chain(self.boundary.iter().flat_map(|boundary| &boundary.statements)).any(
            |statement| {
                statement.effect == Effect::Deny
                    && applies(statement, action, resource)
                    && hold(&statement.conditions, request) == Ok(Truth::Yes)
            },
        )
    }

    /// Whether a role may be passed to a service.
    pub(super) fn allow_to_pass(&self, role: &str, service: &str) -> bool {
        let request = Request::default().with("iam:passedtoservice", Fact::Known(vec![service.to_owned()]));
        self.allow_on("iam:passrole", role, &request)
    }
}

fn applies(statement: &Statement, action: &str, resource: &str) -> bool {
    statement.actions.covers(action)
        && statement.resources.as_ref().is_none_or(|resources| resources.covers(resource))
}

/// Whether resources are meant that are not told by who is calling.
fn is_of_others(resources: &Selection) -> bool {
    match resources {
        Selection::Matching(patterns) => patterns.iter().any(|pattern| !pattern.contains("${")),
        Selection::AllBut(_) => true,
    }
}

fn sources(principal: &Resource, group: Option<&str>, estate: &Estate<'_>, basis: &mut Basis) -> Vec<Source> {
    let mut sources = Vec::new();
    let group = group.map(str::to_owned);
    for policy in items(basis.read(principal, "attached_policies")) {
        let Some(arn) = policy.get("PolicyArn").and_then(Value::as_str) else { continue };
        let read = attached(arn, &principal.account, estate, basis);
        sources.push(Source { label: arn.to_owned(), group: group.clone(), policy: read });
    }
    for policy in items(basis.read(principal, "inline_policies")) {
        let name = policy.get("PolicyName").and_then(Value::as_str).unwrap_or_default();
        let label = format!("inline: {name}");
        let read = match Policy::read(policy.get("PolicyDocument").unwrap_or(&Value::Bool(false))) {
            Ok(read) => Some(read),
            Err(error) => {
                basis.doubt(format!("{label} of {}: {error}", principal.id));
                None
            }
        };
        sources.push(Source { label, group: group.clone(), policy: read });
    }
    sources
}

/// A managed policy by its ARN.
fn attached(arn: &str, account: &str, estate: &Estate<'_>, basis: &mut Basis) -> Option<Policy> {
    let found = ["iam-policy", "iam-aws-policy"].iter().find_map(|kind| estate.by_arn(kind, account, arn));
    let Some(policy) = found else {
        basis.doubt(format!("what {arn} allows was not seen"));
        return None;
    };
    basis.records.insert(policy.record);
    match Policy::read(basis.read(policy, "document")?) {
        Ok(policy) => Some(policy),
        Err(error) => {
            basis.doubt(format!("{arn}: {error}"));
            None
        }
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whom a role's trust policy lets in, of those who ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// The principal itself, or anyone.
    Named,
    /// Its account: the principal's own policies decide.
    Account,
    /// Neither.
    No,
}

/// Whether a trust policy lets a principal of AWS in.
pub(super) fn trust_in(policy: &Policy, account: &str, arn: &str) -> Trust {
    let mut best = Trust::No;
    for statement in granting(policy) {
        let named = match &statement.principal {
            Some(Principal::Everyone | Principal::AllBut(_)) => Trust::Named,
            Some(Principal::These(named)) => {
                let names: Vec<&str> =
                    named.iter().filter(|one| one.kind == "AWS").map(|one| one.name.as_str()).collect();
                let is_root = |name: &&str| {
                    *name == account
                        || name.strip_suffix(":root").and_then(|rest| rest.rsplit(':').next())
                            == Some(account)
                };
                if names.contains(&arn) {
                    Trust::Named
                } else if names.iter().any(is_root) {
                    Trust::Account
                } else {
                    Trust::No
                }
            }
            None => Trust::No,
        };
        if named == Trust::Named {
            return Trust::Named;
        }
        if named == Trust::Account {
            best = Trust::Account;
        }
    }
    best
}

/// Whether a trust policy lets a service in.
pub(super) fn trusts_service(policy: &Policy, service: &str) -> bool {
    granting(policy).any(|statement| match &statement.principal {
        Some(Principal::These(named)) => named.iter().any(|one| one.kind == "Service" && one.name == service),
        Some(Principal::Everyone) => true,
        Some(Principal::AllBut(_)) | None => false,
    })
}

/// The statements by which a role can be assumed, unless all of it is denied to everyone.
pub(super) fn granting(policy: &Policy) -> impl Iterator<Item = &Statement> {
    let denied = policy.statements.iter().any(|statement| {
        statement.effect == Effect::Deny
            && statement.is_about_everyone()
            && statement.conditions.is_empty()
            && statement.actions.covers("sts:assumerole")
    });
    policy.statements.iter().filter(move |statement| {
        !denied
            && statement.effect == Effect::Allow
            && statement.actions.overlaps("sts:assumerole*")
            && hold(&statement.conditions, &Request::default()) != Ok(Truth::No)
    })
}
