//! [`Roster`]: which hosts are free, taken, or put aside.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Host;

/// How long a host that was not reached is left alone while there are others.
const ASIDE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Roster {
    places: Mutex<Vec<Place>>,
    changed: Notify,
}

#[derive(Debug)]
struct Place {
    host: Host,
    taken: bool,
    aside_until: Option<Instant>,
}

/// A host that nobody else has; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    roster: Arc<Roster>,
    index: usize,
    host: Host,
}

/// What to do for a host.
enum Choice {
    Take(usize),
    /// Until something changes, or this moment.
    Wait(Option<Instant>),
    GiveUp,
}

impl Roster {
    pub(super) fn new(hosts: Vec<Host>) -> Arc<Self> {
        let place = |host| Place { host, taken: false, aside_until: None };
        let places = Mutex::new(hosts.into_iter().map(place).collect());
        Arc::new(Self { places, changed: Notify::new() })
    }

    /// Takes a host that was not `tried`, as soon as there is one; `None` when there will be none.
    pub(super) async fn take(self: &Arc<Self>, tried: &[&str]) -> Option<Taken> {
        self.when(|places| choose(places, tried, Instant::now())).await
    }

    /// Takes this host, as soon as it is free; `None` when it is not listed.
    pub(super) async fn take_this(self: &Arc<Self>, name: &str) -> Option<Taken> {
        let choose = |places: &[Place]| match places.iter().position(|p| p.host.name() == name) {
            Some(index) if places[index].taken => Choice::Wait(None),
            Some(index) => Choice::Take(index),
            None => Choice::GiveUp,
        };
        self.when(choose).await
    }

    async fn when(self: &Arc<Self>, choose: impl Fn(&[Place]) -> Choice) -> Option<Taken> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on, no change is missed.
            changed.as_mut().enable();
            let until = {
                let mut places = self.lock();
                match choose(&places) {
                    Choice::Take(index) => {
                        places[index].taken = true;
                        let host = places[index].host.clone();
                        return Some(Taken { roster: Arc::clone(self), index, host });
                    }
                    Choice::GiveUp => return None,
                    Choice::Wait(until) => until,
                }
            };
            match until {
                Some(until) => drop(tokio::time::timeout_at(until, changed).await),
                None => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A free host that is not put aside; else, while others are in use, the next that changes; else one that was put aside.
fn choose(places: &[Place], tried: &[&str], now: Instant) -> Choice {
    let open = |place: &&Place| !tried.contains(&place.host.name().as_str());
    let aside = |place: &Place| place.aside_until.filter(|until| *until > now);
    let index = |wanted: &Place| places.iter().position(|place| std::ptr::eq(place, wanted));
    let free: Vec<&Place> = places.iter().filter(open).filter(|place| !place.taken).collect();
    let best = free.iter().find(|place| aside(place).is_none());
    let last_resort = || free.iter().min_by_key(|place| aside(place));
    let others_are_used = places.iter().filter(open).any(|place| place.taken);
    if best.is_none() && others_are_used {
        return Choice::Wait(free.iter().filter_map(|place| aside(place)).min());
    }
    best.or_else(last_resort).and_then(|place| index(place)).map_or(Choice::GiveUp, Choice::Take)
}

impl Taken {
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// It was reached: no other comes before it.
    pub(super) fn reached(&self) {
        self.roster.lock()[self.index].aside_until = None;
    }

    /// It was not reached: others come first for a while.
    pub(super) fn put_aside(self) {
        self.roster.lock()[self.index].aside_until = Some(Instant::now() + ASIDE);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.roster.lock()[self.index].taken = false;
        self.roster.changed.notify_waiters();
    }
}
