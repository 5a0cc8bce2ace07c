//! Paths of AWS CDK's constructs, and the logical ids that it makes of them.

use super::ResourceKey;

/// Stages and stacks that a path may begin with.
const DEEPEST_STACK: usize = 3;
/// How much of a logical id comes from the names, before its hash.
const LONGEST_START: usize = 240;

/// How the resource behind a construct's path can be found. A stack's name is that of its own construct, those around it
/// before it; or it was chosen otherwise, and is among `stacks`.
pub(super) fn keys(path: &str, stacks: &[String]) -> Vec<ResourceKey> {
    let components: Vec<&str> = path.split('/').collect();
    let mut keys = Vec::new();
    for depth in 1..components.len().min(DEEPEST_STACK + 1) {
        let (outer, inner) = components.split_at(depth);
        let own = outer.join("-");
        for stack in std::iter::once(&own).chain(stacks.iter().filter(|stack| **stack != own)) {
            let stack = stack.clone();
            let key = match logical_id(inner) {
                LogicalId::Whole(id) => ResourceKey::Logical { stack, id },
                LogicalId::Start(start) => ResourceKey::Construct { stack, start },
                LogicalId::None => continue,
            };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

enum LogicalId {
    Whole(String),
    Start(String),
    None,
}

/// AWS CDK leaves components that are called `Default` out, and of the names also `Resource` and what the name before ends
/// with. A single component is the id itself; after several come eight digits of a hash over them.
fn logical_id(components: &[&str]) -> LogicalId {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let components: Vec<&str> =
        components.iter().copied().filter(|component| *component != "Default").collect();
    match components.as_slice() {
        [] => LogicalId::None,
        [single] => LogicalId::Whole(plain(single)),
        several => {
            let mut kept: Vec<&str> = Vec::new();
            for component in several {
                if kept.last().is_none_or(|last| !last.ends_with(component)) {
                    kept.push(component);
                }
            }
            let names =
                kept.iter().filter(|component| **component != "Resource").map(|component| plain(component));
            let start: String = names.collect::<String>().chars().take(LONGEST_START).collect();
            if start.is_empty() { LogicalId::None } else { LogicalId::Start(start) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(path: &str) -> Vec<(String, String)> {
        keys(path, &[])
            .into_iter()
            .map(|key| match key {
                ResourceKey::Construct { stack, start } => (stack, start),
                ResourceKey::Logical { stack, id } => (stack, format!("={id}")),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn pair(stack: &str, start: &str) -> (String, String) {
        (stack.to_owned(), start.to_owned())
    }

    #[test]
    fn the_logical_id_begins_as_aws_cdk_makes_it() {
        assert_eq!(
            start("Stack/Bucket/Resource"),
            [pair("Stack", "Bucket"), pair("Stack-Bucket", "=Resource")]
        );
        assert_eq!(start("Stack/Vpc/Vpc/Default/Resource")[0], pair("Stack", "Vpc"));
        assert_eq!(
            start("Stack/Vpc/GlueEndpoint/SecurityGroup/Resource")[0],
            pair("Stack", "VpcGlueEndpointSecurityGroup")
        );
        assert_eq!(start("Stack/my-key")[0], pair("Stack", "=mykey"));
        assert_eq!(start("Prod/Stack/Logs/Resource")[1], pair("Prod-Stack", "Logs"));
        assert!(start("Stack").is_empty() && start("").is_empty());
    }

    #[test]
    fn a_stack_of_another_name_is_tried_too() {
        let found = keys("Stack/Bucket/Resource", &["openemr".to_owned()]);
        assert_eq!(found[1], ResourceKey::Construct { stack: "openemr".into(), start: "Bucket".into() });
    }
}
