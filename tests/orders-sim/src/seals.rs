//! What people do about a lost machine: one proposes to seal its replica, another
//! one agrees, and the hub gives its history and its place on.
//!
//! Invariant: a replica that is lost is sealed by two persons, and once.

use anyhow::{Context as _, Result, bail};
use evertill_domain::exception::ExceptionKind;
use evertill_domain::order::PromiseId;
use evertill_hub::services::seals::{self, Seal, SealRefusal};
use evertill_storage::projection::rights;
use evertill_storage::{WriteError, exceptions, feed};

use crate::bug::Bug;
use crate::line;
use crate::lives::Lost;
use crate::oracle::Touched;
use crate::world::World;

impl World {
    /// People seal what is lost: one proposes it, and another one agrees.
    pub(crate) fn seal_what_is_lost(&mut self, hurry: bool) -> Result<usize> {
        let mut done = 0;
        for mut lost in std::mem::take(&mut self.lost) {
            if lost.due > self.step && !hurry {
                self.lost.push(lost);
                continue;
            }
            done += 1;
            lost.due = self.step + self.rng.between(1, 6);
            if let Some(by) = lost.proposed.filter(|_| self.rng.chance(1, 3)) {
                self.alone(&lost, by)?;
            }
            let by = match lost.proposed {
                Some("ada") => "grace",
                Some(_) | None => "ada",
            };
            match self.seal(&lost, by)? {
                Ok(seal) if seal.approved_by.is_some() => self.sealed(&lost, &seal)?,
                Ok(_) => {
                    lost.proposed = Some(by);
                    self.lost.push(lost);
                }
                // It was heard meanwhile: its line is cut, and it is said anew.
                Err(SealRefusal::Alive(_)) => {
                    for stray in &mut self.strays {
                        stray.seat = None;
                    }
                    self.lost.push(lost);
                }
                Err(SealRefusal::SameKey { .. } | SealRefusal::Rejected(_)) => {
                    lost.proposed = None;
                    self.lost.push(lost);
                }
                // The hub never heard of it.
                Err(SealRefusal::Unknown(_)) => {}
                Err(error) => bail!("a seal of {}: {error}", lost.replica),
            }
        }
        Ok(done)
    }

    fn seal(&mut self, lost: &Lost, by: &str) -> Result<Result<Seal, SealRefusal>> {
        let (hub, author) = (self.hub.hub().clone(), self.hub.author().clone());
        let (state, replica, by) = (hub.clone(), lost.replica, by.to_owned());
        let sealed = hub.store().write_blocking("seal", move |tx| {
            let who = (by.as_str(), Some("it is gone"));
            seals::seal(tx, (&state, &author), replica, who, state.now())
        });
        Ok(match sealed {
            Ok(seal) => Ok(seal),
            Err(WriteError::Rejected(refusal)) => Err(refusal),
            Err(error) => return Err(error).context("a seal"),
        })
    }

    /// The first person tries alone, and must not succeed.
    fn alone(&mut self, lost: &Lost, by: &str) -> Result<()> {
        if self.has(Bug::OnePersonSeals) {
            self.hub_sql("UPDATE seal_proposal SET proposed_by = 'nobody'")?;
        }
        if let Ok(seal) = self.seal(lost, by)?
            && seal.approved_by.is_some()
        {
            let what = format!("{seal:?}");
            self.violated("two persons seal", what);
        }
        Ok(())
    }

    /// A replica is sealed: its rights stand, its promises are told of, and each
    /// product is counted before anything is made of it.
    fn sealed(&mut self, lost: &Lost, seal: &Seal) -> Result<()> {
        self.note(&format!("{} is sealed at {}", seal.replica, seal.seq));
        if self.has(Bug::SealedPromisesUntold) {
            self.hub_sql("DELETE FROM exception WHERE key LIKE 'sealed:%'")?;
        }
        let (replica, hub) = (seal.replica, self.hub.hub().store().clone());
        for pair in self.pairs(Some(lost.at)) {
            let of = pair.clone();
            let cells = hub.read_blocking(move |conn| rights::cells(conn, &of.0, &of.1))?;
            let stands = cells.seal_of(replica);
            self.books.sealed.insert((pair.clone(), replica), stands);
            if seal.recount {
                self.books.awaits.insert(pair);
            }
        }
        self.observe(Touched::Hub)?;
        let told =
            hub.read_blocking(|conn| exceptions::open_of_kind(conn, ExceptionKind::SealedPromise))?;
        let live: Vec<PromiseId> = self
            .pairs(Some(lost.at))
            .iter()
            .flat_map(|pair| self.truth.live_ids(pair))
            .collect();
        let untold = live.iter().find(|id| {
            let key = format!("sealed:{id}");
            told.iter().filter(|one| one.opening.key == key).count() != 1
        });
        if let Some(id) = untold {
            self.violated("each promise of a sealed replica is told of", id);
        }
        self.done.seals += 1;
        if self.has(Bug::SealedCellsCount) {
            self.hub_sql("UPDATE seal SET seq = 1000000")?;
        }
        if self.has(Bug::NamedBeforeReturned) {
            self.hub_sql(
                "INSERT OR REPLACE INTO returned SELECT replica, head_seq FROM journal
                 WHERE replica IN (SELECT replica FROM seal)",
            )?;
        }
        Ok(())
    }

    /// The hub gives history and places on.
    pub(crate) fn succeed(&mut self) -> Result<()> {
        let (hub, author) = (self.hub.hub().clone(), self.hub.author().clone());
        self.hub.run(seals::succeed_due(&hub, &author))?;
        for at in 0..self.sites.len() {
            let (own, place) = (author.replica, self.sites[at].location.clone());
            let pairs = self.pairs(Some(at));
            let late = pairs.iter().any(|p| self.books.told_late.contains_key(p));
            if !late || self.astray[at] {
                continue;
            }
            let head = hub
                .store()
                .read_blocking(move |conn| feed::head(conn, own, &place))?;
            if line::feed_held(&self.sites[at])? == head.seq {
                self.books.told_late.retain(|pair, _| !pairs.contains(pair));
            }
        }
        Ok(())
    }
}
