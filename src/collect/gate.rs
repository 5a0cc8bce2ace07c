//! The bounds that all accounts of a run share: how many calls may be under way, until when, and whether
//! anybody asked the run to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::catalog::Cost;

/// Bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Calls under way at a time, over all accounts.
    pub overall: usize,
    /// Of them, calls of one service, over all accounts: a service that hangs must not hold up the others.
    pub per_service: usize,
    /// Of them, calls in one region of one account.
    pub per_region: usize,
    /// Of them, calls with large answers: what is being read is held in memory.
    pub large: usize,
    /// How long one call may take, with all its pages and the client's own retries.
    pub call_time: Duration,
    /// How often a call is made again that AWS refused for its rate (after the client's own few attempts).
    pub throttled_again: u32,
    /// How long an account's service in a region is left alone after the first refusal for its rate; doubled
    /// with each further one.
    pub first_pause: Duration,
    /// The longest such pause.
    pub longest_pause: Duration,
    /// After so many pauses in a row without an answer between them, the calls that are due there become gaps.
    pub fruitless_pauses: u32,
    /// How long calls that are under way may go on after the run's deadline, or after it was asked to stop.
    pub grace: Duration,
}

impl Bounds {
    /// The bounds for at most `overall` calls at a time.
    pub fn of(overall: usize) -> Self {
        let overall = overall.max(1);
        Self {
            overall,
            per_service: overall.div_ceil(2),
            per_region: (overall * 3).div_ceil(4),
            large: 2.min(overall),
            ..Self::default()
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            overall: 16,
            per_service: 8,
            per_region: 12,
            large: 2,
            call_time: Duration::from_secs(15 * 60),
            throttled_again: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(20),
            fruitless_pauses: 8,
            grace: Duration::from_secs(10),
        }
    }
}

/// Where the calls of a run, whichever account they are for, get leave to be made.
///
/// An account that waits for something of which another holds more than its share is served before that other.
#[derive(Debug)]
pub struct Gate {
    bounds: Bounds,
    deadline: Option<Instant>,
    state: Mutex<State>,
    /// Changes whenever somebody who waits should look again.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    interrupted: bool,
    /// What all accounts share.
    shared: BTreeMap<Shared, Counter>,
    /// Calls by account and region.
    regions: BTreeMap<(Arc<str>, Arc<str>), usize>,
}

/// What the accounts of a run share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shared {
    Overall,
    Large,
    Service(Arc<str>),
}

/// How much of something is held, and by whom.
#[derive(Debug, Default)]
struct Counter {
    held: usize,
    accounts: BTreeMap<Arc<str>, Share>,
}

/// What one account holds, and whether it could use more.
#[derive(Debug, Default)]
struct Share {
    held: usize,
    waits: bool,
}

/// A call that asks for leave.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) account: Arc<str>,
    pub(super) service: Arc<str>,
    pub(super) region: Arc<str>,
    pub(super) cost: Cost,
}

/// What the gate says.
#[derive(Debug)]
pub(super) enum Answer {
    /// The call may be made; dropping the pass gives its place back.
    Granted(Pass),
    /// Not now: the account's region has what it may have.
    Busy,
    /// Not now: of this, too much is held, or it is another account's turn.
    Wait(Shared),
}

/// Leave to make one call.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Gate>,
    request: Request,
}

impl Gate {
    /// A gate with these bounds. Calls that are not made before `deadline` are not made at all.
    pub fn new(bounds: Bounds, deadline: Option<Instant>) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { bounds, deadline, state, changes: watch::Sender::new(0) })
    }

    /// The bounds.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// When the run must be over.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Asks every collection of the run to stop: no further call is made, and each ends with
    /// [`super::CollectError::Interrupted`].
    pub fn interrupt(&self) {
        self.state().interrupted = true;
        self.changed();
    }

    /// Whether the run was asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.state().interrupted
    }

    /// Returns when the run is asked to stop.
    pub async fn interrupted(&self) {
        let mut changes = self.changes();
        while !self.is_interrupted() {
            // The sender lives as long as the gate: this cannot fail while somebody waits here.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Hears of every change after which it is worth asking again.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Asks for leave.
    pub(super) fn enter(self: &Arc<Self>, request: &Request) -> Answer {
        let mut state = self.state();
        let region = (request.account.clone(), request.region.clone());
        if state.regions.get(&region).copied().unwrap_or_default() >= self.bounds.per_region.max(1) {
            return Answer::Busy;
        }
        for shared in request.shares() {
            let bound = self.bound(&shared);
            let counter = state.shared.entry(shared.clone()).or_default();
            if !counter.admits(&request.account, bound) {
                counter.share(&request.account).waits = true;
                return Answer::Wait(shared);
            }
        }
        for shared in request.shares() {
            let counter = state.shared.entry(shared).or_default();
            counter.held += 1;
            let share = counter.share(&request.account);
            share.held += 1;
            share.waits = false;
        }
        *state.regions.entry(region).or_default() += 1;
        drop(state);
        Answer::Granted(Pass { gate: Arc::clone(self), request: request.clone() })
    }

    /// To be called by an account when it has asked for all that it could use: what it still waits for.
    pub(super) fn asked(&self, account: &Arc<str>, waits_for: &BTreeSet<Shared>) {
        let mut state = self.state();
        let mut gave_way = false;
        for (shared, counter) in &mut state.shared {
            if let Some(share) = counter.accounts.get_mut(account) {
                let waits = waits_for.contains(shared);
                gave_way |= share.waits && !waits;
                share.waits = waits;
                if share.held == 0 && !waits {
                    counter.accounts.remove(account);
                }
            }
        }
        drop(state);
        // Somebody may have been told to wait for this account.
        if gave_way {
            self.changed();
        }
    }

    fn bound(&self, shared: &Shared) -> usize {
        let bound = match shared {
            Shared::Overall => self.bounds.overall,
            Shared::Large => self.bounds.large,
            Shared::Service(_) => self.bounds.per_service,
        };
        bound.max(1)
    }

    fn leave(&self, request: &Request) {
        let mut state = self.state();
        for shared in request.shares() {
            if let Some(counter) = state.shared.get_mut(&shared) {
                counter.held = counter.held.saturating_sub(1);
                let share = counter.share(&request.account);
                share.held = share.held.saturating_sub(1);
            }
        }
        if let Some(count) = state.regions.get_mut(&(request.account.clone(), request.region.clone())) {
            *count = count.saturating_sub(1);
        }
        drop(state);
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|version| *version = version.wrapping_add(1));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counter {
    /// Whether an account may have one more: there is one, and no other account waits that holds less than its
    /// share while this one has its own.
    fn admits(&self, account: &Arc<str>, bound: usize) -> bool {
        let own = self.accounts.get(account).map_or(0, |share| share.held);
        let others = || self.accounts.iter().filter(|(other, share)| *other != account && share.waits);
        let share = (bound / (others().count() + 1)).max(1);
        let others_first = own >= share && others().any(|(_, other)| other.held < share && other.held < own);
        self.held < bound && !others_first
    }

    fn share(&mut self, account: &Arc<str>) -> &mut Share {
        self.accounts.entry(account.clone()).or_default()
    }
}

impl Request {
    /// What it takes of what all share; the scarcest last, so that an account waits for that.
    fn shares(&self) -> impl Iterator<Item = Shared> {
        let large = (self.cost == Cost::Large).then_some(Shared::Large);
        [Shared::Overall, Shared::Service(self.service.clone())].into_iter().chain(large)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.leave(&self.request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(account: &str, service: &str, region: &str) -> Request {
        Request { account: account.into(), service: service.into(), region: region.into(), cost: Cost::Small }
    }

    fn granted(gate: &Arc<Gate>, request: &Request) -> Option<Pass> {
        match gate.enter(request) {
            Answer::Granted(pass) => Some(pass),
            Answer::Busy | Answer::Wait(_) => None,
        }
    }

    fn waits_for(gate: &Arc<Gate>, request: &Request) -> Shared {
        match gate.enter(request) {
            Answer::Wait(shared) => shared,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_bound_holds_and_is_given_back() {
        let bounds = Bounds { overall: 4, per_service: 2, per_region: 3, large: 1, ..Bounds::default() };
        let gate = Gate::new(bounds, None);
        let s3 = request("1", "s3", "a");
        let first = granted(&gate, &s3).unwrap();
        let _second = granted(&gate, &s3).unwrap();
        assert_eq!(waits_for(&gate, &s3), Shared::Service("s3".into()));
        let large = Request { cost: Cost::Large, ..request("1", "ec2", "a") };
        let held = granted(&gate, &large).unwrap();
        assert!(matches!(gate.enter(&request("1", "kms", "a")), Answer::Busy), "three in one region");
        let large = Request { cost: Cost::Large, ..request("1", "ec2", "b") };
        assert_eq!(waits_for(&gate, &large), Shared::Large);
        let _fourth = granted(&gate, &request("1", "kms", "b")).unwrap();
        assert_eq!(waits_for(&gate, &request("1", "rds", "b")), Shared::Overall);
        drop(first);
        assert!(granted(&gate, &s3).is_some());
        drop(held);
        assert!(granted(&gate, &large).is_some());
    }

    #[test]
    fn an_account_that_waits_gets_its_share_before_the_others_get_more() {
        for (overall, per_service) in [(4, 4), (9, 4)] {
            let gate = Gate::new(Bounds { overall, per_service, per_region: 4, ..Bounds::default() }, None);
            let (greedy, modest) = (request("1", "s3", "a"), request("2", "s3", "a"));
            let mut held: Vec<Pass> = (0..4).map(|_| granted(&gate, &greedy).unwrap()).collect();
            let shared = waits_for(&gate, &modest);
            gate.asked(&modest.account, &[shared.clone()].into());
            held.pop();
            assert_eq!(waits_for(&gate, &greedy), shared, "the other's turn");
            let second = granted(&gate, &modest).unwrap();
            // It needs nothing more, and says so: what is free is anybody's.
            gate.asked(&modest.account, &BTreeSet::new());
            held.pop();
            assert!(granted(&gate, &greedy).is_some());
            drop(second);
        }
    }

    #[test]
    fn those_who_wait_hear_of_what_is_given_back_and_of_the_end() {
        let gate = Gate::new(Bounds::of(1), None);
        let mut changes = gate.changes();
        let pass = granted(&gate, &request("1", "s3", "a")).unwrap();
        assert!(!changes.has_changed().unwrap());
        drop(pass);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        gate.interrupt();
        assert!(changes.has_changed().unwrap() && gate.is_interrupted());
    }

    #[test]
    fn bounds_are_never_nothing() {
        for overall in [0, 1, 2, 3, 16, 100] {
            let bounds = Bounds::of(overall);
            assert!(
                bounds.overall >= 1 && bounds.per_service >= 1 && bounds.per_region >= 1 && bounds.large >= 1
            );
            assert!(bounds.per_service <= bounds.overall && bounds.per_region <= bounds.overall);
        }
    }
}
