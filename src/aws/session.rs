//! Credentials, region, endpoint, retries, timeouts and the one connection pool: all from AWS's own crates.

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::{SharedIdentityCache, SharedIdentityResolver};
use aws_smithy_types::retry::RetryConfig;

use super::body_limit::BodyLimit;

/// Bytes of one answer beyond which it is not read (64 MiB).
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// What a session is made of; the default is what the AWS CLI would use.
#[derive(Clone)]
pub struct SessionOptions {
    /// Profile of the AWS configuration files; `None`: `AWS_PROFILE` or `default`.
    pub profile: Option<String>,
    /// Region; `None`: from the environment, the profile or the instance.
    pub region: Option<String>,
    /// URL to use in place of AWS's own; `None`: `AWS_ENDPOINT_URL`, the profile's, or AWS's own.
    pub endpoint_url: Option<String>,
    /// Role to assume with the credentials found.
    pub assume_role: Option<AssumeRole>,
    /// HTTP client in place of our own (recordings, tests).
    pub http_client: Option<SharedHttpClient>,
    /// Access key id and secret access key in place of the credentials that would be found.
    pub static_credentials: Option<(String, String)>,
    /// How often a call is attempted at most. A few times: who makes many calls knows better when to come back.
    pub max_attempts: u32,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one attempt may take, its whole answer included.
    pub attempt_timeout: Duration,
    /// How long a request with all its attempts may take.
    pub request_timeout: Duration,
}

/// A role to assume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// ARN of the role.
    pub arn: String,
    /// External id, where its trust policy asks for one.
    pub external_id: Option<String>,
    /// Name of the session, which CloudTrail shows.
    pub session_name: String,
    /// Region whose STS is asked; `None`: the session's own.
    pub region: Option<String>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_url: None,
            assume_role: None,
            http_client: None,
            static_credentials: None,
            max_attempts: 3,
            connect_timeout: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(300),
        }
    }
}

impl fmt::Debug for SessionOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SessionOptions")
            .field("profile", &self.profile)
            .field("region", &self.region)
            .field("endpoint_url", &self.endpoint_url)
            .field("assume_role", &self.assume_role)
            .field("static_credentials", &self.static_credentials.as_ref().map(|(key_id, _)| key_id))
            .finish_non_exhaustive()
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No region anywhere.
    #[error("no AWS region: set one in the configuration, in the profile or as AWS_REGION")]
    NoRegion,
    /// Nowhere to get credentials from.
    #[error("no AWS credentials: set a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")]
    NoCredentials,
    /// Not a URL of a server.
    #[error(
        "the endpoint URL {0:?} is not usable; it must be http:// or https:// with a host and without a query"
    )]
    Endpoint(String),
    /// A number that makes no sense.
    #[error("max_attempts is 0; a call needs at least one attempt")]
    NoAttempts,
}

/// Who calls AWS, from where and how. One per set of credentials; it is shared by all calls.
#[derive(Debug)]
pub struct Session {
    config: SdkConfig,
    region: String,
    endpoint_url: Option<String>,
    http_client: SharedHttpClient,
    provider: SharedCredentialsProvider,
    identity: RwLock<SharedIdentityResolver>,
    identity_cache: SharedIdentityCache,
}

impl Session {
    /// Finds region and credentials as the AWS CLI does. Credentials are obtained with the first call.
    ///
    /// # Errors
    /// When there is no region, no way to credentials, or the endpoint URL is unusable.
    pub async fn load(options: SessionOptions) -> Result<Self, SessionError> {
        if options.max_attempts == 0 {
            return Err(SessionError::NoAttempts);
        }
        let http_client = options.http_client.unwrap_or_else(own_http_client);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(options.connect_timeout)
            .operation_attempt_timeout(options.attempt_timeout)
            .operation_timeout(options.request_timeout)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(options.max_attempts))
            .timeout_config(timeouts);
        if let Some(profile) = options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = options.region {
            loader = loader.region(Region::new(region));
        }
        if let Some(url) = options.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some((key_id, secret)) = options.static_credentials {
            loader = loader.credentials_provider(Credentials::from_keys(key_id, secret, None));
        }
        let mut config = loader.load().await;
        if let Some(role) = options.assume_role {
            config = assuming(config, role).await?;
        }
        Self::of(config, http_client)
    }

    /// A session of `role`, assumed with the credentials of this one; it has its region, its endpoint and its
    /// connections. The role is assumed with the first call, and again before its credentials expire.
    ///
    /// # Errors
    /// When there are no credentials to assume it with.
    pub async fn assume(&self, role: AssumeRole) -> Result<Self, SessionError> {
        let config = assuming(self.config.clone(), role).await?;
        Self::of(config, self.http_client.clone())
    }

    fn of(config: SdkConfig, http_client: SharedHttpClient) -> Result<Self, SessionError> {
        let region = config.region().map(ToString::to_string).ok_or(SessionError::NoRegion)?;
        let endpoint_url = config.endpoint_url().map(usable).transpose()?;
        let provider = config.credentials_provider().ok_or(SessionError::NoCredentials)?;
        let identity_cache = config.identity_cache().unwrap_or_else(|| IdentityCache::lazy().build());
        let identity = RwLock::new(SharedIdentityResolver::new(provider.clone()));
        Ok(Self { config, region, endpoint_url, http_client, provider, identity, identity_cache })
    }

    /// What the clients of AWS's own crates are made of. They share the connections, the credentials and the
    /// endpoint; clients of S3 must use path-style addresses where [`Session::endpoint_url`] is set.
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.config
    }

    /// Region of the configuration: where a run starts.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// URL that is used in place of AWS's own.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    pub(super) fn fips(&self) -> bool {
        self.config.use_fips().unwrap_or(false)
    }

    pub(super) fn dual_stack(&self) -> bool {
        self.config.use_dual_stack().unwrap_or(false)
    }

    /// Lets the next call obtain credentials from their provider, whatever the cache still holds. (The cache
    /// knows credentials by their resolver: a new one has nothing in it.) For calls of [`super::Client`] only.
    pub fn forget_credentials(&self) {
        let fresh = SharedIdentityResolver::new(self.provider.clone());
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    pub(super) fn identity(&self) -> SharedIdentityResolver {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn identity_cache(&self) -> SharedIdentityCache {
        self.identity_cache.clone()
    }

    pub(super) fn bounded_http_client(&self) -> SharedHttpClient {
        BodyLimit::over(self.http_client.clone(), LARGEST_ANSWER)
    }

    pub(super) fn timeouts(&self) -> TimeoutConfig {
        self.config.timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled)
    }

    pub(super) fn retries(&self) -> RetryConfig {
        self.config.retry_config().cloned().unwrap_or_else(RetryConfig::standard)
    }
}

fn own_http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
        .build_https()
}

async fn assuming(config: SdkConfig, role: AssumeRole) -> Result<SdkConfig, SessionError> {
    let own = config.credentials_provider().ok_or(SessionError::NoCredentials)?;
    let mut assumed =
        AssumeRoleProvider::builder(role.arn).session_name(role.session_name).configure(&config);
    if let Some(external_id) = role.external_id {
        assumed = assumed.external_id(external_id);
    }
    if let Some(region) = role.region {
        assumed = assumed.region(Region::new(region));
    }
    let provider = assumed.build_from_provider(own).await;
    Ok(config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build())
}

fn usable(url: &str) -> Result<String, SessionError> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    let strange =
        |letter: char| letter.is_whitespace() || letter.is_control() || matches!(letter, '?' | '#' | '@');
    if host.is_empty() || rest.contains(strange) {
        return Err(SessionError::Endpoint(url.chars().take(200).collect()));
    }
    Ok(url.trim_end_matches('/').to_owned())
}
