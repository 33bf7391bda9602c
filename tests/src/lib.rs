//! What several test targets need: a server on a free port, a client that sends just what it is
//! told, an ear for the log, and a proxy that does to a connection what networks do.

pub mod hitter;
mod log;
pub mod proxy;
pub mod redis;

use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    sync::mpsc,
    thread::JoinHandle,
    time::Duration,
};

use actix_web::{
    dev::{Server, ServerHandle},
    rt::System,
};
use socket2::{Domain, Socket, Type};

pub use self::log::Log;

/// Serves an app on a free port of the loopback interface until it is dropped.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// A limiter with options: `limiter!(default_limits(["1/hour"]))`.
#[macro_export]
macro_rules! limiter {
    ($($option:ident($value:expr)),* $(,)?) => {
        ::limiter_actix::Limiter::builder()$(.$option($value))*.build().await.unwrap()
    };
}

/// Serves an app, built anew for each of two workers: `serve!(App::new().service(x))`.
#[macro_export]
macro_rules! serve {
    ($app:expr) => {
        $crate::RunningServer::start(move || {
            let server = ::actix_web::HttpServer::new(move || $app).workers(2);
            let server = server.disable_signals().bind(("127.0.0.1", 0))?;
            let address = server.addrs()[0];
            Ok((server.run(), address))
        })
    };
}

impl RunningServer {
    /// Runs the server that `make` makes in a thread of its own.
    pub fn start(make: impl FnOnce() -> io::Result<(Server, SocketAddr)> + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            System::new().block_on(async move {
                let (server, address) = make().expect("a free port on the loopback interface");
                sender.send((server.handle(), address)).expect("the test waits for it");
                server.await.expect("the server runs until it is stopped");
            });
        });
        let (handle, address) = receiver.recv().expect("the server thread sends its address");
        Self { address, handle, thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request without body and reads the answer.
    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(head(method, target, headers).as_bytes())
    }

    /// The same from an address of its own: all of 127.0.0.0/8 is the loopback interface.
    pub fn request_from(
        &self,
        client: IpAddr,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let client = SocketAddr::new(client, 0);
        let socket = Socket::new(Domain::for_address(client), Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.bind(&client.into()).expect("an address of the loopback interface");
        socket.connect(&self.address.into()).expect("the server listens");
        exchange(socket.into(), head(method, target, headers).as_bytes())
    }

    /// Sends bytes and reads until the server closes the connection.
    pub fn send(&self, bytes: &[u8]) -> Answer {
        send(self.address, bytes)
    }

    /// The status of each of several `GET` requests.
    pub fn statuses(&self, target: &str, requests: usize) -> Vec<u16> {
        (0..requests).map(|_| self.request("GET", target, &[]).status).collect()
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // In a thread of its own: the test may be async itself.
        let handle = self.handle.clone();
        let stopped = std::thread::spawn(move || System::new().block_on(handle.stop(false)));
        // A panic of either thread has been printed, and the test has failed by it.
        let _ = stopped.join();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends a `GET` request to a server that somebody else runs.
pub fn get(address: SocketAddr, target: &str) -> Answer {
    send(address, head("GET", target, &[]).as_bytes())
}

/// Sends a request with a body, whose headers tell its length, to a server that somebody else runs.
pub fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    send(address, &[head(method, target, headers).as_bytes(), body].concat())
}

fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "\r\n"
}

fn send(address: SocketAddr, bytes: &[u8]) -> Answer {
    exchange(TcpStream::connect(address).expect("the server listens"), bytes)
}

fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Answer {
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out is legal");
    stream.write_all(bytes).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers and closes");
    Answer::parse(&answer)
}

/// An HTTP response as it came over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case, values as sent, in order.
    pub headers: Vec<(String, String)>,
    /// The bytes after the head.
    pub body: String,
}

impl Answer {
    /// Reads a whole response.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head ends with an empty line");
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|code| code.parse().ok())
            .expect("the first line has a status");
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { status, headers, body: body.to_owned() }
    }

    /// The value of a header that is there at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "the header {name} is there twice: {:?}", self.headers);
        value
    }
}
