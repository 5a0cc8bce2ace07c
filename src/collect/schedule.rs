//! The scheduler of one account: which calls there are, and which is made next.

mod ends;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

use super::attempt::{Around, End, Recording};
use super::caller::{Caller, Failure};
use super::gate::{self, Gate, Pass, Request, Shared};
use super::lanes::{Due, LaneKey, Lanes, Next};
use super::outcome::gap;
use super::plan::Step;
use super::progress::{Progress, Summary};
use super::{CollectError, Scope};
use crate::catalog::{Cost, ServiceScope};
use crate::model::Sha256Digest;

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
            let mut due = Due::new(service, call, cost, began_in, region, &parameters, question);
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
        parameters: &Value,
        question: Sha256Digest,
    ) -> Self {
        Self {
            service,
            call,
            cost,
            began_in,
            region,
            parameters: parameters.to_string().into(),
            question,
            impossible: None,
            throttled: 0,
            refused: None,
            waited: 0,
            renewed: false,
        }
    }

    /// The operation's parameters.
    pub(super) fn parameters(&self) -> Value {
        // It was written from a value, so it can be read.
        serde_json::from_str(&self.parameters).unwrap_or_default()
    }

    fn lane(&self) -> LaneKey {
        (self.service, self.region.clone())
    }
}
