//! The key that signs: out of a file, in AWS KMS, or in a hardware token.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;

use super::config::{Config, Pkcs11Config, SigningConfig};
use super::exit::CommandError;
use super::kms::KmsSigner;
use super::timestamp;
use crate::sign::{Certificate, Signer, SoftwareSigner};

/// The key that the configuration names.
pub(super) fn signer(config: &Config) -> Result<Box<dyn Signer>, CommandError> {
    let Some(signing) = &config.signing else {
        return Err(CommandError::input(
            "the configuration has no [signing] section: name a certificate and key there; `proofpack keygen` makes a test certificate",
        ));
    };
    timestamp::authorities(Some(signing))?; // a setting that cannot be used is found before anything is done
    let read = |path: &Path| {
        let path = config.resolve(path);
        fs::read(&path).map_err(|error| {
            CommandError::input(format!(
                "cannot read {}, which [signing] names: {error}; `proofpack keygen` makes a test certificate",
                path.display()
            ))
        })
    };
    match signing {
        SigningConfig { pkcs12: Some(file), .. } => {
            let (path, bytes) = (config.resolve(file), read(file)?);
            let password = password(config, signing, &path.display().to_string())?;
            let signer = SoftwareSigner::from_pkcs12(&bytes, &password)
                .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
            Ok(Box::new(signer))
        }
        SigningConfig { certificate: Some(certificate), kms_key: Some(kms_key), .. } => {
            Ok(Box::new(KmsSigner::open(config, kms_key, chain(config, certificate, &read(certificate)?)?)?))
        }
        SigningConfig { certificate: Some(certificate), pkcs11: Some(token), .. } => {
            token_signer(config, signing, token, chain(config, certificate, &read(certificate)?)?)
        }
        SigningConfig { certificate: Some(certificate), key: Some(key), .. } => {
            let signer = SoftwareSigner::from_pem(&read(certificate)?, &read(key)?).map_err(|error| {
                let (certificate, key) = (config.resolve(certificate), config.resolve(key));
                CommandError::input(format!("{} with {}: {error}", certificate.display(), key.display()))
            })?;
            Ok(Box::new(signer))
        }
        _ => Err(CommandError::input(
            "[signing] needs either `pkcs12`, or `certificate` and one of `key`, `kms-key`, `pkcs11`",
        )),
    }
}

fn chain(config: &Config, path: &Path, pem: &[u8]) -> Result<Vec<Certificate>, CommandError> {
    Certificate::from_pem(pem)
        .map_err(|error| CommandError::input(format!("{}: {error}", config.resolve(path).display())))
}

/// The key in a token.
#[cfg(feature = "pkcs11")]
fn token_signer(
    config: &Config,
    signing: &SigningConfig,
    token: &Pkcs11Config,
    chain: Vec<Certificate>,
) -> Result<Box<dyn Signer>, CommandError> {
    let pin = password(config, signing, &format!("the token {}", token.token))?;
    if pin.is_empty() {
        return Err(CommandError::input(
            "signing.pkcs11 needs the token's PIN: name signing.password-variable or signing.password-file, or run it in a terminal; a guess would cost a try",
        ));
    }
    let module = config.resolve(&token.module);
    Ok(Box::new(super::pkcs11::TokenSigner::open(&module, token, pin, chain)?))
}

/// The key in a token.
#[cfg(not(feature = "pkcs11"))]
fn token_signer(
    _: &Config,
    _: &SigningConfig,
    _: &Pkcs11Config,
    _: Vec<Certificate>,
) -> Result<Box<dyn Signer>, CommandError> {
    Err(CommandError::input(
        "signing.pkcs11: this program was built without PKCS#11; `cargo build --release --features pkcs11` makes one with it",
    ))
}

/// The password of a PKCS#12 file, or the PIN of a token: out of the environment, a file, or from whoever sits there; empty where nobody does.
fn password(config: &Config, signing: &SigningConfig, of: &str) -> Result<String, CommandError> {
    if let Some(variable) = &signing.password_variable {
        return std::env::var(variable).map_err(|_| {
            CommandError::input(format!(
                "the environment variable {variable} (signing.password-variable) does not hold the password of {of}"
            ))
        });
    }
    if let Some(file) = &signing.password_file {
        let path = config.resolve(file);
        let text = fs::read_to_string(&path).map_err(|error| {
            CommandError::input(format!("cannot read {} (signing.password-file): {error}", path.display()))
        })?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(String::new());
    }
    rpassword::prompt_password(format!("Password of {of}: "))
        .map_err(|error| CommandError::input(format!("the password could not be read: {error}")))
}
