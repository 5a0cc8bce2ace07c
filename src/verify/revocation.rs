//! Whether certificates were revoked when they signed, as far as the validation data in a report tells.

use chrono::{DateTime, Utc};

use super::trust::Anchors;
use crate::sign::Certificate;
use crate::sign::certificate::extend;
use crate::sign::pades::validation_data::ValidationData;
use crate::sign::revocation::{Revoked, statement};

/// The most certificates that are followed from a signer to the root.
const LONGEST_CHAIN: usize = 16;

/// Whether the certificates behind a signature were revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Revocation {
    /// Nothing tells, or not of each of them.
    #[default]
    NotKnown,
    /// None was.
    NotRevoked {
        /// When the issuers last said so; of several, the earliest.
        as_of: DateTime<Utc>,
    },
    /// One was.
    Revoked {
        /// Whose certificate.
        subject: String,
        /// Since when.
        at: DateTime<Utc>,
        /// Why, as the issuer says.
        reason: Option<String>,
    },
}

/// When something was signed, as far as it matters for revocation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signed {
    /// Somebody else, who is trusted, attests it: what is revoked later could still sign then.
    Attested(DateTime<Utc>),
    /// Only the signer says so, or nobody: whoever has the key of a revoked certificate can claim any time.
    Claimed,
    /// A timestamp authority says so of its own token: that counts if its key is not what was lost (RFC 3161, section 4).
    ByAuthority(DateTime<Utc>),
}

impl Signed {
    /// Whether a certificate with this entry may have signed all the same.
    fn before(self, revoked: &Revoked) -> bool {
        match self {
            Self::Attested(time) => time < revoked.at,
            Self::Claimed => false,
            Self::ByAuthority(time) => time < revoked.at && revoked.leaves_tokens_valid(),
        }
    }
}

/// Judges a chain whose links were verified already, signer first.
pub(super) fn judge(chain: &[Certificate], anchors: Anchors<'_>, signed: Signed) -> Revocation {
    let Some(data) = anchors.validation_data.filter(|data| !data.is_empty()) else {
        return Revocation::NotKnown;
    };
    let time = match signed {
        Signed::Attested(time) | Signed::ByAuthority(time) => Some(time),
        Signed::Claimed => None,
    };
    let chain = completed(chain, anchors, data);
    let is_complete = chain.last().is_some_and(|last| {
        last.is_self_issued() || anchors.signers.contains(last) || anchors.timestamps.contains(last)
    });
    // What was good once tells nothing of a signature that may have been made at any time.
    let (mut as_of, mut is_known) = (None::<DateTime<Utc>>, is_complete && time.is_some());
    for pair in chain.windows(2) {
        let Some(told) = statement(&pair[0], &pair[1], data, time.unwrap_or(DateTime::<Utc>::MIN_UTC)) else {
            is_known = false;
            continue;
        };
        match told.revoked {
            Some(revoked) if !signed.before(&revoked) => {
                let (subject, reason) = (pair[0].facts().subject, revoked.in_words().map(str::to_owned));
                return Revocation::Revoked { subject, at: revoked.at, reason };
            }
            _ => as_of = Some(as_of.map_or(told.this_update, |as_of| as_of.min(told.this_update))),
        }
    }
    match as_of {
        Some(as_of) if is_known => Revocation::NotRevoked { as_of },
        _ => Revocation::NotKnown,
    }
}

/// The chain with the issuers that it does not carry itself, where the verifier or the validation data has them.
fn completed(chain: &[Certificate], anchors: Anchors<'_>, data: &ValidationData) -> Vec<Certificate> {
    let mut pool = data.readable_certificates();
    pool.extend(anchors.signers.iter().chain(anchors.timestamps).cloned());
    let mut chain = chain.to_vec();
    extend(&mut chain, &mut pool, LONGEST_CHAIN);
    chain
}
