//! The files of the database: exchanged under the daemon, used twice, left by a crash, backed up and restored.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::binary::{CommandOutput, Folder, settings};

const BODY: &str = r#"{"type":"departed","person":{"email":"ann@example.com"}}"#;

/// A folder with a sandbox site, and a daemon that has taken one delivery.
struct Story {
    folder: Folder,
    daemon: crate::binary::Daemon,
    _sandbox: crate::binary::Process,
}

impl Story {
    fn begin() -> Self {
        let folder = Folder::new("");
        let (sandbox, site) = folder.sandbox(&[]);
        folder.file("offboardd.toml", &settings(site, ""));
        let daemon = folder.serve("info");
        let story = Self { folder, daemon, _sandbox: sandbox };
        assert_eq!(story.send().code, Some(0));
        story.daemon.process.wait_for_lines("revoke_confirmed", 1);
        story
    }

    /// Posts one delivery.
    fn send(&self) -> CommandOutput {
        let body = self.folder.file("body.json", BODY);
        let url = format!("http://{}/webhooks/hr", self.daemon.webhooks);
        self.folder.run(&["send", "hr", "--body", &body, "--url", &url])
    }

    fn is_ready(&self) -> bool {
        self.folder.run(&["healthcheck", &format!("http://{}/readyz", self.daemon.admin)]).code == Some(0)
    }

    fn path(&self, suffix: &str) -> PathBuf {
        let mut name = self.folder.database().into_os_string();
        name.push(suffix);
        name.into()
    }

    fn backup(&self, name: &str) -> PathBuf {
        let file = self.folder.database().parent().unwrap().join(name);
        let ended = self.folder.run(&["backup", file.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        file
    }

    /// Kills the daemon, and starts another that may refuse.
    fn restart(&mut self) -> Result<(), CommandOutput> {
        self.daemon.process.kill();
        self.daemon = self.folder.try_serve()?;
        Ok(())
    }

    /// Kills the daemon while its log has contents and a stamp. The log is emptied at any moment after something was
    /// shredded: then it tries again.
    fn kill_with_a_stamped_log(&mut self) {
        for _ in 0..20 {
            assert_eq!(self.send().code, Some(0));
            // Longer than the log is without a stamp.
            std::thread::sleep(Duration::from_millis(500));
            self.daemon.process.kill();
            if std::fs::metadata(self.path("-wal")).unwrap().len() > 0 {
                return;
            }
            self.restart().unwrap();
        }
        panic!("the log was empty after each of 20 kills");
    }

    fn refuses_now(&self) {
        assert_eq!(self.send().code, Some(1), "a delivery was acknowledged");
        assert!(!self.is_ready());
    }
}

/// What `/readyz` responds, without a command that would need the folder.
fn readiness_status(admin: std::net::SocketAddr) -> u16 {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(admin).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response.split(' ').nth(1).unwrap().parse().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
}

#[test]
fn backup_in_place_of_the_live_database_is_noticed_before_the_next_2xx() {
    let story = Story::begin();
    assert!(story.is_ready());
    std::fs::rename(story.backup("backup.db"), story.path("")).unwrap();
    story.refuses_now();
}

#[test]
fn backup_copied_over_the_live_database_is_noticed_before_the_next_2xx() {
    let story = Story::begin();
    copy(&story.backup("backup.db"), &story.path(""));
    story.refuses_now();
}

#[test]
fn renamed_folder_is_noticed_and_accepted_after_renaming_back() {
    let story = Story::begin();
    let moved = story.folder.path().with_extension("moved");
    std::fs::rename(story.folder.path(), &moved).unwrap();
    let ready = readiness_status(story.daemon.admin);
    std::fs::rename(&moved, story.folder.path()).unwrap();
    assert_eq!(ready, 503);
    assert!(story.is_ready());
    assert_eq!(story.send().code, Some(0));
}

#[test]
fn removed_log_is_noticed_before_the_next_2xx() {
    let story = Story::begin();
    std::fs::remove_file(story.path("-wal")).unwrap();
    story.refuses_now();
}

#[test]
fn replaced_key_is_noticed_before_the_next_2xx_and_accepted_when_restored() {
    let story = Story::begin();
    let key = std::fs::read(story.path(".key")).unwrap();
    std::fs::write(story.path(".key"), "5c".repeat(32)).unwrap();
    story.refuses_now();
    std::fs::remove_file(story.path(".key")).unwrap();
    story.refuses_now();
    std::fs::write(story.path(".key"), key).unwrap();
    assert!(story.is_ready());
    assert_eq!(story.send().code, Some(0));
}

#[test]
fn second_daemon_by_a_hard_link_is_refused() {
    let story = Story::begin();
    for (number, suffix) in ["-hard", "-soft"].into_iter().enumerate() {
        let other = story.path(suffix);
        if number == 0 {
            std::fs::hard_link(story.path(""), &other).unwrap();
        } else {
            std::os::unix::fs::symlink(story.path(""), &other).unwrap();
        }
        let toml = std::fs::read_to_string(story.folder.path().join("offboardd.toml")).unwrap();
        let url = format!("store.url = \"sqlite:{}\"\n{toml}", other.display());
        let settings = story.folder.file("other.toml", &url);
        let ended = story.folder.run(&["serve", "--config", &settings]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("another daemon uses this database"), "{ended:?}");
    }
}

#[test]
fn backup_copied_beside_a_foreign_wal_is_refused_and_restore_works() {
    let mut story = Story::begin();
    let backup = story.backup("backup.db");
    story.kill_with_a_stamped_log();
    copy(&backup, &story.path(""));
    let refused = story.restart().unwrap_err();
    assert!(refused.stderr.contains("-wal") && refused.stderr.contains("offboardd restore --replace"), "{refused:?}");

    let backup = backup.to_str().unwrap();
    assert_eq!(story.folder.run(&["restore", backup]).code, Some(1), "it overwrites nothing by itself");
    let restored = story.folder.run(&["restore", "--replace", backup]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert!(!story.path("-wal").exists());
    story.restart().unwrap();
    assert_eq!(story.send().code, Some(0));
    assert_eq!(story.folder.run(&["restore", "--replace", backup]).code, Some(1), "a daemon runs");
}

#[test]
fn missing_wal_after_a_crash_is_refused_unless_checkpointed() {
    let mut story = Story::begin();
    story.daemon.process.kill();
    drop(rusqlite::Connection::open(story.path("")).unwrap().query_row("SELECT 1 FROM journal", [], |_| Ok(())));
    assert!(!story.path("-wal").exists(), "SQLite worked it off");
    story.restart().unwrap();
    // The log is emptied at the start, and not again for half a minute.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(story.send().code, Some(0));
    story.daemon.process.kill();
    std::fs::remove_file(story.path("-wal")).unwrap();
    let refused = story.restart().unwrap_err();
    assert!(refused.stderr.contains("missing") && refused.stderr.contains("-wal"), "{refused:?}");
}

#[test]
fn foreign_file_as_database_is_refused_with_its_name() {
    let folder = Folder::new("");
    let (_sandbox, site) = folder.sandbox(&[]);
    folder.file("offboardd.toml", &settings(site, ""));
    let refused = |why: &str| {
        let ended = folder.run(&["serve"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(why) && ended.stderr.contains("store.url"), "{why}: {ended:?}");
    };
    let path = folder.database();
    std::fs::create_dir(&path).unwrap();
    refused("it is a folder, not a file");
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, "something else, and long enough to be looked at").unwrap();
    refused("the file is not a database");
    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE contacts (name TEXT)").unwrap();
    refused("it is the database of another program");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    refused("symbolic link to a file that does not exist");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(folder.run(&["migrate"]).code, Some(0));
    let newer = "UPDATE _sqlx_migrations SET version = 999999
                 WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    rusqlite::Connection::open(&path).unwrap().execute(newer, []).unwrap();
    refused("run the newer offboardd");
}
