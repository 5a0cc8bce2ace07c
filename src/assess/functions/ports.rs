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

/// One rule of EC2's `IpPermissions` or `IpPermissionsEgress`.
pub(super) struct Rule {
    /// Protocol as EC2 gives it: a name, a number, or `-1` for all.
    pub(super) protocol: String,
    /// First and last port; `None`: all of the protocol's, or a protocol without ports.
    pub(super) ports: Option<(i64, i64)>,
    /// Whom it lets in.
    pub(super) reach: Reach,
}

/// Whom a rule lets in, at the widest.
pub(super) enum Reach {
    /// The Internet.
    World,
    /// A prefix list, which may hold any range.
    PrefixList(String),
    /// Ranges or security groups that are not the Internet.
    Narrow,
}

/// Whether `permissions` (EC2 `IpPermissions` or `IpPermissionsEgress`) open one of `ports` to the world over
/// TCP or UDP. Protocol `-1` opens all ports; with no `ports` given, any rule for the world counts.
///
/// # Errors
/// When the permissions are malformed, or only a prefix list could open a port to the world.
pub(crate) fn open_to_world(permissions: &Value, ports: &[i64]) -> Result<bool, PortsError> {
    let mut undecided = None;
    for rule in rules(permissions)? {
        if !rule.covers(ports) {
            continue;
        }
        match rule.reach {
            Reach::World => return Ok(true),
            Reach::PrefixList(id) => undecided = Some(PortsError::PrefixList(id)),
            Reach::Narrow => {}
        }
    }
    undecided.map_or(Ok(false), Err)
}

/// Reads all rules.
///
/// # Errors
/// When they are not of EC2's shape.
pub(super) fn rules(permissions: &Value) -> Result<Vec<Rule>, PortsError> {
    match permissions {
        Value::Array(rules) => rules.iter().map(Rule::read).collect(),
        _ => Err(malformed("they are not a list")),
    }
}

impl Rule {
    fn read(rule: &Value) -> Result<Self, PortsError> {
        let protocol = rule
            .get("IpProtocol")
            .and_then(Value::as_str)
            .ok_or_else(|| malformed("a rule has no IpProtocol"))?;
        let ports = match protocol {
            "tcp" | "udp" | "6" | "17" => read_ports(rule)?,
            // Others have none; of ICMP the members hold type and code.
            _ => None,
        };
        Ok(Self { protocol: protocol.to_owned(), ports, reach: reach(rule)? })
    }

    fn covers(&self, ports: &[i64]) -> bool {
        match self.protocol.as_str() {
            _ if ports.is_empty() => true,
            "-1" => true,
            "tcp" | "udp" | "6" | "17" => match self.ports {
                None => true,
                Some((first, last)) => ports.iter().any(|port| (first..=last).contains(port)),
            },
            _ => false,
        }
    }
}

fn read_ports(rule: &Value) -> Result<Option<(i64, i64)>, PortsError> {
    let bound = |name: &str| match rule.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_i64().map(Some).ok_or_else(|| malformed(format!("a rule's {name} is no number")))
        }
    };
    match (bound("FromPort")?, bound("ToPort")?) {
        // All ports of the protocol.
        (None | Some(-1), None | Some(-1)) => Ok(None),
        (Some(first), Some(last)) if first <= last => Ok(Some((first, last))),
        _ => Err(malformed("a rule's FromPort and ToPort do not make a range")),
    }
}

fn reach(rule: &Value) -> Result<Reach, PortsError> {
    let mut given = false;
    let mut world = false;
    for (list, member) in [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")] {
        let Some(ranges) = rule.get(list) else { continue };
        given = true;
        for range in ranges.as_array().ok_or_else(|| malformed(format!("{list} is not a list")))? {
            let text = range
                .get(member)
                .and_then(Value::as_str)
                .ok_or_else(|| malformed(format!("one of {list} has no {member}")))?;
            world |= Cidr::parse(text).map_err(|error| malformed(error.to_string()))?.is_world();
        }
    }
    let mut listed = None;
    if let Some(lists) = rule.get("PrefixListIds") {
        given = true;
        let lists = lists.as_array().ok_or_else(|| malformed("PrefixListIds is not a list"))?;
        listed = lists.first().map(|first| {
            let id = first.get("PrefixListId").and_then(Value::as_str).unwrap_or_default();
            id.chars().take(60).collect()
        });
    }
    if !given && !rule.get("UserIdGroupPairs").is_some_and(Value::is_array) {
        return Err(malformed("a rule names no sources"));
    }
    Ok(match listed {
        _ if world => Reach::World,
        Some(id) => Reach::PrefixList(id),
        None => Reach::Narrow,
    })
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
