//! Which ranges of ports security group rules open to the world, as sets: what is open, and what of it nobody allowed.

use serde_json::Value;

use super::ports::{PortsError, Reach, Rule, rules};

/// The protocols that have ports.
const PROTOCOLS: [(&str, &str); 2] = [("tcp", "6"), ("udp", "17")];
const LAST_PORT: i64 = 65_535;

/// Whether one of the ports from `first` to `last` is open to the world, over TCP or UDP.
///
/// # Errors
/// When the permissions are malformed, the two do not make a range, or only a prefix list could open one of them.
pub(crate) fn any_open(permissions: &Value, first: i64, last: i64) -> Result<bool, PortsError> {
    if first > last {
        return Err(PortsError::Malformed(format!("{first} to {last} is not a range of ports")));
    }
    let mut undecided = None;
    for rule in rules(permissions)? {
        let touches = PROTOCOLS
            .iter()
            .filter_map(|(name, _)| ports_of(&rule, name))
            .any(|(from, to)| from <= last && first <= to);
        match &rule.reach {
            Reach::World if touches => return Ok(true),
            Reach::PrefixList(id) if touches => undecided = Some(PortsError::PrefixList(id.clone())),
            _ => {}
        }
    }
    undecided.map_or(Ok(false), Err)
}

/// What is open to the world beyond `allowed`: `tcp 22`, `udp 1024-65535`, `protocol 47`, sorted and without overlaps.
/// ICMP is not counted: it has no ports.
///
/// `allowed` is a list of ports (`443`: TCP and UDP) and of texts (`"443"`, `"8000-8080"`, `"tcp 443"`, `"udp 53"`).
///
/// # Errors
/// When the permissions or `allowed` are malformed, or a prefix list could open more than was allowed.
pub(crate) fn beyond(permissions: &Value, allowed: &Value) -> Result<Vec<String>, PortsError> {
    let allowed = read_allowed(allowed)?;
    let rules = rules(permissions)?;
    let mut found = Vec::new();
    for (protocol, _) in PROTOCOLS {
        let of_protocol: Vec<(i64, i64)> =
            allowed.iter().filter(|one| one.is_for(protocol)).map(|one| (one.first, one.last)).collect();
        let mut open = Vec::new();
        for rule in &rules {
            let Some(ports) = ports_of(rule, protocol) else { continue };
            match &rule.reach {
                Reach::World => open.push(ports),
                Reach::PrefixList(id) if !without(&[ports], &of_protocol).is_empty() => {
                    return Err(PortsError::PrefixList(id.clone()));
                }
                Reach::PrefixList(_) | Reach::Narrow => {}
            }
        }
        found.extend(without(&merged(open), &of_protocol).into_iter().map(|(first, last)| {
            if first == last { format!("{protocol} {first}") } else { format!("{protocol} {first}-{last}") }
        }));
    }
    let mut others: Vec<&str> = Vec::new();
    for rule in rules.iter().filter(|rule| is_other(&rule.protocol)) {
        match &rule.reach {
            Reach::World => others.push(&rule.protocol),
            Reach::PrefixList(id) => return Err(PortsError::PrefixList(id.clone())),
            Reach::Narrow => {}
        }
    }
    others.sort_unstable();
    others.dedup();
    found.extend(others.into_iter().map(|protocol| format!("protocol {protocol}")));
    Ok(found)
}

/// The ports of `protocol` that a rule is about.
fn ports_of(rule: &Rule, protocol: &str) -> Option<(i64, i64)> {
    let number = PROTOCOLS.iter().find(|(name, _)| *name == protocol).map(|(_, number)| *number);
    if rule.protocol == "-1" {
        return Some((0, LAST_PORT));
    }
    if rule.protocol != protocol && Some(rule.protocol.as_str()) != number {
        return None;
    }
    Some(rule.ports.unwrap_or((0, LAST_PORT)))
}

/// Neither all protocols, nor one that has ports, nor ICMP (1, and 58 for IPv6).
fn is_other(protocol: &str) -> bool {
    !["-1", "icmp", "icmpv6", "1", "58"].contains(&protocol)
        && !PROTOCOLS.iter().any(|(name, number)| [*name, *number].contains(&protocol))
}

struct Allowed {
    protocol: Option<String>,
    first: i64,
    last: i64,
}

impl Allowed {
    fn is_for(&self, protocol: &str) -> bool {
        self.protocol.as_deref().is_none_or(|own| own == protocol)
    }
}

fn read_allowed(allowed: &Value) -> Result<Vec<Allowed>, PortsError> {
    let wrong = |item: &Value| {
        let item: String = item.to_string().chars().take(60).collect();
        PortsError::Malformed(format!("{item} is neither a port, nor a range like \"tcp 8000-8080\""))
    };
    let items = allowed.as_array().ok_or_else(|| wrong(allowed))?;
    items
        .iter()
        .map(|item| match item {
            Value::Number(number) => {
                let port = number.as_i64().ok_or_else(|| wrong(item))?;
                Ok(Allowed { protocol: None, first: port, last: port })
            }
            Value::String(text) => {
                let (protocol, ports) = match text.split_once(' ') {
                    Some((protocol, ports)) if PROTOCOLS.iter().any(|(name, _)| *name == protocol) => {
                        (Some(protocol.to_owned()), ports)
                    }
                    Some(_) => return Err(wrong(item)),
                    None => (None, text.as_str()),
                };
                let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
                let port = |text: &str| text.parse::<u16>().map(i64::from).map_err(|_| wrong(item));
                let (first, last) = (port(first)?, port(last)?);
                if first > last { Err(wrong(item)) } else { Ok(Allowed { protocol, first, last }) }
            }
            _ => Err(wrong(item)),
        })
        .collect()
}

/// The ranges in order, those that touch each other joined.
fn merged(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ranges.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// What of `ranges` is in none of `taken`.
fn without(ranges: &[(i64, i64)], taken: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut left = ranges.to_vec();
    for (first, last) in taken {
        left = left
            .into_iter()
            .flat_map(|(from, to)| {
                let before = (from, to.min(first.saturating_sub(1)));
                let after = (from.max(last.saturating_add(1)), to);
                [before, after]
            })
            .filter(|(from, to)| from <= to)
            .collect();
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rule(protocol: &str, from: i64, to: i64, cidr: &str) -> Value {
        json!({"IpProtocol": protocol, "FromPort": from, "ToPort": to, "IpRanges": [{"CidrIp": cidr}],
               "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []})
    }

    fn beyond_of(rules: Value, allowed: Value) -> Vec<String> {
        beyond(&rules, &allowed).unwrap()
    }

    #[test]
    fn what_is_open_beyond_what_is_allowed_is_listed() {
        let world = "0.0.0.0/0";
        let web = json!([rule("tcp", 443, 443, world), rule("tcp", 80, 80, world)]);
        assert!(beyond_of(web.clone(), json!([80, 443])).is_empty());
        assert_eq!(beyond_of(web.clone(), json!([443])), ["tcp 80"]);
        assert_eq!(beyond_of(web, json!(["udp 80", "tcp 443"])), ["tcp 80"]);
        let wide = json!([rule("tcp", 20, 30, world), rule("6", 25, 40, world), rule("udp", 53, 53, world)]);
        assert_eq!(beyond_of(wide.clone(), json!(["22-24", "udp 53"])), ["tcp 20-21", "tcp 25-40"]);
        assert_eq!(beyond_of(wide, json!([])), ["tcp 20-40", "udp 53"]);
        let all = json!([{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]);
        assert_eq!(
            beyond_of(all, json!([443])),
            ["tcp 0-442", "tcp 444-65535", "udp 0-442", "udp 444-65535"]
        );
        let others =
            json!([rule("icmp", 8, -1, world), {"IpProtocol": "47", "IpRanges": [{"CidrIp": world}]}]);
        assert_eq!(beyond_of(others, json!([443])), ["protocol 47"]);
        assert!(beyond_of(json!([rule("tcp", 22, 22, "10.0.0.0/8")]), json!([])).is_empty());
    }

    #[test]
    fn a_range_is_open_where_a_rule_touches_it() {
        let rules = json!([rule("tcp", 8000, 8080, "0.0.0.0/0"), rule("tcp", 22, 22, "10.0.0.0/8")]);
        assert_eq!(any_open(&rules, 8080, 9000), Ok(true));
        assert_eq!(any_open(&rules, 8081, 9000), Ok(false));
        assert_eq!(any_open(&rules, 22, 22), Ok(false));
        assert!(any_open(&rules, 9000, 8080).is_err());
        assert_eq!(any_open(&json!([rule("icmp", 8, -1, "0.0.0.0/0")]), 0, 65_535), Ok(false));
    }

    #[test]
    fn a_prefix_list_is_not_decided_unless_all_that_it_could_open_is_allowed() {
        let list = json!([{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": "pl-1"}]}]);
        assert_eq!(beyond_of(list.clone(), json!([443])), [""; 0]);
        assert_eq!(beyond(&list, &json!([80])), Err(PortsError::PrefixList("pl-1".into())));
        assert_eq!(any_open(&list, 443, 443), Err(PortsError::PrefixList("pl-1".into())));
        assert_eq!(any_open(&list, 80, 80), Ok(false));
    }

    #[test]
    fn what_is_not_a_port_is_refused() {
        for wrong in
            [json!(443), json!(["https"]), json!(["9-1"]), json!([null]), json!(["icmp 8"]), json!([1.5])]
        {
            assert!(matches!(beyond(&json!([]), &wrong), Err(PortsError::Malformed(_))), "{wrong}");
        }
        assert!(beyond(&json!([{"IpProtocol": "tcp"}]), &json!([])).is_err());
    }

    proptest! {
        #[test]
        fn a_port_is_beyond_exactly_where_it_is_open_and_not_allowed(
            open in prop::collection::vec((0_i64..60, 0_i64..20), 0..5),
            allowed in prop::collection::vec((0_i64..60, 0_i64..20), 0..5),
            port in 0_i64..100
        ) {
            let rules: Vec<Value> =
                open.iter().map(|(first, length)| rule("tcp", *first, first + length, "0.0.0.0/0")).collect();
            let texts: Vec<String> =
                allowed.iter().map(|(first, length)| format!("tcp {first}-{}", first + length)).collect();
            let within = |ranges: &[(i64, i64)]| ranges.iter().any(|(first, n)| (*first..=first + n).contains(&port));
            let listed = beyond(&json!(rules), &json!(texts)).unwrap().iter().any(|text| {
                let ports = text.strip_prefix("tcp ").unwrap();
                let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
                (first.parse::<i64>().unwrap()..=last.parse().unwrap()).contains(&port)
            });
            prop_assert_eq!(listed, within(&open) && !within(&allowed));
            prop_assert_eq!(any_open(&json!(rules), port, port), Ok(within(&open)));
        }
    }
}
