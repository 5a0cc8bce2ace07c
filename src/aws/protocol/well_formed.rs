//! Whether an XML answer is whole. AWS's codec stops where the text does: half of a list would pass for all of it.

use xmlparser::{ElementEnd, Token, Tokenizer};

/// Elements within elements beyond which an answer is refused.
const DEEPEST: usize = 256;

/// Refuses what is cut off, not balanced, nested beyond reason, or has a document type (entities).
pub(super) fn check(document: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(document).map_err(|_| "the answer is not UTF-8".to_owned())?;
    let mut open: Vec<&str> = Vec::new();
    let mut roots = 0_usize;
    for token in Tokenizer::from(text) {
        match token.map_err(|error| format!("the answer is not XML: {error}"))? {
            Token::DtdStart { .. } | Token::EmptyDtd { .. } => {
                return Err("the answer has a document type, which no AWS answer has".to_owned());
            }
            Token::ElementStart { span, .. } => {
                roots += usize::from(open.is_empty());
                if open.len() >= DEEPEST {
                    return Err(format!("the answer is nested deeper than {DEEPEST} elements"));
                }
                open.push(span.as_str().trim_start_matches('<'));
            }
            Token::ElementEnd { end: ElementEnd::Empty, .. } => {
                open.pop();
            }
            Token::ElementEnd { end: ElementEnd::Close(..), span } => {
                let name = span.as_str().trim_start_matches("</").trim_end_matches('>').trim_end();
                if open.pop() != Some(name) {
                    return Err(format!("the answer closes <{name:.80}> where it is not open"));
                }
            }
            _ => {}
        }
    }
    match (open.last(), roots) {
        (Some(name), _) => Err(format!("the answer ends inside <{name:.80}>")),
        (None, 1) => Ok(()),
        (None, _) => Err("the answer has not one element".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_documents_pass() {
        for document in [
            "<a/>",
            "<?xml version='1.0'?>\n<a:b xmlns:a='x' c='d>'>text<c/><!-- <d> --><![CDATA[<e>]]></a:b >\n",
            "<a>&lt;&#x20ac;</a>",
        ] {
            assert_eq!(check(document.as_bytes()), Ok(()), "{document}");
        }
    }

    #[test]
    fn every_cut_of_a_document_is_refused() {
        let document = "<?xml version='1.0'?><a b='c'><d>e&amp;f</d><g/><h><![CDATA[i]]></h></a>";
        assert_eq!(check(document.as_bytes()), Ok(()));
        for end in 0..document.len() {
            assert!(check(&document.as_bytes()[..end]).is_err(), "{}", &document[..end]);
        }
    }

    #[test]
    fn what_is_unbalanced_too_deep_or_has_entities_is_refused() {
        let deep = "<a>".repeat(DEEPEST + 1);
        let entities = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        for document in ["<a></b>", "<a/><b/>", "</a>", "text", "{}", entities, deep.as_str()] {
            assert!(check(document.as_bytes()).is_err(), "{document:.40}");
        }
        assert!(check(b"<a>\xff</a>").is_err());
    }
}
