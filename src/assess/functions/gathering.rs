//! `all(kind)` and `all_in_account(kind)`: every resource of a kind, or an error where some may be hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cel::common::types::CelList;
use cel::common::value::Val;
use serde_json::Value;

use super::super::coverage::{Coverage, GLOBAL, Listing};
use super::super::engine::values;
use super::related::{RelatedError, Viewpoint, World};
use crate::model::{Property, RecordId, Resource};

/// Of a place: all regions of the account.
const EVERYWHERE: &str = "*";

/// The most values that the resources of one kind may hold together.
const MOST_NODES: usize = 2_000_000;

/// How far a gathering goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// The asking resource's region and what is global; all regions for one that is global itself.
    Place,
    /// All regions of the account.
    Account,
}

/// What was asked for; equal questions have equal answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    kind: String,
    account: String,
    region: String,
    wanted: BTreeSet<String>,
}

/// The resources of a kind, with the members that are read of them.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// A list of maps. A member that is not known is not in its map, so that reading it is an error.
    pub(crate) list: CelList<'static>,
    /// The records that it rests on: those that list the kind, and those of the members.
    pub(crate) used: Vec<RecordId>,
    /// Members that are not known, and why.
    pub(crate) unknown: Vec<UnknownMember>,
}

/// A member of some resource that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownMember {
    /// The member.
    pub(crate) name: String,
    /// Whose it is and why it is not known.
    pub(crate) reason: String,
}

impl World {
    /// All resources of `kind` within reach of `from`, sorted by region and id.
    ///
    /// # Errors
    /// When some of them could not be seen, or hold more than can be looked at.
    pub(crate) fn all(
        &self,
        from: &Viewpoint,
        kind: &str,
        reach: Reach,
        wanted: &BTreeSet<String>,
        used: &mut Vec<RecordId>,
    ) -> Result<Arc<Gathered>, RelatedError> {
        let place = match reach {
            Reach::Place => Place::around(&from.account, &from.region),
            Reach::Account => Place { account: &from.account, region: EVERYWHERE },
        };
        let resources: Vec<&Resource> =
            self.resources_of(kind).filter(|r| place.holds(&r.account, &r.region)).collect();
        if !self.is_complete(kind, &place, !resources.is_empty()) {
            let hidden = self.coverage(kind).into_iter().flat_map(|coverage| &coverage.gaps);
            used.extend(
                hidden.filter(|gap| place.is_touched_by(&gap.account, &gap.region)).map(|gap| gap.record),
            );
            return Err(RelatedError::NotAllSeen(kind.to_owned()));
        }
        let question = Question {
            kind: kind.to_owned(),
            account: from.account.clone(),
            region: place.region.to_owned(),
            wanted: wanted.clone(),
        };
        let known = self.gathered().lock().ok().and_then(|known| known.get(&question).cloned());
        let answer = match known {
            Some(answer) => answer,
            None => {
                let listed = self.coverage(kind).into_iter().flat_map(|coverage| &coverage.listed);
                let listed = listed.filter(|one| place.holds(&one.account, &one.region));
                let answer = Arc::new(gather(kind, &resources, wanted, listed)?);
                if let Ok(mut known) = self.gathered().lock() {
                    known.insert(question, Arc::clone(&answer));
                }
                answer
            }
        };
        used.extend(&answer.used);
        Ok(answer)
    }

    /// Whether nothing of the kind can be hidden in `place`. In a check's case all there is has been given.
    fn is_complete(&self, kind: &str, place: &Place<'_>, any_found: bool) -> bool {
        let Some(coverage) = self.coverage(kind) else { return false };
        let Coverage { listed, gaps, unseen } = coverage;
        let hidden = gaps.iter().any(|gap| place.is_touched_by(&gap.account, &gap.region))
            || unseen.iter().any(|(account, region)| place.is_touched_by(account, region));
        !hidden && (any_found || self.is_listed(listed, place))
    }

    /// Whether somebody looked in `place`: where no record lists a kind, nobody was told that there is none.
    pub(super) fn is_listed(&self, listed: &[Listing], place: &Place<'_>) -> bool {
        self.is_of_a_case() || listed.iter().any(|one| place.holds(&one.account, &one.region))
    }
}

/// A region of an account with what is global there, or all regions.
pub(super) struct Place<'a> {
    account: &'a str,
    region: &'a str,
}

impl<'a> Place<'a> {
    /// Where something of this region looks: what is global looks everywhere.
    pub(super) fn around(account: &'a str, region: &'a str) -> Self {
        Self { account, region: if region == GLOBAL { EVERYWHERE } else { region } }
    }

    fn holds(&self, account: &str, region: &str) -> bool {
        account == self.account && (self.region == EVERYWHERE || region == self.region || region == GLOBAL)
    }

    /// As `holds`, for what may hide something: `*` stands for any region.
    fn is_touched_by(&self, account: &str, region: &str) -> bool {
        self.holds(account, region) || (account == self.account && region == EVERYWHERE)
    }
}

fn gather<'a>(
    kind: &str,
    resources: &[&Resource],
    wanted: &BTreeSet<String>,
    listed: impl Iterator<Item = &'a Listing>,
) -> Result<Gathered, RelatedError> {
    let too_much = |reason: String| RelatedError::TooMuch { kind: kind.to_owned(), reason };
    let mut used: BTreeSet<RecordId> = listed.map(|listing| listing.record).collect();
    let mut unknown: BTreeMap<&str, String> = BTreeMap::new();
    let mut budget = MOST_NODES;
    let mut items: Vec<Box<dyn Val>> = Vec::new();
    for resource in resources {
        used.insert(resource.record);
        let mut members: BTreeMap<&String, &Value> = BTreeMap::new();
        for name in wanted {
            match resource.properties.get(name) {
                Some(Property::Known { value, record }) => {
                    used.insert(*record);
                    members.insert(name, value);
                }
                Some(Property::Unknown { reason, record }) => {
                    used.extend(record);
                    unknown.entry(name).or_insert_with(|| {
                        format!("{name} of {kind} {:?} is not known: {reason}", resource.id)
                    });
                }
                None => {}
            }
        }
        items.push(values::owned_resource(resource, members, &mut budget).map_err(too_much)?);
    }
    let unknown = unknown.into_iter().map(|(name, reason)| UnknownMember { name: name.to_owned(), reason });
    Ok(Gathered { list: CelList::from(items), used: used.into_iter().collect(), unknown: unknown.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;
    use serde_json::json;

    const ACCOUNT: &str = "111111111111";

    fn json(list: &CelList<'static>) -> Value {
        let value: &dyn Val = list;
        cel::Value::try_from(value).unwrap().json().unwrap()
    }

    fn record(name: &str) -> RecordId {
        RecordId(sha256(name.as_bytes()))
    }

    fn subnet(id: &str, account: &str, region: &str) -> Resource {
        let properties = [
            ("vpc", Property::Known { value: json!("vpc-1"), record: record("vpc") }),
            ("routes", Property::Unknown { reason: "denied".into(), record: Some(record("gap")) }),
        ];
        Resource {
            kind: "subnet".into(),
            id: id.into(),
            arn: format!("arn:aws:ec2:{region}:{account}:subnet/{id}"),
            account: account.into(),
            region: region.into(),
            tags: BTreeMap::new(),
            properties: properties.map(|(name, property)| (name.to_owned(), property)).into(),
            record: record(id),
        }
    }

    fn listing(region: &str) -> Listing {
        Listing { account: ACCOUNT.into(), region: region.into(), record: record(region) }
    }

    fn complete() -> Coverage {
        Coverage { listed: vec![listing("eu-west-1"), listing("us-east-1")], ..Coverage::default() }
    }

    fn world(coverage: Coverage) -> World {
        let resources = vec![
            subnet("a", ACCOUNT, "eu-west-1"),
            subnet("b", ACCOUNT, "global"),
            subnet("c", ACCOUNT, "us-east-1"),
            subnet("d", "222222222222", "us-east-1"),
        ];
        World::new(resources, BTreeMap::from([("subnet".into(), coverage)]), BTreeMap::new())
    }

    fn ids(coverage: Coverage, region: &str, reach: Reach) -> Result<Vec<String>, RelatedError> {
        let from = Viewpoint { account: ACCOUNT.into(), region: region.into() };
        let found = world(coverage).all(&from, "subnet", reach, &BTreeSet::new(), &mut Vec::new())?;
        let list = json(&found.list);
        Ok(list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn a_place_is_the_region_and_what_is_global_and_from_there_everything() {
        assert_eq!(ids(complete(), "us-east-1", Reach::Place).unwrap(), ["b", "c"]);
        assert_eq!(ids(complete(), "us-east-1", Reach::Account).unwrap(), ["a", "b", "c"]);
        assert_eq!(ids(complete(), "global", Reach::Place).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn what_may_be_hidden_within_reach_is_an_error_and_elsewhere_is_not() {
        let gap = |region: &str| Coverage { gaps: vec![listing(region)], ..complete() };
        let unseen = |region: &str| Coverage { unseen: vec![(ACCOUNT.into(), region.into())], ..complete() };
        for hidden in [gap("us-east-1"), gap("global"), gap("*"), unseen("us-east-1"), unseen("*")] {
            assert!(ids(hidden.clone(), "us-east-1", Reach::Place).is_err(), "{hidden:?}");
        }
        for elsewhere in [gap("eu-west-1"), unseen("eu-west-1")] {
            assert!(ids(elsewhere.clone(), "us-east-1", Reach::Place).is_ok());
            assert!(ids(elsewhere.clone(), "us-east-1", Reach::Account).is_err());
            assert!(ids(elsewhere, "global", Reach::Place).is_err());
        }
        let other = Listing { account: "222222222222".into(), ..listing("us-east-1") };
        assert!(ids(Coverage { gaps: vec![other], ..complete() }, "us-east-1", Reach::Account).is_ok());
    }

    #[test]
    fn nothing_is_a_list_only_where_somebody_looked() {
        let all = |kind: &str, coverage: Coverage| {
            let world =
                World::new(Vec::new(), BTreeMap::from([("subnet".into(), coverage)]), BTreeMap::new());
            let from = Viewpoint { account: ACCOUNT.into(), region: "us-east-1".into() };
            let mut used = Vec::new();
            let found = world.all(&from, kind, Reach::Place, &BTreeSet::new(), &mut used);
            found.map(|_| used)
        };
        assert_eq!(all("subnet", complete()), Ok(vec![record("us-east-1")]));
        assert!(
            all("subnet", Coverage { listed: vec![listing("eu-west-1")], ..Coverage::default() }).is_err()
        );
        assert!(all("subnet", Coverage::default()).is_err());
        assert!(all("volume", complete()).is_err());
    }

    #[test]
    fn records_of_what_is_read_are_used_and_what_is_not_known_is_left_out_and_said() {
        let world = world(complete());
        let from = Viewpoint { account: ACCOUNT.into(), region: "us-east-1".into() };
        let wanted = ["vpc", "routes"].map(str::to_owned).into();
        for _ in 0..2 {
            let mut used = Vec::new();
            let found = world.all(&from, "subnet", Reach::Place, &wanted, &mut used).unwrap();
            let expected = ["us-east-1", "b", "c", "vpc", "gap"].map(record);
            assert_eq!(used.iter().copied().collect::<BTreeSet<_>>(), expected.into());
            let first = &json(&found.list)[0];
            assert_eq!(first["vpc"], "vpc-1");
            assert!(first.get("routes").is_none());
            assert!(found.unknown[0].name == "routes" && found.unknown[0].reason.contains("denied"));
        }
    }
}
