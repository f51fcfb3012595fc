//! What became of data and of its copies, in words.
use evenkeel_config::record::EventKind;

use super::{Draft, Teller};
use crate::kernel::{Entry, Unfit};
use crate::words::duration;

impl Teller<'_> {
    /// What became of data.
    pub(super) fn restore(&mut self, at: i64, entry: &Entry) {
        let names = self.names;
        let node = |data: u32| {
            let node = names.model.datasets.get(data as usize).map(|data| data.node);
            node.into_iter().collect::<Vec<u32>>()
        };
        let both = |data: u32, copy: u32| {
            let mut nodes = node(data);
            nodes.push(copy);
            nodes
        };
        let draft = match *entry {
            Entry::CopyUnfit { data, copy, why, snapshot } => {
                let (what, from) = (names.data(data), names.title(copy));
                let of = snapshot.map_or(String::new(), |at| format!(" of {}", names.local.at(at)));
                let text = match why {
                    Unfit::Gone => format!("no copy of {what} is left in {from}"),
                    Unfit::NoneClean => format!(
                        "{from} holds no clean copy of {what}: the newest{of} is from after the \
                         intruder came, and none is older"
                    ),
                    Unfit::TooNew => format!(
                        "the newest copy of {what} in {from}{of} is from after the intruder came; \
                         an older one has to do"
                    ),
                    Unfit::Damaged => {
                        format!("the copy of {what} in {from}{of} comes back damaged")
                    }
                    Unfit::Broken => {
                        format!(
                            "restoring {what} from {from} does not work at all: key, reach or tool"
                        )
                    }
                };
                Draft::new(at, EventKind::CopyUnfit, both(data, copy), text)
            }
            Entry::CopyAwaited { data, copy } => {
                let text = format!(
                    "the restore of {} waits: {} or the way to it is not up",
                    names.data(data),
                    names.title(copy)
                );
                Draft::new(at, EventKind::WaitGate, both(data, copy), text)
            }
            Entry::Transfer { data, copy, snapshot, alone } => {
                let text = format!(
                    "{} comes back from {} as of {}; alone it takes {}",
                    names.data(data),
                    names.title(copy),
                    names.local.at(snapshot),
                    duration(alone)
                );
                Draft::new(at, EventKind::Transfer, both(data, copy), text)
            }
            Entry::TransferCut { node } => {
                let text = format!(
                    "transfers are cut, since {} went down; they begin anew later",
                    names.title(node)
                );
                Draft::new(at, EventKind::Contention, vec![node], text)
            }
            Entry::TransferEnded { data, alone_until, link, .. } if at > alone_until => {
                let text = format!(
                    "the restore of {} took {} longer than alone, because {} is shared",
                    names.data(data),
                    duration(at - alone_until),
                    names.title(link)
                );
                Draft::new(at, EventKind::Contention, both(data, link), text)
            }
            Entry::Restored { data, copy, snapshot } => {
                let text = format!(
                    "{}: restored as of {}; {} of work is lost",
                    names.data(data),
                    names.local.at(snapshot),
                    duration(-snapshot)
                );
                Draft::new(at, EventKind::Restored, both(data, copy), text)
            }
            Entry::NoCopy { data } => {
                let text =
                    format!("no usable copy of {} is left: all of it is lost", names.data(data));
                Draft::new(at, EventKind::Lost, node(data), text)
            }
            Entry::Reentered { step, data, until } => {
                let text =
                    format!("{}: entered again by hand, {}", names.data(data), names.until(until));
                Draft::new(at, EventKind::Lost, node(data), text).step(step).until(until)
            }
            _ => return,
        };
        self.drafts.push(draft);
    }
}
