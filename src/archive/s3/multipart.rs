//! Long packages are sent in parts, several at once. What an interrupted run has sent is not sent again: S3 tells the SHA-256 of
//! each part, and those that are of this package are kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, MultipartUpload,
    ObjectLockLegalHoldStatus, ServerSideEncryption,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{LockMode, Put, S3Archive, is_taken, refused, seconds, tagging};
use crate::archive::{ArchiveError, Keep, Parcel};
use crate::canonical;

/// Parts that are on their way at once; each is held in memory.
const AT_ONCE: usize = 3;

/// A part that S3 has.
struct Sent {
    number: i32,
    etag: String,
    /// Base64 of its SHA-256.
    checksum: String,
}

impl S3Archive {
    /// Sends a package in parts: goes on with an upload of it that was begun, or begins one.
    pub(super) async fn put_parts(&self, parcel: &Parcel<'_>, keep: &Keep) -> Result<Put, ArchiveError> {
        let location = || self.location(parcel.name);
        let count = i32::try_from(parcel.bytes.div_ceil(self.part)).unwrap_or(i32::MAX);
        let (upload, known) = match self.begun(parcel.name).await? {
            Some(upload) => {
                let known = self.parts(parcel.name, &upload).await?;
                (upload, known)
            }
            None => (self.begin(parcel.name, keep).await?, BTreeMap::new()),
        };
        let sending = (1..=count).map(|number| self.part(parcel, &upload, number, known.get(&number)));
        let sent: Vec<Sent> = stream::iter(sending).buffered(AT_ONCE).try_collect().await?;
        let parts = sent.into_iter().map(|part| {
            let completed = CompletedPart::builder().part_number(part.number).e_tag(part.etag);
            completed.checksum_sha256(part.checksum).build()
        });
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(self.key(parcel.name))
            .upload_id(&upload)
            .checksum_type(ChecksumType::Composite)
            .if_none_match("*")
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build());
        match completed.send().await {
            Ok(answer) => Ok(Put::Done {
                version_id: answer.version_id().map(str::to_owned),
                request_id: answer.request_id().map(str::to_owned),
            }),
            Err(error) if is_taken(error.code()) => Ok(Put::Taken),
            Err(error) => Err(refused("CompleteMultipartUpload", location(), &error)),
        }
    }

    /// The upload of this name that was begun last, if any was.
    async fn begun(&self, name: &str) -> Result<Option<String>, ArchiveError> {
        let key = self.key(name);
        let asked = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(&key);
        let answer = asked
            .send()
            .await
            .map_err(|error| refused("ListMultipartUploads", self.location(name), &error))?;
        let of_key = answer.uploads().iter().filter(|upload| upload.key() == Some(&key));
        let last = of_key.max_by_key(|upload| upload.initiated().map(|at| (at.secs(), at.subsec_nanos())));
        Ok(last.and_then(MultipartUpload::upload_id).map(str::to_owned))
    }

    async fn begin(&self, name: &str, keep: &Keep) -> Result<String, ArchiveError> {
        let location = self.location(name);
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(self.key(name))
            .content_type("application/zip")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_type(ChecksumType::Composite)
            .set_object_lock_mode(keep.lock.map(LockMode::of_s3))
            .set_object_lock_retain_until_date(keep.retain_until.map(seconds))
            .set_object_lock_legal_hold_status(keep.legal_hold.then_some(ObjectLockLegalHoldStatus::On))
            .set_server_side_encryption(keep.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms))
            .set_ssekms_key_id(keep.kms_key.clone())
            .set_tagging(tagging(&keep.tags));
        let answer =
            begun.send().await.map_err(|error| refused("CreateMultipartUpload", location.clone(), &error))?;
        answer.upload_id().map(str::to_owned).ok_or_else(|| ArchiveError::NotAsAsked {
            location,
            differences: vec!["the upload has no id".to_owned()],
        })
    }

    /// The parts that S3 has of an upload, by their numbers.
    async fn parts(&self, name: &str, upload: &str) -> Result<BTreeMap<i32, Sent>, ArchiveError> {
        let asked = self.client.list_parts().bucket(&self.bucket).key(self.key(name)).upload_id(upload);
        let mut pages = asked.into_paginator().send();
        let mut parts = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| refused("ListParts", self.location(name), &error))?;
            for part in page.parts() {
                if let (Some(number), Some(etag), Some(checksum)) =
                    (part.part_number(), part.e_tag(), part.checksum_sha256())
                {
                    let sent = Sent { number, etag: etag.to_owned(), checksum: checksum.to_owned() };
                    parts.insert(number, sent);
                }
            }
        }
        Ok(parts)
    }

    /// Sends one part, unless S3 has it.
    async fn part(
        &self,
        parcel: &Parcel<'_>,
        upload: &str,
        number: i32,
        known: Option<&Sent>,
    ) -> Result<Sent, ArchiveError> {
        let location = || self.location(parcel.name);
        let start = u64::try_from(number - 1).unwrap_or_default() * self.part;
        let bytes = section(parcel.file, start, self.part)
            .map_err(|source| ArchiveError::Package { path: parcel.file.display().to_string(), source })?;
        let checksum = STANDARD.encode(canonical::sha256(&bytes).as_bytes());
        if let Some(known) = known.filter(|known| known.checksum == checksum) {
            return Ok(Sent { number, etag: known.etag.clone(), checksum });
        }
        let length = bytes.len() as u64;
        let asked = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(self.key(parcel.name))
            .upload_id(upload)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(&checksum)
            .body(ByteStream::from(bytes));
        let answer = asked.customize().config_override(self.patient(length)).send().await;
        let answer = answer.map_err(|error| refused("UploadPart", location(), &error))?;
        match answer.e_tag() {
            Some(etag) if answer.checksum_sha256() == Some(checksum.as_str()) => {
                Ok(Sent { number, etag: etag.to_owned(), checksum })
            }
            _ => {
                let told = answer.checksum_sha256().unwrap_or("no checksum");
                let differences =
                    vec![format!("part {number}: it acknowledges {told} where {checksum} was sent")];
                Err(ArchiveError::NotAsAsked { location: location(), differences })
            }
        }
    }
}

/// At most `length` bytes of a file from `start` on.
fn section(file: &Path, start: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
