//! A signing key in AWS KMS: the private key never leaves it, and each signature is in CloudTrail's log.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeyUsageType, MessageType, SigningAlgorithmSpec};
use der::Encode;
use tokio::runtime::Runtime;

use super::collect;
use super::config::Config;
use super::exit::CommandError;
use super::runtime;
use crate::sign::certificate::signing_algorithm;
use crate::sign::{Certificate, SignError, SignatureAlgorithm, Signer, ToBeSigned};
use crate::trail::refusal::refusal;

/// The longest message that KMS hashes itself (AWS KMS API Reference, Sign); of a longer one it is sent the digest.
const LONGEST_MESSAGE: usize = 4096;

/// A key in KMS with its certificate chain.
pub(super) struct KmsSigner {
    client: aws_sdk_kms::Client,
    runtime: Runtime,
    key: String,
    algorithm: SignatureAlgorithm,
    chain: Vec<Certificate>,
}

impl KmsSigner {
    /// Opens the key (an ARN, id or alias) and holds it against the first certificate of the chain.
    pub(super) fn open(config: &Config, key: &str, chain: Vec<Certificate>) -> Result<Self, CommandError> {
        let runtime = runtime()?;
        let session = runtime.block_on(collect::session(config, None))?;
        let mut settings = aws_sdk_kms::config::Builder::from(session.sdk_config());
        if let Some(region) = region_of(key) {
            settings = settings.region(aws_sdk_kms::config::Region::new(region.to_owned()));
        }
        let client = aws_sdk_kms::Client::from_conf(settings.build());
        let public = runtime.block_on(client.get_public_key().key_id(key).send()).map_err(|error| {
            let (code, message) = refusal(&error);
            CommandError::aws(format!(
                "the public key of {key} (signing.kms-key) cannot be had: {code}: {message}; the caller needs kms:GetPublicKey and kms:Sign"
            ))
        })?;
        if public.key_usage() != Some(&KeyUsageType::SignVerify) {
            return Err(CommandError::input(format!(
                "{key} (signing.kms-key) is no key for signatures: it needs the usage SIGN_VERIFY"
            )));
        }
        let matches = |leaf: &Certificate| {
            let certified = leaf.public_key().to_der().ok();
            certified.is_some() && certified.as_deref() == public.public_key().map(Blob::as_ref)
        };
        let algorithm = signing_algorithm(&chain, matches).map_err(CommandError::input)?;
        Ok(Self { client, runtime, key: key.to_owned(), algorithm, chain })
    }
}

impl Signer for KmsSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    fn sign(&self, to_be_signed: ToBeSigned<'_>) -> Result<Vec<u8>, SignError> {
        let ToBeSigned { message, digest } = to_be_signed;
        let (kind, bytes) = if message.len() <= LONGEST_MESSAGE {
            (MessageType::Raw, message)
        } else {
            (MessageType::Digest, digest)
        };
        let algorithm = match self.algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256 => SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
            SignatureAlgorithm::EcdsaP256Sha256 => SigningAlgorithmSpec::EcdsaSha256,
            SignatureAlgorithm::EcdsaP384Sha384 => SigningAlgorithmSpec::EcdsaSha384,
        };
        let asked = self.client.sign().key_id(&self.key).message(Blob::new(bytes)).message_type(kind);
        let answer = self.runtime.block_on(asked.signing_algorithm(algorithm).send()).map_err(|error| {
            let (code, message) = refusal(&error);
            SignError::KeyFailed(format!("AWS KMS, {}: {code}: {message}", self.key))
        })?;
        let signature = answer.signature().map(|blob| blob.as_ref().to_vec());
        signature.ok_or_else(|| SignError::KeyFailed("AWS KMS answered without a signature".to_owned()))
    }
}

/// The region that an ARN names.
fn region_of(key: &str) -> Option<&str> {
    let mut parts = key.strip_prefix("arn:")?.split(':');
    parts.nth(2).filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_a_key_is_that_of_its_arn() {
        assert_eq!(region_of("arn:aws:kms:eu-west-1:123456789012:key/x"), Some("eu-west-1"));
        for key in
            ["alias/signing", "1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms", "arn:aws:kms::1:key/x"]
        {
            assert_eq!(region_of(key), None, "{key}");
        }
    }
}
