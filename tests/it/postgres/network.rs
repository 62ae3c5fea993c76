//! The network between a replica and its database: a relay that can be cut and pointed at another server.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Debug, Clone, Copy)]
struct Route {
    server: SocketAddr,
    is_cut: bool,
}

/// A way to a server.
pub(super) struct Network {
    pub(super) address: SocketAddr,
    route: watch::Sender<Route>,
    _relay: JoinSet<()>,
}

impl Network {
    pub(super) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (route, current) = watch::channel(Route { server, is_cut: false });
        let mut relay = JoinSet::new();
        relay.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connections.spawn(connect(client, current.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, route, _relay: relay }
    }

    /// Bytes wait from now on, in both directions. No connection is closed.
    pub(super) fn cut(&self) {
        self.route.send_modify(|route| route.is_cut = true);
    }

    /// The bytes that wait arrive.
    pub(super) fn join(&self) {
        self.route.send_modify(|route| route.is_cut = false);
    }

    /// New connections lead to this server.
    pub(super) fn lead_to(&self, server: SocketAddr) {
        self.route.send_modify(|route| route.server = server);
    }
}

async fn connect(client: TcpStream, mut route: watch::Receiver<Route>) {
    until_joined(&mut route).await;
    let server = route.borrow().server;
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = relay(from_client, to_server, route.clone()) => {}
        () = relay(from_server, to_client, route.clone()) => {}
    }
}

async fn relay(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut route: watch::Receiver<Route>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        until_joined(&mut route).await;
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    // The end of a connection does not arrive earlier than its bytes.
    until_joined(&mut route).await;
}

async fn until_joined(route: &mut watch::Receiver<Route>) {
    while route.borrow_and_update().is_cut && route.changed().await.is_ok() {}
}
