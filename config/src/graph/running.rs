//! Which components run while others are down by themselves.
use super::dense::Dense;
use crate::id::Id;
use crate::map::DependencyMap;

/// A map made ready to be asked again and again what still runs.
///
/// An edge with a share below 1 degrades and does not count; hold-up times do
/// not count either: the question is about lasting states.
pub struct Running<'a> {
    dense: Dense<'a>,
    users: Vec<Vec<usize>>,
}

impl<'a> Running<'a> {
    /// Makes a map ready.
    pub fn of(map: &'a DependencyMap) -> Self {
        let dense = Dense::of(map);
        let users = dense.users(|node| vec![&node.run]);
        Self { dense, users }
    }

    /// The components by number, in order of id.
    pub fn ids(&self) -> &[&'a Id] {
        &self.dense.ids
    }

    /// What runs while exactly the marked components are down by themselves:
    /// the largest set in which everything has what it needs.
    pub fn up(&self, down: &[bool]) -> Vec<bool> {
        let mut up: Vec<bool> = down.iter().map(|down| !down).collect();
        let mut open: Vec<usize> = (0..up.len()).filter(|index| !up[*index]).collect();
        while let Some(index) = open.pop() {
            for user in &self.users[index] {
                if up[*user] && !self.dense.nodes[*user].run.holds(&up) {
                    up[*user] = false;
                    open.push(*user);
                }
            }
        }
        up
    }
}
