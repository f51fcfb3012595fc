//! What would meet a digit that is not met, and what would tell one that nobody can tell.
use super::copies::Answer;
use super::digits::{Case, Copy};
use super::{Digit, Met};

impl Case<'_> {
    /// What to do, in plain words, without full stop; nothing where the digit is met.
    pub(super) fn advice(&self, digit: Digit, met: Met) -> String {
        match met {
            Met::Yes => String::new(),
            _ if self.copies.is_empty() => {
                "start a backup of it, and write down in the map where it goes (`backups`)".into()
            }
            Met::CannotTell => self.to_tell(digit),
            Met::No => self.to_meet(digit),
        }
    }

    fn to_meet(&self, digit: Digit) -> String {
        let broken = self.named(|copy| copy.counts.is_no());
        let mended = |what: &str| match broken.as_str() {
            "" => what.to_owned(),
            names => format!("mend {names}, or {what}"),
        };
        match digit {
            Digit::Copies => {
                mended("add a copy that shares no device, site or login with the others")
            }
            Digit::Media => {
                mended("keep a copy on another medium, such as another device, tape or a cloud")
            }
            Digit::OffSite => mended("keep a copy at another site"),
            Digit::Immutable => "keep a copy offline, or where nobody who holds our logins can \
                                 delete it (object lock, append-only)"
                .to_owned(),
            Digit::Errors if !broken.is_empty() => {
                format!("mend {broken}, then restore from it as a drill")
            }
            Digit::Errors => {
                "restore it once as a drill, from each copy (`evenkeel-agent drill`)".to_owned()
            }
        }
    }

    fn to_tell(&self, digit: Digit) -> String {
        let mut steps = Vec::new();
        let unseen = self.named(|copy| {
            let of_digit = match digit {
                Digit::Immutable => &copy.immutable,
                _ => &copy.counts,
            };
            [of_digit, &copy.counts].iter().any(|one| matches!(one, Answer::CannotTell(_)))
        });
        if !unseen.is_empty() {
            steps.push(format!("let a check look at {unseen}"));
        }
        let stands = || {
            let copies = self.copies.iter().filter(|copy| !copy.counts.is_no());
            std::iter::once(&self.live).chain(copies.map(|copy| &copy.stand))
        };
        if digit == Digit::Copies {
            let silent = stands().filter(|stand| !stand.is_login_known());
            let names: Vec<String> = silent.map(|stand| stand.name.clone()).collect();
            if !names.is_empty() {
                let names = super::digits::listed(&names);
                steps.push(format!(
                    "say in the map whose login can destroy {names} (`credential_domain`)"
                ));
            }
        }
        if matches!(digit, Digit::Copies | Digit::OffSite) {
            let nowhere = stands().filter(|stand| !stand.is_place_known());
            let names: Vec<String> = nowhere.map(|stand| stand.name.clone()).collect();
            if !names.is_empty() {
                let names = super::digits::listed(&names);
                steps.push(format!("say in the map at which site to find {names} (`site`)"));
            }
        }
        if steps.is_empty() {
            // Of two clouds nobody knows whether they are one.
            steps.push("say in the map at which site each copy stands (`site`)".to_owned());
        }
        steps.join("; ")
    }

    fn named(&self, is_meant: impl Fn(&Copy<'_>) -> bool) -> String {
        let names = self.copies.iter().filter(|copy| is_meant(copy));
        super::digits::listed(&names.map(|copy| copy.stand.name.clone()).collect::<Vec<_>>())
    }
}
