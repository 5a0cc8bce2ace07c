//! The calls that are due, by service and region: lanes that take turns, so that a long list in one place holds
//! up nobody else, and that are left alone for a while when AWS refuses them for their rate.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::caller::Failure;
use super::gate::Bounds;
use crate::catalog::Cost;
use crate::model::{RecordOutcome, Sha256Digest};

/// A call that is due: where it stands in the plan, where its chain began, and the call itself.
#[derive(Debug, Clone)]
pub(super) struct Due {
    /// The service's place in the plan.
    pub(super) service: usize,
    /// The call's place in the service.
    pub(super) call: usize,
    pub(super) cost: Cost,
    /// The region in which the chain of calls began.
    pub(super) began_in: Arc<str>,
    pub(super) region: Arc<str>,
    /// Its parameters as JSON: of a large account many thousands wait, and a text is a tenth of a tree.
    pub(super) parameters: Box<str>,
    /// By what the call is known (see `model::Source::question`).
    pub(super) question: Sha256Digest,
    /// Its outcome, where it can only be recorded and not made.
    pub(super) impossible: Option<Box<RecordOutcome>>,
    /// How often it was refused for its rate.
    pub(super) throttled: u32,
    /// What AWS last said, where it refused the call for its rate or for its credentials.
    pub(super) refused: Option<Box<Failure>>,
    /// How often it was asked to be patient.
    pub(super) waited: u32,
    /// Whether credentials were renewed for it.
    pub(super) renewed: bool,
}

/// A service in a region.
pub(super) type LaneKey = (usize, Arc<str>);

/// What is due in one lane, and how AWS takes it.
#[derive(Debug)]
struct Lane {
    small: VecDeque<Due>,
    large: VecDeque<Due>,
    under_way: usize,
    /// How many calls may be under way.
    allowed: usize,
    paused_until: Option<Instant>,
    pause: Duration,
    /// Pauses since the last answer.
    pauses: u32,
}

/// All lanes of an account.
#[derive(Debug)]
pub(super) struct Lanes {
    bounds: Bounds,
    lanes: BTreeMap<LaneKey, Lane>,
    /// The lanes that have something due, in the order of their turns.
    turns: VecDeque<LaneKey>,
    due: usize,
}

/// What a lane would start next.
pub(super) enum Next<'a> {
    /// This call, if it is granted.
    Call(&'a Due),
    /// Nothing before this instant.
    Paused(Instant),
    /// Nothing before one of its calls is answered.
    Busy,
}

impl Lanes {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, lanes: BTreeMap::new(), turns: VecDeque::new(), due: 0 }
    }

    /// How many calls are due.
    pub(super) fn due(&self) -> usize {
        self.due
    }

    pub(super) fn push(&mut self, due: Due) {
        let key = (due.service, due.region.clone());
        let bounds = self.bounds;
        let lane = self.lanes.entry(key.clone()).or_insert_with(|| Lane::new(bounds));
        if lane.is_empty() {
            self.turns.push_back(key);
        }
        match due.cost {
            Cost::Small => lane.small.push_back(due),
            Cost::Large => lane.large.push_back(due),
        }
        self.due += 1;
    }

    /// The lanes that have something due, in the order of their turns.
    pub(super) fn turns(&self) -> Vec<LaneKey> {
        self.turns.iter().cloned().collect()
    }

    /// What the lane would start next, with calls of this cost.
    pub(super) fn next(&self, key: &LaneKey, cost: Cost, now: Instant) -> Option<Next<'_>> {
        let lane = self.lanes.get(key)?;
        let due = lane.queue(cost).front()?;
        Some(match lane.paused_until {
            Some(until) if until > now => Next::Paused(until),
            _ if lane.under_way >= lane.allowed => Next::Busy,
            _ => Next::Call(due),
        })
    }

    /// Takes out what [`Lanes::next`] showed, to be started; the lane's next turn is after all others'.
    pub(super) fn take(&mut self, key: &LaneKey, cost: Cost) -> Option<Due> {
        let lane = self.lanes.get_mut(key)?;
        let due = match cost {
            Cost::Small => lane.small.pop_front(),
            Cost::Large => lane.large.pop_front(),
        }?;
        lane.under_way += 1;
        self.due -= 1;
        let has_more = !lane.is_empty();
        self.turns.retain(|turn| turn != key);
        if has_more {
            self.turns.push_back(key.clone());
        }
        Some(due)
    }

    /// A call of the lane is no longer under way.
    pub(super) fn ended(&mut self, key: &LaneKey) {
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.under_way = lane.under_way.saturating_sub(1);
        }
    }

    /// AWS answered a call of the lane, with whatever: it may go a little faster again.
    pub(super) fn answered(&mut self, key: &LaneKey) {
        let most = self.bounds.per_service.max(1);
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.pauses = 0;
            lane.pause /= 2;
            lane.allowed = (lane.allowed + 1).min(most);
        }
    }

    /// AWS refused a call of the lane for its rate. Half of the calls at a time, and none for a while. Calls
    /// that were under way together and are refused together count once. Says how long the pause is, if this
    /// began one.
    pub(super) fn throttled(&mut self, key: &LaneKey, now: Instant) -> Option<Duration> {
        let Bounds { first_pause, longest_pause, .. } = self.bounds;
        let lane = self.lanes.get_mut(key)?;
        if lane.paused_until.is_some_and(|until| until > now) {
            return None;
        }
        lane.allowed = (lane.allowed / 2).max(1);
        lane.pause = (lane.pause * 2).clamp(first_pause, longest_pause.max(first_pause));
        lane.pauses += 1;
        lane.paused_until = Some(now + lane.pause);
        Some(lane.pause)
    }

    /// Whether the lane was given its chances.
    pub(super) fn is_hopeless(&self, key: &LaneKey) -> bool {
        self.lanes.get(key).is_some_and(|lane| lane.pauses >= self.bounds.fruitless_pauses.max(1))
    }

    /// Takes everything out that is due in a lane.
    pub(super) fn empty(&mut self, key: &LaneKey) -> Vec<Due> {
        let Some(lane) = self.lanes.get_mut(key) else { return Vec::new() };
        let all: Vec<Due> = lane.small.drain(..).chain(lane.large.drain(..)).collect();
        self.due -= all.len();
        self.turns.retain(|turn| turn != key);
        all
    }

    /// Takes out one call, whichever comes first.
    pub(super) fn pop(&mut self) -> Option<Due> {
        let key = self.turns.front()?.clone();
        let lane = self.lanes.get_mut(&key)?;
        let due = lane.small.pop_front().or_else(|| lane.large.pop_front())?;
        self.due -= 1;
        if lane.is_empty() {
            self.turns.pop_front();
        }
        Some(due)
    }
}

impl Lane {
    fn new(bounds: Bounds) -> Self {
        Self {
            small: VecDeque::new(),
            large: VecDeque::new(),
            under_way: 0,
            allowed: bounds.per_service.max(1),
            paused_until: None,
            pause: Duration::ZERO,
            pauses: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    fn queue(&self, cost: Cost) -> &VecDeque<Due> {
        match cost {
            Cost::Small => &self.small,
            Cost::Large => &self.large,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn due(service: usize, region: &str, number: u32, cost: Cost) -> Due {
        Due {
            service,
            call: 0,
            cost,
            began_in: region.into(),
            region: region.into(),
            parameters: json!({ "Number": number }).to_string().into(),
            question: crate::canonical::sha256(b""),
            impossible: None,
            throttled: 0,
            refused: None,
            waited: 0,
            renewed: false,
        }
    }

    fn key(service: usize, region: &str) -> LaneKey {
        (service, region.into())
    }

    #[test]
    fn lanes_take_turns() {
        let mut lanes = Lanes::new(Bounds::default());
        for number in 0..3 {
            lanes.push(due(0, "a", number, Cost::Small));
        }
        lanes.push(due(1, "a", 10, Cost::Small));
        lanes.push(due(0, "b", 20, Cost::Small));
        let mut order = Vec::new();
        while let Some(first) = lanes.turns().first().cloned() {
            order.push(lanes.take(&first, Cost::Small).unwrap().parameters()["Number"].as_u64().unwrap());
        }
        assert_eq!(order, [0, 10, 20, 1, 2]);
        assert_eq!(lanes.due(), 0);
    }

    #[test]
    fn a_refusal_slows_one_lane_and_answers_speed_it_up_again() {
        let bounds = Bounds { per_service: 8, fruitless_pauses: 2, ..Bounds::default() };
        let mut lanes = Lanes::new(bounds);
        let (slow, other) = (key(0, "a"), key(1, "a"));
        for number in 0..20 {
            lanes.push(due(0, "a", number, Cost::Small));
            lanes.push(due(1, "a", number, Cost::Small));
        }
        let now = Instant::now();
        for _ in 0..8 {
            lanes.take(&slow, Cost::Small).unwrap();
        }
        assert!(matches!(lanes.next(&slow, Cost::Small, now), Some(Next::Busy)));
        assert_eq!(lanes.throttled(&slow, now), Some(Duration::from_millis(500)));
        assert_eq!(lanes.throttled(&slow, now), None, "refused together");
        assert!(matches!(lanes.next(&slow, Cost::Small, now), Some(Next::Paused(_))));
        assert!(matches!(lanes.next(&other, Cost::Small, now), Some(Next::Call(_))));
        let later = now + Duration::from_secs(1);
        (0..5).for_each(|_| lanes.ended(&slow));
        assert!(matches!(lanes.next(&slow, Cost::Small, later), Some(Next::Call(_))), "three of four");
        assert!(!lanes.is_hopeless(&slow));
        assert_eq!(lanes.throttled(&slow, later), Some(Duration::from_secs(1)));
        assert!(lanes.is_hopeless(&slow));
        lanes.answered(&slow);
        assert!(!lanes.is_hopeless(&slow));
        let much_later = later + Duration::from_secs(60);
        assert_eq!(lanes.throttled(&slow, much_later), Some(Duration::from_secs(1)), "half, doubled");
        for pauses in 1..20 {
            let pause = lanes.throttled(&slow, much_later + Duration::from_secs(60 * pauses)).unwrap();
            assert!(pause <= bounds.longest_pause);
        }
        assert_eq!(lanes.empty(&slow).len(), 12);
        assert_eq!(lanes.due(), 20);
    }

    #[test]
    fn a_large_call_that_must_wait_holds_up_no_small_one() {
        let mut lanes = Lanes::new(Bounds::default());
        lanes.push(due(0, "a", 1, Cost::Large));
        lanes.push(due(0, "a", 2, Cost::Small));
        let now = Instant::now();
        let Some(Next::Call(small)) = lanes.next(&key(0, "a"), Cost::Small, now) else { panic!() };
        assert_eq!(small.parameters()["Number"], 2);
        assert!(matches!(lanes.next(&key(0, "a"), Cost::Large, now), Some(Next::Call(_))));
        assert_eq!(lanes.pop().unwrap().parameters()["Number"], 2);
        assert_eq!(lanes.pop().unwrap().parameters()["Number"], 1);
        assert!(lanes.pop().is_none());
    }
}
