//! Errors in XML: `<Error>`, `<ErrorResponse><Error>` and `<Response><Errors><Error>` alike.

use aws_smithy_types::error::metadata::{Builder, ErrorMetadata};
use aws_smithy_xml::decode::{Document, ScopedDecoder, try_data};

/// Elements of envelopes; none is nested deeper.
const DEEPEST: usize = 4;

/// Key of the request id among the error's extra fields.
pub(in crate::aws) const REQUEST_ID: &str = "body_request_id";

/// Code, message and request id, as far as `body` has them.
pub(super) fn read(body: &[u8]) -> Builder {
    let builder = ErrorMetadata::builder();
    let Ok(mut document) = Document::try_from(body) else { return builder };
    let Ok(mut root) = document.root_element() else { return builder };
    fields(&mut root, builder, 0)
}

/// Local name of the document's first element.
pub(super) fn root_name(body: &[u8]) -> Option<String> {
    let mut document = Document::try_from(body).ok()?;
    let root = document.root_element().ok()?;
    Some(root.start_el().local().to_owned())
}

fn fields(element: &mut ScopedDecoder<'_, '_>, mut builder: Builder, depth: usize) -> Builder {
    while let Some(mut child) = element.next_tag() {
        let name = child.start_el().local().to_owned();
        if matches!(name.as_str(), "Error" | "Errors") {
            if depth < DEEPEST {
                builder = fields(&mut child, builder, depth + 1);
            }
            continue;
        }
        if !matches!(name.as_str(), "Code" | "Message" | "message" | "RequestId" | "RequestID") {
            continue;
        }
        let Ok(text) = try_data(&mut child) else { continue };
        let text = text.trim();
        builder = match name.as_str() {
            "Code" => builder.code(text),
            "Message" | "message" => builder.message(text),
            _ => builder.custom(REQUEST_ID, text),
        };
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_envelope_gives_code_message_and_request_id() {
        for envelope in [
            "<Error><Code>C</Code><Message>m &amp; n</Message><RequestId>r</RequestId></Error>",
            "<ErrorResponse><Error><Type>Sender</Type><Code>C</Code><Message>m &amp; n</Message></Error><RequestId>r</RequestId></ErrorResponse>",
            "<Response><Errors><Error><Code>C</Code><Message>m &amp; n</Message></Error></Errors><RequestID>r</RequestID></Response>",
        ] {
            let error = read(envelope.as_bytes()).build();
            assert_eq!(error.code(), Some("C"), "{envelope}");
            assert_eq!(error.message(), Some("m & n"), "{envelope}");
            assert_eq!(error.extra(REQUEST_ID), Some("r"), "{envelope}");
        }
    }

    #[test]
    fn what_is_not_xml_or_endlessly_nested_gives_nothing_and_does_no_harm() {
        for body in
            [String::new(), "not <xml".into(), "<Errors>".repeat(100_000), "<!DOCTYPE html><html>".into()]
        {
            assert_eq!(read(body.as_bytes()).build().code(), None);
        }
        assert_eq!(root_name(b"<?xml version='1.0'?><a:b xmlns:a='x'/>").as_deref(), Some("b"));
    }
}
