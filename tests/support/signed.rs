//! A real package, made once: assessed, rendered, signed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use proofpack::assess::{self, Inputs};
use proofpack::bundle::{self, Writer};
use proofpack::canonical::{sha256, to_file_bytes};
use proofpack::catalog::Catalog;
use proofpack::model::{Confirmation, ConfirmingEvent, Corroboration, NotConfirmed, Open, Tool};
use proofpack::package::{self, Contents};
use proofpack::report::{self, ReportOptions};
use proofpack::sign::timestamp::stamp;
use proofpack::sign::{self, Certificate, SignatureInfo, Signer, SoftwareSigner};
use proofpack::trail::corroborate::Claim;

use crate::sign::pki::Pki;
use crate::sign::timestamp::{Authority, stamping_pki};

use super::bundles::{attach, attested, sample_records, seal_info};

/// The catalog of the program.
pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::embedded().unwrap())
}

/// When everything in the tests is signed.
pub(crate) fn signing_time() -> DateTime<Utc> {
    "2026-10-02T08:00:00Z".parse().unwrap()
}

/// A signer with a new key and a certificate that is valid at [`signing_time`].
pub(crate) fn signer(name: &str) -> SoftwareSigner {
    let (from, until) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2030-01-01T00:00:00Z".parse().unwrap());
    let (certificate, key) = sign::test_certificate(name, from, until).unwrap();
    SoftwareSigner::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
}

/// The file that comes with the sample's attestation.
pub(crate) const ATTACHED: &[u8] = b"%PDF-1.7 of somebody, for somebody";

/// The parts that a package is made of, before they are put together; a test may replace any of them.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) bag: PathBuf,
    pub(crate) assessment: Vec<u8>,
    pub(crate) report: Vec<u8>,
    pub(crate) manifest_signature: Vec<u8>,
    pub(crate) signer: String,
    /// What log files confirm, and the signature over it.
    pub(crate) corroboration: (Vec<u8>, Vec<u8>),
    /// A timestamp over the manifest.
    pub(crate) manifest_timestamp: Vec<u8>,
}

/// Seals, assesses, renders and signs the sample in `home`.
pub(crate) fn parts(home: &Path, signer: &dyn Signer) -> Parts {
    let bag = home.join("bag");
    let mut writer = Writer::create(&bag).unwrap();
    for record in sample_records() {
        writer.append(&record).unwrap();
    }
    attach(&mut writer, &attested("risk-analysis", "2026-09-01", &[("analysis.pdf", ATTACHED)]));
    let info = bundle::SealInfo { catalog_sha256: catalog().digest, ..seal_info() };
    writer.seal(info).unwrap();
    let assessment = assessment(&bag);
    let manifest = fs::read(bag.join("data/manifest.json")).unwrap();
    let parsed = serde_json::from_slice(&assessment).unwrap();
    let told = corroboration(&bag);
    let corroboration = to_file_bytes(&told).unwrap();
    let options = ReportOptions {
        organization: "Tests".into(),
        corroboration: Some(told),
        demonstration: true,
        ..ReportOptions::default()
    };
    let report = report::render(&parsed, &manifest, &options).unwrap();
    Parts {
        assessment,
        report: sign::sign_pdf(&report, signer, &SignatureInfo::new(signing_time())).unwrap(),
        manifest_signature: sign::detached_cms(signer, &manifest).unwrap(),
        signer: Certificate::to_pem(signer.chain()),
        corroboration: (corroboration.clone(), sign::detached_cms(signer, &corroboration).unwrap()),
        manifest_timestamp: stamped(&manifest),
        bag,
    }
}

/// A timestamp token over some bytes, by an authority under [`authorities`].
pub(crate) fn stamped(content: &[u8]) -> Vec<u8> {
    stamp(content, &Authority::of(authorities()).boxed()).unwrap().der().to_vec()
}

/// The authority that stamps the samples.
pub(crate) fn authorities() -> &'static Arc<Pki> {
    static AUTHORITIES: OnceLock<Arc<Pki>> = OnceLock::new();
    AUTHORITIES.get_or_init(|| stamping_pki("p256", "sha256"))
}

/// What log files said that held all the requests that were answered well.
fn corroboration(bag: &Path) -> Corroboration {
    let bundle = bundle::read(bag).unwrap();
    let (mut confirmations, mut open) = (Vec::new(), Vec::new());
    for stored in &bundle.records {
        let Some(claim) = Claim::of(stored.id, &stored.record) else { continue };
        if claim.requests.iter().any(|(_, answered)| !answered) {
            open.push(Open { record: claim.record, reason: NotConfirmed::NotLogged });
            continue;
        }
        let event = |(id, _): &(String, bool)| ConfirmingEvent {
            request_id: id.clone(),
            event_id: format!("event of {id}"),
            event_time: claim.at,
            log: "s3://logs/AWSLogs/a.json.gz".into(),
            log_text_sha256: sha256(b"a log file"),
        };
        let events = claim.requests.iter().map(event).collect();
        confirmations.push(Confirmation { record: claim.record, events });
    }
    assert!(!confirmations.is_empty() && !open.is_empty());
    Corroboration {
        version: Corroboration::VERSION,
        tool: Tool::this(),
        made_at: signing_time(),
        manifest_sha256: bundle.manifest_sha256,
        merkle_root: bundle.manifest.merkle_root,
        sources: vec!["s3://logs".into()],
        logs: vec![],
        records: (confirmations.len() + open.len()) as u64,
        confirmed: confirmations.len() as u64,
        not_confirmed: BTreeMap::from([(NotConfirmed::NotLogged, open.len() as u64)]),
        mismatches: vec![],
        confirmations,
        open,
    }
}

/// The assessment of the bundle at `bag`.
pub(crate) fn assessment(bag: &Path) -> Vec<u8> {
    let inputs = Inputs {
        frameworks: vec!["hipaa-security-rule".into()],
        as_of: "2026-10-01T00:00:00Z".parse().unwrap(),
        parameters: BTreeMap::new(),
        exceptions: vec![],
    };
    to_file_bytes(&assess::assess(&bundle::read(bag).unwrap(), catalog(), &inputs).unwrap()).unwrap()
}

impl Parts {
    /// Puts the parts together as `target`.
    pub(crate) fn package(&self, target: &Path, signer: &dyn Signer) {
        let contents = Contents {
            bundle: &self.bag,
            assessment: &self.assessment,
            catalog: &to_file_bytes(&catalog().sources.to_stored()).unwrap(),
            report: &self.report,
            manifest_signature: &self.manifest_signature,
            signer: self.signer.as_bytes(),
            corroboration: Some((&self.corroboration.0, &self.corroboration.1)),
            manifest_timestamp: Some(&self.manifest_timestamp),
        };
        package::write(target, &contents, &mut |sums| Ok(sign::detached_cms(signer, sums)?)).unwrap();
    }
}

/// Everything of one signed package; made once, never changed.
pub(crate) struct Sample {
    home: tempfile::TempDir,
    pub(crate) signer: SoftwareSigner,
    pub(crate) parts: Parts,
    /// The package.
    pub(crate) zip: Vec<u8>,
    /// Its folder's name.
    pub(crate) folder: String,
}

/// The sample package.
pub(crate) fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        let signer = signer("auditor");
        let parts = parts(home.path(), &signer);
        let target = home.path().join("package.zip");
        parts.package(&target, &signer);
        let zip = fs::read(target).unwrap();
        let manifest = bundle::read(&parts.bag).unwrap().manifest;
        Sample { home, signer, parts, zip, folder: package::layout::folder(&manifest) }
    })
}

impl Sample {
    /// The package on disk.
    pub(crate) fn path(&self) -> PathBuf {
        self.home.path().join("package.zip")
    }

    /// The package's files, by their paths in its folder.
    pub(crate) fn members(&self) -> BTreeMap<String, Vec<u8>> {
        let package = package::Package::open(&self.path()).unwrap();
        use bundle::files::Files;
        let read = |name: &String| {
            let path = name.strip_prefix(&format!("{}/", self.folder)).unwrap().to_owned();
            (path, package.read(name, 1 << 30).unwrap())
        };
        package.list().keys().map(read).collect()
    }

    /// Makes `SHA256SUMS` and its signature again, as somebody with the key, or another, would.
    pub(crate) fn seal_again(&self, members: &mut BTreeMap<String, Vec<u8>>, signer: &dyn Signer) {
        let sums: String = members
            .iter()
            .filter(|(name, _)| !name.starts_with("SHA256SUMS"))
            .map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes)))
            .collect();
        members.insert("SHA256SUMS.p7s".into(), sign::detached_cms(signer, sums.as_bytes()).unwrap());
        members.insert("SHA256SUMS".into(), sums.into_bytes());
    }
}
