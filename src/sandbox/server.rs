//! Serves a sandbox over HTTP: Atlassian's calls, and the sandbox's own routes.

use std::io;

use axum::Router;
use tokio::net::TcpListener;

use super::{Sandbox, control, exchange, stream};

impl Sandbox {
    /// Answers calls until `stop` is ready and the calls in progress are answered.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let routes: Router = control::routes().fallback(exchange::respond).with_state(self);
        let service = routes.into_make_service_with_connect_info::<stream::KillSwitch>();
        axum::serve(stream::KillableListener(listener), service).with_graceful_shutdown(stop).await
    }
}
