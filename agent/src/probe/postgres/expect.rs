//! What has to be in a database that came back: tables with their rows, and how new the newest is.
use std::collections::BTreeMap;

use evenkeel_config::quantity::Span;
use evenkeel_config::record::Failure;
use jiff::{SignedDuration, Timestamp};

use super::Cluster;

/// The keys `tables`, `newest` and `max_age` of a check.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Tables, each with the fewest rows that it may have.
    pub tables: BTreeMap<String, u64>,
    /// A query that gives the time of the newest row.
    pub newest: Option<String>,
    /// How old the newest row may be.
    pub max_age: Option<Span>,
}

/// What was found in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whether all is as it has to be.
    pub works: bool,
    /// In words.
    pub what: String,
    /// Time of the newest row.
    pub newest: Option<Timestamp>,
}

impl Expected {
    /// Asks a database that runs.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn ask(
        &self,
        cluster: &Cluster,
        user: &str,
        database: &str,
        now: Timestamp,
    ) -> Result<Found, Failure> {
        let mut wrong = Vec::new();
        let mut right = Vec::new();
        let count = "select count(*) from pg_catalog.pg_tables \
                     where schemaname not in ('pg_catalog', 'information_schema')";
        match cluster.ask_as(user, database, count).await? {
            Ok(count) if count != "0" => right.push(format!("{count} tables")),
            Ok(_) => wrong.push("there is no table in it".to_owned()),
            Err(said) => wrong.push(format!("its tables cannot be listed: {said}")),
        }
        for (table, least) in &self.tables {
            let sql = format!("select count(*) from {}", quoted(table));
            match cluster.ask_as(user, database, &sql).await? {
                Ok(rows) => match rows.parse::<u64>() {
                    Ok(rows) if rows >= *least => right.push(format!("{table} with {rows} rows")),
                    _ => wrong.push(format!("{table} has {rows} rows, at least {least} are due")),
                },
                Err(said) => wrong.push(format!("{table} cannot be counted: {said}")),
            }
        }
        let mut newest = None;
        if let Some(query) = &self.newest {
            let query = query.trim().trim_end_matches(';');
            let sql = format!("select extract(epoch from ({query})::timestamptz)::bigint");
            match cluster.ask_as(user, database, &sql).await? {
                Ok(seconds) => {
                    newest = seconds.parse().ok().and_then(|it| Timestamp::from_second(it).ok());
                    if newest.is_none() {
                        wrong.push("the query for the newest row gives none".to_owned());
                    }
                }
                Err(said) => wrong.push(format!("the newest row cannot be asked for: {said}")),
            }
        }
        if let (Some(newest), Some(most)) = (newest, self.max_age) {
            let age = now.duration_since(newest);
            if age > SignedDuration::from_millis(most.as_ms()) {
                wrong.push(format!("its newest row is of {newest:.0}, older than {most}"));
            } else {
                right.push(format!("newest row of {newest:.0}"));
            }
        }
        let works = wrong.is_empty();
        let what = if works { right.join(", ") } else { wrong.join("; ") };
        Ok(Found { works, what, newest })
    }
}

/// A table's name as SQL, with its schema if that is given.
fn quoted(table: &str) -> String {
    let part = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    match table.split_once('.') {
        Some((schema, name)) => format!("{}.{}", part(schema), part(name)),
        None => part(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("public.invoices"), "\"public\".\"invoices\"");
        assert_eq!(quoted("a\"; drop"), "\"a\"\"; drop\"");
    }
}
