//! A mail server that is not ours: aiosmtpd of Debian.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::harness::{Harness, Setup};

#[tokio::test]
#[ignore = "needs aiosmtpd (Debian: python3-aiosmtpd): cargo test --test it debian -- --ignored"]
async fn mail_is_accepted_by_the_server_of_debian() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut server = Command::new("/usr/bin/python3")
        .args(["-u", "-m", "aiosmtpd", "-n", "-l", &address, "-c", "aiosmtpd.handlers.Debugging", "stdout"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let printed = Arc::<Mutex<String>>::default();
    let (lines, output) = (Arc::clone(&printed), server.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut printed = lines.lock().unwrap();
            printed.push_str(&line);
            printed.push('\n');
        }
    });
    let more = format!(
        "[notify]\nmail = {{ server = \"smtp://{address}\", from = \"offboardd <offboardd@acme.example>\", \
         to = [\"admins@acme.example\", \"second@acme.example\"] }}"
    );
    let story = Harness::with(Setup { more: more.leak(), ..Setup::default() }).await;
    story.send_departed(super::DORA).await;
    super::gather(&story).await;
    story
        .wait_at_most(std::time::Duration::from_mins(1), async || {
            story.advance("1m").await;
            printed.lock().unwrap().contains("------------ END MESSAGE")
        })
        .await;
    let mail = printed.lock().unwrap().clone();
    for expected in [
        "Subject: [offboardd] acme: a case needs a decision",
        "To: admins@acme.example, second@acme.example",
        "ambiguous_account",
    ] {
        assert!(mail.contains(expected), "{expected}: {mail}");
    }
    server.kill().unwrap();
    server.wait().unwrap();
    story.finish(&[]).await;
}
