//! The ways to the rights of an administrator: one's policies, one's groups, what one could give oneself, and roles
//! that one can assume, one after another.

use std::collections::{BTreeMap, BTreeSet};

use super::super::functions::policy::Policy;
use super::super::functions::policy_conditions::Request;
use super::rights::{Rights, Trust, trust_in, trusts_service};
use crate::catalog::AccessRules;
use crate::model::{AdminPath, AdminPathKind};

/// The most ways over roles that are listed for one principal: the first of them is enough to act upon.
const MOST_ROLES: usize = 10;

/// Somebody whose ways are looked for.
pub(super) struct Actor {
    /// Account.
    pub(super) account: String,
    /// Name.
    pub(super) name: String,
    /// ARN.
    pub(super) arn: String,
    /// What it may do.
    pub(super) rights: Rights,
    /// Who may assume it; `None` for what is no role, or where that is not known.
    pub(super) trust: Option<Policy>,
    /// Whether it acts itself: a group does not.
    pub(super) acts: bool,
}

/// The ways of every actor, by its place in the list.
pub(super) fn of_all(actors: &[Actor], rules: &AccessRules) -> Vec<Vec<AdminPath>> {
    let mut paths: Vec<Vec<AdminPath>> = actors.iter().map(own_policies).collect();
    let admin_roles: Vec<&Actor> = actors
        .iter()
        .zip(&paths)
        .filter(|(actor, paths)| actor.trust.is_some() && !paths.is_empty())
        .map(|(actor, _)| actor)
        .collect();
    let escalations: Vec<Vec<AdminPath>> = actors
        .iter()
        .zip(&paths)
        .map(|(actor, own)| if own.is_empty() { escalations(actor, &admin_roles, rules) } else { Vec::new() })
        .collect();
    for (paths, more) in paths.iter_mut().zip(escalations) {
        paths.extend(more);
    }
    let over_roles = over_roles(actors, &paths);
    for (paths, more) in paths.iter_mut().zip(over_roles) {
        paths.extend(more);
        paths.sort();
    }
    paths
}

/// Policies that allow everything.
fn own_policies(actor: &Actor) -> Vec<AdminPath> {
    if !actor.rights.are_all() {
        return Vec::new();
    }
    let sources = actor.rights.sources.iter();
    let whole = sources.filter(|source| source.policy.as_ref().is_some_and(Policy::allows_admin));
    let paths: Vec<AdminPath> = whole
        .map(|source| match &source.group {
            None => path(AdminPathKind::Direct, source.label.clone()),
            Some(group) => path(AdminPathKind::Group, format!("{} of the group {group}", source.label)),
        })
        .collect();
    if paths.is_empty() {
        vec![path(AdminPathKind::Direct, "its policies together".to_owned())]
    } else {
        paths
    }
}

/// What one could give oneself.
fn escalations(actor: &Actor, admin_roles: &[&Actor], rules: &AccessRules) -> Vec<AdminPath> {
    let mut paths = Vec::new();
    for rule in &rules.escalations {
        if !rule.actions.iter().all(|action| actor.rights.allow(&action.to_lowercase())) {
            continue;
        }
        let actions = rule.actions.join(", ");
        let Some(service) = &rule.pass_to else {
            paths.push(path(AdminPathKind::Escalation, format!("can {} ({actions})", rule.title)));
            continue;
        };
        let passed = admin_roles.iter().find(|role| {
            role.account == actor.account
                && role.trust.as_ref().is_some_and(|trust| trusts_service(trust, service))
                && actor.rights.allow_to_pass(&role.arn, service)
        });
        if let Some(role) = passed {
            let description =
                format!("can {} {} (iam:PassRole to {service}, {actions})", rule.title, role.name);
            paths.push(path(AdminPathKind::Escalation, description));
        }
    }
    paths
}

/// Roles that lead to an administrator, over as few others as can be.
fn over_roles(actors: &[Actor], paths: &[Vec<AdminPath>]) -> Vec<Vec<AdminPath>> {
    // By place of a role: the next role to assume, `None` where it is an administrator itself.
    let mut next: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    let is_role = |place: &usize| actors.get(*place).is_some_and(|actor| actor.trust.is_some());
    let mut frontier: Vec<usize> = (0..actors.len())
        .filter(|place| is_role(place) && paths.get(*place).is_some_and(|own| !own.is_empty()))
        .collect();
    next.extend(frontier.iter().map(|place| (*place, None)));
    while !frontier.is_empty() {
        let mut reached: BTreeMap<usize, usize> = BTreeMap::new();
        for target in &frontier {
            for place in (0..actors.len()).filter(|place| is_role(place) && !next.contains_key(place)) {
                if !reached.contains_key(&place) && can_assume(actors, place, *target) {
                    reached.insert(place, *target);
                }
            }
        }
        next.extend(reached.iter().map(|(place, target)| (*place, Some(*target))));
        frontier = reached.into_keys().collect();
    }
    (0..actors.len()).map(|place| of_one(actors, paths, &next, place)).collect()
}

fn of_one(
    actors: &[Actor],
    paths: &[Vec<AdminPath>],
    next: &BTreeMap<usize, Option<usize>>,
    place: usize,
) -> Vec<AdminPath> {
    // Who is an administrator anyhow needs no role for it.
    let is_admin = paths.get(place).is_some_and(|own| !own.is_empty());
    if is_admin || !actors.get(place).is_some_and(|actor| actor.acts) {
        return Vec::new();
    }
    let mut found: Vec<(usize, AdminPath)> = Vec::new();
    let mut ends: BTreeSet<usize> = BTreeSet::new();
    let mut chains: Vec<Vec<usize>> = next
        .keys()
        .filter(|target| **target != place && can_assume(actors, place, **target))
        .map(|target| chain(next, *target))
        .collect();
    chains.sort_by_key(|chain| (chain.len(), chain.clone()));
    for chain in chains {
        let Some(last) = chain.last() else { continue };
        // One way to each administrator is enough, and none leads back through oneself.
        if chain.contains(&place) || !ends.insert(*last) {
            continue;
        }
        let names: Vec<String> =
            chain.iter().filter_map(|place| actors.get(*place)).map(|actor| actor.arn.clone()).collect();
        let why = paths.get(*last).and_then(|own| own.first()).map(|path| path.description.as_str());
        let description = format!("can assume a role that is an administrator: {}", why.unwrap_or_default());
        found.push((chain.len(), AdminPath { kind: AdminPathKind::Role, description, roles: names }));
        if found.len() == MOST_ROLES {
            break;
        }
    }
    found.into_iter().map(|(_, path)| path).collect()
}

/// The roles from one to the administrator that it leads to.
fn chain(next: &BTreeMap<usize, Option<usize>>, first: usize) -> Vec<usize> {
    let mut chain = vec![first];
    while let Some(Some(after)) = chain.last().and_then(|last| next.get(last)) {
        chain.push(*after);
    }
    chain
}

fn can_assume(actors: &[Actor], who: usize, role: usize) -> bool {
    let (Some(who), Some(role)) = (actors.get(who), actors.get(role)) else { return false };
    let Some(trust) = &role.trust else { return false };
    let request = Request::default();
    match trust_in(trust, &who.account, &who.arn) {
        Trust::No => false,
        // Within an account it is enough that the role names one.
        Trust::Named if who.account == role.account => {
            !who.rights.deny_on("sts:assumerole", &role.arn, &request)
        }
        Trust::Named | Trust::Account => who.rights.allow_on("sts:assumerole", &role.arn, &request),
    }
}

fn path(kind: AdminPathKind, description: String) -> AdminPath {
    AdminPath { kind, description, roles: Vec::new() }
}
