//! Stories over PostgreSQL: `OFFBOARDD_TEST_STORE=postgres cargo test --test it`.
//!
//! The test binary starts a server of its own at the first story and removes it when it ends. Each story has a database of its
//! own, copied from a template with the schema.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use offboardd::store::POSTGRES_MIGRATOR;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _};

/// The stories that read SQLite's files or change its rows by hand: they always run over SQLite. Those without a [`Harness`] do
/// so, too.
///
/// [`Harness`]: super::Harness
const ABOUT_SQLITE: [&str; 29] = [
    "backlog::delivery_that_crashed_the_process_twice_is_unreadable_and_replayable",
    "backlog::large_delivery_is_routed_in_parts_beside_other_sources",
    "brake::single_departures_beyond_the_brake_limit_are_held",
    "corrupt_rows::delivery_for_an_inconsistent_case_is_unreadable_until_fixed_and_replayed",
    "corrupt_rows::job_of_an_inconsistent_case_is_deferred_and_others_run",
    "evidence::anchor_holds_the_signed_head_after_start_and_stop",
    "evidence::broken_journal_proves_nothing",
    "evidence::period_with_removed_deliveries_states_that_it_is_incomplete",
    "fence::journal_is_verified_against_its_recorded_head",
    "fence::journal_that_was_cut_or_rewritten_raises_the_fence",
    "fence::older_copy_changes_nothing_until_an_approver_lifts_the_fence",
    "fence::older_copy_is_noticed_by_the_anchor_without_the_record_beside_the_database",
    "fence::row_of_a_case_changed_without_the_key_is_not_acted_on",
    "imports::import_continues_after_a_crash",
    "intake::internal_failure_is_503",
    "journal",
    "key_rotation::interrupted_rotation_continues_and_the_old_key_opens_nothing",
    "leases::each_attempt_is_recorded_and_an_early_check_is_not",
    "leases::unsettled_job_runs_again_when_its_lease_expires",
    "privacy::files_hold_no_email_and_after_closing_no_ciphertext",
    "rotation::offered_secret_is_valid_after_an_operator_accepts_it",
    "shredding::old_backup_with_the_master_key_opens_no_closed_case_after_its_retention",
    "shredding::open_case_is_readable_through_all_periods",
    "shredding::rows_expire_by_age_and_open_cases_keep_theirs",
    "stress::files",
    "stress::time::site_outage_of_three_days_loses_no_job",
    "tampering::any_change_of_a_row_that_decides_is_found",
    "tampering::every_column_is_changed_by_the_test_or_listed_as_one_that_does_not_decide",
    "tampering::pause_that_was_removed_in_the_file_raises_the_fence_before_the_first_call",
];

/// Initializes and runs a server in the folder `$1` with the programs in `$2` on the port `$3`, until standard input ends.
const SERVER: &str = r#"
set -e
"$2/initdb" -D "$1/data" -A trust -U postgres -E UTF8 --locale=C -N >"$1/initdb.log"
"$2/postgres" -D "$1/data" -p "$3" -k "$1" -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off \
    -c max_connections=300 -c shared_buffers=64MB >"$1/log" 2>&1 &
until "$2/pg_isready" -q -h 127.0.0.1 -p "$3"; do sleep 0.05; done
echo ready
cat >/dev/null
kill -QUIT $!
wait || true
rm -rf "$1"
"#;

/// Whether this story runs over PostgreSQL.
pub(super) fn is_chosen() -> bool {
    if !std::env::var("OFFBOARDD_TEST_STORE").is_ok_and(|store| store == "postgres") {
        return false;
    }
    let thread = std::thread::current();
    let story = thread.name().unwrap_or_default();
    let is_named =
        |named: &&str| story == *named || story.strip_prefix(*named).is_some_and(|rest| rest.starts_with("::"));
    !ABOUT_SQLITE.iter().any(is_named)
}

/// A database of one story.
pub(crate) struct StoryDatabase {
    name: String,
}

impl StoryDatabase {
    pub(crate) async fn create() -> Self {
        Self::copy_of("template_story").await
    }

    /// A database without a schema.
    pub(crate) async fn create_empty() -> Self {
        Self::copy_of("template0").await
    }

    async fn copy_of(template: &str) -> Self {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let server = tokio::task::spawn_blocking(Server::get).await.unwrap();
        let name = format!("story_{}", CREATED.fetch_add(1, Ordering::Relaxed));
        server.run(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { name }
    }

    pub(crate) fn url(&self) -> String {
        Server::get().url(&self.name)
    }

    pub(crate) async fn remove(&self) {
        Server::get().run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await;
    }
}

struct Server {
    port: u16,
    /// The server ends with this process, because its standard input does.
    _process: Child,
}

impl Server {
    fn get() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let programs = programs();
        let (mut command, folder) = shell(SERVER);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        command.arg(&folder).arg(&programs).arg(port.to_string());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "PostgreSQL does not start: see {}", folder.display());
        let server = Self { port, _process: process };
        std::thread::scope(|scope| scope.spawn(|| server.make_template()).join().unwrap());
        server
    }

    fn make_template(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            self.run("CREATE DATABASE template_story").await;
            let pool = PgPoolOptions::new().max_connections(1).connect(&self.url("template_story")).await.unwrap();
            POSTGRES_MIGRATOR.run(&pool).await.unwrap();
            pool.close().await;
        });
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres:unused@127.0.0.1:{}/{database}", self.port)
    }

    async fn run(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// A shell with this script, as a user that PostgreSQL accepts, and an empty folder in which it runs.
pub(crate) fn shell(script: &str) -> (Command, PathBuf) {
    let folder = tempfile::Builder::new().prefix("offboardd-postgres-").tempdir().unwrap().keep();
    // PostgreSQL refuses to run as root; Debian's package made a user for it.
    let is_root = rustix::process::geteuid().is_root();
    let mut command = if is_root {
        assert!(Command::new("chown").arg("postgres").arg(&folder).status().unwrap().success());
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.args(["-c", script, "sh"]).current_dir(&folder);
    (command, folder)
}

/// Where Debian puts the newest version's programs, or where `pg_config` says.
pub(crate) fn programs() -> PathBuf {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut candidates: Vec<_> = installed.map(|version| version.path().join("bin")).chain(configured).collect();
    candidates.sort();
    let found = candidates.into_iter().rev().find(|folder| folder.join("initdb").exists());
    found.expect("PostgreSQL is not installed (Debian: postgresql)")
}
