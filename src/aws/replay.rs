//! Recorded HTTP exchanges, answered again: the whole pipeline runs on them without a network.
//!
//! A recording is gzipped NDJSON: a line that says when it was made, then one exchange per line. It is made by
//! `examples/demo-account/record.py`. A request is answered by the exchange that was signed for the same service and region, with the same method, path, query and body.
//! Signatures, dates, hosts and user agents do not count. What was not recorded is answered with HTTP 501 and the error
//! code `NotRecorded`, so that it ends as a gap in the evidence and is seen.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use flate2::read::GzDecoder;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::canonical;
use crate::model::Sha256Digest;

/// A recording unpacks to at most this many bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// A recording has at most this many exchanges.
const MAX_EXCHANGES: usize = 100_000;
/// HTTP's "not implemented": no SDK tries again after it.
const NOT_RECORDED_STATUS: u16 = 501;

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It is not gzip, or was cut off.
    #[error("the recording cannot be unpacked: {0}; record it again with examples/demo-account/record.py")]
    Unpack(#[from] std::io::Error),
    /// A line is not an exchange.
    #[error("line {line} of the recording is not an exchange: {problem}; record it again with examples/demo-account/record.py")]
    Line {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// It is larger than a recording may be.
    #[error("the recording holds more than {MAX_EXCHANGES} exchanges or {MAX_BYTES} bytes")]
    TooLarge,
}

/// The first line of a recording.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Heading {
    recorded_at: DateTime<Utc>,
}

/// Every other line of a recording.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    service: String,
    region: String,
    method: String,
    path: String,
    query: String,
    request: String,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Option<String>,
    #[serde(rename = "body-base64")]
    body_base64: Option<String>,
}

/// What makes two requests the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    /// Signing name and region, out of the signature's credential scope.
    service: String,
    region: String,
    method: String,
    /// Decoded.
    path: Vec<u8>,
    /// Decoded and sorted.
    query: Vec<(Vec<u8>, Vec<u8>)>,
    body: Sha256Digest,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Recorded exchanges by what was asked.
#[derive(Clone)]
pub struct Recording {
    recorded_at: DateTime<Utc>,
    answers: Arc<BTreeMap<Question, Answer>>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recording").field("exchanges", &self.answers.len()).finish()
    }
}

impl Recording {
    /// Reads a recording: gzipped NDJSON. Where the same was asked twice, the last answer stands.
    ///
    /// # Errors
    /// When it is no recording, damaged, or too large.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordingError> {
        let mut text = BufReader::new(GzDecoder::new(bytes).take(MAX_BYTES + 1));
        let mut heading: Option<Heading> = None;
        let mut answers = BTreeMap::new();
        let mut line = Vec::new();
        let mut unpacked = 0_u64;
        for number in 1.. {
            line.clear();
            let length = text.read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            unpacked = unpacked.saturating_add(length as u64);
            if unpacked > MAX_BYTES || number > MAX_EXCHANGES {
                return Err(RecordingError::TooLarge);
            }
            let wrong = |problem: String| RecordingError::Line { line: number, problem };
            if heading.is_none() {
                heading = Some(serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?);
                continue;
            }
            let (question, answer) = parse(&line).map_err(wrong)?;
            answers.insert(question, answer);
        }
        let heading = heading.ok_or_else(|| RecordingError::Line { line: 1, problem: "there is none".to_owned() })?;
        Ok(Self { recorded_at: heading.recorded_at, answers: Arc::new(answers) })
    }

    /// The moment at which the recorded account stood still.
    pub fn recorded_at(&self) -> DateTime<Utc> {
        self.recorded_at
    }

    /// How many different questions it answers.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether it answers nothing.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// An HTTP client for AWS's SDK that answers from this recording and never opens a connection.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let Some(question) = question_of(request) else {
            return response(&not_recorded(request, "the request is not signed, or its body is a stream"));
        };
        match self.answers.get(&question) {
            Some(answer) => response(answer),
            None => response(&not_recorded(request, &describe(&question, request))),
        }
    }
}

impl HttpConnector for Recording {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl HttpClient for Recording {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn parse(line: &[u8]) -> Result<(Question, Answer), String> {
    let exchange: Exchange = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let body = match (exchange.body, exchange.body_base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(encoded)) => BASE64.decode(encoded).map_err(|error| error.to_string())?,
        _ => return Err("it must have either `body` or `body-base64`".to_owned()),
    };
    let question = Question {
        service: exchange.service,
        region: exchange.region,
        method: exchange.method,
        path: decode(&exchange.path),
        query: decode_query(&exchange.query),
        body: canonical::sha256(exchange.request.as_bytes()),
    };
    Ok((question, Answer { status: exchange.status, headers: exchange.headers, body }))
}

/// What a request asks; `None` where it is not signed or its body is not at hand.
fn question_of(request: &HttpRequest) -> Option<Question> {
    // AWS4-HMAC-SHA256 Credential=AKID/20261001/us-east-1/s3/aws4_request, SignedHeaders=..., Signature=...
    let credential = request.headers().get("authorization")?.split_once("Credential=")?.1.split(',').next()?;
    let mut scope = credential.rsplit('/');
    let (_terminator, service, region) = (scope.next()?, scope.next()?, scope.next()?);
    let (path, query) = path_and_query(request.uri());
    Some(Question {
        service: service.to_owned(),
        region: region.to_owned(),
        method: request.method().to_owned(),
        path: decode(path),
        query: decode_query(query),
        body: canonical::sha256(request.body().bytes()?),
    })
}

fn path_and_query(uri: &str) -> (&str, &str) {
    let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let target = after_scheme.find(['/', '?']).map_or("", |start| &after_scheme[start..]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (if path.is_empty() { "/" } else { path }, query)
}

fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

fn decode_query(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut decoded: Vec<_> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect();
    decoded.sort();
    decoded
}

fn response(answer: &Answer) -> Result<HttpResponse, ConnectorError> {
    let refuse = |problem: String| ConnectorError::user(format!("the recording holds an impossible answer: {problem}").into());
    let status = answer.status.try_into().map_err(|_| refuse(format!("HTTP status {}", answer.status)))?;
    let mut made = HttpResponse::new(status, SdkBody::from(answer.body.as_slice()));
    for (name, value) in &answer.headers {
        made.headers_mut().try_insert(name.clone(), value.clone()).map_err(|error| refuse(format!("header {name}: {error}")))?;
    }
    Ok(made)
}

/// An error that the protocols' parsers read as the code `NotRecorded`.
fn not_recorded(request: &HttpRequest, what: &str) -> Answer {
    let message = format!("NotRecorded: the recording has no answer to this request ({what})");
    let json = request.headers().get("content-type").is_some_and(|kind| kind.contains("json"));
    let (kind, body) = if json {
        ("application/x-amz-json-1.1", serde_json::json!({"__type": "NotRecorded", "message": message}).to_string())
    } else {
        let text = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let error = format!("<Error><Code>NotRecorded</Code><Message>{text}</Message></Error>");
        // S3 has the error at the root; the query protocols and EC2 wrap it, each in its own way.
        let signed_for = |service: &str| {
            let authorization = request.headers().get("authorization").unwrap_or_default();
            authorization.contains(&format!("/{service}/aws4_request"))
        };
        let body = if signed_for("s3") {
            error
        } else if signed_for("ec2") {
            format!("<Response><Errors>{error}</Errors></Response>")
        } else {
            format!("<ErrorResponse>{error}</ErrorResponse>")
        };
        ("text/xml", body)
    };
    let headers = BTreeMap::from([
        ("content-type".to_owned(), kind.to_owned()),
        ("x-amzn-errortype".to_owned(), "NotRecorded".to_owned()),
    ]);
    Answer { status: NOT_RECORDED_STATUS, headers, body: body.into_bytes() }
}

fn describe(question: &Question, request: &HttpRequest) -> String {
    let (path, query) = path_and_query(request.uri());
    let separator = if query.is_empty() { "" } else { "?" };
    let Question { service, region, method, body, .. } = question;
    format!("{method} {path}{separator}{query} to {service} in {region}, body {body}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::{Value, json};

    use super::*;

    fn recording(lines: &[Value]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        writeln!(encoder, "{}", json!({"recorded-at": "2026-10-01T06:00:00Z"})).unwrap();
        for line in lines {
            writeln!(encoder, "{line}").unwrap();
        }
        encoder.finish().unwrap()
    }

    fn exchange(service: &str, path: &str, query: &str, request: &str, body: &str) -> Value {
        json!({
            "service": service, "region": "us-east-1", "method": "POST", "path": path, "query": query, "request": request,
            "status": 200, "headers": {"content-type": "text/xml", "x-amzn-requestid": "r-1"}, "body": body,
        })
    }

    fn request(service: &str, region: &str, uri: &str, body: &'static str) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").unwrap();
        request.set_uri(uri.to_owned()).unwrap();
        let scope = format!("Credential=AKIDEXAMPLE/20991231/{region}/{service}/aws4_request");
        request.headers_mut().insert("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=ab/cd"));
        request
    }

    fn ask(recording: &Recording, request: &HttpRequest) -> (u16, String) {
        let answer = recording.answer(request).unwrap();
        let body = String::from_utf8(answer.body().bytes().unwrap().to_vec()).unwrap();
        (answer.status().as_u16(), body)
    }

    #[test]
    fn the_same_question_gets_its_answer_whatever_host_date_and_order() {
        let recording = Recording::read(&recording(&[exchange("s3", "/a%2Db/k", "x=1&y", "", "found")])).unwrap();
        assert_eq!(recording.len(), 1);
        assert_eq!(recording.recorded_at().to_rfc3339(), "2026-10-01T06:00:00+00:00");
        for uri in ["https://s3.amazonaws.com/a-b/k?y=&x=1", "http://127.0.0.1:5000/a%2db/k?x=1&y"] {
            assert_eq!(ask(&recording, &request("s3", "us-east-1", uri, "")), (200, "found".into()), "{uri}");
        }
        let answer = recording.answer(&request("s3", "us-east-1", "http://h/a-b/k?x=1&y", "")).unwrap();
        assert_eq!(answer.headers().get("x-amzn-requestid"), Some("r-1"));
    }

    #[test]
    fn any_other_question_is_not_recorded() {
        let recording = Recording::read(&recording(&[exchange("iam", "/", "", "Action=ListUsers", "found")])).unwrap();
        let same = request("iam", "us-east-1", "https://iam.amazonaws.com", "Action=ListUsers");
        assert_eq!(ask(&recording, &same).0, 200);
        let mut get = request("iam", "us-east-1", "https://h/", "Action=ListUsers");
        get.set_method("GET").unwrap();
        let mut unsigned = request("iam", "us-east-1", "https://h/", "Action=ListUsers");
        unsigned.headers_mut().remove("authorization");
        let others = [
            request("sts", "us-east-1", "https://h/", "Action=ListUsers"),
            request("iam", "us-west-2", "https://h/", "Action=ListUsers"),
            request("iam", "us-east-1", "https://h/p", "Action=ListUsers"),
            request("iam", "us-east-1", "https://h/?q", "Action=ListUsers"),
            request("iam", "us-east-1", "https://h/", "Action=ListRoles"),
            get,
            unsigned,
        ];
        for other in &others {
            let (status, body) = ask(&recording, other);
            assert_eq!(status, 501, "{other:?}");
            assert!(body.contains("NotRecorded"), "{body}");
        }
    }

    #[test]
    fn what_is_not_recorded_is_an_error_of_each_protocol() {
        let nothing = Recording::read(&recording(&[])).unwrap();
        assert!(nothing.is_empty());
        let uri = "https://h/a&b";
        assert!(ask(&nothing, &request("s3", "us-east-1", uri, "")).1.starts_with("<Error><Code>NotRecorded</Code>"));
        assert!(ask(&nothing, &request("ec2", "us-east-1", "https://h/", "")).1.starts_with("<Response><Errors><Error>"));
        assert!(ask(&nothing, &request("rds", "us-east-1", "https://h/", "")).1.starts_with("<ErrorResponse><Error>"));
        let mut json = request("logs", "us-east-1", "https://h/", "{}");
        json.headers_mut().insert("content-type", "application/x-amz-json-1.1");
        let body: Value = serde_json::from_str(&ask(&nothing, &json).1).unwrap();
        assert_eq!(body["__type"], "NotRecorded");
        assert!(body["message"].as_str().unwrap().contains("POST / to logs in us-east-1"), "{body}");
    }

    #[test]
    fn the_last_answer_stands_and_bytes_come_back_as_they_were() {
        let mut binary = exchange("s3", "/b/k", "", "", "");
        binary.as_object_mut().unwrap().remove("body");
        binary["body-base64"] = json!("H4sI/w==");
        let recording = Recording::read(&recording(&[exchange("s3", "/b/k", "", "", "first"), binary])).unwrap();
        let answer = recording.answer(&request("s3", "us-east-1", "https://h/b/k", "")).unwrap();
        assert_eq!(answer.body().bytes(), Some([0x1f, 0x8b, 0x08, 0xff].as_slice()));
    }

    #[test]
    fn damage_is_named() {
        assert!(matches!(Recording::read(b"no gzip"), Err(RecordingError::Unpack(_))));
        let whole = recording(&[exchange("s3", "/", "", "", "text")]);
        assert!(Recording::read(&whole[..whole.len() - 4]).is_err());
        let damaged = recording(&[exchange("s3", "/", "", "", ""), json!({"service": "s3"})]);
        let message = Recording::read(&damaged).unwrap_err().to_string();
        assert!(message.contains("line 3"), "{message}");
        let mut headless = GzEncoder::new(Vec::new(), Compression::fast());
        writeln!(headless, "{}", exchange("s3", "/", "", "", "")).unwrap();
        let message = Recording::read(&headless.finish().unwrap()).unwrap_err().to_string();
        assert!(message.contains("line 1"), "{message}");
        let mut both = exchange("s3", "/", "", "", "");
        both["body-base64"] = json!("");
        assert!(Recording::read(&recording(&[both])).is_err());
    }

    #[test]
    fn a_recording_that_unpacks_to_too_much_is_refused() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let spaces = vec![b' '; 1 << 20];
        for _ in 0..65 {
            encoder.write_all(&spaces).unwrap();
        }
        assert!(matches!(Recording::read(&encoder.finish().unwrap()), Err(RecordingError::TooLarge)));
    }
}
