//! Building blocks of every page: layout, words and marks.
pub mod assets;
pub mod layout;
pub mod marks;
pub mod names;
pub mod sizes;
pub mod verdict;
pub mod words;
