//! One attempt at one call, in a task of its own: ask, judge, see what follows, record. The response is gone when
//! the task ends; what goes back to the scheduler is what follows from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::caller::{Caller, Failure};
use super::gate::Pass;
use super::known::Known;
use super::lanes::Due;
use super::outcome::{Answer, code, judge, means_absence};
use super::plan::{CallPlan, Place, Plan, ServicePlan, Step};
use super::progress::Summary;
use super::redaction::Redactor;
use crate::canonical;
use crate::catalog::GapReasons;
use crate::clock::Clock;
use crate::model::{GapReason, Record, RecordKind, RecordOutcome, Sha256Digest, Source};

/// Says what becomes of records before they are written down, as far as the engine must know: questions are known
/// by their parameters as they are written.
pub trait Redact: Send + Sync {
    /// Takes the secrets out of a record, and adds to its redactions what was taken out. The same parameters must come
    /// out the same every time.
    fn redact(&self, record: &mut Record);
}

/// Takes nothing out.
impl Redact for () {
    fn redact(&self, _: &mut Record) {}
}

impl Redact for Redactor {
    fn redact(&self, record: &mut Record) {
        self.redact_record(record);
    }
}

/// What all calls of one account have in common.
pub(super) struct Around {
    pub(super) plan: Plan,
    pub(super) partition: String,
    pub(super) account: Arc<str>,
    pub(super) caller: String,
    pub(super) clock: Clock,
    pub(super) redactor: Arc<dyn Redact>,
    pub(super) records: Sender<Record>,
    pub(super) known: Known,
    /// Items of one response that are followed up, for each operation.
    pub(super) fan_out: usize,
    /// How often a call is made again whose error asks for patience.
    pub(super) again: u32,
    /// How long one call may take.
    pub(super) call_time: Duration,
}

/// How an attempt ended.
pub(super) enum End {
    /// A record was handed on; this follows from it, and this is what it counts.
    Recorded { steps: Vec<Step>, summary: Summary, gap: Option<GapReason> },
    /// AWS refused the call for its rate, or for credentials that expired; nothing was recorded.
    Refused { failure: Failure, reason: GapReason },
    /// The error asks for patience; nothing was recorded.
    NotReady,
    /// Whoever takes the records is gone.
    ReceiverGone,
}

/// A flag that says that the record of an attempt is being handed on, so that it must not be broken off.
pub(super) type Recording = Arc<AtomicBool>;

impl Around {
    pub(super) fn service(&self, due: &Due) -> Option<&ServicePlan> {
        self.plan.services.get(due.service)
    }

    pub(super) fn call(&self, due: &Due) -> Option<&CallPlan> {
        self.service(due).and_then(|service| service.calls.get(due.call))
    }

    /// Name of the service and the operation.
    pub(super) fn names(&self, due: &Due) -> (&str, &str) {
        let service = self.service(due).map(|service| service.service.as_str()).unwrap_or_default();
        (service, self.call(due).map(|call| call.operation.as_str()).unwrap_or_default())
    }

    /// The record of an answer.
    fn record_of(
        &self,
        (service, call): (usize, usize),
        region: &str,
        parameters: &Value,
        answer: Answer,
    ) -> Record {
        let service = self.plan.services.get(service);
        let call = service.and_then(|service| service.calls.get(call));
        Record {
            kind: RecordKind::ApiCall,
            version: Record::VERSION,
            source: Source {
                partition: self.partition.clone(),
                account: self.account.to_string(),
                region: region.to_owned(),
                service: service.map(|service| service.service.clone()).unwrap_or_default(),
                operation: call.map(|call| call.operation.clone()).unwrap_or_default(),
                parameters: parameters.clone(),
                caller: self.caller.clone(),
                endpoint: answer.endpoint,
            },
            collected_at: self.clock.now(),
            exchanges: answer.exchanges,
            outcome: answer.outcome,
            redactions: Vec::new(),
        }
    }

    /// By what a step is known: the question of the record that it will have. `never_asked` is its outcome where it
    /// cannot be asked.
    pub(super) fn question(
        &self,
        service: usize,
        step: &Step,
        never_asked: Option<&RecordOutcome>,
    ) -> Sha256Digest {
        let outcome = never_asked.cloned().unwrap_or(RecordOutcome::Response(Value::Null));
        let answer = Answer { outcome, exchanges: Vec::new(), endpoint: String::new() };
        let mut record = self.record_of((service, step.call), &step.region, &step.parameters, answer);
        self.redactor.redact(&mut record);
        // Parameters that no record could hold were refused when they were filled in.
        let question = record.question().ok().flatten();
        question.unwrap_or_else(|| canonical::sha256(record.source.parameters.to_string().as_bytes()))
    }

    /// Makes the call once and records what comes, unless it is to be tried again.
    pub(super) async fn attempt<C: Caller>(
        self: Arc<Self>,
        client: C,
        due: Due,
        pass: Pass,
        recording: Recording,
    ) -> End {
        let (Some(service), Some(call)) = (self.service(&due), self.call(&due)) else {
            return End::NotReady;
        };
        let parameters = due.parameters();
        let asking = client.call(&service.service, &call.operation, &due.region, &parameters);
        let result = match tokio::time::timeout(self.call_time, asking).await {
            Ok(result) => result,
            Err(_) => Err(self.too_slow()),
        };
        if let Err(failure) = &result
            && !means_absence(failure, &call.absent)
        {
            if due.waited < self.again && call.again.contains(&failure.code) {
                return End::NotReady;
            }
            let reason = GapReasons::embedded().of(&failure.code);
            if matches!(reason, GapReason::Throttled | GapReason::ExpiredCredentials)
                && let Err(failure) = result
            {
                return End::Refused { failure, reason };
            }
        }
        let answer = judge(result, &call.absent);
        let end = self.record(&due, answer, &recording).await;
        drop(pass);
        end
    }

    /// Hands on again what an earlier run recorded, and sees what follows from it. `None`: it cannot be read.
    pub(super) async fn recall(
        self: Arc<Self>,
        due: Due,
        position: u64,
        recording: Recording,
    ) -> Option<End> {
        let record = self.known.read(position).ok()?;
        // The journal is a file that anybody may have changed: it must be the answer to this very question.
        if record.question().ok()? != Some(due.question) {
            return None;
        }
        let steps = self.follow(&due, &record.outcome);
        let mut summary = Summary::default();
        summary.count_kept(&record);
        Some(self.hand_on(record, steps, summary, &recording).await)
    }

    /// Records an answer and sees what follows from it.
    pub(super) async fn record(&self, due: &Due, answer: Answer, recording: &Recording) -> End {
        let steps = self.follow(due, &answer.outcome);
        let record = self.record_of((due.service, due.call), &due.region, &due.parameters(), answer);
        let mut summary = Summary::default();
        summary.count(&record);
        self.hand_on(record, steps, summary, recording).await
    }

    /// What follows from an outcome.
    fn follow(&self, due: &Due, outcome: &RecordOutcome) -> Vec<Step> {
        match (outcome, self.service(due)) {
            (RecordOutcome::Response(response), Some(service)) => {
                let place = self.place(&due.began_in);
                service.follow(due.call, &due.parameters(), response, place, self.fan_out)
            }
            _ => Vec::new(),
        }
    }

    /// What templates see beside the item.
    pub(super) fn place<'p>(&'p self, began_in: &'p str) -> Place<'p> {
        Place { partition: &self.partition, account: &self.account, region: began_in }
    }

    async fn hand_on(
        &self,
        record: Record,
        steps: Vec<Step>,
        summary: Summary,
        recording: &Recording,
    ) -> End {
        let gap = record.gap().map(|gap| gap.reason.unwrap_or(GapReason::Other));
        recording.store(true, Ordering::SeqCst);
        match self.records.send(record).await {
            Ok(()) => End::Recorded { steps, summary, gap },
            Err(_) => End::ReceiverGone,
        }
    }

    fn too_slow(&self) -> Failure {
        Failure {
            code: code::CALL_DEADLINE.to_owned(),
            message: format!("no whole answer within {} seconds", self.call_time.as_secs()),
            exchanges: Vec::new(),
            endpoint: String::new(),
            pages: 0,
        }
    }
}
