//! Tables of situations: each row is built for real, and what is found is held against what is expected.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows that are built at the same time: tools wait more than they compute.
const AT_ONCE: usize = 3;

/// One row of a table.
pub(crate) struct Row<'t> {
    /// What is told of it when it does not hold.
    pub(crate) what: String,
    /// The findings, as [`super::ids`] names them.
    pub(crate) expected: &'static [&'static str],
    /// Builds it and gives what is found.
    pub(crate) found: Box<dyn Fn() -> Vec<String> + Sync + 't>,
}

/// Every row yields what it should; all that do not are told at once.
pub(crate) fn hold(rows: &[Row<'_>]) {
    assert!(!rows.is_empty());
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = catch_unwind(AssertUnwindSafe(|| (row.found)()));
            if !found.as_ref().is_ok_and(|found| found == row.expected) {
                let told = format!("{}: {found:?} is not {:?}", row.what, row.expected);
                wrong.lock().unwrap().push(told);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
