//! The load generator: signed deliveries over connections that are kept, as fast as they are answered or at a given rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::folder::{KEY, email};

/// How large a body is, in bytes: that of a usual event of an HR system.
pub(crate) const BODY: usize = 1536;

/// No two deliveries of a run have the same id, nor the same person.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A delivery without effect.
    Ignored,
    /// A person leaves: the next of the sandbox's people.
    Departed,
    /// A person leaves at this instant, in seconds since 1970.
    DepartedAt(i64),
    /// One delivery of so many departures in the far future.
    Batch(usize),
    /// A delivery without effect, with an invalid signature.
    Forged,
    /// A delivery without effect, signed like GitHub's: the only scheme of adnanh/webhook.
    Hub,
}

/// Who is to be loaded, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) to: SocketAddr,
    /// Where below that; `None` for one source after the other of [`crate::folder::settings`].
    pub(crate) path: Option<&'static str>,
    /// How many sources there are.
    pub(crate) sources: usize,
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    pub(crate) lasts: Duration,
    /// Requests per second of all connections together; `None` for as fast as they are answered.
    pub(crate) rate: Option<f64>,
    /// At most so many.
    pub(crate) at_most: Option<u64>,
}

/// The result.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Expected responses per second.
    pub(crate) rate: f64,
    pub(crate) count: usize,
    /// How long each took, in microseconds, sorted.
    took: Vec<u32>,
}

impl Seen {
    /// The quantile, in microseconds.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let place = (self.took.len() as f64 * part) as usize;
        self.took.get(place.min(self.took.len().saturating_sub(1))).copied().unwrap_or_default().into()
    }
}

impl Load {
    /// 64 connections, for three seconds, with deliveries without effect.
    pub(crate) fn usual(to: SocketAddr) -> Self {
        let lasts = Duration::from_secs(3);
        Self { to, path: None, sources: 1, kind: Kind::Ignored, connections: 64, lasts, rate: None, at_most: None }
    }

    /// Runs it on one thread, as `wrk -t1` does.
    pub(crate) fn run(self) -> Seen {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(self.send())
    }

    /// Runs it beside something else.
    pub(crate) fn beside(self) -> std::thread::JoinHandle<Seen> {
        std::thread::spawn(move || self.run())
    }

    async fn send(self) -> Seen {
        let begun = Instant::now();
        let sent = Arc::new(AtomicU64::new(0));
        let mut all = tokio::task::JoinSet::new();
        for number in 0..self.connections {
            all.spawn(self.connection(number, begun, Arc::clone(&sent)));
        }
        let mut took: Vec<u32> = all.join_all().await.into_iter().flatten().collect();
        took.sort_unstable();
        Seen { rate: took.len() as f64 / begun.elapsed().as_secs_f64(), count: took.len(), took }
    }

    async fn connection(self, number: usize, begun: Instant, sent: Arc<AtomicU64>) -> Vec<u32> {
        let mut stream = TcpStream::connect(self.to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut writer, mut answer) = (Signer::new(), Vec::with_capacity(4096));
        let mut took = Vec::new();
        let space = self.rate.map(|rate| Duration::from_secs_f64(self.connections as f64 / rate));
        let mut turn = begun + space.unwrap_or_default() * number as u32 / self.connections as u32;
        let expected: &[u8] = if self.kind == Kind::Forged { b"401" } else { b"20" };
        while begun.elapsed() < self.lasts {
            if self.at_most.is_some_and(|most| sent.fetch_add(1, Ordering::Relaxed) >= most) {
                break;
            }
            if let Some(space) = space {
                tokio::time::sleep_until(turn.into()).await;
                turn += space;
            }
            let request = writer.request(&self);
            let begun = Instant::now();
            stream.write_all(request).await.unwrap();
            read(&mut stream, &mut answer).await;
            assert!(answer[9..].starts_with(expected), "{}", String::from_utf8_lossy(&answer));
            took.push(begun.elapsed().as_micros() as u32);
        }
        took
    }
}

/// Reads one answer whole.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    loop {
        assert!(stream.read_buf(answer).await.unwrap() > 0, "the connection was closed");
        let Some(head) = find(answer, b"\r\n\r\n") else { continue };
        let length = head_length(&answer[..head]);
        if answer.len() >= head + 4 + length {
            return;
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn head_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap();
    let lengths = head.lines().filter_map(|line| line.split_once(": "));
    let mut lengths = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().map_or(0, |(_, length)| length.trim().parse().unwrap())
}

/// Writes requests signed as Standard Webhooks says.
struct Signer {
    mac: Hmac<Sha256>,
    hub: Hmac<Sha256>,
    body: String,
    request: Vec<u8>,
}

impl Signer {
    fn new() -> Self {
        let key = STANDARD.decode(KEY.trim_start_matches("whsec_")).unwrap();
        let [mac, hub] = [key.as_slice(), KEY.as_bytes()].map(|key| Hmac::new_from_slice(key).unwrap());
        Self { mac, hub, body: String::new(), request: Vec::new() }
    }

    /// Makes the next body of this kind; says its id, its time, its signature, and whose source's turn it is.
    fn sign(&mut self, kind: Kind) -> (String, u64, String, usize) {
        use std::fmt::Write as _;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.body.clear();
        let (event, person, leaves_at) = match kind {
            Kind::Departed => ("departed", DEPARTED.fetch_add(1, Ordering::Relaxed) as usize, None),
            Kind::DepartedAt(at) => ("departed", DEPARTED.fetch_add(1, Ordering::Relaxed) as usize, Some(at)),
            Kind::Ignored | Kind::Forged | Kind::Hub | Kind::Batch(_) => ("ignored", number as usize, None),
        };
        if let Kind::Batch(items) = kind {
            for item in 0..items {
                self.body.push(if item == 0 { '[' } else { ',' });
                let email = format!("p{number}x{item}@a.io");
                write!(
                    self.body,
                    r#"{{"type":"departed","person":{{"email":"{email}"}},"effective_at":"2199-01-01"}}"#
                )
                .unwrap();
            }
            self.body.push(']');
        } else {
            write!(self.body, r#"{{"type":"{event}","person":{{"email":"{}"}},"#, email(person)).unwrap();
            if let Some(at) = leaves_at {
                write!(self.body, r#""effective_at":"{}","#, jiff::Timestamp::from_second(at).unwrap()).unwrap();
            }
            self.body.push_str(r#""note":""#);
            let padding = BODY.saturating_sub(self.body.len() + 2);
            self.body.extend(std::iter::repeat_n('x', padding));
            self.body.push_str("\"}");
        }
        let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let id = format!("msg_{}_{number}", std::process::id());
        let mut mac = if kind == Kind::Hub { self.hub.clone() } else { self.mac.clone() };
        if kind != Kind::Hub {
            mac.update(format!("{id}.{at}.").as_bytes());
        }
        mac.update(self.body.as_bytes());
        if kind == Kind::Forged {
            mac.update(b"!");
        }
        let signature = mac.finalize().into_bytes();
        let signature = if kind == Kind::Hub { hex::encode(signature) } else { STANDARD.encode(signature) };
        (id, at, signature, person)
    }

    fn request(&mut self, load: &Load) -> &[u8] {
        use std::io::Write as _;
        let (id, at, signature, person) = self.sign(load.kind);
        self.request.clear();
        match load.path {
            Some(path) => write!(self.request, "POST {path} HTTP/1.1\r\n").unwrap(),
            None => write!(self.request, "POST /webhooks/hr{} HTTP/1.1\r\n", person % load.sources).unwrap(),
        }
        if load.kind == Kind::Hub {
            write!(self.request, "x-hub-signature-256: sha256={signature}\r\n").unwrap();
        } else {
            write!(self.request, "webhook-signature: v1,{signature}\r\n").unwrap();
        }
        write!(
            self.request,
            "host: localhost\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\nwebhook-timestamp: {at}\r\n\
             content-length: {}\r\n\r\n{}",
            self.body.len(),
            self.body
        )
        .unwrap();
        &self.request
    }
}

/// Prints signed deliveries, for a load generator that cannot sign.
pub(crate) fn presign(many: usize) {
    use std::io::Write as _;
    let mut signer = Signer::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for _ in 0..many {
        let (id, at, signature, _) = signer.sign(Kind::Ignored);
        writeln!(out, "{id}\t{at}\tv1,{signature}\t{}", signer.body).unwrap();
    }
}

/// The next of the sandbox's people to leave.
static DEPARTED: AtomicU64 = AtomicU64::new(0);

/// From here on, people leave from the first one on again: there is another sandbox.
pub(crate) fn from_the_first_person() {
    DEPARTED.store(0, Ordering::Relaxed);
}
