//! Chains in memory, signed with a key of the tests' own: what no server would deliver.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Mutex, OnceLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use chrono::{DateTime, TimeDelta, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::*;
use crate::canonical::sha256;
use crate::model::Period;

const ACCOUNT: &str = "123456789012";
const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef";

fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}

fn keys() -> KeySet {
    let value = base64::engine::general_purpose::STANDARD.encode(key().public_key().as_ref());
    let file = json!({ "PublicKeyList": [{ "Value": value, "Fingerprint": FINGERPRINT, "ValidityStartTime": 1.5 }] });
    KeySet::from_json(file.to_string().as_bytes()).unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn instant(hour: i64) -> DateTime<Utc> {
    "2026-07-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hour)
}

fn period() -> Period {
    Period { start: instant(0), end: instant(6) }
}

/// A bucket that remembers what was asked of it.
#[derive(Default)]
struct Memory {
    objects: BTreeMap<(String, String), StoredObject>,
    copy: bool,
    asked: Mutex<BTreeSet<String>>,
}

impl DigestStore for Memory {
    async fn list(
        &self,
        bucket: &str,
        folder: &str,
        from: &str,
        until: &str,
    ) -> Result<Vec<String>, StoreError> {
        let keys = self.objects.keys().filter(|(of, _)| of == bucket).map(|(_, key)| key.clone());
        Ok(keys
            .filter(|key| key.starts_with(folder) && key.as_str() >= from && key.as_str() < until)
            .collect())
    }

    async fn folders(&self, _: &str, _: &str) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn get(&self, bucket: &str, key: &str, largest: usize) -> Result<StoredObject, StoreError> {
        self.asked.lock().unwrap().insert(format!("{bucket}/{key}"));
        let found = self.objects.get(&(bucket.to_owned(), key.to_owned())).cloned();
        let object = found.ok_or_else(StoreError::missing)?;
        if object.bytes.len() > largest { Err(StoreError::too_large(largest)) } else { Ok(object) }
    }

    fn at_once(&self) -> usize {
        2
    }

    fn is_at(&self, bucket: &str, key: &str, digest_bucket: &str, digest_key: &str) -> bool {
        (bucket, key) == (digest_bucket, digest_key)
    }

    fn keeps_metadata(&self) -> bool {
        !self.copy
    }

    fn location(&self, bucket: &str, key: &str) -> String {
        format!("{bucket}/{key}")
    }
}

fn digest_key(end: i64) -> String {
    let stamp = instant(end).format("%Y%m%dT%H%M%SZ");
    format!(
        "AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/07/01/{ACCOUNT}_CloudTrail-Digest_us-east-1_t_us-east-1_{stamp}.json.gz"
    )
}

/// A digest file's content; `previous`: key, hash and signature of the one before.
fn content(end: i64, previous: Option<(&str, &str, &str)>, logs: Value) -> Value {
    let time = |hour: i64| instant(hour).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "awsAccountId": ACCOUNT,
        "digestStartTime": time(end - 1),
        "digestEndTime": time(end),
        "digestS3Bucket": "b",
        "digestS3Object": digest_key(end),
        "digestPublicKeyFingerprint": FINGERPRINT,
        "previousDigestS3Bucket": previous.map(|_| "b"),
        "previousDigestS3Object": previous.map(|(key, _, _)| key),
        "previousDigestHashValue": previous.map(|(_, hash, _)| hash),
        "previousDigestSignature": previous.map(|(_, _, signature)| signature),
        "logFiles": logs,
    })
}

fn signed(content: &Value) -> (String, String, StoredObject) {
    let text = content.to_string();
    let hash = sha256(text.as_bytes()).to_string();
    let member = |name: &str| content[name].as_str().unwrap_or("null").to_owned();
    let to_sign = format!(
        "{}\n{}/{}\n{hash}\n{}",
        member("digestEndTime"),
        member("digestS3Bucket"),
        member("digestS3Object"),
        member("previousDigestSignature")
    );
    let mut signature = vec![0; key().public_modulus_len()];
    key().sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), to_sign.as_bytes(), &mut signature).unwrap();
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    let object = StoredObject {
        bytes: gzip(text.as_bytes()).into(),
        signature: Some(signature.clone()),
        signature_algorithm: Some("SHA256withRSA".into()),
        has_backfill_time: false,
    };
    (hash, signature, object)
}

impl Memory {
    fn put(&mut self, end: i64, object: StoredObject) {
        self.objects.insert(("b".into(), digest_key(end)), object);
    }

    /// Six hours without log files.
    fn whole() -> Self {
        let mut memory = Self::default();
        let mut previous: Option<(String, String, String)> = None;
        for end in 1..=6 {
            let link = previous
                .as_ref()
                .map(|(key, hash, signature)| (key.as_str(), hash.as_str(), signature.as_str()));
            let (hash, signature, object) = signed(&content(end, link, json!([])));
            memory.put(end, object);
            previous = Some((digest_key(end), hash, signature));
        }
        memory
    }

    fn chain(&self) -> Chain {
        let question = Question {
            place: Place::of("b", ""),
            organization: None,
            account: ACCOUNT.into(),
            region: "us-east-1".into(),
            period: period(),
            trail: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(chain_of(self, &question, &keys()))
    }
}

fn kinds(chain: &Chain) -> Vec<ProblemKind> {
    chain.problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn a_whole_chain_covers_the_period() {
    let chain = Memory::whole().chain();
    assert_eq!((chain.digests.len(), chain.problems.len()), (6, 0), "{:?}", chain.problems);
    assert_eq!(chain.coverage(|_| LogVerdict::Valid), (vec![period()], vec![]));
}

#[test]
fn what_an_unsigned_digest_file_names_is_not_followed() {
    let mut memory = Memory::whole();
    let mut strange = content(6, Some((&digest_key(5), "00", "00")), json!([]));
    strange["previousDigestS3Bucket"] = json!("bucket-of-somebody");
    let (_, _, mut object) = signed(&strange);
    object.signature = Some("00".repeat(256));
    memory.put(6, object);
    let chain = memory.chain();
    assert_eq!((kinds(&chain), chain.digests.len()), (vec![ProblemKind::DigestAltered], 5));
    let asked = memory.asked.lock().unwrap();
    assert!(asked.iter().all(|location| location.starts_with("b/")), "{asked:?}");
}

#[test]
fn a_signed_chain_that_leads_into_another_bucket_is_followed_there() {
    let mut memory = Memory::whole();
    let mut strange = content(6, Some((&digest_key(5), "00", "00")), json!([]));
    strange["previousDigestS3Bucket"] = json!("first-bucket");
    memory.put(6, signed(&strange).2);
    let chain = memory.chain();
    assert_eq!((kinds(&chain), chain.digests.len()), (vec![ProblemKind::DigestMissing], 1));
    assert_eq!(chain.problems[0].location, format!("first-bucket/{}", digest_key(5)));
}

#[test]
fn a_loop_ends() {
    let mut memory = Memory::default();
    let (hash, signature, object) = signed(&content(5, Some((&digest_key(6), "00", "00")), json!([])));
    memory.put(5, object);
    memory.put(6, signed(&content(6, Some((&digest_key(5), &hash, &signature)), json!([]))).2);
    let chain = memory.chain();
    assert_eq!((kinds(&chain), chain.digests.len()), (vec![ProblemKind::Loop], 2));
}

#[test]
fn a_copy_without_metadata_takes_signatures_out_of_the_next_digest_file() {
    let mut memory = Memory::whole();
    memory.copy = true;
    for object in memory.objects.values_mut() {
        object.signature = None;
    }
    let chain = memory.chain();
    assert_eq!((kinds(&chain), chain.digests.len()), (vec![ProblemKind::SignatureNotCopied], 5));
    assert!(!chain.problems[0].kind.is_alarming());
    let hole = Period { start: instant(5), end: instant(6) };
    assert_eq!(chain.coverage(|_| LogVerdict::Valid).1, [hole]);

    // Where one is missing, that of the one before it is lost with it; and a wrong word helps nobody.
    memory.objects.remove(&("b".into(), digest_key(4)));
    let kinds_found = kinds(&memory.chain());
    let expected =
        [ProblemKind::SignatureNotCopied, ProblemKind::DigestMissing, ProblemKind::SignatureNotCopied];
    assert_eq!(kinds_found, expected);
    memory.put(
        4,
        StoredObject {
            bytes: gzip(content(4, Some((&digest_key(3), "00", "11")), json!([])).to_string().as_bytes())
                .into(),
            ..StoredObject::default()
        },
    );
    let expected = [ProblemKind::SignatureNotCopied, ProblemKind::DigestAltered, ProblemKind::DigestAltered];
    assert_eq!(kinds(&memory.chain()), expected);
}

#[test]
fn hostile_digest_files_are_told_of() {
    let one = |bytes: Vec<u8>| {
        let mut memory = Memory::whole();
        memory.objects.get_mut(&("b".into(), digest_key(3))).unwrap().bytes = bytes.into();
        kinds(&memory.chain())
    };
    let malformed = [ProblemKind::DigestMalformed];
    assert_eq!(one(Vec::new()), malformed);
    assert_eq!(one(b"\x1f\x8b".to_vec()), malformed);
    assert_eq!(one(gzip(b"[[[[")), malformed);
    assert_eq!(one(gzip("[".repeat(1 << 20).as_bytes())), malformed);
    assert_eq!(one(gzip(b"\xff\xfe\x00")), malformed);
    let mut whole = content(3, None, json!([]));
    whole["digestStartTime"] = json!("2026-07-01T09:00:00Z");
    assert_eq!(one(gzip(whole.to_string().as_bytes())), malformed, "it ends before it starts");
    whole["digestEndTime"] = json!("9".repeat(5000));
    assert_eq!(one(gzip(whole.to_string().as_bytes())), malformed);
    let sound = content(3, None, json!([])).to_string();
    assert_eq!(one([gzip(sound.as_bytes()), gzip(b" ")].concat()), malformed, "something behind it");
    let bomb = gzip(&vec![b' '; LARGEST_DIGEST_TEXT as usize + 1]);
    assert!(bomb.len() < LARGEST_DIGEST);
    assert_eq!(one(bomb), malformed);
    assert_eq!(one(vec![0; LARGEST_DIGEST + 1]), [ProblemKind::DigestUnreadable]);
}

#[test]
fn a_log_file_is_what_was_signed_or_is_not() {
    let key = |name: &str| {
        format!(
            "AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/07/01/{ACCOUNT}_CloudTrail_us-east-1_{name}.json.gz"
        )
    };
    let text = sha256(b"text");
    let mut memory = Memory::whole();
    let logs =
        json!([{ "s3Bucket": "b", "s3Object": key("20260701T0530Z_a"), "hashValue": text.to_string() }]);
    let last = memory.objects[&("b".into(), digest_key(6))].clone();
    let mut said: Value = serde_json::from_slice(&file::inflate(&last.bytes, 1 << 20).unwrap()).unwrap();
    said["logFiles"] = logs;
    memory.put(6, signed(&said).2);
    let chain = memory.chain();
    assert_eq!(kinds(&chain), []);
    let here = key("20260701T0530Z_a");
    assert_eq!(chain.verdict(&here, Some(&text)), LogVerdict::Valid);
    assert_eq!(chain.verdict(&format!("ours/{here}"), Some(&text)), LogVerdict::Valid, "in a copy");
    assert_eq!(chain.verdict(here.rsplit('/').next().unwrap(), Some(&text)), LogVerdict::Valid);
    assert_eq!(chain.verdict(&here, Some(&sha256(b"other"))), LogVerdict::Altered);
    assert_eq!(chain.verdict(&here, None), LogVerdict::Altered);
    assert_eq!(
        chain.verdict(&here.replace("2026/07/01", "2026/07/02"), Some(&text)),
        LogVerdict::NotInADigest
    );
    assert_eq!(chain.verdict(&key("20260701T0230Z_b"), Some(&text)), LogVerdict::NotInADigest);
    assert_eq!(
        chain.verdict(&key("20260701T0530Z_b"), Some(&text)),
        LogVerdict::NotValidated,
        "the next hour may name it"
    );
    assert_eq!(chain.verdict(&key("20260702T0530Z_b"), Some(&text)), LogVerdict::NotValidated);
    let (covered, holes) = chain.coverage(|_| LogVerdict::Altered);
    assert_eq!(covered, [Period { start: instant(0), end: instant(5) }]);
    assert_eq!(holes, [Period { start: instant(5), end: instant(6) }]);
}

#[test]
fn log_files_are_one_sound_gzip_member() {
    let packed = gzip(b"{}");
    assert_eq!(hash_log(&packed), Ok((sha256(b"{}"), 2)));
    assert!(hash_log(b"{}").is_err() && hash_log(b"").is_err());
    assert!(hash_log(&packed[..packed.len() - 1]).is_err());
    assert!(hash_log(&[packed.clone(), packed.clone()].concat()).is_err());
    assert!(hash_log(&[packed, vec![0]].concat()).is_err());
}

#[test]
fn a_set_of_keys_is_what_list_public_keys_prints() {
    let set = keys();
    assert_eq!((set.len(), set.is_empty()), (1, false));
    assert_eq!(KeySet::from_json(set.to_json().to_string().as_bytes()).unwrap(), set);
    for wrong in ["", "[]", "{}", r#"{"PublicKeyList":[{"Fingerprint":"a","Value":"&"}]}"#] {
        assert!(KeySet::from_json(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

proptest::proptest! {
    #[test]
    fn no_digest_file_makes_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = DigestFile::parse(&bytes);
        let _ = file::ReadDigest::read(&bytes);
        let _ = file::ReadDigest::read(&gzip(&bytes));
    }

    #[test]
    fn no_name_makes_it_panic(name in "\\PC{0,80}") {
        let _ = DigestName::parse(&name);
        let _ = name::delivered(&name, ACCOUNT, "us-east-1");
        let _ = Place::of("b", &name);
        let _ = name::tail(&name);
    }
}
