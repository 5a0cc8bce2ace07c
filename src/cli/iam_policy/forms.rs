//! The forms that policies are printed in.

use serde_json::{Map, Value, json};

const DESCRIPTION: &str = "Reads the configuration that proofpack collects as audit evidence";

/// The document; a list of them where they are several.
pub(super) fn json(policies: &[Value]) -> Result<String, serde_json::Error> {
    match policies {
        [policy] => serde_json::to_string_pretty(policy),
        several => serde_json::to_string_pretty(several),
    }
}

/// An `aws_iam_policy` for each document, and an output with their ARNs. JSON is an expression of Terraform's
/// language but for its templates.
pub(super) fn terraform(policies: &[Value]) -> Result<String, serde_json::Error> {
    let mut text = String::from(
        "# Made by `proofpack iam-policy --format terraform`; attach all policies to the role that collects.\n",
    );
    let mut arns = Vec::new();
    for (number, policy) in policies.iter().enumerate() {
        let number = number + 1;
        let document = serde_json::to_string_pretty(policy)?.replace("${", "$${").replace("%{", "%%{");
        let document = document.replace('\n', "\n  ");
        text.push_str(&format!(
            "\nresource \"aws_iam_policy\" \"proofpack_{number}\" {{\n  name        = \"proofpack-{number}\"\n  description = \"{DESCRIPTION}\"\n  policy      = jsonencode({document})\n}}\n"
        ));
        arns.push(format!("aws_iam_policy.proofpack_{number}.arn"));
    }
    text.push_str(&format!("\noutput \"proofpack_policy_arns\" {{\n  value = [{}]\n}}\n", arns.join(", ")));
    Ok(text)
}

/// A template with an `AWS::IAM::ManagedPolicy` for each document, and an output with their ARNs.
pub(super) fn cloudformation(policies: &[Value]) -> Result<String, serde_json::Error> {
    let mut resources = Map::new();
    let mut arns = Vec::new();
    for (number, policy) in policies.iter().enumerate() {
        let name = format!("ProofpackPolicy{}", number + 1);
        let properties = json!({ "Description": DESCRIPTION, "PolicyDocument": policy });
        resources
            .insert(name.clone(), json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": properties }));
        arns.push(json!({ "Ref": name }));
    }
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Made by `proofpack iam-policy --format cloudformation`; attach all policies to the role that collects.",
        "Resources": resources,
        "Outputs": {
            "PolicyArns": { "Description": "ARNs of the policies", "Value": { "Fn::Join": [",", arns] } },
        },
    });
    serde_json::to_string_pretty(&template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_holds_the_documents() {
        let policies = [json!({"Statement": [{"Resource": "${a}%{b}"}]}), json!({"Statement": []})];
        let template: Value = serde_json::from_str(&cloudformation(&policies).unwrap()).unwrap();
        for (number, policy) in policies.iter().enumerate() {
            let name = format!("ProofpackPolicy{}", number + 1);
            assert_eq!(template["Resources"][&name]["Properties"]["PolicyDocument"], *policy);
            assert_eq!(template["Outputs"]["PolicyArns"]["Value"]["Fn::Join"][1][number]["Ref"], name);
        }
        let terraform = terraform(&policies).unwrap();
        let documents: Vec<Value> = terraform
            .split("jsonencode(")
            .skip(1)
            .map(|rest| rest.split("\n  })").next().unwrap().to_owned() + "}")
            .map(|text| serde_json::from_str(&text.replace("$${", "${").replace("%%{", "%{")).unwrap())
            .collect();
        assert_eq!(documents, policies);
        assert!(
            terraform.contains("\"$${a}%%{b}\"")
                && terraform.contains("[aws_iam_policy.proofpack_1.arn, aws_iam_policy.proofpack_2.arn]")
        );
        assert_eq!(serde_json::from_str::<Value>(&json(&policies).unwrap()).unwrap(), json!(policies));
        assert_eq!(serde_json::from_str::<Value>(&json(&policies[..1]).unwrap()).unwrap(), policies[0]);
    }
}
