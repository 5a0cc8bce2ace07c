//! Objects of S3 in memory: many under way at a time, each bounded, and all of them together.
//!
//! S3 takes "roughly 100-200 milliseconds" for a small object
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>), and a trail delivers some ten thousand
//! of them in a month. So what bounds memory is their bytes and not their number.

use std::num::NonZero;
use std::ops::Deref;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Objects of a bucket that are asked for at a time.
pub(super) const OBJECTS_AT_ONCE: usize = 64;

/// Files of a directory that are read at a time: enough to keep the processors busy.
pub(super) fn files_at_once() -> usize {
    2 * std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// What stands in memory at a time, in [`UNIT`]s of bytes; an object that is larger has it all for itself.
const UNITS: u32 = 2 * 1024;
const UNIT: u64 = 4 * 1024;
/// The most bytes that memory is taken for before they come.
const MOST_EXPECTED: usize = 4 << 20;

/// Room for objects that wait to be looked at. Whoever has room must not wait for others that have none yet.
#[derive(Debug, Clone)]
pub(super) struct Window(Arc<Semaphore>);

impl Default for Window {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(UNITS as usize)))
    }
}

/// The bytes of an object, with the room that they take until they are dropped.
#[derive(Debug, Clone, Default)]
pub struct Body {
    bytes: Vec<u8>,
    _room: Option<Room>,
}

/// A part of a window, until it is dropped.
#[derive(Debug, Clone)]
pub(super) struct Room {
    /// How many bytes are said to come.
    bytes: u64,
    _permit: Option<Arc<OwnedSemaphorePermit>>,
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, _room: None }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a body could not be had.
#[derive(Debug)]
pub(super) enum BodyError {
    /// It has more bytes than are read.
    TooLarge,
    /// It broke off.
    BrokenOff(String),
}

impl Window {
    /// Room for an object of as many bytes; for all that there is where the number is not known. Who knows it beforehand
    /// takes room before the request: an answer that nobody reads yet fills buffers.
    pub(super) async fn room(&self, bytes: Option<u64>) -> Room {
        let units = bytes.map_or(UNITS, |bytes| u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(UNITS));
        // It fails when the semaphore was closed, which nobody does.
        let permit = Arc::clone(&self.0).acquire_many_owned(units.clamp(1, UNITS)).await.ok();
        Room { bytes: bytes.unwrap_or_default(), _permit: permit.map(Arc::new) }
    }
}

/// The length that an answer of S3 states.
pub(super) fn stated_length(stated: Option<i64>) -> Option<u64> {
    stated.and_then(|length| u64::try_from(length).ok())
}

impl Room {
    /// Reads a body of at most `largest` bytes.
    pub(super) async fn read(self, mut stream: ByteStream, largest: usize) -> Result<Body, BodyError> {
        let expected = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(expected.min(largest).min(MOST_EXPECTED));
        // What the answer states is the server's word; what comes is counted.
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| BodyError::BrokenOff(error.to_string()))?;
            if bytes.len() + chunk.len() > largest {
                return Err(BodyError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Body { bytes, _room: Some(self) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn body(window: &Window, length: usize, stated: Option<i64>) -> Result<Body, BodyError> {
        window.room(stated_length(stated)).await.read(ByteStream::from(vec![b'x'; length]), 1000).await
    }

    #[tokio::test]
    async fn what_is_said_to_be_larger_than_the_window_has_it_alone_and_gives_it_back() {
        let window = Window::default();
        let small = body(&window, 3, Some(3)).await.unwrap();
        for stated in [Some(i64::MAX), Some(-1), None] {
            let waits = tokio::time::timeout(Duration::from_millis(20), body(&window, 3, stated)).await;
            assert!(waits.is_err(), "there was room for two");
        }
        drop(small);
        let all = body(&window, 3, None).await.unwrap();
        assert_eq!((&*all, window.0.available_permits()), (&b"xxx"[..], 0));
        drop(all);
        assert_eq!(window.0.available_permits(), UNITS as usize);
    }

    #[tokio::test]
    async fn no_body_is_longer_than_allowed_whatever_was_stated() {
        let window = Window::default();
        assert!(body(&window, 1000, Some(0)).await.is_ok());
        assert!(matches!(body(&window, 1001, Some(0)).await, Err(BodyError::TooLarge)));
        assert_eq!(window.0.available_permits(), UNITS as usize);
    }
}
