//! Disks that fill up, fail, or lose what was not synced. Each test has a file system of its own, which takes root and
//! Linux; without them it says so and passes.
//!
//! The power cut is ext4's own: the ioctl `EXT4_IOC_SHUTDOWN` with "no log flush", as its developers test with it. From
//! that instant on nothing more reaches the disk, and what was written but not synced is gone when it is mounted again. A
//! file that is written without a sync right before each cut shows that the cut bites.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::kills::count_lost_and_doubled;
use super::load::{self, Load, UNREACHABLE};
use super::table::expect_row;
use super::{QUIET, times};
use crate::binary::{Daemon, Folder};
use crate::rng::SeededRng;

/// What is written before each cut, and not synced.
const UNSYNCED: &str = "never synced";

/// A file system of its own, mounted in a folder.
pub(crate) struct Mounted {
    at: PathBuf,
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{program} {arguments:?}: {stderr}")) }
}

impl Mounted {
    /// An error where this may not be done.
    pub(crate) fn new(at: &Path, arguments: &[&str]) -> Result<Self, String> {
        std::fs::create_dir_all(at).unwrap();
        run("mount", &[arguments, &[at.to_str().unwrap()]].concat())?;
        Ok(Self { at: at.to_owned() })
    }

    fn remount(&self, how: &str) {
        run("mount", &["-o", &format!("remount,{how}"), self.at.to_str().unwrap()]).unwrap();
    }

    /// From now on nothing reaches the disk.
    fn cut_the_power(&self) {
        let shutdown = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";
        run("python3", &["-c", shutdown, self.at.to_str().unwrap()]).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // The process that held a file there is killed; the kernel may need a moment to release it.
        for _ in 0..100 {
            if run("umount", &[self.at.to_str().unwrap()]).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("{} is still mounted", self.at.display());
    }
}

async fn readiness(daemon: &Daemon) -> (u16, Value) {
    let http = crate::http::client();
    let answer = http.get(format!("http://{}/readyz", daemon.admin)).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A genuine delivery of this many bytes.
async fn take(daemon: &Daemon, id: &str, bytes: usize) -> (u16, Value) {
    let body = json!({ "type": "ignored", "x": "x".repeat(bytes) }).to_string();
    let http = crate::http::client();
    load::post(&http, &load::hr_source(), daemon.webhooks, id, &body).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes root: see the module `stress`"]
async fn power_cuts_under_load_lose_no_acknowledged_delivery() {
    let row = expect_row(
        "power cut under load: what was not synced is dropped",
        "every 2xx is kept, no change twice, the journal is whole",
    );
    let (cuts, mut rng) = (times(60), SeededRng::from_environment());
    let people = usize::try_from(cuts).unwrap() * 60;
    let folder = Folder::new("");
    let (image, at) = (folder.path().join("disk.img"), folder.path().join("disk"));
    let image = image.to_str().unwrap();
    run("truncate", &["-s", "256M", image]).unwrap();
    run("mkfs.ext4", &["-q", image]).unwrap();
    let mount = || Mounted::new(&at, &["-o", "loop", image]);
    let mut disk = match mount() {
        Ok(disk) => disk,
        Err(why) => return row.skipped(&why),
    };
    let seed = folder.file("seed.json", &load::seed(people));
    let (_sandbox, site) = folder.sandbox(&["--seed", &seed, "--deletion-grace", "1s"]);
    folder.file("offboardd.toml", &load::settings(&format!("http://{site}"), "disk/offboardd.db"));
    let mut daemon = folder.serve(QUIET);
    let load = Load::start(daemon.webhooks, people, 8, Duration::from_millis(100));
    let mut unsynced_gone = 0;
    for cut in 0..cuts {
        tokio::time::sleep(Duration::from_millis(50 + rng.below(600))).await;
        let unsynced = at.join(format!("unsynced{cut}"));
        std::fs::write(&unsynced, UNSYNCED).unwrap();
        disk.cut_the_power();
        // What is answered now cannot be on the disk: a 2xx would be one that is lost.
        tokio::time::sleep(Duration::from_millis(100)).await;
        daemon.process.kill();
        drop(disk);
        disk = mount().unwrap();
        // Its name may be there: that goes with any sync of its neighbours.
        unsynced_gone += u32::from(std::fs::read_to_string(&unsynced).map_or(true, |text| text != UNSYNCED));
        daemon = folder.serve(QUIET);
        load.send_to(daemon.webhooks);
    }
    let acknowledged = load.end().await;
    let database = at.join("offboardd.db");
    let (lost, doubled) = count_lost_and_doubled(&folder, &database, site, &acknowledged).await;
    daemon.process.kill();
    assert_eq!((lost, doubled), (0, 0));
    // A cut right after the file system wrote by itself takes nothing away.
    assert!(unsynced_gone * 2 > cuts, "the cuts do not bite: {unsynced_gone} of {cuts}");
    row.passed(
        cuts,
        format!(
            "{} acknowledged: {lost} lost, {doubled} doubled; {unsynced_gone} files that were never synced are gone",
            acknowledged.len()
        ),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes root: see the module `stress`"]
async fn full_disk_is_503_until_space_is_free() {
    let row = expect_row(
        "full disk, and room again",
        "503 while it is full, 202 without a restart after it, nothing acknowledged lost",
    );
    let folder = Folder::new(&load::settings(UNREACHABLE, "disk/offboardd.db"));
    let at = folder.path().join("disk");
    let disk = match Mounted::new(&at, &["-t", "tmpfs", "-o", "size=8m", "tmpfs"]) {
        Ok(disk) => disk,
        Err(why) => return row.skipped(&why),
    };
    let daemon = folder.serve(QUIET);
    let mut taken = Vec::new();
    let (mut rounds, mut refused) = (0, 0);
    for round in 0..times(10) {
        rounds += 1;
        let ballast = at.join("ballast");
        std::fs::write(&ballast, vec![0; 2 * 1024 * 1024]).unwrap();
        let mut full = 0;
        // More than the largest of these disks holds: how much is free now depends on when the log was emptied last.
        for number in 0..1000 {
            let id = format!("msg_{round}_{number}");
            match take(&daemon, &id, 100_000).await {
                (202, answer) => taken.push((taken.len(), answer["delivery"].as_str().unwrap().to_owned())),
                (503, _) => full += 1,
                other => panic!("{other:?}"),
            }
            if full == 5 {
                break;
            }
        }
        assert_eq!(full, 5, "the disk never was full");
        refused += full;
        let (status, readiness_body) = readiness(&daemon).await;
        assert_eq!((status, &readiness_body["checks"]["space"]["ok"]), (503, &json!(false)), "{readiness_body}");
        std::fs::remove_file(&ballast).unwrap();
        let (status, answer) = take(&daemon, &format!("msg_{round}_after"), 10_000).await;
        assert_eq!(status, 202, "round {round}: {:#?}", daemon.process.output_lines());
        taken.push((taken.len(), answer["delivery"].as_str().unwrap().to_owned()));
        // Room for the next round, as an operator would make it.
        disk.remount(&format!("size={}m", (round + 2) * 8));
    }
    let taken = taken.into_iter().collect();
    let lost = load::lost_deliveries(&at.join("offboardd.db"), &taken).await.len();
    assert_eq!(lost, 0);
    drop(daemon);
    drop(disk);
    row.passed(rounds, format!("{} acknowledged, {refused} × 503: {lost} lost", taken.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes root: see the module `stress`"]
async fn read_only_disk_prevents_the_start_with_a_clear_reason() {
    let row = expect_row("read-only file system", "a refusal to start with a clear reason");
    let folder = Folder::new(&load::settings(UNREACHABLE, "disk/offboardd.db"));
    let at = folder.path().join("disk");
    let disk = match Mounted::new(&at, &["-t", "tmpfs", "-o", "size=8m", "tmpfs"]) {
        Ok(disk) => disk,
        Err(why) => return row.skipped(&why),
    };
    let mut reasons = Vec::new();
    for _ in 0..2 {
        // First without a database, then with one.
        disk.remount("ro");
        let refused = folder.run(&["serve"]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.to_lowercase().contains("read-only"), "{}", refused.stderr);
        let reason: Vec<_> = refused.stderr.lines().skip_while(|line| !line.starts_with("offboardd: ")).collect();
        reasons.push(reason.join(" "));
        disk.remount("rw");
        let mut daemon = folder.serve(QUIET);
        assert!(matches!(take(&daemon, "a", 10).await.0, 200 | 202));
        assert!(daemon.process.terminate().success());
    }
    row.passed(reasons.len(), &reasons[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes root: see the module `stress`"]
async fn failing_disk_is_503() {
    let row = expect_row("every read and write of the disk fails", "503, and /readyz says so");
    let folder = Folder::new(&load::settings(UNREACHABLE, "disk/offboardd.db"));
    let (image, at) = (folder.path().join("disk.img"), folder.path().join("disk"));
    let image = image.to_str().unwrap();
    run("truncate", &["-s", "64M", image]).unwrap();
    run("mkfs.ext4", &["-q", image]).unwrap();
    let disk = match Mounted::new(&at, &["-o", "loop", image]) {
        Ok(disk) => disk,
        Err(why) => return row.skipped(&why),
    };
    let daemon = folder.serve(QUIET);
    assert_eq!(take(&daemon, "before", 10).await.0, 202);
    disk.cut_the_power();
    for number in 0..20 {
        assert_eq!(
            take(&daemon, &format!("msg_{number}"), 10_000).await.0,
            503,
            "{:#?}",
            daemon.process.output_lines()
        );
    }
    assert_eq!(readiness(&daemon).await.0, 503);
    drop(daemon);
    drop(disk);
    row.passed(20, "20 × 503");
}
