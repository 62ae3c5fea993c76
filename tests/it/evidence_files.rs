//! Evidence files that were damaged, cut, joined or signed by another key.

use std::process::Command;
use std::time::{Duration, Instant};

use offboardd::domain::case::StateName;
use offboardd::proof::evidence::verify::verify;
use offboardd::proof::signature::{self, PublicKey, SigningKey};

use crate::documents::{document, of_language, section};
use crate::harness::Harness;

const ANN: &str = "ann@example.com";

/// The file of a finished case and the public key, of a real story.
async fn finished() -> (String, String) {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.advance("30d").await;
    story.advance("14d").await;
    assert_eq!(story.state(ANN).await, StateName::Erased);
    let text = async |path: String| story.api(&path, None).await.body.as_str().expect("a text").to_owned();
    let file = text(format!("/cases/{}/evidence", story.case(ANN).await.case.id)).await;
    let key = text("/evidence/key".to_owned()).await;
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
    (file, key)
}

fn is_valid(file: &[u8], key: &PublicKey) -> bool {
    verify(file, Some(key)).is_ok()
}

#[tokio::test]
async fn every_flipped_byte_of_a_real_file_fails() {
    let (file, key) = finished().await;
    let (bytes, key) = (file.into_bytes(), PublicKey::read(&key).unwrap());
    assert!(is_valid(&bytes, &key));
    let begun = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = bytes.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for start in (0..bytes.len()).step_by(share) {
            let (mut damaged, key) = (bytes.clone(), &key);
            scope.spawn(move || {
                for at in start..damaged.len().min(start + share) {
                    damaged[at] ^= 1;
                    assert!(!is_valid(&damaged, key), "byte {at} can be changed unnoticed");
                    damaged[at] ^= 1;
                }
            });
        }
    });
    println!("{} bytes were changed, one at a time, in {:?}", bytes.len(), begun.elapsed());
}

#[tokio::test]
async fn truncated_reordered_joined_and_converted_files_fail() {
    let (file, key) = finished().await;
    let key = PublicKey::read(&key).unwrap();
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    for count in 0..lines.len() {
        assert!(!is_valid(lines[..count].concat().as_bytes(), &key), "cut after {count} lines");
        assert!(!is_valid([&lines[..count], &lines[count + 1..]].concat().concat().as_bytes(), &key), "line {count}");
    }
    for at in 1..lines.len() {
        if lines[at - 1] != lines[at] {
            let mut swapped = lines.clone();
            swapped.swap(at - 1, at);
            assert!(!is_valid(swapped.concat().as_bytes(), &key), "lines {at} and {} swapped", at + 1);
        }
    }
    let (message, signature) = file.split_at(file.find(signature::SIGNATURE_BEGIN).unwrap());
    for joined in [
        format!("{file}{file}"),
        format!("{message}{file}"),
        format!("{file}{signature}"),
        format!("{signature}{message}"),
        format!("\n{file}"),
        format!("{file}x"),
        format!("\u{feff}{file}"),
        file.replace('\n', "\r\n"),
        file.replace('\n', "\r"),
        String::new(),
    ] {
        assert!(!is_valid(joined.as_bytes(), &key), "{} bytes", joined.len());
    }
}

#[tokio::test]
async fn signature_of_another_key_or_namespace_fails() {
    let (file, key) = finished().await;
    let key = PublicKey::read(&key).unwrap();
    let (message, _) = file.split_once(signature::SIGNATURE_BEGIN).unwrap();
    let other = SigningKey::from_seed(&[9; 32]).unwrap();
    let forged = format!("{message}{}", other.sign(message.as_bytes()));
    assert!(!is_valid(forged.as_bytes(), &key));
    assert!(verify(forged.as_bytes(), Some(other.public())).is_ok(), "the reader decides which key is the right one");
    let folder = tempfile::tempdir().unwrap();
    let run = |script: &str| {
        let output = Command::new("sh").args(["-euc", script]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
    };
    if Command::new("sh").args(["-c", "command -v ssh-keygen"]).output().unwrap().status.success() {
        std::fs::write(folder.path().join("message"), message).unwrap();
        run("ssh-keygen -q -t ed25519 -N '' -f key && ssh-keygen -q -Y sign -f key -n file message 2> /dev/null");
        let signature = std::fs::read_to_string(folder.path().join("message.sig")).unwrap();
        let public = PublicKey::read(&std::fs::read_to_string(folder.path().join("key.pub")).unwrap()).unwrap();
        assert!(!is_valid(format!("{message}{signature}").as_bytes(), &public), "another namespace");
        run("rm message.sig && ssh-keygen -q -Y sign -f key -n offboardd-evidence message 2> /dev/null");
        let signature = std::fs::read_to_string(folder.path().join("message.sig")).unwrap();
        assert!(is_valid(format!("{message}{signature}").as_bytes(), &public), "the same with the right one");
    }
}

#[tokio::test]
async fn documented_commands_verify_in_under_a_second() {
    let (file, key) = finished().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("case.evidence"), &file).unwrap();
    std::fs::write(folder.path().join("offboardd-evidence.pub"), &key).unwrap();
    let run = |heading: &str| {
        let lines = of_language(section(&document("docs/evidence.md"), heading), "sh").remove(0);
        let begun = Instant::now();
        let mut command = Command::new("sh");
        command.args(["-euc", &lines]).current_dir(folder.path()).env_clear().env("PATH", "/usr/bin:/bin");
        let output = command.output().unwrap();
        (begun.elapsed(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if !Command::new("sh").args(["-c", "command -v ssh-keygen"]).output().unwrap().status.success() {
        println!("skipped: ssh-keygen is not installed");
        return;
    }
    // The best of a few: other tests run at the same time.
    let best = |heading: &str, expected: &str| {
        let runs = (0..5).map(|_| run(heading));
        let (time, output) = runs.min_by_key(|(time, _)| *time).unwrap();
        assert!(output.contains(expected), "{output}");
        time
    };
    let signature = best("## Check the signature", "Good \"offboardd-evidence\" signature");
    let lines = best("## Check the journal lines", "in the tree");
    println!("signature {signature:?}, journal lines {lines:?}");
    assert!(signature < Duration::from_secs(1), "{signature:?}");
}
