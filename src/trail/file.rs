//! One log file: decompressed and gone through event by event, within bounds.

use std::fmt;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

/// A log object as stored, at most, in bytes; AWS delivers a few MB.
pub(super) const LARGEST_OBJECT: u64 = 64 << 20;
/// A log file after decompression, at most, in bytes.
pub(super) const LARGEST_TEXT: u64 = 256 << 20;

/// Why a log file, or the list of them, could not be read: the code and message of a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// AWS's error code, or one of our own.
    pub(super) code: String,
    /// What happened.
    pub(super) message: String,
}

impl Unreadable {
    pub(super) fn new(code: &str, message: impl fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string() }
    }

    /// A file of more bytes than a log object may have.
    pub(super) fn too_large() -> Self {
        Self::new("LogObjectTooLarge", format!("more than {LARGEST_OBJECT} bytes"))
    }
}

/// Hands every event of a log file to `visit` and returns how many there are. The file is
/// `{"Records": [...]}` as AWS writes it, or a bare array; gzip in one or more members, or plain.
///
/// Events are handed over one by one, so that a file never stands in memory as a tree: that would take
/// many times its size. When this fails, what was handed over came out of a file that is not whole.
pub(super) fn each_event(bytes: &[u8], visit: &mut dyn FnMut(Value)) -> Result<u64, Unreadable> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return events_in(bytes, visit);
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(LARGEST_TEXT + 1)
        .read_to_end(&mut text)
        .map_err(|error| Unreadable::new("LogObjectBrokenGzip", error))?;
    if text.len() as u64 > LARGEST_TEXT {
        let message = format!("decompresses to more than {LARGEST_TEXT} bytes");
        return Err(Unreadable::new("LogObjectTooLarge", message));
    }
    events_in(&text, visit)
}

fn events_in(text: &[u8], visit: &mut dyn FnMut(Value)) -> Result<u64, Unreadable> {
    let wrong = |error: serde_json::Error| match error.classify() {
        Category::Data => Unreadable::new("LogObjectWithoutEvents", error),
        _ => Unreadable::new("LogObjectNotJson", error),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let mut events = Events { visit, count: 0 };
    deserializer.deserialize_any(File { events: &mut events }).map_err(wrong)?;
    deserializer.end().map_err(wrong)?;
    Ok(events.count)
}

/// The list of events.
struct Events<'a> {
    visit: &'a mut dyn FnMut(Value),
    count: u64,
}

impl<'de> DeserializeSeed<'de> for &mut Events<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut Events<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(event) = sequence.next_element::<Value>()? {
            if !event.is_object() {
                return Err(Error::custom("an event is not a JSON object"));
            }
            self.count += 1;
            (self.visit)(event);
        }
        Ok(())
    }
}

/// The file: an object with one list `Records` among other members, or that list.
struct File<'a, 'b> {
    events: &'a mut Events<'b>,
}

impl<'de> Visitor<'de> for File<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with a list of Records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<(), A::Error> {
        self.events.visit_seq(sequence)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut lists = 0;
        while let Some(name) = members.next_key::<String>()? {
            if name == "Records" {
                lists += 1;
                members.next_value_seed(&mut *self.events)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        // Of two lists, other readers see the first or the last: nobody can say which the file means.
        if lists == 1 {
            Ok(())
        } else {
            Err(Error::custom(format!("{lists} lists of Records instead of one")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// How many events a file has, or the code of what is wrong with it.
    fn count(bytes: &[u8]) -> Result<u64, String> {
        let mut seen = 0;
        let counted = each_event(bytes, &mut |_| seen += 1).map_err(|unreadable| unreadable.code)?;
        assert_eq!(seen, counted);
        Ok(counted)
    }

    #[test]
    fn log_files_are_an_object_with_records_or_a_list() {
        assert_eq!(count(br#"{"Records":[{"eventID":"1"}]}"#), Ok(1));
        assert_eq!(count(br#"{"before":[{}],"Records":[{},{}],"after":{"Records":[{}]}}"#), Ok(2));
        assert_eq!(count(br#"[{"eventID":"1"},{}]"#), Ok(2));
        assert_eq!(count(br#"{"Records":[]}"#), Ok(0));
    }

    #[test]
    fn gzip_may_have_several_members() {
        assert_eq!(count(&gzip(br#"[{},{}]"#)), Ok(2));
        let members = [gzip(br#"{"Records":[{},"#), gzip(b""), gzip(b"{}]}")].concat();
        assert_eq!(count(&members), Ok(2));
    }

    #[test]
    fn whatever_else_there_is_has_its_own_code() {
        let packed = gzip(br#"{"Records":[{"eventID":"1"},{"eventID":"2"}]}"#);
        let mut flipped = packed.clone();
        let checksum = flipped.len() - 8;
        flipped[checksum] ^= 1;
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        for (bytes, code) in [
            (&b""[..], "LogObjectNotJson"),
            (b"{", "LogObjectNotJson"),
            (b"ciphertext", "LogObjectNotJson"),
            (br#"{"Records":[{}]} trailing"#, "LogObjectNotJson"),
            (br#"{"Records":[{}]}{"Records":[{}]}"#, "LogObjectNotJson"),
            (b"[{\"a\":\"\xff\"}]", "LogObjectNotJson"),
            (&deep, "LogObjectNotJson"),
            (b"{}", "LogObjectWithoutEvents"),
            (b"null", "LogObjectWithoutEvents"),
            (br#"{"x":{"Records":[{}]}}"#, "LogObjectWithoutEvents"),
            (br#"{"Records":{}}"#, "LogObjectWithoutEvents"),
            (br#"{"Records":[1]}"#, "LogObjectWithoutEvents"),
            (br#"{"Records":[{}],"Records":[{}]}"#, "LogObjectWithoutEvents"),
            (&packed[..packed.len() - 9], "LogObjectBrokenGzip"),
            (&packed[..3], "LogObjectBrokenGzip"),
            (&flipped, "LogObjectBrokenGzip"),
            (&[&packed[..], b"trailing"].concat(), "LogObjectBrokenGzip"),
        ] {
            let found = count(bytes);
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            assert_eq!(found, Err(code.to_owned()), "{start}");
        }
    }

    #[test]
    fn a_bomb_is_left_alone_before_it_fills_the_memory() {
        // Members of a megabyte each, and one member more than a log file may have.
        let member = gzip(&vec![b' '; 1 << 20]);
        let bomb = member.repeat(usize::try_from(LARGEST_TEXT >> 20).unwrap() + 1);
        assert!((bomb.len() as u64) < LARGEST_TEXT / 100);
        assert_eq!(count(&bomb), Err("LogObjectTooLarge".into()));
    }
}
