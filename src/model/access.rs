//! The access review: who can do what, for a person to look through and to sign off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Proof, RecordId};

/// Who can do what in the accounts of a bundle, as far as the evidence says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccessReview {
    /// Days without use after which access counts as unused.
    pub unused_days: u32,
    /// Root users, users, groups and roles: sorted by account, then in this order, then by name.
    pub principals: Vec<ReviewedPrincipal>,
    /// Resources whose policies let other accounts in, sorted by account, kind, region and id.
    pub shared: Vec<SharedResource>,
    /// What could not be seen, and so is missing above.
    pub gaps: Vec<AccessGap>,
}

/// Somebody, or something, that can act in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReviewedPrincipal {
    /// Sort of principal.
    pub kind: PrincipalKind,
    /// Account id.
    pub account: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// When it was made, as AWS writes it; `None` where that is not known.
    pub created: Option<String>,
    /// The password for the console; `None` for what has none.
    pub password: Option<Credential>,
    /// Whether a second factor is asked for; `None` for what has none, or where that is not known.
    pub mfa: Option<bool>,
    /// Access keys that are active.
    pub access_keys: Vec<Credential>,
    /// When it was used last, as AWS writes it; `None` where it never was, or that is not known.
    pub last_used: Option<String>,
    /// Groups that a user is in.
    pub groups: Vec<String>,
    /// Users that are in a group.
    pub members: Vec<String>,
    /// Names of the policies of its own: attached ones by their ARN, inline ones as `inline: name`.
    pub policies: Vec<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Ways in which it is, or can become, an administrator.
    pub admin_paths: Vec<AdminPath>,
    /// Who may assume a role, as its trust policy writes it.
    pub trusted: Vec<String>,
    /// Those of them that are not of the account; `*`: anyone.
    pub outsiders: Vec<String>,
    /// What of its access is not used, in sentences.
    pub unused: Vec<String>,
    /// What is not known of it, in sentences.
    pub unknown: Vec<String>,
    /// The records that this rests on.
    pub proof: Proof,
}

/// Sort of principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// The account's root user.
    Root,
    /// IAM user.
    User,
    /// IAM group.
    Group,
    /// IAM role.
    Role,
}

/// A password or an access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Credential {
    /// `password`, `access key 1`.
    pub name: String,
    /// When it was set last, as AWS writes it.
    pub since: Option<String>,
    /// When it was used last, as AWS writes it; `None` where it never was, or AWS has no record of it.
    pub last_used: Option<String>,
}

/// A way to the rights of an administrator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AdminPath {
    /// Sort of way.
    pub kind: AdminPathKind,
    /// What makes it one, in words.
    pub description: String,
    /// Roles that are assumed on the way, in order; the last one is the administrator.
    pub roles: Vec<String>,
}

/// Sort of way to the rights of an administrator; the more direct comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdminPathKind {
    /// Its policies allow everything.
    Direct,
    /// The policies of a group that it is in allow everything.
    Group,
    /// Its policies allow it to give itself everything.
    Escalation,
    /// It can assume a role that has one of the other ways.
    Role,
}

/// A resource whose policy lets other accounts in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SharedResource {
    /// Kind, as the collectors name it.
    pub kind: String,
    /// Account.
    pub account: String,
    /// Region, or `global`.
    pub region: String,
    /// Name within its kind.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Whom it lets in from elsewhere: ARNs, account ids, organizations; `*`: anyone.
    pub outsiders: Vec<String>,
    /// Why that cannot be said, where it cannot.
    pub unknown: Option<String>,
    /// The records that this rests on.
    pub proof: Proof,
}

/// Something that the review could not look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccessGap {
    /// Account.
    pub account: String,
    /// Region, `global`, or `*`.
    pub region: String,
    /// Kind of resource.
    pub kind: String,
    /// The records that say so; empty where nobody asked.
    pub records: Vec<RecordId>,
}

impl PrincipalKind {
    /// The sort in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Root => "root user",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}
