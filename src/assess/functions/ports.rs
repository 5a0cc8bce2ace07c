//! Which ports security group rules open to the world.

use serde_json::Value;

use super::cidr::Cidr;

/// Why a list of permissions has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortsError {
    /// Not the shape of EC2's `IpPermissions`.
    #[error("the permissions are malformed: {0}")]
    Malformed(String),
    /// A rule for one of the ports lets in a prefix list, whose ranges the rule does not say.
    #[error("a rule opens the port to the prefix list {0}, whose ranges are not known here")]
    PrefixList(String),
}

/// Whether `permissions` (EC2 `IpPermissions` or `IpPermissionsEgress`) open one of `ports` to the world over
/// TCP or UDP. Protocol `-1` opens all ports; with no `ports` given, any rule for the world counts.
///
/// # Errors
/// When the permissions are malformed, or only a prefix list could open a port to the world.
pub(crate) fn open_to_world(permissions: &Value, ports: &[i64]) -> Result<bool, PortsError> {
    let rules = match permissions {
        Value::Array(rules) => rules,
        _ => return Err(malformed("they are not a list")),
    };
    let mut undecided = None;
    for rule in rules {
        if !covers_ports(rule, ports)? {
            continue;
        }
        match sources(rule)? {
            Sources::World => return Ok(true),
            Sources::PrefixList(id) => undecided = Some(PortsError::PrefixList(id)),
            Sources::Narrow => {}
        }
    }
    undecided.map_or(Ok(false), Err)
}

fn covers_ports(rule: &Value, ports: &[i64]) -> Result<bool, PortsError> {
    let protocol = rule
        .get("IpProtocol")
        .and_then(Value::as_str)
        .ok_or_else(|| malformed("a rule has no IpProtocol"))?;
    if protocol == "-1" || ports.is_empty() {
        return Ok(true);
    }
    if !["tcp", "udp", "6", "17"].contains(&protocol) {
        return Ok(false);
    }
    let bound = |name: &str| match rule.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_i64().map(Some).ok_or_else(|| malformed(format!("a rule's {name} is no number")))
        }
    };
    match (bound("FromPort")?, bound("ToPort")?) {
        // All ports of the protocol.
        (None | Some(-1), None | Some(-1)) => Ok(true),
        (Some(from), Some(to)) if from <= to => Ok(ports.iter().any(|port| (from..=to).contains(port))),
        _ => Err(malformed("a rule's FromPort and ToPort do not make a range")),
    }
}

enum Sources {
    World,
    PrefixList(String),
    Narrow,
}

fn sources(rule: &Value) -> Result<Sources, PortsError> {
    let mut given = false;
    for (list, member) in [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")] {
        let Some(ranges) = rule.get(list) else { continue };
        given = true;
        for range in ranges.as_array().ok_or_else(|| malformed(format!("{list} is not a list")))? {
            let text = range
                .get(member)
                .and_then(Value::as_str)
                .ok_or_else(|| malformed(format!("one of {list} has no {member}")))?;
            if Cidr::parse(text).map_err(|error| malformed(error.to_string()))?.is_world() {
                return Ok(Sources::World);
            }
        }
    }
    if let Some(lists) = rule.get("PrefixListIds") {
        given = true;
        let lists = lists.as_array().ok_or_else(|| malformed("PrefixListIds is not a list"))?;
        if let Some(first) = lists.first() {
            let id = first.get("PrefixListId").and_then(Value::as_str).unwrap_or_default();
            return Ok(Sources::PrefixList(id.chars().take(60).collect()));
        }
    }
    if given || rule.get("UserIdGroupPairs").is_some_and(Value::is_array) {
        Ok(Sources::Narrow)
    } else {
        Err(malformed("a rule names no sources"))
    }
}

fn malformed(what: impl Into<String>) -> PortsError {
    PortsError::Malformed(what.into())
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

    #[test]
    fn a_range_around_the_port_opens_it() {
        let open = |rule: Value| open_to_world(&json!([rule]), &[22, 3389]);
        assert_eq!(open(rule("tcp", 22, 22, "0.0.0.0/0")), Ok(true));
        assert_eq!(open(rule("6", 0, 65_535, "0.0.0.0/0")), Ok(true));
        assert_eq!(open(rule("tcp", 23, 3388, "0.0.0.0/0")), Ok(false));
        assert_eq!(open(rule("tcp", 22, 22, "10.0.0.0/8")), Ok(false));
        assert_eq!(open(rule("icmp", 8, -1, "0.0.0.0/0")), Ok(false));
        assert_eq!(open(json!({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]})), Ok(true));
        assert_eq!(open_to_world(&json!([]), &[22]), Ok(false));
    }

    #[test]
    fn without_ports_any_rule_for_the_world_counts() {
        assert_eq!(open_to_world(&json!([rule("icmp", 8, -1, "0.0.0.0/0")]), &[]), Ok(true));
        assert_eq!(open_to_world(&json!([rule("tcp", 443, 443, "10.0.0.0/8")]), &[]), Ok(false));
    }

    #[test]
    fn what_a_rule_does_not_say_is_not_decided() {
        let list = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
                          "PrefixListIds": [{"PrefixListId": "pl-1"}]});
        assert_eq!(open_to_world(&json!([list]), &[22]), Err(PortsError::PrefixList("pl-1".into())));
        assert_eq!(open_to_world(&json!([list]), &[3389]), Ok(false));
        assert_eq!(open_to_world(&json!([list, rule("tcp", 22, 22, "0.0.0.0/0")]), &[22]), Ok(true));
        for wrong in [
            json!(null),
            json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}]),
            json!([{"IpProtocol": "tcp", "FromPort": 22, "IpRanges": []}]),
            json!([{"FromPort": 22, "ToPort": 22, "IpRanges": []}]),
            json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "everywhere"}]}]),
        ] {
            assert!(matches!(open_to_world(&wrong, &[22]), Err(PortsError::Malformed(_))), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_port_is_open_exactly_within_its_range(from in 0_i64..65_536, length in 0_i64..1_000, port in 0_i64..65_536) {
            let rules = json!([rule("tcp", from, from + length, "0.0.0.0/0")]);
            prop_assert_eq!(open_to_world(&rules, &[port]), Ok(port >= from && port <= from + length));
        }
    }
}
