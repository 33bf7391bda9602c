//! Connections that are reset or half closed while a request is under way, and a server that tells
//! when one has begun and when it is gone.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use limiter_tests::Answer;
use socket2::SockRef;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A layer inside the limiter works for it.
    Begun,
    /// It came out with this status, or was dropped.
    Gone(Option<u16>),
}

/// Where the layers tell what happens. It is part of the app's data.
#[derive(Clone, Debug)]
pub(crate) struct Events(Sender<Event>);

/// Where the test is told.
pub(crate) struct Told(Receiver<Event>);

/// Both ends.
pub(crate) fn events() -> (Events, Told) {
    let (sender, receiver) = mpsc::channel();
    (Events(sender), Told(receiver))
}

impl Told {
    /// Waits for the next one.
    pub(crate) fn next(&self) -> Event {
        self.0.recv_timeout(Duration::from_secs(20)).expect("the server goes on")
    }
}

/// The outermost layer: tells when a request is gone, and everything inside with it.
pub(crate) async fn watch(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    struct Leaving {
        events: Events,
        status: Option<u16>,
    }
    impl Drop for Leaving {
        fn drop(&mut self) {
            // The test may have ended.
            let _ = self.events.0.send(Event::Gone(self.status));
        }
    }
    let events = request.app_data::<Events>().unwrap().clone();
    // Dropped after everything that is awaited below.
    let mut leaving = Leaving { events, status: None };
    let answer = next.call(request).await;
    leaving.status = Some(match &answer {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    });
    answer
}

/// A layer inside the limiter. It works for ever or not at all where the head says so, and otherwise
/// long enough to notice a closed connection.
pub(crate) async fn toil(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let events = request.app_data::<Events>().unwrap();
    // The test may have ended.
    let _ = events.0.send(Event::Begun);
    let is_asked = |name: &str| request.headers().contains_key(name);
    if is_asked("x-for-ever") {
        std::future::pending::<()>().await;
    } else if !is_asked("x-at-once") {
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
    next.call(request).await
}

/// A client with a request under way.
pub(crate) struct Client(TcpStream);

impl Client {
    /// Sends a request: `"GET /path"` and the names of headers.
    pub(crate) fn send(server: SocketAddr, line: &str, headers: &[&str]) -> Self {
        let mut stream = TcpStream::connect(server).unwrap();
        let mut head = format!("{line} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        for name in headers {
            head.push_str(&format!("{name}: yes\r\n"));
        }
        stream.write_all((head + "\r\n").as_bytes()).unwrap();
        Self(stream)
    }

    /// Goes away without a word: the server is told "connection reset by peer".
    pub(crate) fn reset(self) {
        SockRef::from(&self.0).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Tells the server that no more will come, and still reads.
    pub(crate) fn close_half(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads the answer; `None` where the server closes the connection without one.
    pub(crate) fn answer(mut self) -> Option<Answer> {
        self.0.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut answer = Vec::new();
        self.0.read_to_end(&mut answer).unwrap();
        (!answer.is_empty()).then(|| Answer::parse(&answer))
    }
}

/// Sends so many requests at once, resets all that began as soon as the others are answered, and
/// waits until all are gone. Returns how many began.
pub(crate) fn storm(server: SocketAddr, told: &Told, line: &str, requests: usize) -> usize {
    let clients: Vec<_> =
        (0..requests).map(|_| Client::send(server, line, &["x-for-ever"])).collect();
    let (mut begun, mut answered) = (0, 0);
    while begun + answered < requests {
        match told.next() {
            Event::Begun => begun += 1,
            Event::Gone(status) => {
                assert_eq!(status, Some(429), "nobody has hung up yet");
                answered += 1;
            }
        }
    }
    clients.into_iter().for_each(Client::reset);
    for _ in 0..begun {
        assert_eq!(told.next(), Event::Gone(None));
    }
    begun
}
