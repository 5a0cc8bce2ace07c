//! What becomes of calls that ended: recorded, made again later, or given up.

use std::sync::atomic::Ordering;

use tokio::task::{Id, JoinError};
use tokio::time::Instant;

use super::super::CollectError;
use super::super::attempt::{End, Recording};
use super::super::caller::{Caller, Failure};
use super::super::lanes::Due;
use super::super::outcome::{Answer, code, gap, judge};
use super::{Ended, Kind, Over, Schedule, UnderWay};
use crate::model::{GapReason, RecordOutcome};

/// Renewals of credentials in a row, without an answered call between them, after which they count as gone.
const FRUITLESS_RENEWALS: u32 = 25;

impl<C: Caller> Schedule<'_, C> {
    pub(super) async fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) -> Result<(), CollectError> {
        let (id, ended) = match ended {
            Ok((id, ended)) => (id, Ok(ended)),
            Err(broken) => (broken.id(), Err(broken)),
        };
        let Some(UnderWay { due, kind, .. }) = self.under_way.remove(&id) else { return Ok(()) };
        if let (Kind::Attempt { .. }, Some(due)) = (&kind, &due) {
            self.lanes.ended(&due.lane());
            self.summary.calls += 1;
        }
        match (ended, kind, due) {
            (Ok(Ended::Attempt(end)), Kind::Attempt { generation }, Some(due)) => {
                self.attempted(due, end, generation).await
            }
            (Ok(Ended::Recall(Some(end))), _, Some(due)) => self.recorded(&due, end).await,
            // What cannot be read back is asked for again; a call that rested is made again.
            (Ok(Ended::Recall(None) | Ended::Rest) | Err(_), Kind::Recall | Kind::Rest, Some(mut due)) => {
                match due.impossible.take() {
                    Some(outcome) => self.record_gap(&due, *outcome).await,
                    None => {
                        self.lanes.push(due);
                        Ok(())
                    }
                }
            }
            (Ok(Ended::Renewal(renewed)), ..) => {
                self.renewed(renewed);
                Ok(())
            }
            (Err(_), Kind::Renewal, _) => {
                self.renewed(Err(Failure::cannot_renew()));
                Ok(())
            }
            // Broken off after the run's deadline, or a defect in the client: it still leaves a record.
            (Err(broken), _, Some(due)) => {
                let outcome = match &self.over {
                    Some(over) if broken.is_cancelled() => {
                        gap(&over.code, "the run's time was over before the answer came")
                    }
                    _ => gap(code::CLIENT_BROKE, &format!("the call broke off: {broken}")),
                };
                self.record_gap(&due, outcome).await
            }
            _ => Ok(()),
        }
    }

    async fn attempted(&mut self, due: Due, end: End, generation: u32) -> Result<(), CollectError> {
        match end {
            End::Refused { failure, reason: GapReason::Throttled } => self.throttled(due, failure).await,
            End::Refused { failure, .. } => self.expired(due, failure, generation).await,
            answered => {
                self.lanes.answered(&due.lane());
                self.credentials.fruitless = 0;
                match answered {
                    End::NotReady => {
                        self.start_rest(due);
                        Ok(())
                    }
                    end => self.recorded(&due, end).await,
                }
            }
        }
    }

    /// A record was handed on: counts it and takes up what follows.
    async fn recorded(&mut self, due: &Due, end: End) -> Result<(), CollectError> {
        match end {
            End::Recorded { steps, summary, gap } => {
                self.summary.add(summary);
                let (service, operation) = self.around.names(due);
                self.progress.done(&self.seat.account, service, operation, gap);
                self.take_up(due.service, Some(&due.began_in), steps).await
            }
            End::ReceiverGone => Err(CollectError::ReceiverGone),
            End::Refused { .. } | End::NotReady => Ok(()),
        }
    }

    /// AWS refused a call for its rate: its lane slows down, the others do not notice.
    async fn throttled(&mut self, mut due: Due, failure: Failure) -> Result<(), CollectError> {
        let lane = due.lane();
        let refusal = failure.code.clone();
        if let Some(pause) = self.lanes.throttled(&lane, Instant::now()) {
            let (service, _) = self.around.names(&due);
            self.progress.held_back(&self.seat.account, service, &due.region, pause);
        }
        due.throttled += 1;
        let enough = due.throttled > self.seat.gate.bounds().throttled_again;
        due.refused = Some(Box::new(failure));
        if enough || self.over.is_some() {
            self.record_refused(due, &refusal, "").await?;
        } else {
            self.lanes.push(due);
        }
        if self.lanes.is_hopeless(&lane) {
            for due in self.lanes.empty(&lane) {
                let message = format!(
                    "not called: AWS kept refusing calls of this service in {} for their rate",
                    due.region
                );
                self.record_refused(due, &refusal, &message).await?;
            }
        }
        Ok(())
    }

    /// AWS called the credentials expired. They are renewed, and the call is made again, once.
    async fn expired(&mut self, mut due: Due, failure: Failure, generation: u32) -> Result<(), CollectError> {
        let expired = (failure.code.clone(), failure.message.clone());
        due.refused = Some(Box::new(failure));
        if self.over.is_some() || due.renewed && generation == self.credentials.generation {
            // With credentials that hold for other calls: this is the answer to this one.
            return self.record_refused(due, &expired.0, "").await;
        }
        if generation == self.credentials.generation {
            due.renewed = true;
            if !self.credentials.renewing {
                self.credentials.expired = Some(expired);
                self.credentials.fruitless += 1;
                if self.credentials.fruitless > FRUITLESS_RENEWALS {
                    self.renewed(Err(Failure::cannot_renew()));
                } else {
                    self.start_renewal();
                }
            }
        }
        self.lanes.push(due);
        Ok(())
    }

    fn renewed(&mut self, renewed: Result<(), Failure>) {
        self.credentials.renewing = false;
        let Err(failure) = renewed else {
            self.credentials.generation += 1;
            return;
        };
        let (code, message) = self.credentials.expired.take().unwrap_or_default();
        let message = format!(
            "not called: the credentials expired ({message}) and could not be renewed ({}: {})",
            failure.code, failure.message
        );
        self.over.get_or_insert(Over { code, message });
    }

    /// Where the account's run is over: makes gaps of all calls that are due, and breaks off those that are still
    /// under way when their time is over too.
    pub(super) async fn give_up(&mut self) -> Result<(), CollectError> {
        let now = Instant::now();
        let deadline = self.seat.gate.deadline();
        if self.over.is_none() && deadline.is_some_and(|deadline| deadline <= now) {
            let message = "not called: the run's time was over";
            self.over = Some(Over { code: code::RUN_DEADLINE.to_owned(), message: message.to_owned() });
        }
        let Some(Over { code, message }) = &self.over else { return Ok(()) };
        let (code, message) = (code.clone(), message.clone());
        let grace = self.seat.gate.bounds().grace;
        let last = deadline.is_some_and(|deadline| deadline + grace <= now);
        #[expect(clippy::iter_over_hash_type, reason = "in which order calls are broken off does not matter")]
        for task in self.under_way.values() {
            let aborted = match task.kind {
                Kind::Rest | Kind::Renewal => true,
                Kind::Attempt { .. } => last && !task.recording.load(Ordering::SeqCst),
                Kind::Recall => false,
            };
            if aborted {
                task.abort.abort();
            }
        }
        while let Some(due) = self.lanes.pop() {
            self.record_refused(due, &code, &message).await?;
        }
        Ok(())
    }

    /// Records what AWS last said to a call that it refused or, where it was never made, why.
    async fn record_refused(&mut self, mut due: Due, code: &str, message: &str) -> Result<(), CollectError> {
        let answer = match due.refused.take() {
            Some(failure) => judge(Err(*failure), &[]),
            None => Answer { outcome: gap(code, message), exchanges: Vec::new(), endpoint: String::new() },
        };
        self.record_answer(&due, answer).await
    }

    pub(super) async fn record_gap(&mut self, due: &Due, outcome: RecordOutcome) -> Result<(), CollectError> {
        let answer = Answer { outcome, exchanges: Vec::new(), endpoint: String::new() };
        self.record_answer(due, answer).await
    }

    async fn record_answer(&mut self, due: &Due, answer: Answer) -> Result<(), CollectError> {
        let around = self.around.clone();
        match around.record(due, answer, &Recording::default()).await {
            End::Recorded { summary, gap, .. } => {
                self.summary.add(summary);
                let (service, operation) = around.names(due);
                self.progress.done(&self.seat.account, service, operation, gap);
                Ok(())
            }
            _ => Err(CollectError::ReceiverGone),
        }
    }

    /// Gives the calls under way a moment; what they record is kept.
    pub(super) async fn interrupted(mut self) -> CollectError {
        #[expect(clippy::iter_over_hash_type, reason = "in which order calls are broken off does not matter")]
        for task in self.under_way.values() {
            if matches!(task.kind, Kind::Rest | Kind::Renewal) {
                task.abort.abort();
            }
        }
        let grace = self.seat.gate.bounds().grace;
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        // Those that take longer are broken off when the set is dropped.
        let _ = tokio::time::timeout(grace, rest).await;
        CollectError::Interrupted
    }
}
