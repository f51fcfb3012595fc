//! A cap on open connections: more than that are closed as soon as they come.
use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Layer;

/// Lets in as many connections at a time as it has places.
#[derive(Debug, Clone)]
pub(super) struct Limit(Arc<Semaphore>);

impl Limit {
    pub(super) fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }
}

impl<I, S> Accept<I, S> for Limit {
    type Stream = I;
    /// The service of a connection holds its place until the connection ends.
    type Service = AddExtension<S, Arc<OwnedSemaphorePermit>>;
    type Future = Ready<io::Result<(I, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        ready(match Arc::clone(&self.0).try_acquire_owned() {
            Ok(place) => Ok((stream, Extension(Arc::new(place)).layer(service))),
            Err(_) => Err(io::Error::other("too many connections")),
        })
    }
}
