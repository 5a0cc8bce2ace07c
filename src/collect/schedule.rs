//! The scheduler: keeps a bounded number of calls under way, follows up answers, hands records on.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;
use tokio::task::{Id, JoinError, JoinSet};

use super::caller::Caller;
use super::outcome::{Answer, code, gap, judge};
use super::plan::{Place, Plan, ServicePlan, Step};
use super::progress::Summary;
use super::{CollectError, Collection};
use crate::canonical;
use crate::catalog::ServiceScope;
use crate::model::{ErrorMeaning, Record, RecordKind, RecordOutcome, Sha256Digest, Source};

/// Bounds of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Items of one response that are followed up, for each operation.
    pub(super) fan_out: usize,
    /// How often a call is made again whose error asks for patience.
    pub(super) again: u32,
    /// How long to wait before that.
    pub(super) pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fan_out: 100_000, again: 10, pause: Duration::from_secs(1) }
    }
}

/// A call that is due: where it stands in the plan, where it began, and the call itself.
#[derive(Debug, Clone)]
struct Due {
    service: usize,
    call: usize,
    /// The region in which the chain of calls began.
    began_in: String,
    region: String,
    parameters: Value,
}

/// An answer and how often it was asked for.
struct Finished {
    due: Due,
    answer: Answer,
    attempts: u32,
}

pub(super) struct Schedule<'a, C: Caller> {
    plan: &'a Plan,
    run: Collection<'a, C>,
    records: Sender<Record>,
    limits: Limits,
    queue: VecDeque<Due>,
    /// Digests of the calls made or due, so that none is made twice however the run comes by it.
    known: BTreeSet<Sha256Digest>,
    under_way: JoinSet<Finished>,
    by_task: HashMap<Id, Due>,
    summary: Summary,
}

impl<'a, C: Caller> Schedule<'a, C> {
    pub(super) fn new(
        plan: &'a Plan,
        run: Collection<'a, C>,
        records: Sender<Record>,
        limits: Limits,
    ) -> Self {
        Self {
            plan,
            run,
            records,
            limits,
            queue: VecDeque::new(),
            known: BTreeSet::new(),
            under_way: JoinSet::new(),
            by_task: HashMap::new(),
            summary: Summary::default(),
        }
    }

    /// Makes every call and returns when all are answered. Dropping it breaks off the calls under way.
    pub(super) async fn run(mut self) -> Result<Summary, CollectError> {
        let plan = self.plan;
        for (number, service) in plan.services.iter().enumerate() {
            let regions = match service.scope {
                ServiceScope::Global => vec![self.run.home_region.clone()],
                ServiceScope::Regional => self.run.regions.clone(),
            };
            for region in regions {
                let steps = service.roots(self.place(&region), self.limits.fan_out);
                self.take_up(number, None, steps).await?;
            }
        }
        self.run.progress.started(self.queue.len() as u64);
        loop {
            while self.under_way.len() < self.run.concurrency.max(1) {
                let Some(due) = self.queue.pop_front() else { break };
                self.start(due);
            }
            match self.under_way.join_next_with_id().await {
                None => return Ok(self.summary),
                Some(Ok((id, finished))) => {
                    self.by_task.remove(&id);
                    self.finish(finished).await?;
                }
                Some(Err(broken)) => self.break_off(&broken).await?,
            }
        }
    }

    /// What templates see beside the item.
    fn place<'p>(&'p self, began_in: &'p str) -> Place<'p> {
        Place { partition: &self.run.partition, account: &self.run.account, region: began_in }
    }

    /// Queues the steps that can be made and are new, and records the others. Says how many were queued.
    /// A step that begins a chain begins it where it is sent.
    async fn take_up(
        &mut self,
        service: usize,
        began_in: Option<&str>,
        steps: Vec<Step>,
    ) -> Result<u64, CollectError> {
        let mut queued = 0;
        for Step { call, region, parameters, gap: problem } in steps {
            let began_in = began_in.unwrap_or(&region).to_owned();
            let due = Due { service, call, began_in, region, parameters };
            match problem {
                Some((code, message)) => {
                    let outcome = gap(code, &message);
                    if self.known.insert(digest(&json!([service, call, due.region, due.parameters, message])))
                    {
                        let answer = Answer { outcome, exchanges: Vec::new(), endpoint: String::new() };
                        self.hand_on(&due, answer).await?;
                    }
                }
                None => {
                    if self.known.insert(digest(&json!([service, call, due.region, due.parameters]))) {
                        self.queue.push_back(due);
                        queued += 1;
                    }
                }
            }
        }
        Ok(queued)
    }

    fn start(&mut self, due: Due) {
        let Some(service) = self.plan.services.get(due.service) else { return };
        let Some(call) = service.calls.get(due.call) else { return };
        let (service, operation) = (service.service.clone(), call.operation.clone());
        let (absent, again) = (call.absent.clone(), call.again.clone());
        let (client, limits, kept) = (self.run.client.clone(), self.limits, due.clone());
        let task = self.under_way.spawn(async move {
            let mut attempts = 0;
            loop {
                let result = client.call(&service, &operation, &due.region, &due.parameters).await;
                attempts += 1;
                match &result {
                    Err(failure) if attempts <= limits.again && again.contains(&failure.code) => {
                        tokio::time::sleep(limits.pause).await;
                    }
                    _ => return Finished { due, answer: judge(result, &absent), attempts },
                }
            }
        });
        self.by_task.insert(task.id(), kept);
    }

    async fn finish(&mut self, finished: Finished) -> Result<(), CollectError> {
        let Finished { due, answer, attempts } = finished;
        self.summary.calls += u64::from(attempts);
        let steps = match (&answer.outcome, self.service(&due)) {
            (RecordOutcome::Response(response), Some(service)) => {
                let place = self.place(&due.began_in);
                service.follow(due.call, &due.parameters, response, place, self.limits.fan_out)
            }
            _ => Vec::new(),
        };
        self.done(&due, answer).await?;
        let queued = self.take_up(due.service, Some(&due.began_in), steps).await?;
        if queued > 0 {
            self.run.progress.planned(queued);
        }
        Ok(())
    }

    /// A task that broke off (a defect in the client) still leaves a record.
    async fn break_off(&mut self, broken: &JoinError) -> Result<(), CollectError> {
        let Some(due) = self.by_task.remove(&broken.id()) else { return Ok(()) };
        self.summary.calls += 1;
        let outcome = gap(code::CLIENT_BROKE, &format!("the call broke off: {broken}"));
        self.done(&due, Answer { outcome, exchanges: Vec::new(), endpoint: String::new() }).await
    }

    async fn done(&mut self, due: &Due, answer: Answer) -> Result<(), CollectError> {
        let service = self.service(due).map(|service| service.service.as_str()).unwrap_or_default();
        let is_gap =
            matches!(&answer.outcome, RecordOutcome::Error(error) if error.meaning == ErrorMeaning::Gap);
        self.run.progress.call_done(service, self.operation(due), is_gap);
        self.hand_on(due, answer).await
    }

    async fn hand_on(&mut self, due: &Due, answer: Answer) -> Result<(), CollectError> {
        let record = Record {
            kind: RecordKind::ApiCall,
            version: Record::VERSION,
            source: Source {
                partition: self.run.partition.clone(),
                account: self.run.account.clone(),
                region: due.region.clone(),
                service: self.service(due).map(|service| service.service.clone()).unwrap_or_default(),
                operation: self.operation(due).to_owned(),
                parameters: due.parameters.clone(),
                caller: self.run.caller.clone(),
                endpoint: answer.endpoint,
            },
            collected_at: self.run.clock.now(),
            exchanges: answer.exchanges,
            outcome: answer.outcome,
            redactions: Vec::new(),
        };
        self.summary.count(&record);
        self.records.send(record).await.map_err(|_| CollectError::ReceiverGone)
    }

    fn service(&self, due: &Due) -> Option<&'a ServicePlan> {
        self.plan.services.get(due.service)
    }

    fn operation(&self, due: &Due) -> &'a str {
        let call = self.service(due).and_then(|service| service.calls.get(due.call));
        call.map(|call| call.operation.as_str()).unwrap_or_default()
    }
}

/// A digest by which equal calls are known; members are in order of their names already.
fn digest(call: &Value) -> Sha256Digest {
    canonical::sha256(call.to_string().as_bytes())
}
