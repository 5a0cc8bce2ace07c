//! Encryption of a package for named recipients, in the format of age (age-encryption.org/v1): X25519 keys and ssh keys. Whoever holds
//! one of the private keys reads it; the signatures inside say who wrote it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use age::secrecy::SecretString;
use age::{Callbacks, DecryptError, Decryptor, Encryptor, IdentityFile};

use super::source::Source;
use super::zipping::{parent, partial, publish};

/// What an encrypted file begins with.
pub const MAGIC: &[u8] = b"age-encryption.org/v1";

/// What the name of an encrypted package ends in, after `.zip`.
const SUFFIX: &str = ".age";

/// What the last line of a header begins with; see the specification at age-encryption.org/v1.
const HEADER_END: &[u8] = b"\n--- ";

/// Longest header that is read, in bytes: room for thousands of recipients.
const LONGEST_HEADER: u64 = 1024 * 1024;

/// Why a package was not encrypted, or is not opened.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// Not the public key of anybody. It is not told: it may be a private one.
    #[error("this is no recipient: name a public key of age (age1...) or ssh (ssh-ed25519 ..., ssh-rsa ...)")]
    Recipient,
    /// The keys cannot be used together.
    #[error("the recipients cannot be encrypted for: {0}")]
    Recipients(String),
    /// A line of a file of recipients.
    #[error(
        "line {line} is no recipient: name an age key (age1...) or an ssh key (ssh-ed25519 ..., ssh-rsa ...)"
    )]
    RecipientLine {
        /// Which line, from 1.
        line: usize,
    },
    /// A private key that cannot be used. The key itself is not told.
    #[error("it holds no age key (AGE-SECRET-KEY-1...) and no ssh key that can be used: {0}")]
    Identity(String),
    /// None of the keys opens it.
    #[error(
        "none of the given keys opens it: it was encrypted for others, or the passphrase of the key is not the right one"
    )]
    NoMatchingKey,
    /// It is encrypted, and no key was given.
    #[error("it is encrypted: name the private key with --identity")]
    NoKey,
    /// The header is not one, or was altered.
    #[error("it is not encrypted as age encrypts, or was altered: {0}")]
    Header(String),
    /// There is something under that name.
    #[error("{0} exists already; a package is never overwritten: choose another name")]
    Exists(PathBuf),
    /// The disk refused something.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Somebody whom a package is encrypted for.
#[derive(Clone)]
pub struct Recipient {
    key: Arc<dyn age::Recipient + Send + Sync>,
    text: String,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Recipient").field(&self.text).finish()
    }
}

impl FromStr for Recipient {
    type Err = EncryptionError;

    fn from_str(text: &str) -> Result<Self, EncryptionError> {
        let text = text.trim();
        let key: Arc<dyn age::Recipient + Send + Sync> =
            if let Ok(key) = text.parse::<age::x25519::Recipient>() {
                Arc::new(key)
            } else if let Ok(key) = text.parse::<age::ssh::Recipient>() {
                Arc::new(key)
            } else {
                return Err(EncryptionError::Recipient);
            };
        Ok(Self { key, text: text.to_owned() })
    }
}

/// The recipients of a file: one on each line; empty lines and those that begin with `#` say nothing.
///
/// # Errors
/// When a line is none.
pub fn recipients(text: &str) -> Result<Vec<Recipient>, EncryptionError> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'));
    lines.map(|(text, line)| text.parse().map_err(|_| EncryptionError::RecipientLine { line })).collect()
}

/// Asks for the passphrase of a private key.
pub type AskPassphrase = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A private key.
#[derive(Clone)]
pub struct Identity(Arc<dyn age::Identity + Send + Sync>);

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Identity")
    }
}

/// The private keys of a file called `name`: lines `AGE-SECRET-KEY-1...`, or one ssh key in PEM form, whose passphrase is asked for
/// where it has one.
///
/// # Errors
/// When it holds no such key.
pub fn identities(bytes: &[u8], name: &str, ask: AskPassphrase) -> Result<Vec<Identity>, EncryptionError> {
    let refused = |error: io::Error| EncryptionError::Identity(error.to_string());
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        let key = age::ssh::Identity::from_buffer(bytes, Some(name.to_owned())).map_err(refused)?;
        if let age::ssh::Identity::Unsupported(_) = key {
            let why = "this kind of ssh key, or the way in which it is encrypted, is not supported; ssh-keygen -p writes it anew";
            return Err(EncryptionError::Identity(why.to_owned()));
        }
        return Ok(vec![Identity(Arc::new(key.with_callbacks(Asking(ask))))]);
    }
    let file = IdentityFile::from_buffer(bytes).map_err(refused)?;
    let keys = file.into_identities().map_err(|error| EncryptionError::Identity(error.to_string()))?;
    if keys.is_empty() {
        return Err(EncryptionError::Identity("it is empty".to_owned()));
    }
    Ok(keys.into_iter().map(|key| Identity(key.into())).collect())
}

/// Asks for passphrases, and for nothing else.
#[derive(Clone)]
struct Asking(AskPassphrase);

impl Callbacks for Asking {
    fn display_message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        self.0(description).map(SecretString::from)
    }
}

/// Encrypts the package at `path` for `recipients`, beside it under the same name and `.age`; gives its place. Until it is complete
/// nothing stands under that name. As every encryption has keys of its own, no two give the same bytes.
///
/// # Errors
/// When there are no recipients, the name is taken, or something cannot be read or written.
pub fn encrypt(path: &Path, recipients: &[Recipient]) -> Result<PathBuf, EncryptionError> {
    let mut name = path.as_os_str().to_owned();
    name.push(SUFFIX);
    let target = PathBuf::from(name);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| EncryptionError::Io { path, source }
    };
    if target.symlink_metadata().is_ok() {
        return Err(EncryptionError::Exists(target));
    }
    let keys = recipients.iter().map(|recipient| &*recipient.key as &dyn age::Recipient);
    let encryptor =
        Encryptor::with_recipients(keys).map_err(|error| EncryptionError::Recipients(error.to_string()))?;
    let mut source = BufReader::new(File::open(path).map_err(failed(path))?);
    let mut output = partial().tempfile_in(parent(&target)).map_err(failed(&target))?;
    let written = encryptor.wrap_output(BufWriter::new(output.as_file_mut())).and_then(|mut writer| {
        io::copy(&mut source, &mut writer)?;
        writer.finish()?.flush()
    });
    written.map_err(failed(&target))?;
    publish(output, &target).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => EncryptionError::Exists(target.clone()),
        _ => failed(&target)(error),
    })?;
    Ok(target)
}

/// Opens an encrypted package; what is in it is decrypted as it is read, and never written anywhere.
///
/// # Errors
/// When none of the keys opens it, or it cannot be read or was altered.
pub fn open(path: &Path, keys: &[Identity]) -> Result<Source, EncryptionError> {
    if keys.is_empty() {
        return Err(EncryptionError::NoKey);
    }
    let failed = |source| EncryptionError::Io { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut beginning = Vec::new();
    file.by_ref().take(LONGEST_HEADER).read_to_end(&mut beginning).map_err(failed)?;
    if !beginning.windows(HEADER_END.len()).any(|bytes| bytes == HEADER_END) {
        return Err(EncryptionError::Header(format!(
            "its header does not end within {LONGEST_HEADER} bytes"
        )));
    }
    file.rewind().map_err(failed)?;
    let refused = |error: DecryptError| match error {
        DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed => EncryptionError::NoMatchingKey,
        DecryptError::Io(source) => failed(source),
        other => EncryptionError::Header(other.to_string()),
    };
    let decryptor = Decryptor::new_buffered(file).map_err(refused)?;
    let keys = keys.iter().map(|key| &*key.0 as &dyn age::Identity);
    let mut reader = decryptor.decrypt(keys).map_err(refused)?;
    let length = reader.seek(SeekFrom::End(0)).map_err(failed)?;
    Ok(Source::decrypted(reader, length))
}
