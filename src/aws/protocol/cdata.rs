//! CDATA sections as ordinary escaped text: AWS's XML codec drops them, and a value that is silently empty is
//! worse than none.

use std::borrow::Cow;

const OPEN: &[u8] = b"<![CDATA[";
const CLOSE: &[u8] = b"]]>";
const COMMENT_OPEN: &[u8] = b"<!--";
const COMMENT_CLOSE: &[u8] = b"-->";

/// The document with its CDATA sections as escaped text; the document itself where it has none, or where one
/// is never closed (no XML then, which the codec will say).
pub(super) fn as_text(document: &[u8]) -> Cow<'_, [u8]> {
    if find(document, OPEN).is_none() {
        return Cow::Borrowed(document);
    }
    let mut text = Vec::with_capacity(document.len());
    let mut rest = document;
    while let Some(start) = rest.iter().position(|byte| *byte == b'<') {
        let (before, markup) = rest.split_at(start);
        text.extend_from_slice(before);
        if let Some(inside) = markup.strip_prefix(OPEN) {
            let Some(end) = find(inside, CLOSE) else { return Cow::Borrowed(document) };
            for byte in &inside[..end] {
                match byte {
                    b'&' => text.extend_from_slice(b"&amp;"),
                    b'<' => text.extend_from_slice(b"&lt;"),
                    b'>' => text.extend_from_slice(b"&gt;"),
                    other => text.push(*other),
                }
            }
            rest = &inside[end + CLOSE.len()..];
        } else {
            let comment = markup.strip_prefix(COMMENT_OPEN).and_then(|inside| find(inside, COMMENT_CLOSE));
            let length = comment.map_or(1, |end| COMMENT_OPEN.len() + end + COMMENT_CLOSE.len());
            text.extend_from_slice(&markup[..length]);
            rest = &markup[length..];
        }
    }
    text.extend_from_slice(rest);
    Cow::Owned(text)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_become_escaped_text_and_comments_stay() {
        for (document, expected) in [
            ("<a>b</a>", "<a>b</a>"),
            ("<a>x<![CDATA[<&>]]>y</a>", "<a>x&lt;&amp;&gt;y</a>"),
            ("<a><![CDATA[]]></a>", "<a></a>"),
            ("<a><![CDATA[]]]]><![CDATA[>]]></a>", "<a>]]&gt;</a>"),
            ("<!-- <![CDATA[ --><a><![CDATA[b]]></a>", "<!-- <![CDATA[ --><a>b</a>"),
            ("<a><![CDATA[<!-- ]]></a>", "<a>&lt;!-- </a>"),
            ("<a><![CDATA[never closed</a>", "<a><![CDATA[never closed</a>"),
        ] {
            assert_eq!(as_text(document.as_bytes()), expected.as_bytes(), "{document}");
        }
    }
}
