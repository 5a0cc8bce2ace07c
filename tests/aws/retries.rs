//! Servers that throttle, refuse, stall, cut off or never end.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use proofpack::aws::{Failure, Reply, SessionOptions};
use serde_json::{Value, json};

use super::canned::{Answer, Canned};
use crate::support::collecting::{client, options};

const NOBODY: &str = "http://127.0.0.1:1";

/// An operation of each protocol in use, a throttling answer of it, and a successful one.
fn protocols() -> Vec<(&'static str, &'static str, Answer, Answer)> {
    let json = |status, code: &str| {
        let mut answer = Answer::new(status, json!({"__type": code, "message": "no"}).to_string());
        answer.headers.push(("x-amzn-errortype".into(), code.into()));
        answer
    };
    let ec2_error = |code: &str| {
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
        )
    };
    let query_error = |code: &str| {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>")
    };
    vec![
        ("kms", "ListKeys", json(400, "ThrottlingException"), Answer::new(200, r#"{"Keys": []}"#)),
        (
            "guardduty",
            "ListDetectors",
            json(429, "TooManyRequestsException"),
            Answer::new(200, r#"{"detectorIds": []}"#),
        ),
        (
            "sts",
            "GetCallerIdentity",
            Answer::new(400, query_error("Throttling")),
            Answer::new(
                200,
                "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>",
            ),
        ),
        (
            "ec2",
            "DescribeRegions",
            Answer::new(503, ec2_error("RequestLimitExceeded")),
            Answer::new(200, "<DescribeRegionsResponse><regionInfo/></DescribeRegionsResponse>"),
        ),
        (
            "s3",
            "ListBuckets",
            Answer::new(503, "<Error><Code>SlowDown</Code><Message>no</Message></Error>"),
            Answer::new(200, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"),
        ),
    ]
}

async fn call(canned: &Canned, max_attempts: u32, service: &str, operation: &str) -> Result<Reply, Failure> {
    let options = SessionOptions { http_client: Some(canned.client()), max_attempts, ..options(NOBODY) };
    client(options).await.call(service, operation, "us-east-1", &json!({})).await
}

#[tokio::test]
async fn throttled_twice_and_then_answered() {
    for (service, operation, throttled, answered) in protocols() {
        let canned = Canned::new([throttled.clone(), throttled, answered]);
        let reply = call(&canned, 3, service, operation).await;
        assert!(reply.is_ok(), "{service}: {reply:?}");
        assert_eq!(canned.asked().len(), 3, "{service}");
    }
}

#[tokio::test]
async fn throttled_for_longer_than_the_attempts_last() {
    for (service, operation, throttled, _) in protocols() {
        let canned = Canned::new([throttled]);
        let failure = call(&canned, 2, service, operation).await.unwrap_err();
        let codes = [
            "ThrottlingException",
            "TooManyRequestsException",
            "Throttling",
            "RequestLimitExceeded",
            "SlowDown",
        ];
        assert!(codes.contains(&failure.code.as_str()), "{service}: {failure:?}");
        assert_eq!((failure.message.as_str(), failure.exchanges.len()), ("no", 1), "{service}");
        assert_eq!(canned.asked().len(), 2, "{service}");
    }
}

#[tokio::test]
async fn denied_access_is_not_asked_for_again() {
    for (service, operation, denied) in [
        ("kms", "ListKeys", r#"{"__type":"AccessDeniedException","message":"no"}"#),
        (
            "sts",
            "GetCallerIdentity",
            "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
        ),
        (
            "ec2",
            "DescribeRegions",
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>",
        ),
        ("s3", "ListBuckets", "<Error><Code>AccessDenied</Code></Error>"),
    ] {
        let canned = Canned::new([Answer::new(403, denied)]);
        let failure = call(&canned, 5, service, operation).await.unwrap_err();
        assert!(denied.contains(&failure.code), "{service}: {failure:?}");
        assert_eq!(failure.exchanges[0].status, 403);
        assert_eq!(canned.asked().len(), 1, "{service}");
    }
}

#[tokio::test]
async fn an_error_without_a_code_has_the_status() {
    for (service, operation) in [("kms", "ListKeys"), ("sts", "GetCallerIdentity"), ("s3", "ListBuckets")] {
        let canned = Canned::new([Answer::new(403, "<html><body>Forbidden by a proxy</body></html>")]);
        assert_eq!(call(&canned, 1, service, operation).await.unwrap_err().code, "Http403", "{service}");
    }
}

#[tokio::test]
async fn what_is_not_an_answer_to_the_question_is_malformed() {
    let html = "<!DOCTYPE html><html><body>Welcome to the hotel</body></html>";
    let other = "<ListBucketResult><Name>b</Name></ListBucketResult>";
    let deep = format!("{}{}", r#"{"Keys":"#, "[".repeat(100_000));
    let deep_xml = format!("<DescribeRegionsResponse><regionInfo>{}", "<item>".repeat(100_000));
    let deep_unknown = format!("<DescribeRegionsResponse>{}", "<strange>".repeat(100_000));
    for (service, operation, body) in [
        ("kms", "ListKeys", html),
        ("kms", "ListKeys", "{\"Keys\": ["),
        ("kms", "ListKeys", "{\"Keys\": []"),
        ("kms", "ListKeys", "{\"Keys\": []} and more"),
        ("kms", "ListKeys", "{\"Keys\": 7}"),
        ("guardduty", "ListDetectors", "{\"detectorIds\": []"),
        ("kms", "ListKeys", deep.as_str()),
        ("sts", "GetCallerIdentity", html),
        ("sts", "GetCallerIdentity", other),
        ("sts", "GetCallerIdentity", ""),
        ("ec2", "DescribeRegions", other),
        ("ec2", "DescribeRegions", ""),
        ("ec2", "DescribeRegions", deep_xml.as_str()),
        ("ec2", "DescribeRegions", deep_unknown.as_str()),
        ("s3", "ListBuckets", html),
        ("s3", "ListBuckets", ""),
        ("s3", "ListBuckets", "<ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name></Bucket>"),
        ("kms", "ListKeys", ""),
        ("s3control", "GetPublicAccessBlock", other),
    ] {
        let canned = Canned::new([Answer::new(200, body)]);
        let session = SessionOptions { http_client: Some(canned.client()), ..options(NOBODY) };
        let parameters =
            if service == "s3control" { json!({"AccountId": "123456789012"}) } else { json!({}) };
        let outcome = client(session).await.call(service, operation, "us-east-1", &parameters).await;
        let failure = outcome.expect_err(&format!("{service} {operation} {body:.60}"));
        assert_eq!(failure.code, "MalformedResponse", "{service} {operation} {body:.60}: {failure:?}");
        assert_eq!(failure.exchanges.len(), 1);
    }
}

#[tokio::test]
async fn the_same_token_twice_is_malformed_and_keeps_the_exchanges() {
    let page = Answer::new(200, r#"{"Keys": [], "Truncated": true, "NextMarker": "again"}"#);
    let canned = Canned::new([page]);
    let failure = call(&canned, 1, "kms", "ListKeys").await.unwrap_err();
    assert_eq!(failure.code, "MalformedResponse");
    assert!(failure.message.contains("twice"), "{failure}");
    assert_eq!(failure.exchanges.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_asked() {
    let canned = Canned::new([Answer::new(200, "{}")]);
    let session = SessionOptions { http_client: Some(canned.client()), ..options(NOBODY) };
    let client = client(session).await;
    for (service, operation, region, parameters, code) in [
        ("kms", "ScheduleKeyDeletion", "us-east-1", json!({"KeyId": "k"}), "UnknownOperation"),
        ("s3", "PutBucketPolicy", "us-east-1", json!({}), "UnknownOperation"),
        ("kms", "ListKeys", "us-east-1.evil.example", json!({}), "UnknownRegion"),
        ("kms", "ListKeys", "us-east-1", json!({"Limits": 1}), "InvalidParameters"),
        ("kms", "ListKeys", "us-east-1", json!({"Limit": "1"}), "InvalidParameters"),
        ("kms", "ListKeys", "us-east-1", json!([]), "InvalidParameters"),
    ] {
        let failure = client.call(service, operation, region, &parameters).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
    }
    // A query of our own is none of the calls that collect, and the other way round.
    let query = json!({"QueryString": "SELECT 1"});
    let failure = client.call("athena", "StartQueryExecution", "us-east-1", &query).await.unwrap_err();
    assert_eq!(failure.code, "UnknownOperation", "{failure}");
    for operation in ["GetQueryExecution", "ListKeys", "DeleteWorkGroup"] {
        let failure = client.query("athena", operation, "us-east-1", &json!({})).await.unwrap_err();
        assert_eq!(failure.code, "UnknownOperation", "{failure}");
    }
    assert_eq!(canned.asked(), [""; 0]);
}

/// A server that answers every connection with `write` after it has read the request's first bytes.
fn server(write: impl Fn(&mut dyn Write) -> std::io::Result<()> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0_u8; 4096]);
            let _ = write(&mut stream);
        }
    });
    format!("http://{address}")
}

async fn list_keys(options: SessionOptions) -> Result<Reply, Failure> {
    client(options).await.call("kms", "ListKeys", "us-east-1", &Value::Null).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(list_keys(options(&nobody)).await.unwrap_err().code, "Unreachable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_closes_without_a_word_is_unreachable() {
    let silent = server(|_| Ok(()));
    assert_eq!(list_keys(options(&silent)).await.unwrap_err().code, "Unreachable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stalls_times_out() {
    let stalled = server(|_| {
        thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    let started = Instant::now();
    let options = SessionOptions { attempt_timeout: Duration::from_millis(300), ..options(&stalled) };
    assert_eq!(list_keys(options).await.unwrap_err().code, "Timeout");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_off_is_malformed() {
    let cut =
        server(|stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Keys\": []"));
    assert_eq!(list_keys(options(&cut)).await.unwrap_err().code, "MalformedResponse");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_end_is_malformed() {
    let endless = server(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"Keys\": [\"")?;
        loop {
            stream.write_all(&[b'a'; 1 << 16])?;
        }
    });
    let failure = list_keys(options(&endless)).await.unwrap_err();
    assert_eq!(failure.code, "MalformedResponse", "{failure}");
}

#[tokio::test]
async fn without_credentials_nothing_is_asked_of_aws() {
    // Neither the profile nor an instance's metadata service (answered here) has any.
    let canned = Canned::new([Answer::new(404, "")]);
    let session = SessionOptions {
        profile: Some("proofpack-has-no-such-profile".into()),
        http_client: Some(canned.client()),
        static_credentials: None,
        ..options(NOBODY)
    };
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        let failure = list_keys(session).await.unwrap_err();
        assert_eq!(failure.code, "NoCredentials", "{failure}");
    }
    assert!(canned.asked().iter().all(|asked| asked.contains("169.254.169.254")), "{:?}", canned.asked());
}
