//! Building blocks of every page: layout, words, marks, and the parts that
//! several pages show.
pub mod assets;
pub mod causes;
pub mod figures;
pub mod headline;
pub mod layout;
pub mod marks;
pub mod names;
pub mod sizes;
pub mod verdict;
pub mod words;
