//! A primary with a synchronous standby, both on this machine, which can be killed, promoted and taken away.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::harness::postgres::{programs, shell};
use crate::stress::disk::Mounted;

/// The size of the primary's own disk.
const DISK: &str = "320m";

/// Makes both servers in the folder `$1` with the programs in `$2` on the ports `$3` and `$4`. Then each line of standard input is
/// a command; at its end both servers end.
const SERVERS: &str = r#"
set -e
cd "$1"
bin=$2
run() {
    "$bin/postgres" -D "$1" -p "$2" -k "$PWD" -c listen_addresses=127.0.0.1 >>"$1.log" 2>&1 &
    until "$bin/pg_isready" -q -h 127.0.0.1 -p "$2"; do sleep 0.05; done
}
"$bin/initdb" -D one -A trust -U postgres -E UTF8 --locale=C -N >initdb.log
cat >>one/postgresql.conf <<SETTINGS
wal_level = replica
max_connections = 100
shared_buffers = 64MB
hot_standby = on
wal_receiver_timeout = 5s
wal_keep_size = 128MB
SETTINGS
run one "$3"
"$bin/pg_basebackup" -h 127.0.0.1 -p "$3" -U postgres -D two -R -X stream
run two "$4"
echo "synchronous_standby_names = '*'" >>one/postgresql.conf
"$bin/pg_ctl" reload -D one >/dev/null
echo ready
while read -r order; do
    case $order in
        start-primary) "$bin/pg_isready" -q -h 127.0.0.1 -p "$3" || run one "$3" ;;
        kill-primary) kill -KILL "$(head -1 one/postmaster.pid)" ;;
        promote) "$bin/pg_ctl" promote -D two >/dev/null ;;
        stop-standby) "$bin/pg_ctl" stop -m immediate -D two >/dev/null ;;
        start-standby) run two "$4" ;;
    esac
    echo done
done
for name in one two; do
    "$bin/pg_ctl" stop -m immediate -D "$name" >/dev/null 2>&1 || true
done
rm -rf "$1" 2>/dev/null || true
"#;

pub(super) struct Cluster {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    primary: SocketAddr,
    standby: SocketAddr,
    folder: PathBuf,
    /// The disk of the primary, if it has one of its own.
    disk: Option<Mounted>,
}

impl Cluster {
    pub(super) fn start() -> Self {
        let (command, folder) = shell(SERVERS);
        Self::run(command, folder, None)
    }

    /// The data of the primary is on a small disk of its own. An error where nothing may be mounted.
    pub(super) fn start_on_a_disk_of_its_own() -> Result<Self, String> {
        let (command, folder) = shell(SERVERS);
        let owner = std::fs::metadata(&folder).unwrap();
        let options = format!("size={DISK},mode=0700,uid={},gid={}", owner.uid(), owner.gid());
        match Mounted::new(&folder.join("one"), &["-t", "tmpfs", "-o", &options, "tmpfs"]) {
            Ok(disk) => Ok(Self::run(command, folder, Some(disk))),
            Err(why) => {
                std::fs::remove_dir_all(folder).unwrap();
                Err(why)
            }
        }
    }

    fn run(mut command: Command, folder: PathBuf, disk: Option<Mounted>) -> Self {
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (primary, standby) = (port(), port());
        command.arg(&folder).arg(programs()).args([primary, standby].map(|address| address.port().to_string()));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, answers) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        let mut cluster = Self { process, orders, answers, primary, standby, folder, disk };
        assert_eq!(cluster.answer(), "ready\n", "PostgreSQL does not start: see {}", cluster.folder.display());
        cluster
    }

    /// The data of the primary.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("one")
    }

    /// Starts the primary again if it ended, as a supervisor does. Returns whether it was not available.
    pub(super) fn restart_primary_if_it_ended(&mut self) -> bool {
        let was_available = TcpStream::connect(self.primary).is_ok();
        self.order("start-primary");
        !was_available
    }

    pub(super) const fn primary(&self) -> SocketAddr {
        self.primary
    }

    pub(super) const fn standby(&self) -> SocketAddr {
        self.standby
    }

    /// Ends the primary with SIGKILL.
    pub(super) fn kill_primary(&mut self) {
        self.order("kill-primary");
    }

    /// Makes the standby the primary. It has no standby of its own.
    pub(super) fn promote(&mut self) {
        self.order("promote");
    }

    pub(super) fn stop_standby(&mut self) {
        self.order("stop-standby");
    }

    pub(super) fn start_standby(&mut self) {
        self.order("start-standby");
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        assert_eq!(self.answer(), "done\n", "{order}");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.orders.take());
        drop(self.process.wait());
        if let Some(disk) = self.disk.take() {
            // The shell could not remove what is mounted.
            drop(disk);
            drop(std::fs::remove_dir_all(&self.folder));
        }
    }
}

pub(super) fn url(server: SocketAddr) -> String {
    format!("postgres://postgres:unused@{server}/postgres")
}

pub(super) async fn connect(server: SocketAddr) -> PgConnection {
    PgConnection::connect(&url(server)).await.unwrap()
}
