//! What is looked at before anything is stored: whether the bucket is what an archive has to be.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectLockEnabled};

use super::{S3Archive, refused};
use crate::archive::ArchiveError;

impl S3Archive {
    /// Everything about the bucket that is not as it has to be, with what to do about it.
    pub(in crate::archive) async fn preflight(&self) -> Result<Vec<String>, ArchiveError> {
        if let Some(problem) = self.reached().await? {
            return Ok(vec![problem]);
        }
        let problems =
            [self.lock().await?, self.versioning().await?, self.encryption().await?, self.public().await?];
        Ok(problems.into_iter().flatten().collect())
    }

    async fn reached(&self) -> Result<Option<String>, ArchiveError> {
        let bucket = &self.bucket;
        let error = match self.client.head_bucket().bucket(bucket).send().await {
            Ok(_) => return Ok(None),
            Err(error) => error,
        };
        // HEAD has no body, so that there is nothing but the status.
        match error.raw_response().map(|response| response.status().as_u16()) {
            Some(404) => Ok(Some(format!(
                "there is no bucket {bucket}: create it with Object Lock (aws s3api create-bucket --bucket {bucket} --object-lock-enabled-for-bucket)"
            ))),
            Some(301 | 400) => {
                let region =
                    error.raw_response().and_then(|response| response.headers().get("x-amz-bucket-region"));
                let region =
                    region.map(|region| format!("in {region}")).unwrap_or_else(|| "elsewhere".to_owned());
                Ok(Some(format!(
                    "the bucket {bucket} is {region}: set AWS_REGION, or the profile's region, to that"
                )))
            }
            Some(403) => Ok(Some(format!(
                "the bucket {bucket} is somebody else's, or the caller lacks s3:ListBucket on it (`proofpack iam-policy --archive` prints what archiving takes)"
            ))),
            _ => Err(refused("HeadBucket", self.location(""), &error)),
        }
    }

    async fn lock(&self) -> Result<Option<String>, ArchiveError> {
        const MISSING: &str = "it has no Object Lock: whoever may delete could take packages away; enable it (aws s3api put-object-lock-configuration)";
        match self.client.get_object_lock_configuration().bucket(&self.bucket).send().await {
            Ok(answer) => {
                let enabled = answer.object_lock_configuration().and_then(|lock| lock.object_lock_enabled());
                Ok((enabled != Some(&ObjectLockEnabled::Enabled)).then(|| MISSING.to_owned()))
            }
            Err(error) if error.code() == Some("ObjectLockConfigurationNotFoundError") => {
                Ok(Some(MISSING.to_owned()))
            }
            Err(error) => {
                self.unknown("GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration", &error)
            }
        }
    }

    async fn versioning(&self) -> Result<Option<String>, ArchiveError> {
        match self.client.get_bucket_versioning().bucket(&self.bucket).send().await {
            Ok(answer) => Ok((answer.status() != Some(&BucketVersioningStatus::Enabled))
                .then(|| "its versioning is not on: enable it (aws s3api put-bucket-versioning)".to_owned())),
            Err(error) => self.unknown("GetBucketVersioning", "s3:GetBucketVersioning", &error),
        }
    }

    async fn encryption(&self) -> Result<Option<String>, ArchiveError> {
        const MISSING: &str = "it has no default encryption: set one (aws s3api put-bucket-encryption)";
        match self.client.get_bucket_encryption().bucket(&self.bucket).send().await {
            Ok(answer) => {
                let rules =
                    answer.server_side_encryption_configuration().map(|configuration| configuration.rules());
                let applied = rules.is_some_and(|rules| {
                    rules.iter().any(|rule| rule.apply_server_side_encryption_by_default().is_some())
                });
                Ok((!applied).then(|| MISSING.to_owned()))
            }
            Err(error) if error.code() == Some("ServerSideEncryptionConfigurationNotFoundError") => {
                Ok(Some(MISSING.to_owned()))
            }
            Err(error) => self.unknown("GetBucketEncryption", "s3:GetEncryptionConfiguration", &error),
        }
    }

    async fn public(&self) -> Result<Option<String>, ArchiveError> {
        const OPEN: &str =
            "public access to it is not blocked whole: block it (aws s3api put-public-access-block)";
        match self.client.get_public_access_block().bucket(&self.bucket).send().await {
            Ok(answer) => {
                let blocked = answer.public_access_block_configuration().is_some_and(|block| {
                    [
                        block.block_public_acls(),
                        block.ignore_public_acls(),
                        block.block_public_policy(),
                        block.restrict_public_buckets(),
                    ]
                    .into_iter()
                    .all(|set| set == Some(true))
                });
                Ok((!blocked).then(|| OPEN.to_owned()))
            }
            Err(error) if error.code() == Some("NoSuchPublicAccessBlockConfiguration") => {
                Ok(Some(OPEN.to_owned()))
            }
            Err(error) => self.unknown("GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", &error),
        }
    }

    /// What may not be asked is a problem; what could not be asked is an error.
    fn unknown<E>(
        &self,
        operation: &'static str,
        right: &str,
        error: &E,
    ) -> Result<Option<String>, ArchiveError>
    where
        E: ProvideErrorMetadata + std::error::Error,
    {
        if error.code() == Some("AccessDenied") {
            return Ok(Some(format!(
                "{operation} was denied, so that nobody knows: the caller needs {right} (`proofpack iam-policy --archive`)"
            )));
        }
        Err(refused(operation, self.location(""), error))
    }
}
