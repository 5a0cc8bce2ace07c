//! Small packages for the tests of what reads them, and zips taken apart and put together by hand.

use std::path::{Path, PathBuf};

use proofpack::bundle;
use proofpack::canonical::{sha256, to_file_bytes};
use proofpack::model::{
    AccessReview, Assessment, BundleReference, CatalogFiles, FrameworkAssessment, FrameworkReference, Tool,
};
use proofpack::package::{self, Contents, Summary};

use super::bundles::{sample_records, seal};

/// A certificate for what only looks at it: not for signing.
pub(crate) const CERTIFICATE: &str = include_str!("certificate.pem");

/// A catalog that no program has.
fn some_catalog() -> CatalogFiles {
    CatalogFiles { version: CatalogFiles::VERSION, files: [("notes.toml".into(), "a = 1".into())].into() }
}

/// `catalog.json` of [`empty_assessment`].
pub(crate) fn catalog_text() -> Vec<u8> {
    to_file_bytes(&some_catalog()).unwrap()
}

/// An assessment of the bundle at `bag` that says as little as possible.
pub(crate) fn empty_assessment(bag: &Path) -> Vec<u8> {
    let bundle = bundle::read(bag).unwrap();
    let assessment = Assessment {
        version: Assessment::VERSION,
        tool: Tool::this(),
        as_of: "2026-10-01T00:00:00Z".parse().unwrap(),
        bundle: BundleReference {
            manifest_sha256: bundle.manifest_sha256,
            merkle_root: bundle.manifest.merkle_root,
            scope: bundle.manifest.scope.clone(),
            collection_started: bundle.manifest.collection_started,
            sealed_at: bundle.manifest.sealed_at,
            records: bundle.manifest.records,
        },
        catalog_sha256: some_catalog().digest().unwrap(),
        parameters: [].into(),
        frameworks: vec![FrameworkAssessment {
            reference: FrameworkReference {
                id: "hipaa-security-rule".into(),
                title: "HIPAA Security Rule".into(),
                edition: "2013".into(),
            },
            controls: vec![],
            summary: vec![],
        }],
        checks: vec![],
        findings: vec![],
        exceptions: vec![],
        attestations: vec![],
        imports: vec![],
        disagreements: vec![],
        resources: vec![],
        access_review: AccessReview::default(),
        coverage: vec![],
        trail_sources: vec![],
        evidence: vec![],
    };
    to_file_bytes(&assessment).unwrap()
}

/// Packages the sample bundle as `home/name`; report and signatures are bytes that only look like some.
pub(crate) fn unsigned_package(home: &Path, name: &str) -> (PathBuf, Summary) {
    package_with(home, name, b"%PDF-1.7 not really")
}

/// Another package of the same bundle.
pub(crate) fn other_package(home: &Path, name: &str) -> (PathBuf, Summary) {
    package_with(home, name, b"%PDF-1.7 not really either")
}

fn package_with(home: &Path, name: &str, report: &[u8]) -> (PathBuf, Summary) {
    let bag = home.join(format!("{name}-bag"));
    seal(home, &format!("{name}-bag"), &sample_records());
    let target = home.join(name);
    let contents = Contents {
        bundle: &bag,
        assessment: &empty_assessment(&bag),
        catalog: &catalog_text(),
        report,
        manifest_signature: b"not a signature",
        signer: CERTIFICATE.as_bytes(),
        corroboration: None,
        manifest_timestamp: None,
    };
    let summary =
        package::write(&target, &contents, &mut |sums| Ok(sha256(sums).as_bytes().to_vec())).unwrap();
    (target, summary)
}

/// A zip written by hand: whatever a test wants to be wrong can be made wrong.
#[derive(Clone)]
pub(crate) struct RawZip {
    pub(crate) prefix: Vec<u8>,
    pub(crate) members: Vec<RawMember>,
    /// Bytes between the last member and the central directory.
    pub(crate) gap: Vec<u8>,
    pub(crate) suffix: Vec<u8>,
    /// The archive comment; `None` for the digest that belongs there.
    pub(crate) comment: Option<Vec<u8>>,
    pub(crate) end: Box<dyn EndEdit>,
}

/// A change to the end record's 22 bytes.
pub(crate) trait EndEdit {
    fn edit(&self, end: &mut [u8]);
    fn copy(&self) -> Box<dyn EndEdit>;
}

impl Clone for Box<dyn EndEdit> {
    fn clone(&self) -> Self {
        self.copy()
    }
}

impl<F: Fn(&mut [u8]) + Clone + 'static> EndEdit for F {
    fn edit(&self, end: &mut [u8]) {
        self(end);
    }
    fn copy(&self) -> Box<dyn EndEdit> {
        Box::new(self.clone())
    }
}

/// A member with both of its headers.
#[derive(Clone)]
pub(crate) struct RawMember {
    /// Local header with its name and extra field.
    pub(crate) local: Vec<u8>,
    pub(crate) data: Vec<u8>,
    /// Entry in the central directory.
    pub(crate) central: Vec<u8>,
    /// Where the central directory says that the member is; `None` for where it is.
    pub(crate) offset: Option<u32>,
}

impl RawMember {
    /// A member as proofpack writes it, stored.
    pub(crate) fn stored(name: &str, contents: &[u8]) -> Self {
        Self::new(name, 0, contents.to_vec(), contents.len(), crc(contents))
    }

    pub(crate) fn new(name: &str, method: u16, data: Vec<u8>, size: usize, crc: u32) -> Self {
        let version: u16 = if method == 0 { 10 } else { 20 };
        let mut shared = Vec::new();
        for field in [version, 0, method, 0, 0x21] {
            shared.extend(u16::to_le_bytes(field));
        }
        for field in [crc, data.len() as u32, size as u32] {
            shared.extend(field.to_le_bytes());
        }
        shared.extend((name.len() as u16).to_le_bytes());
        shared.extend([0, 0]);
        let mut local = 0x0403_4b50_u32.to_le_bytes().to_vec();
        local.extend(&shared);
        local.extend(name.as_bytes());
        let mut central = 0x0201_4b50_u32.to_le_bytes().to_vec();
        central.extend(((3_u16 << 8) | version).to_le_bytes());
        central.extend(&shared);
        central.extend([0; 6]);
        central.extend((0o100_644_u32 << 16).to_le_bytes());
        central.extend([0; 4]);
        central.extend(name.as_bytes());
        Self { local, data, central, offset: None }
    }
}

pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl RawZip {
    /// An archive of `members` with nothing wrong about it but what the members bring.
    pub(crate) fn of(members: Vec<RawMember>) -> Self {
        Self {
            prefix: vec![],
            members,
            gap: vec![],
            suffix: vec![],
            comment: None,
            end: Box::new(|_: &mut [u8]| {}),
        }
    }

    /// Takes an archive apart that has no prefix and no gaps.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.len() - 22 - 81;
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let mut at = u32_at(end + 16);
        let mut members = vec![];
        while at < end {
            let length = 46 + u16_at(at + 28) + u16_at(at + 30) + u16_at(at + 32);
            let local = u32_at(at + 42);
            let data = local + 30 + u16_at(local + 26) + u16_at(local + 28);
            members.push(RawMember {
                local: bytes[local..data].to_vec(),
                data: bytes[data..data + u32_at(at + 20)].to_vec(),
                central: bytes[at..at + length].to_vec(),
                offset: None,
            });
            at += length;
        }
        Self::of(members)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.prefix.clone();
        let mut directory = Vec::new();
        for member in &self.members {
            let offset = member.offset.unwrap_or((bytes.len() - self.prefix.len()) as u32);
            let mut central = member.central.clone();
            central[42..46].copy_from_slice(&offset.to_le_bytes());
            directory.extend(central);
            bytes.extend(&member.local);
            bytes.extend(&member.data);
        }
        bytes.extend(&self.gap);
        let start = (bytes.len() - self.prefix.len()) as u32;
        bytes.extend(&directory);
        let comment = self
            .comment
            .clone()
            .unwrap_or_else(|| format!("proofpack-sha256:{}", sha256(&bytes)).into_bytes());
        let mut end = 0x0605_4b50_u32.to_le_bytes().to_vec();
        end.extend([0; 4]);
        end.extend((self.members.len() as u16).to_le_bytes());
        end.extend((self.members.len() as u16).to_le_bytes());
        end.extend((directory.len() as u32).to_le_bytes());
        end.extend(start.to_le_bytes());
        end.extend((comment.len() as u16).to_le_bytes());
        self.end.edit(&mut end);
        bytes.extend(end);
        bytes.extend(comment);
        bytes.extend(&self.suffix);
        bytes
    }
}
