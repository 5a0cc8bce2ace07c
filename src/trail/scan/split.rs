//! A log file's text taken apart into its events, without parsing them.
//!
//! Events are found by the brackets, colons and commas around them; what is inside of an event is looked at only as
//! far as its own members go. So a file may pass here that a parser would refuse for what is inside of an event;
//! whoever wants an event parses it, and the events that nobody wants are not held against the file.

use std::ops::Range;

use super::cursor::{Broken, Cursor, Mark};
use super::marks::Finder;
use super::needles::Needles;

/// An event in the text of a log file.
#[derive(Debug, Default)]
pub(in crate::trail) struct Event {
    /// The event's number in the file, from 0.
    pub(in crate::trail) index: u64,
    /// Its bytes in the text, braces included.
    pub(in crate::trail) range: Range<usize>,
    /// Its own members: name with its quotes, and value, as bytes of the text.
    pub(in crate::trail) members: Vec<(Range<usize>, Range<usize>)>,
    /// Whether something is not as it should be, so that only a parser can say what the event is.
    pub(in crate::trail) is_odd: bool,
}

/// Why a text is no log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trail) enum NotLog {
    /// It is no JSON.
    NotJson(&'static str),
    /// It is JSON, but holds no list of events.
    WithoutEvents(&'static str),
}

impl From<Broken> for NotLog {
    fn from(Broken(what): Broken) -> Self {
        Self::NotJson(what)
    }
}

/// Hands every event of a log file to `visit` and returns how many there are. The file is `{"Records": [...]}` as AWS
/// writes it, a bare list, or one event after the other (JSON lines). The first error of `visit` ends it. Where there are
/// needles, events of a list that have none of them are counted and not handed over.
pub(super) fn events<E: From<NotLog>>(
    text: &[u8],
    finder: &Finder,
    needles: Option<&Needles>,
    visit: impl FnMut(&Event) -> Result<(), E>,
) -> Result<u64, E> {
    let cursor = Cursor::new(text, 0, 0, finder, needles);
    let mut splitting = Splitting { text, cursor, visit, event: Event::default(), count: 0 };
    splitting.file()?;
    if !splitting.cursor.is_ascii() && std::str::from_utf8(text).is_err() {
        return Err(NotLog::NotJson("it is not UTF-8").into());
    }
    Ok(splitting.count)
}

struct Splitting<'t, V> {
    text: &'t [u8],
    cursor: Cursor<'t>,
    visit: V,
    /// The event that was read last; its list of members is used again and again.
    event: Event,
    count: u64,
}

impl<E: From<NotLog>, V: FnMut(&Event) -> Result<(), E>> Splitting<'_, V> {
    fn file(&mut self) -> Result<(), E> {
        let first = self.next()?.ok_or(NotLog::NotJson("there is no list and no object"))?;
        if !self.is_blank(0..first.at) {
            return Err(NotLog::NotJson("it begins with something else than a list or an object").into());
        }
        let end = match first.byte {
            b'[' => self.list(first.at)?,
            b'{' => {
                let lists = self.object(first.at, true)?;
                let end = self.event.range.end;
                match lists {
                    1 => end,
                    0 if !self.event.is_odd && self.has_event_version() => return self.lines(),
                    0 => return Err(NotLog::WithoutEvents("there is no list of Records").into()),
                    // Of two lists, other readers see the first or the last: nobody can say which the file means.
                    _ => return Err(NotLog::WithoutEvents("there are several lists of Records").into()),
                }
            }
            _ => return Err(NotLog::NotJson("it begins with something else than a list or an object").into()),
        };
        self.ends_after(end)
    }

    fn ends_after(&mut self, end: usize) -> Result<(), E> {
        if self.next()?.is_some() || !self.is_blank(end..self.text.len()) {
            return Err(NotLog::NotJson("something stands behind its end").into());
        }
        Ok(())
    }

    /// Every event that marks the file as one of JSON lines has it.
    fn has_event_version(&self) -> bool {
        self.event.members.iter().any(|(name, _)| self.is_name(name, "eventVersion"))
    }

    /// The first line has been read.
    fn lines(&mut self) -> Result<(), E> {
        loop {
            let end = self.event.range.end;
            self.hand_over()?;
            let Some(mark) = self.next()? else { return self.ends_after(end) };
            if mark.byte != b'{' || !self.is_blank(end..mark.at) {
                return Err(NotLog::NotJson("something else than an event stands between events").into());
            }
            self.object(mark.at, false)?;
        }
    }

    /// The events of the list that opens at `start`; returns where it ends.
    fn list(&mut self, start: usize) -> Result<usize, E> {
        const NO_OBJECT: &str = "an event is not a JSON object";
        let mut after = start + 1;
        let mut needs_element = false;
        loop {
            let mark = self.next()?.ok_or(NotLog::NotJson("the list of events does not end"))?;
            let is_blank = self.is_blank(after..mark.at);
            match mark.byte {
                b'{' if is_blank => {
                    let end = self.element(mark.at)?;
                    let mark = self.next()?.ok_or(NotLog::NotJson("the list of events does not end"))?;
                    after = mark.at + 1;
                    match mark.byte {
                        _ if !self.is_blank(end..mark.at) => {
                            return Err(NotLog::NotJson("something stands between events").into());
                        }
                        b',' => needs_element = true,
                        b']' => return Ok(after),
                        _ => return Err(NotLog::NotJson("events are not separated by commas").into()),
                    }
                }
                b']' if is_blank && !needs_element => return Ok(mark.at + 1),
                b']' | b',' if !is_blank => return Err(NotLog::WithoutEvents(NO_OBJECT).into()),
                b'[' if is_blank => {
                    self.leave(self.cursor.depth() - 1)?;
                    return Err(NotLog::WithoutEvents(NO_OBJECT).into());
                }
                _ => return Err(NotLog::NotJson("the list of events is none").into()),
            }
        }
    }

    /// Hands over the event that opens at `start`, if it has a needle; returns where it ends.
    fn element(&mut self, start: usize) -> Result<usize, E> {
        if !self.cursor.seeks() {
            self.object(start, false)?;
        } else {
            let depth = self.cursor.depth() - 1;
            let last = self.leave(depth)?;
            if self.text.get(last) == Some(&b'}') && !self.cursor.has_found(start, last) {
                self.count += 1;
                return Ok(last + 1);
            }
            // Once more, this time with its members.
            let inner = self.cursor.at(start, depth);
            let outer = std::mem::replace(&mut self.cursor, inner);
            let read = self.next().and_then(|_| self.object(start, false));
            self.cursor = outer;
            read?;
        }
        let end = self.event.range.end;
        self.hand_over()?;
        Ok(end)
    }

    fn hand_over(&mut self) -> Result<(), E> {
        self.event.index = self.count;
        self.count += 1;
        (self.visit)(&self.event)
    }

    /// Reads the object that opens at `start` into `self.event`. Where it may be the file itself, its lists of Records are
    /// gone through; returns how many there were.
    fn object(&mut self, start: usize, may_be_file: bool) -> Result<u64, E> {
        let depth = self.cursor.depth() - 1;
        self.event.members.clear();
        self.event.is_odd = false;
        let mut lists = 0;
        let mut after = start + 1;
        loop {
            let Some(colon) = self.next()? else {
                return Err(NotLog::NotJson("an object does not end").into());
            };
            let name = self.trimmed(after..colon.at);
            if colon.byte == b'}' && name.is_empty() && self.event.members.is_empty() && after == start + 1 {
                self.event.range = start..colon.at + 1;
                return Ok(lists);
            }
            if colon.byte != b':' || !self.is_string(&name) {
                return self.odd(start, colon, depth).map(|()| lists);
            }
            let Some(mut mark) = self.next()? else {
                return Err(NotLog::NotJson("an object does not end").into());
            };
            let mut value = self.trimmed(colon.at + 1..mark.at);
            if matches!(mark.byte, b'{' | b'[') {
                if !value.is_empty() {
                    return self.odd(start, mark, depth).map(|()| lists);
                }
                let end = if may_be_file && mark.byte == b'[' && self.is_name(&name, "Records") {
                    lists += 1;
                    // Its events take the place of this object's members, which nobody asks for any more.
                    let end = self.list(mark.at)?;
                    self.event.members.clear();
                    self.event.is_odd = false;
                    end
                } else {
                    self.leave(depth + 1)? + 1
                };
                value = mark.at..end;
                let Some(next) = self.next()? else {
                    return Err(NotLog::NotJson("an object does not end").into());
                };
                if !self.is_blank(end..next.at) {
                    return self.odd(start, next, depth).map(|()| lists);
                }
                mark = next;
            } else if may_be_file && self.is_name(&name, "Records") {
                return Err(NotLog::WithoutEvents("Records is no list").into());
            }
            if value.is_empty() {
                return self.odd(start, mark, depth).map(|()| lists);
            }
            self.event.members.push((name, value));
            after = mark.at + 1;
            match mark.byte {
                b',' => {}
                b'}' => {
                    self.event.range = start..after;
                    return Ok(lists);
                }
                _ => return self.odd(start, mark, depth).map(|()| lists),
            }
        }
    }

    /// The object is not as it should be: it goes on to where its bracket closes.
    fn odd(&mut self, start: usize, mark: Mark, depth: usize) -> Result<(), E> {
        let end = if self.cursor.depth() > depth { self.leave(depth)? } else { mark.at };
        self.event.range = start..end + 1;
        self.event.is_odd = true;
        if depth == 0 { Err(NotLog::NotJson("an object is none").into()) } else { Ok(()) }
    }

    fn next(&mut self) -> Result<Option<Mark>, E> {
        self.cursor.next().map_err(|broken| NotLog::from(broken).into())
    }

    fn leave(&mut self, depth: usize) -> Result<usize, E> {
        self.cursor.leave(depth).map_err(|broken| NotLog::from(broken).into())
    }

    /// Whether a name in the text, with its quotes, says `wanted`, be it with escapes.
    fn is_name(&self, name: &Range<usize>, wanted: &str) -> bool {
        match &self.text[name.clone()] {
            [b'"', inside @ .., b'"'] if !inside.contains(&b'\\') => inside == wanted.as_bytes(),
            escaped => serde_json::from_slice::<String>(escaped).is_ok_and(|name| name == wanted),
        }
    }

    fn is_string(&self, range: &Range<usize>) -> bool {
        matches!(&self.text[range.clone()], [b'"', .., b'"'])
    }

    fn is_blank(&self, range: Range<usize>) -> bool {
        self.trimmed(range).is_empty()
    }

    /// The bytes without the white space of JSON around them.
    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let bytes = &self.text[range.clone()];
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        match bytes.iter().position(|byte| !is_space(byte)) {
            None => range.end..range.end,
            Some(first) => {
                let last = bytes.iter().rposition(|byte| !is_space(byte)).unwrap_or(first);
                range.start + first..range.start + last + 1
            }
        }
    }
}
