//! The receivers of messages: an HTTP server that keeps what arrives and answers as it should, and a mail server.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse as _;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(super) const NOTIFY_SECRET: &str = "whsec_c2VjcmV0LW9mLXRoZS1ub3RpY2VzLW5ldmVyLXNob3du";

/// How a receiver answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    /// A status, with `Retry-After`.
    Status(u16, Option<&'static str>),
    /// No answer at all.
    Hang,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(super) path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    /// The signature is that of the published implementation; the clock of a story stands elsewhere.
    pub(super) fn assert_signed(&self) {
        let timestamp = self.header("webhook-timestamp").parse().unwrap();
        let signature = Webhook::new(NOTIFY_SECRET).unwrap().sign(self.header("webhook-id"), timestamp, &self.body);
        assert_eq!(self.header("webhook-signature"), signature.unwrap());
    }

    /// The published implementation accepts the request, its time included.
    pub(super) fn assert_verified_now(&self) {
        let mut headers = HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, self.header(name).parse().unwrap());
        }
        Webhook::new(NOTIFY_SECRET).unwrap().verify(&self.body, &headers).unwrap();
    }
}

#[derive(Debug)]
struct Shared {
    received: Mutex<Vec<Received>>,
    next: Mutex<VecDeque<Answer>>,
    always: Mutex<Answer>,
}

/// An HTTP server that keeps what arrives.
pub(crate) struct HttpReceiver {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl HttpReceiver {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            next: Mutex::default(),
            always: Mutex::new(Answer::Status(200, None)),
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, _tasks: tasks }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// What arrived since the last call.
    pub(super) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.shared.received.lock().unwrap())
    }

    pub(super) fn answer_next(&self, answer: Answer) {
        self.shared.next.lock().unwrap().push_back(answer);
    }

    pub(super) fn always(&self, answer: Answer) {
        *self.shared.always.lock().unwrap() = answer;
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    shared.received.lock().unwrap().push(Received { path: uri.path().to_owned(), headers, body: body.to_vec() });
    let next = shared.next.lock().unwrap().pop_front();
    let answer = next.unwrap_or_else(|| *shared.always.lock().unwrap());
    match answer {
        Answer::Hang => std::future::pending().await,
        Answer::Status(status, retry_after) => {
            let mut response = StatusCode::from_u16(status).unwrap().into_response();
            if let Some(value) = retry_after {
                response.headers_mut().insert("retry-after", value.parse().unwrap());
            }
            response
        }
    }
}

/// A mail server that keeps what arrives (RFC 5321, without TLS).
pub(super) struct MailReceiver {
    pub(super) address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
    hangs: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl MailReceiver {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (received, hangs, connections) =
            (Arc::default(), Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut tasks = JoinSet::new();
        let (mails, hanging, counted) = (Arc::clone(&received), Arc::clone(&hangs), Arc::clone(&connections));
        tasks.spawn(async move {
            let mut conversations = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let (mails, hangs) = (Arc::clone(&mails), hanging.load(Ordering::SeqCst));
                conversations.spawn(async move {
                    // A client that leaves in the middle ends its conversation.
                    converse(stream, &mails, hangs).await.unwrap_or_default();
                });
            }
        });
        Self { address, received, hangs, connections, _tasks: tasks }
    }

    /// The mails, with their headers.
    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// Whether new connections are greeted and then left without an answer.
    pub(super) fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn converse(stream: TcpStream, mails: &Mutex<Vec<String>>, hangs: bool) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example ready\r\n").await?;
    if hangs {
        std::future::pending::<()>().await;
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let reply: &[u8] = match line.split([' ', ':', '\r']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => b"250-mail.example\r\n250 8BITMIME\r\n",
            "DATA" => {
                stream.write_all(b"354 end with a dot\r\n").await?;
                let mut mail = String::new();
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await? == 0 {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    mail.push_str(&line);
                }
                // Soft line breaks of quoted-printable.
                mails.lock().unwrap().push(mail.replace("=\r\n", "").replace("=3D", "="));
                b"250 kept\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            "HELO" | "MAIL" | "RCPT" | "NOOP" | "RSET" => b"250 ok\r\n",
            _ => b"502 unknown\r\n",
        };
        stream.write_all(reply).await?;
    }
}
