//! Asking for a timestamp, and what the answer must be (RFC 3161, sections 2.4.1 and 2.4.2).

use const_oid::ObjectIdentifier;
use der::asn1::{BitString, Int};
use der::{Any, Decode, Encode, Sequence};

use super::{LARGEST_ANSWER, MessageImprint, TimestampError, Token};

/// `TimeStampReq`, without a policy and extensions.
#[derive(Sequence)]
struct TimeStampReq {
    version: u8,
    message_imprint: MessageImprint,
    policy: Option<ObjectIdentifier>,
    nonce: Option<Int>,
    #[asn1(default = "Default::default")]
    with_certificates: bool,
}

/// `TimeStampResp`.
#[derive(Sequence)]
struct TimeStampResp {
    status: StatusInfo,
    token: Option<Any>,
}

/// `PKIStatusInfo`.
#[derive(Sequence)]
struct StatusInfo {
    status: u8,
    words: Option<Vec<String>>,
    failure: Option<BitString>,
}

/// A request, and what its answer must have of it.
pub(super) struct Request<'a> {
    der: Vec<u8>,
    message: &'a [&'a [u8]],
    nonce: Int,
}

impl<'a> Request<'a> {
    /// A request for a message, with a nonce of its own.
    pub(super) fn new(message: &'a [&'a [u8]]) -> Result<Self, TimestampError> {
        let mut random = [0; 16];
        let failed = |what: &str| TimestampError::Malformed(format!("the request: {what}"));
        aws_lc_rs::rand::fill(&mut random).map_err(|_| failed("no random numbers"))?;
        random[0] = random[0] & 0x3f | 0x40; // positive, and of the same length always
        let nonce = Int::new(&random).map_err(|error| failed(&error.to_string()))?;
        let request = TimeStampReq {
            version: 1,
            message_imprint: MessageImprint::of(message).map_err(|error| failed(&error.to_string()))?,
            policy: None,
            nonce: Some(nonce.clone()),
            with_certificates: true,
        };
        let der = request.to_der().map_err(|error| failed(&error.to_string()))?;
        Ok(Self { der, message, nonce })
    }

    /// What the authority is sent.
    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The token of an answer, if it is one to this request and holds.
    pub(super) fn token(&self, answer: &[u8]) -> Result<Token, TimestampError> {
        if answer.len() > LARGEST_ANSWER {
            return Err(TimestampError::Malformed(format!("it has {} bytes", answer.len())));
        }
        let malformed = |error: der::Error| TimestampError::Malformed(error.to_string());
        let response = TimeStampResp::from_der(answer).map_err(malformed)?;
        // 0: granted; 1: granted with modifications.
        let StatusInfo { status, words, .. } = response.status;
        let token = response.token.filter(|_| status <= 1).ok_or_else(|| {
            let words = words.unwrap_or_default().join(" ");
            let shown = words.chars().take(200).map(|one| if one.is_control() { ' ' } else { one });
            TimestampError::Refused { status, words: shown.collect() }
        })?;
        let token = Token::over_parts(&token.to_der().map_err(malformed)?, self.message)?;
        if token.nonce() != Some(&self.nonce) {
            return Err(TimestampError::Other("nonce"));
        }
        Ok(token)
    }
}
