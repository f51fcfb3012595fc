//! Addresses of a name, as this host would find them: hosts file first, then its resolvers.
use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::Resolver;
use hickory_resolver::config::ResolveHosts;

/// Looks a name up within `limit`. Nothing is cached, so that a change is seen
/// at the next run; libc is not asked, so that a static build finds the same.
///
/// # Errors
/// Why there is no address, in words.
pub async fn addresses(name: &str, limit: Duration) -> Result<Vec<IpAddr>, String> {
    let mut builder =
        Resolver::builder_tokio().map_err(|error| format!("resolv.conf is not usable: {error}"))?;
    let options = builder.options_mut();
    options.cache_size = 0;
    options.attempts = 2;
    options.use_hosts_file = ResolveHosts::Always;
    let resolver = builder.build().map_err(|error| error.to_string())?;
    let found = tokio::time::timeout(limit, resolver.lookup_ip(name))
        .await
        .map_err(|_| "the look-up took too long".to_owned())?
        .map_err(|error| error.to_string())?;
    Ok(found.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_hosts_file_is_asked_first() {
        let found = addresses("localhost", Duration::from_secs(5)).await.expect("localhost");
        assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty(), "{found:?}");
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_said() {
        let error = addresses("not a name", Duration::from_secs(5)).await.expect_err("no address");
        assert!(!error.is_empty());
    }
}
