//! The peers: other ways to take a webhook. Measured where `benches/peers/install` has put them.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::{Daemon, Process};
use crate::folder::{Folder, KEY, NOWHERE, settings, until_reachable};
use crate::load::{Kind, Load};
use crate::table::{Table, median, ratio};

struct Peer {
    target: (&'static str, &'static str, &'static str),
    name: &'static str,
    path: &'static str,
    kind: Kind,
    command: fn(&Path, SocketAddr) -> Option<Command>,
}

const PEERS: [Peer; 3] = [
    Peer {
        target: ("T4", "≥ 2", ""),
        name: "adnanh/webhook, no command: nothing durable",
        path: "/hooks/hr0",
        kind: Kind::Hub,
        command: webhook,
    },
    Peer {
        target: ("T5", "≥ 6", "≥ 12"),
        name: "FastAPI + sqlite3, durable",
        path: "/webhooks/hr0",
        kind: Kind::Ignored,
        command: fastapi,
    },
    Peer {
        target: ("T5", "≥ 6", "≥ 12"),
        name: "Express + better-sqlite3, durable",
        path: "/webhooks/hr0",
        kind: Kind::Ignored,
        command: express,
    },
];

/// Our intake beside other servers that take webhooks.
pub(crate) fn webhooks(table: &mut Table) {
    for peer in PEERS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let folder = Folder::new(&settings(NOWHERE, 1));
            let daemon = Daemon::serve(&folder);
            ours.push(Load::usual(daemon.webhooks).run().rate);
            drop(daemon);

            let folder = Folder::new("");
            let address = free_address();
            let Some(mut command) = (peer.command)(folder.path(), address) else { break };
            let _process = Process::start(&mut command, &folder.path().join("peer.log"));
            until_reachable(address);
            theirs.push(Load { path: Some(peer.path), kind: peer.kind, ..Load::usual(address) }.run().rate);
        }
        let what = format!("durable intake ÷ {}", peer.name);
        if theirs.is_empty() {
            table.add(peer.target, what, "not measured", "it is not installed");
        } else {
            let figures = format!("{:.0}/s beside {:.0}/s", median(ours.clone()), median(theirs.clone()));
            table.add(peer.target, what, format!("{:.2}", ratio(&ours, &theirs)), figures);
        }
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

fn installed(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(name);
    path.exists().then_some(path)
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn webhook(_folder: &Path, address: SocketAddr) -> Option<Command> {
    let found = Command::new("webhook").arg("-version").output();
    found.ok()?;
    let mut command = Command::new("webhook");
    command.arg("-hooks").arg(sources().join("hooks.json")).args(["-ip", "127.0.0.1", "-template", "-port"]);
    command.arg(address.port().to_string()).env("HR_KEY", KEY);
    Some(command)
}

fn fastapi(folder: &Path, address: SocketAddr) -> Option<Command> {
    let mut command = Command::new(installed("venv/bin/uvicorn")?);
    command.args(["--app-dir"]).arg(sources()).args(["--log-level", "warning", "--no-access-log", "--port"]);
    command.arg(address.port().to_string()).arg("fastapi_peer:app").current_dir(folder).env("HR_KEY", KEY);
    Some(command)
}

fn express(folder: &Path, address: SocketAddr) -> Option<Command> {
    let modules = installed("node_modules")?;
    let mut command = Command::new("node");
    command.arg(sources().join("express_peer.cjs")).current_dir(folder);
    command.env("PEER_MODULES", modules).env("PORT", address.port().to_string()).env("HR_KEY", KEY);
    Some(command)
}
