//! What happened in a trial, entry by entry, for whoever wants it told; kept only when asked for.
use evenkeel_config::map::OnFailure;
use evenkeel_config::scenario::Effect;

use super::Trial;
use super::restore::Clean;

/// Why a copy or one of its snapshots was passed over or did not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unfit {
    /// The repository was destroyed or what could be deleted in it was.
    Gone,
    /// Nothing in it is from before the intruder came, or old enough for another reason.
    NoneClean,
    /// The newest snapshot is from after the intruder came; an older one is a candidate.
    TooNew,
    /// The content of the snapshot turned out damaged.
    Damaged,
    /// The restore procedure itself does not work: key, reach or tool.
    Broken,
}

/// One thing that happened. Components, steps and strikes are the model's
/// indices; instants are milliseconds since the strike.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "each entry's comment says what its parts are")]
pub enum Entry {
    /// Somebody is away from the beginning, until an instant.
    Away { node: u32, until: i64 },
    /// A blow changed a component's own state.
    Struck { node: u32, strike: u32, effect: Effect },
    /// A blow destroyed a repository, or what could be deleted in it.
    CopyGone { node: u32, strike: u32, spared: bool },
    /// An outage began that ends by itself.
    OutageBegan { node: u32, strike: u32, until: i64 },
    /// It ended.
    OutageEnded { node: u32 },
    /// The mains failed and a battery carries on until an instant.
    OnBattery { node: u32, until: i64 },
    /// A component's capacity, in millionths, before and after.
    Capacity { node: u32, before: i32, after: i32 },
    /// A step was not needed, or did not happen in this trial.
    Skipped { step: u32 },
    /// A step has to wait for a component to be up or at hand.
    Gated { step: u32, by: u32 },
    /// A step began.
    Began { step: u32, attempt: u32 },
    /// A spare part was taken from stock.
    SpareTaken { step: u32, spare: u32 },
    /// Something was ordered and will be here at an instant.
    Ordered { step: u32, until: i64 },
    /// A spare part was ordered and will be here at an instant: for a step
    /// that found none in stock, or for the shelf, from which it took one.
    SpareOrdered { step: u32, spare: u32, until: i64, for_shelf: bool },
    /// A spare part came in, for a step or, where that is none, for the shelf.
    SpareCame { step: u32, spare: u32 },
    /// A vendor was called and will work on it from an instant on.
    VendorCalled { step: u32, vendor: u32, until: i64 },
    /// A step has been ready since an instant for somebody who was away until
    /// one instant, then busy until another, then off shift.
    Waited { step: u32, person: u32, since: i64, away_until: i64, busy_until: i64 },
    /// Somebody works on a step, until an instant; so much of it is hands-on.
    Works { step: u32, person: u32, until: i64, effort: i64 },
    /// Hands-on work that nobody in particular does, until an instant.
    Elapses { step: u32, until: i64 },
    /// A copy was passed over or did not do; the start of the snapshot in
    /// milliseconds since the strike, if it is about one.
    CopyUnfit { data: u32, copy: u32, why: Unfit, snapshot: Option<i64> },
    /// A restore waits for a repository or a link on the way to it.
    CopyAwaited { data: u32, copy: u32 },
    /// Data begins to come back; alone it would take so long.
    Transfer { data: u32, copy: u32, snapshot: i64, alone: i64 },
    /// A transfer was cut because something went down.
    TransferCut { node: u32 },
    /// The bytes are back; alone it would have taken until an instant; the
    /// narrowest link on the way.
    TransferEnded { data: u32, copy: u32, alone_until: i64, link: u32 },
    /// Data is back as of a snapshot.
    Restored { data: u32, copy: u32, snapshot: i64 },
    /// No usable copy is left.
    NoCopy { data: u32 },
    /// Lost data is entered again, until an instant.
    Reentered { step: u32, data: u32, until: i64 },
    /// A step did not work; what follows.
    Failed { step: u32, attempt: u32, then: OnFailure },
    /// A step is done.
    Done { step: u32 },
    /// Nobody wrote down how a component comes back.
    NoSteps { node: u32 },
    /// A struck alternative waits until another one's recovery is over.
    InLine { node: u32, behind: u32 },
    /// All phases are over: recovery begins.
    RecoveryBegins,
    /// A fail-over begins.
    FailoverBegins { node: u32 },
    /// A fail-over ended, for good or ill.
    FailoverEnded { node: u32, works: bool },
    /// What was restored from an unclean snapshot is suspect again.
    Reinfected { node: u32 },
    /// A certificate, domain or licence lapsed.
    Lapsed { node: u32 },
    /// A component's own state is whole again.
    Whole { node: u32 },
}

/// An entry with its instant in milliseconds since the strike.
pub type Noted = (i64, Entry);

impl Trial<'_> {
    /// From the next trial on, keeps what happens.
    pub fn keep_log(&mut self) {
        self.log = Some(Vec::new());
    }

    /// What happened in the last trial, in order; empty unless it was to be kept.
    pub fn log(&self) -> &[Noted] {
        self.log.as_deref().unwrap_or_default()
    }

    /// The instant since which snapshots are not clean, in milliseconds since
    /// the strike; 0 when nobody was inside before.
    pub fn intruder_since(&self) -> i64 {
        self.clean_until - self.strike_at
    }

    #[inline]
    pub(super) fn note(&mut self, entry: Entry) {
        if let Some(log) = &mut self.log {
            log.push((self.now, entry));
        }
    }

    /// Says which copy a restore waits for.
    pub(super) fn note_awaited(&mut self, job: u32) {
        if self.log.is_none() {
            return;
        }
        if let (Some(data), Some(copy)) = (self.data_of(job), self.awaited_copy(job)) {
            self.note(Entry::CopyAwaited { data, copy });
        }
    }

    /// Says of every copy of a data set that is no candidate why it is none.
    pub(super) fn note_copies(&mut self, data: u32) {
        if self.log.is_none() {
            return;
        }
        let model = self.model;
        let strike_at = self.strike_at;
        for chain in &model.datasets[data as usize].chains {
            let copy = model.copies[chain.copy as usize].node;
            let clean = self.newest(chain, i64::MAX, Clean::Yes).map(|found| found.0);
            let kept = std::mem::replace(&mut self.clean_until, i64::MAX);
            let newest = self.newest(chain, i64::MAX, Clean::Yes).map(|found| found.0);
            self.clean_until = kept;
            let (why, snapshot) = match (clean, newest) {
                (None, None) => (Unfit::Gone, None),
                (None, Some(newest)) => (Unfit::NoneClean, Some(newest - strike_at)),
                (Some(clean), Some(newest)) if newest > clean => {
                    (Unfit::TooNew, Some(newest - strike_at))
                }
                _ => continue,
            };
            self.note(Entry::CopyUnfit { data, copy, why, snapshot });
        }
    }
}
