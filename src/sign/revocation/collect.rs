//! Asking for everything that will be needed to check signatures when nobody answers any more.

use chrono::{DateTime, Utc};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc6960::ID_PKIX_OCSP;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityInfoAccessSyntax, CrlDistributionPoints};

use super::super::pades::validation_data::ValidationData;
use super::super::{Certificate, certificate};
use super::{RevocationError, RevocationSource, Statement, list, response};

/// `id-ad-caIssuers` (RFC 5280, section 4.2.2.1).
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");
/// The most certificates that are looked at in one chain.
const LONGEST_CHAIN: usize = 10;
/// The most addresses of one kind that a certificate may name for us to ask.
const MOST_ADDRESSES: usize = 4;

/// The certificates behind a signature or timestamp.
#[derive(Debug, Clone)]
pub struct SigningChain {
    /// The signer's first, then each that issued the one before it.
    pub certificates: Vec<Certificate>,
    /// When it was made.
    pub signed_at: DateTime<Utc>,
}

/// Adds the certificates of these chains, each the signer's first, to what is known, and for each certificate but the last,
/// self-issued one, what shows that it was not revoked when it signed.
///
/// # Errors
/// When one is revoked, or nobody says that it is not.
pub fn collect(
    chains: Vec<SigningChain>,
    known: ValidationData,
    source: &dyn RevocationSource,
) -> Result<ValidationData, RevocationError> {
    let mut data = known;
    for SigningChain { certificates: mut chain, signed_at: at } in chains {
        complete(&mut chain, &data, source)?;
        for pair in chain.windows(2) {
            match super::statement(&pair[0], &pair[1], &data, at) {
                Some(Statement { revoked: Some(revoked), .. }) if revoked.at <= at => {
                    return Err(revoked.error(pair[0].facts().subject));
                }
                Some(_) => {}
                None => ask(&pair[0], &pair[1], source, at, &mut data)?,
            }
        }
        for certificate in chain {
            let der = certificate.der().to_vec();
            if !data.certificates.contains(&der) {
                data.certificates.push(der);
            }
        }
    }
    Ok(data)
}

/// Adds the issuers that a chain lacks, up to the one that issued itself.
fn complete(
    chain: &mut Vec<Certificate>,
    known: &ValidationData,
    source: &dyn RevocationSource,
) -> Result<(), RevocationError> {
    let mut known = known.readable_certificates();
    loop {
        certificate::extend(chain, &mut known, LONGEST_CHAIN);
        let Some(last) = chain.last().filter(|last| !last.is_self_issued()) else { return Ok(()) };
        let facts = last.facts();
        let mut failure = None;
        let below = chain.len() - 1;
        let addresses = addresses(last, CA_ISSUERS).into_iter().take(MOST_ADDRESSES);
        let issuer = addresses.filter(|_| chain.len() < LONGEST_CHAIN).find_map(|url| {
            let issuer = source.get(&url).and_then(|der| {
                let issuer = Certificate::from_der(&der, 1).map_err(|error| error.to_string())?;
                issuer.check_issued(last, below).map_err(|error| error.to_string())?;
                Ok(issuer)
            });
            issuer.map_err(|error| failure = Some(format!("{url}: {error}"))).ok()
        });
        match issuer {
            Some(issuer) => chain.push(issuer),
            None => {
                let (subject, issuer) = (facts.subject, facts.issuer);
                return Err(RevocationError::NoIssuer { subject, issuer, failure });
            }
        }
    }
}

/// Asks until there is an answer that can be used, and keeps that: responders first, for their answers are small.
fn ask(
    certificate: &Certificate,
    issuer: &Certificate,
    source: &dyn RevocationSource,
    now: DateTime<Utc>,
    data: &mut ValidationData,
) -> Result<(), RevocationError> {
    let subject = certificate.facts().subject;
    let mut failures = Vec::new();
    let usable = |statement: &Statement| statement.revoked.is_some() || statement.tells_of(certificate, now);
    let stale = || "it is out of date".to_owned();
    let responders = addresses(certificate, ID_PKIX_OCSP);
    let lists = list_addresses(certificate);
    if responders.is_empty() && lists.is_empty() {
        return Err(RevocationError::NobodyToAsk(subject));
    }
    for (url, is_responder) in responders
        .iter()
        .take(MOST_ADDRESSES)
        .map(|url| (url, true))
        .chain(lists.iter().take(MOST_ADDRESSES).map(|url| (url, false)))
    {
        let answer = if is_responder {
            response::request(certificate, issuer)
                .map_err(|error| error.to_string())
                .and_then(|request| source.post(url, "application/ocsp-request", &request))
        } else {
            source.get(url)
        };
        let known = answer.and_then(|der| {
            let read = if is_responder { response::statement } else { list::statement };
            let statement = read(&der, certificate, issuer)?;
            if usable(&statement) { Ok((der, statement)) } else { Err(stale()) }
        });
        match known {
            Ok((_, Statement { revoked: Some(revoked), .. })) if revoked.at <= now => {
                return Err(revoked.error(subject));
            }
            Ok((der, _)) => {
                if is_responder {
                    data.responses.push(der)
                } else {
                    data.lists.push(der)
                }
                return Ok(());
            }
            Err(failure) => failures.push(format!("{url}: {failure}")),
        }
    }
    Err(RevocationError::NoAnswer { subject, failures })
}

/// Where a certificate says that something about it can be had.
fn addresses(certificate: &Certificate, method: ObjectIdentifier) -> Vec<String> {
    let Ok(Some((_, access))) = certificate.parsed().tbs_certificate.get::<AuthorityInfoAccessSyntax>()
    else {
        return Vec::new();
    };
    let described = access.0.iter().filter(|one| one.access_method == method);
    described.filter_map(|one| address(&one.access_location)).collect()
}

fn list_addresses(certificate: &Certificate) -> Vec<String> {
    let Ok(Some((_, points))) = certificate.parsed().tbs_certificate.get::<CrlDistributionPoints>() else {
        return Vec::new();
    };
    let names = points.0.iter().filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    names.flatten().filter_map(address).collect()
}

fn address(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::UniformResourceIdentifier(url) if url.as_str().starts_with("http") => {
            Some(url.as_str().to_owned())
        }
        _ => None,
    }
}
