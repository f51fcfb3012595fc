//! Building blocks of every page: layout, words, marks, and the parts that
//! several pages show.
pub mod assets;
pub mod causes;
pub mod chance;
pub mod changes;
pub mod copies_rule;
pub mod figures;
pub mod fix_table;
pub mod function_table;
pub mod headline;
pub mod layout;
pub mod links;
pub mod marks;
pub mod moves;
pub mod names;
pub mod sizes;
pub mod sure;
pub mod verdict;
pub mod waterfall_table;
pub mod words;
pub mod year;
