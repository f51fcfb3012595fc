//! The pages: pure functions of the picture and of what the reader asked for.
pub mod door;
pub mod evidence;
pub mod first;
pub mod function;
pub mod map;
pub mod report;
pub mod tonight;

#[cfg(test)]
mod rules;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod sample_year;

#[cfg(test)]
mod town;
