//! The bounds that all accounts of a run share: how many calls may be under way, until when, and whether
//! anybody asked the run to stop.

use std::collections::BTreeMap;
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
/// An account that waits while another holds more than its share is served before that other.
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
    overall: usize,
    large: usize,
    services: BTreeMap<Arc<str>, usize>,
    regions: BTreeMap<(Arc<str>, Arc<str>), usize>,
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
    /// Not now: its service or region has what it may have. Others may still be granted.
    Bounded,
    /// Not now, and nothing else of this account either.
    Full,
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
        let of = |count: Option<&usize>| count.copied().unwrap_or_default();
        let region = (request.account.clone(), request.region.clone());
        if of(state.services.get(&request.service)) >= self.bounds.per_service.max(1)
            || of(state.regions.get(&region)) >= self.bounds.per_region.max(1)
            || (request.cost == Cost::Large && state.large >= self.bounds.large.max(1))
        {
            return Answer::Bounded;
        }
        if state.overall >= self.bounds.overall.max(1) || self.others_come_first(&state, &request.account) {
            state.accounts.entry(request.account.clone()).or_default().waits = true;
            return Answer::Full;
        }
        state.overall += 1;
        state.large += usize::from(request.cost == Cost::Large);
        *state.services.entry(request.service.clone()).or_default() += 1;
        *state.regions.entry(region).or_default() += 1;
        let share = state.accounts.entry(request.account.clone()).or_default();
        share.held += 1;
        share.waits = false;
        drop(state);
        Answer::Granted(Pass { gate: Arc::clone(self), request: request.clone() })
    }

    /// To be called by an account that asked for all it could use: whether it still waits.
    pub(super) fn asked(&self, account: &Arc<str>, waits: bool) {
        let mut state = self.state();
        let share = state.accounts.entry(account.clone()).or_default();
        let gave_way = share.waits && !waits;
        share.waits = waits;
        if share.held == 0 && !waits {
            state.accounts.remove(account);
        }
        drop(state);
        // Somebody may have been told to wait for this account.
        if gave_way {
            self.changed();
        }
    }

    /// Whether an account holds its share while another waits that holds less than its own.
    fn others_come_first(&self, state: &State, account: &Arc<str>) -> bool {
        let held = state.accounts.get(account).map_or(0, |share| share.held);
        let others = || state.accounts.iter().filter(|(other, share)| *other != account && share.waits);
        let share = (self.bounds.overall / (others().count() + 1)).max(1);
        held >= share && others().any(|(_, other)| other.held < share && other.held < held)
    }

    fn leave(&self, request: &Request) {
        let mut state = self.state();
        state.overall = state.overall.saturating_sub(1);
        state.large = state.large.saturating_sub(usize::from(request.cost == Cost::Large));
        let region = (request.account.clone(), request.region.clone());
        if let Some(count) = state.services.get_mut(&request.service) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = state.regions.get_mut(&region) {
            *count = count.saturating_sub(1);
        }
        if let Some(share) = state.accounts.get_mut(&request.account) {
            share.held = share.held.saturating_sub(1);
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

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.leave(&self.request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(account: &str, service: &str, region: &str) -> Request {
        Request {
            account: account.into(),
            service: service.into(),
            region: region.into(),
            cost: Cost::Small,
        }
    }

    fn granted(gate: &Arc<Gate>, request: &Request) -> Option<Pass> {
        match gate.enter(request) {
            Answer::Granted(pass) => Some(pass),
            Answer::Bounded | Answer::Full => None,
        }
    }

    #[test]
    fn each_bound_holds_and_is_given_back() {
        let bounds = Bounds { overall: 4, per_service: 2, per_region: 3, large: 1, ..Bounds::default() };
        let gate = Gate::new(bounds, None);
        let s3 = request("1", "s3", "a");
        let first = granted(&gate, &s3).unwrap();
        let _second = granted(&gate, &s3).unwrap();
        assert!(matches!(gate.enter(&s3), Answer::Bounded));
        let large = Request { cost: Cost::Large, ..request("1", "ec2", "a") };
        let held = granted(&gate, &large).unwrap();
        assert!(matches!(gate.enter(&request("1", "kms", "a")), Answer::Bounded), "three in one region");
        let large = Request { cost: Cost::Large, ..request("1", "ec2", "b") };
        assert!(matches!(gate.enter(&large), Answer::Bounded), "one large call at a time");
        let _fourth = granted(&gate, &request("1", "kms", "b")).unwrap();
        assert!(matches!(gate.enter(&request("1", "rds", "b")), Answer::Full));
        drop(first);
        assert!(granted(&gate, &s3).is_some());
        drop(held);
        assert!(granted(&gate, &large).is_some());
    }

    #[test]
    fn an_account_that_waits_gets_its_share_before_the_others_get_more() {
        let gate = Gate::new(Bounds { overall: 4, per_service: 4, per_region: 4, ..Bounds::default() }, None);
        let (greedy, modest) = (request("1", "s3", "a"), request("2", "s3", "a"));
        let mut held: Vec<Pass> = (0..4).map(|_| granted(&gate, &greedy).unwrap()).collect();
        assert!(matches!(gate.enter(&modest), Answer::Full));
        gate.asked(&modest.account, true);
        held.pop();
        assert!(matches!(gate.enter(&greedy), Answer::Full), "the other's turn");
        let second = granted(&gate, &modest).unwrap();
        // It needs nothing more, and says so: what is free is anybody's.
        gate.asked(&modest.account, false);
        held.pop();
        assert!(granted(&gate, &greedy).is_some());
        drop(second);
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
            assert!(bounds.overall >= 1 && bounds.per_service >= 1 && bounds.per_region >= 1 && bounds.large >= 1);
            assert!(bounds.per_service <= bounds.overall && bounds.per_region <= bounds.overall);
        }
    }
}
