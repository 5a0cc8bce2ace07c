//! A signing key in a hardware token, through the token's own PKCS#11 module; only in programs built with the feature `pkcs11`.

use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use der::asn1::UintRef;
use der::{Encode, Sequence};

use super::config::Pkcs11Config;
use super::exit::CommandError;
use crate::sign::certificate::signing_algorithm;
use crate::sign::{Certificate, SignError, SignatureAlgorithm, Signer, ToBeSigned};

/// What is signed to see whether key and certificate belong together.
const PROBE: &[u8] = b"proofpack: does this key belong to that certificate?";

/// A key in a token with its certificate chain.
pub(super) struct TokenSigner {
    session: Session,
    key: ObjectHandle,
    algorithm: SignatureAlgorithm,
    chain: Vec<Certificate>,
}

impl TokenSigner {
    /// Opens the key and holds it against the first certificate of the chain.
    pub(super) fn open(
        module: &Path,
        settings: &Pkcs11Config,
        pin: String,
        chain: Vec<Certificate>,
    ) -> Result<Self, CommandError> {
        let session = session(module, settings, pin)?;
        let wanted = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Sign(true),
            Attribute::Label(settings.key.as_bytes().to_vec()),
        ];
        let found =
            session.find_objects(&wanted).map_err(|error| failed("looked through", settings, &error))?;
        let [key] = found[..] else {
            return Err(CommandError::input(format!(
                "the token {:?} has {} private keys with the label {:?} that may sign (signing.pkcs11): exactly one is needed",
                settings.token,
                found.len(),
                settings.key
            )));
        };
        // What the token says of a failure must not be taken for a key that does not match.
        let algorithm = chain.first().and_then(|leaf| SignatureAlgorithm::of_key(leaf.public_key()));
        let probe = match algorithm {
            Some(algorithm) => {
                let digest = algorithm.digest().digest(&[PROBE]);
                let probe = ToBeSigned { message: PROBE, digest: &digest };
                let refused = |error| {
                    let key = &settings.key;
                    CommandError::input(format!(
                        "the key {key:?} does not sign with {algorithm}, as the certificate demands (signing.pkcs11): {error}"
                    ))
                };
                Some((algorithm, sign(&session, key, algorithm, probe).map_err(refused)?))
            }
            None => None,
        };
        let matches = |leaf: &Certificate| {
            probe.is_some_and(|(algorithm, signature)| algorithm.verify(leaf.public_key(), PROBE, &signature))
        };
        let algorithm = signing_algorithm(&chain, matches).map_err(CommandError::input)?;
        Ok(Self { session, key, algorithm, chain })
    }
}

impl Signer for TokenSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    fn sign(&self, to_be_signed: ToBeSigned<'_>) -> Result<Vec<u8>, SignError> {
        sign(&self.session, self.key, self.algorithm, to_be_signed)
    }
}

fn session(module: &Path, settings: &Pkcs11Config, pin: String) -> Result<Session, CommandError> {
    let context = Pkcs11::new(module).map_err(|error| {
        CommandError::input(format!("{} (signing.pkcs11) is no PKCS#11 module: {error}", module.display()))
    })?;
    let started = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
    context.initialize(started).map_err(|error| failed("started", settings, &error))?;
    let slots = context.get_slots_with_token().map_err(|error| failed("found", settings, &error))?;
    let is_wanted = |slot: &cryptoki::slot::Slot| {
        context.get_token_info(*slot).is_ok_and(|token| token.label().trim_end() == settings.token)
    };
    let slot = slots.into_iter().find(is_wanted).ok_or_else(|| {
        CommandError::input(format!(
            "there is no token {:?} (signing.pkcs11): is it plugged in?",
            settings.token
        ))
    })?;
    let session = context.open_ro_session(slot).map_err(|error| failed("opened", settings, &error))?;
    session
        .login(UserType::User, Some(&AuthPin::new(pin.into())))
        .map_err(|error| failed("opened with that PIN", settings, &error))?;
    Ok(session)
}

fn failed(what: &str, settings: &Pkcs11Config, error: &cryptoki::error::Error) -> CommandError {
    CommandError::input(format!("the token {:?} (signing.pkcs11) cannot be {what}: {error}", settings.token))
}

fn sign(
    session: &Session,
    key: ObjectHandle,
    algorithm: SignatureAlgorithm,
    to_be_signed: ToBeSigned<'_>,
) -> Result<Vec<u8>, SignError> {
    let ToBeSigned { message, digest } = to_be_signed;
    let failed = |error: cryptoki::error::Error| SignError::KeyFailed(format!("PKCS#11: {error}"));
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => {
            session.sign(&Mechanism::Sha256RsaPkcs, key, message).map_err(failed)
        }
        SignatureAlgorithm::EcdsaP256Sha256 | SignatureAlgorithm::EcdsaP384Sha384 => {
            let signature = session.sign(&Mechanism::Ecdsa, key, digest).map_err(failed)?;
            Ok(ecdsa_value(&signature)?)
        }
    }
}

/// `ECDSA-Sig-Value` (RFC 3279, section 2.2.3).
#[derive(Sequence)]
struct EcdsaValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// PKCS#11 gives the two numbers of an ECDSA signature one behind the other, each as long as the curve is wide.
fn ecdsa_value(signature: &[u8]) -> Result<Vec<u8>, der::Error> {
    let (r, s) = signature.split_at(signature.len() / 2);
    EcdsaValue { r: UintRef::new(r)?, s: UintRef::new(s)? }.to_der()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_signature_are_written_without_leading_zeros_and_positive() {
        assert_eq!(ecdsa_value(&[0, 1, 0x80, 2]).unwrap(), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 2]);
    }
}
