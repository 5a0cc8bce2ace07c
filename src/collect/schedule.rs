//! The scheduler of one account: which call is made next, what becomes of one that AWS refused, and when to end.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::attempt::{Around, End, Recording};
use super::caller::{Caller, Failure};
use super::gate::{self, Gate, Pass, Request, Shared};
use super::lanes::{Due, LaneKey, Lanes, Next};
use super::outcome::{Answer, code, gap, judge};
use super::plan::Step;
use super::progress::{Progress, Summary};
use super::{CollectError, Scope};
use crate::catalog::{Cost, ServiceScope};
use crate::model::{GapReason, RecordOutcome, Sha256Digest};

/// Renewals of credentials in a row, without an answered call between them, after which they count as gone.
const FRUITLESS_RENEWALS: u32 = 3;

/// How long obtaining new credentials may take.
const RENEWAL: Duration = Duration::from_secs(60);

/// The scheduler of one account.
pub(super) struct Schedule<'a, C: Caller> {
    around: Arc<Around>,
    client: C,
    seat: Seat,
    progress: &'a dyn Progress,
    scope: Scope,
    /// How long a call rests whose error asks for patience.
    rest: Duration,
    lanes: Lanes,
    /// The questions put, due or known, so that none is put twice however the run comes by it.
    asked: BTreeSet<Sha256Digest>,
    /// Calls that an earlier run has made, and where their records are.
    recalls: VecDeque<(Due, u64)>,
    tasks: JoinSet<Ended>,
    under_way: HashMap<Id, UnderWay>,
    credentials: Credentials,
    /// Set where no further call of this account is made.
    over: Option<Over>,
    summary: Summary,
}

/// This account's place at the gate; dropping it says that the account waits for nothing.
struct Seat {
    gate: Arc<Gate>,
    account: Arc<str>,
}

/// What runs in a task.
struct UnderWay {
    due: Option<Due>,
    kind: Kind,
    recording: Recording,
    abort: AbortHandle,
}

enum Kind {
    /// A call, made with the credentials of this generation.
    Attempt { generation: u32 },
    /// A record of an earlier run that is read back.
    Recall,
    /// A call that rests before it is made again.
    Rest,
    /// Credentials that are being renewed.
    Renewal,
}

/// How a task ended.
enum Ended {
    Attempt(End),
    Recall(Option<End>),
    Rest,
    Renewal(Result<(), Failure>),
}

/// The credentials, as far as AWS's answers tell.
#[derive(Default)]
struct Credentials {
    generation: u32,
    renewing: bool,
    fruitless: u32,
    /// By which error AWS, or their provider, called them expired.
    expired: Option<(String, String)>,
}

/// Why no further call is made: code and message of the gaps that the calls due become.
struct Over {
    code: String,
    message: String,
}

impl<'a, C: Caller> Schedule<'a, C> {
    pub(super) fn new(
        around: Around,
        client: C,
        gate: Arc<Gate>,
        progress: &'a dyn Progress,
        scope: Scope,
        rest: Duration,
    ) -> Self {
        Self {
            client,
            progress,
            scope,
            rest,
            lanes: Lanes::new(gate.bounds()),
            seat: Seat { gate, account: around.account.clone() },
            around: Arc::new(around),
            asked: BTreeSet::new(),
            recalls: VecDeque::new(),
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
            credentials: Credentials::default(),
            over: None,
            summary: Summary::default(),
        }
    }

    /// Makes every call and returns when all are answered. Dropping it breaks off the calls under way.
    pub(super) async fn run(mut self) -> Result<Summary, CollectError> {
        let mut changes = self.seat.gate.changes();
        self.plan().await?;
        loop {
            changes.mark_unchanged();
            if self.seat.gate.is_interrupted() {
                return Err(self.interrupted().await);
            }
            self.give_up().await?;
            let wake = self.start();
            if self.under_way.is_empty() && self.recalls.is_empty() && self.lanes.due() == 0 {
                return Ok(self.summary);
            }
            let wake = async {
                match wake {
                    Some(instant) => tokio::time::sleep_until(instant).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended).await?,
                _ = changes.changed() => {}
                () = wake => {}
            }
        }
    }

    /// Plans the calls that depend on no other.
    async fn plan(&mut self) -> Result<(), CollectError> {
        let around = self.around.clone();
        for (number, service) in around.plan.services.iter().enumerate() {
            let regions = match service.scope {
                ServiceScope::Global => std::slice::from_ref(&self.scope.home_region).to_vec(),
                ServiceScope::Regional => self.scope.regions.clone(),
            };
            for region in regions {
                let steps = service.roots(around.place(&region), around.fan_out);
                self.take_up(number, None, steps).await?;
            }
        }
        Ok(())
    }

    /// Queues the steps that can be made and are new, and records the others. A step that begins a chain begins
    /// it where it is sent.
    async fn take_up(
        &mut self,
        service: usize,
        began_in: Option<&Arc<str>>,
        steps: Vec<Step>,
    ) -> Result<(), CollectError> {
        let mut planned = 0;
        for step in steps {
            let never_asked = step.gap.as_ref().map(|(code, message)| gap(code, message));
            let question = self.around.question(service, &step, never_asked.as_ref());
            if !self.asked.insert(question) {
                continue;
            }
            let Step { call, cost, region, parameters, .. } = step;
            let region: Arc<str> = region.into();
            let began_in = began_in.unwrap_or(&region).clone();
            let mut due = Due::new(service, call, cost, began_in, region, parameters, question);
            match (self.around.known.position(&question), never_asked) {
                (Some(position), never_asked) => {
                    due.impossible = never_asked.map(Box::new);
                    self.recalls.push_back((due, position));
                    planned += 1;
                }
                (None, Some(outcome)) => self.record_gap(&due, outcome).await?,
                (None, None) => {
                    self.lanes.push(due);
                    planned += 1;
                }
            }
        }
        if planned > 0 {
            let service = self.around.plan.services.get(service);
            let service = service.map(|service| service.service.as_str()).unwrap_or_default();
            self.progress.planned(&self.seat.account, service, planned);
        }
        Ok(())
    }

    /// Starts what may be started. Says when to look again, if anything waits for time to pass.
    fn start(&mut self) -> Option<Instant> {
        self.start_recall();
        let deadline = self.seat.gate.deadline();
        if self.over.is_some() {
            self.seat.asked(&BTreeSet::new());
            return deadline.map(|deadline| deadline + self.seat.gate.bounds().grace);
        }
        if self.credentials.renewing {
            self.seat.asked(&BTreeSet::new());
            return deadline;
        }
        let now = Instant::now();
        let mut wake = deadline;
        let mut waits_for = BTreeSet::new();
        'rounds: loop {
            let mut started = false;
            for key in self.lanes.turns() {
                for cost in [Cost::Large, Cost::Small] {
                    let request = match self.lanes.next(&key, cost, now) {
                        Some(Next::Call(due)) => self.seat.request(&self.around, due),
                        Some(Next::Paused(until)) => {
                            wake = Some(wake.map_or(until, |wake| wake.min(until)));
                            continue;
                        }
                        Some(Next::Busy) | None => continue,
                    };
                    match self.seat.gate.enter(&request) {
                        gate::Answer::Granted(pass) => {
                            if let Some(due) = self.lanes.take(&key, cost) {
                                self.start_attempt(due, pass);
                            }
                            started = true;
                            break;
                        }
                        gate::Answer::Busy => {}
                        gate::Answer::Wait(shared) => {
                            let is_full = shared == Shared::Overall;
                            waits_for.insert(shared);
                            if is_full {
                                break 'rounds;
                            }
                        }
                    }
                }
            }
            if !started {
                break;
            }
        }
        self.seat.asked(&waits_for);
        wake
    }

    fn start_attempt(&mut self, due: Due, pass: Pass) {
        let recording = Recording::default();
        let attempt = self.around.clone().attempt(self.client.clone(), due.clone(), pass, recording.clone());
        let abort = self.tasks.spawn(async move { Ended::Attempt(attempt.await) });
        let kind = Kind::Attempt { generation: self.credentials.generation };
        self.under_way.insert(abort.id(), UnderWay { due: Some(due), kind, recording, abort });
    }

    /// Reads one record of an earlier run back at a time.
    fn start_recall(&mut self) {
        if self.under_way.values().any(|task| matches!(task.kind, Kind::Recall)) {
            return;
        }
        let Some((due, position)) = self.recalls.pop_front() else { return };
        let recording = Recording::default();
        let recall = self.around.clone().recall(due.clone(), position, recording.clone());
        let abort = self.tasks.spawn(async move { Ended::Recall(recall.await) });
        let task = UnderWay { due: Some(due), kind: Kind::Recall, recording, abort };
        self.under_way.insert(task.abort.id(), task);
    }

    fn start_rest(&mut self, mut due: Due) {
        due.waited += 1;
        let rest = self.rest;
        let abort = self.tasks.spawn(async move {
            tokio::time::sleep(rest).await;
            Ended::Rest
        });
        let task = UnderWay { due: Some(due), kind: Kind::Rest, recording: Recording::default(), abort };
        self.under_way.insert(task.abort.id(), task);
    }

    fn start_renewal(&mut self) {
        self.credentials.renewing = true;
        let client = self.client.clone();
        let abort = self.tasks.spawn(async move {
            let renewed = tokio::time::timeout(RENEWAL, client.renew()).await;
            Ended::Renewal(renewed.unwrap_or_else(|_| Err(Failure::cannot_renew())))
        });
        let task = UnderWay { due: None, kind: Kind::Renewal, recording: Recording::default(), abort };
        self.under_way.insert(task.abort.id(), task);
    }

    async fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) -> Result<(), CollectError> {
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
    async fn give_up(&mut self) -> Result<(), CollectError> {
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

    async fn record_gap(&mut self, due: &Due, outcome: RecordOutcome) -> Result<(), CollectError> {
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
    async fn interrupted(mut self) -> CollectError {
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

impl Seat {
    fn request(&self, around: &Around, due: &Due) -> Request {
        Request {
            account: self.account.clone(),
            service: around.names(due).0.into(),
            region: due.region.clone(),
            cost: due.cost,
        }
    }

    fn asked(&self, waits_for: &BTreeSet<Shared>) {
        self.gate.asked(&self.account, waits_for);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.asked(&BTreeSet::new());
    }
}

impl Due {
    fn new(
        service: usize,
        call: usize,
        cost: Cost,
        began_in: Arc<str>,
        region: Arc<str>,
        parameters: Value,
        question: Sha256Digest,
    ) -> Self {
        Self {
            service,
            call,
            cost,
            began_in,
            region,
            parameters,
            question,
            impossible: None,
            throttled: 0,
            refused: None,
            waited: 0,
            renewed: false,
        }
    }

    fn lane(&self) -> LaneKey {
        (self.service, self.region.clone())
    }
}
