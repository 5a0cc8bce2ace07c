//! One call by itself, for what a run must know before it can be planned: who it is, which regions there are.

use super::caller::Caller;
use super::outcome::{Answer, judge};
use crate::clock::Clock;
use crate::model::{Record, RecordKind, Source};

/// Makes the call that `source` says, and gives its record: a response or a gap. The endpoint in `source`
/// is replaced by the one that answered.
pub async fn call_once<C: Caller>(client: &C, source: Source, clock: Clock) -> Record {
    let result = client.call(&source.service, &source.operation, &source.region, &source.parameters).await;
    let Answer { outcome, exchanges, endpoint } = judge(result, &[]);
    Record {
        kind: RecordKind::ApiCall,
        version: Record::VERSION,
        source: Source { endpoint, ..source },
        collected_at: clock.now(),
        exchanges,
        outcome,
        redactions: Vec::new(),
    }
}
