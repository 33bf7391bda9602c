//! A TCP proxy that does to a connection what networks do.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use socket2::SockRef;

/// What goes wrong on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// New connections are reset as soon as they are made, and so is whoever sends on an old one.
    Refuse,
    /// Nothing gets through in either direction, and nothing is closed. What was held back is
    /// delivered when the fault ends, as TCP would.
    Stall,
    /// Replies take so much longer, each as long as the other.
    Delay(Duration),
    /// Commands arrive, and no reply comes back: a half-open connection.
    LoseReplies,
    /// After so many bytes of replies, the connection is reset.
    ResetAfter(usize),
    /// After so many bytes of replies, the connection is closed in good order.
    CloseAfter(usize),
    /// Every byte of the replies is another one.
    Corrupt,
}

/// Stands between clients and a server, until it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: Mutex<SocketAddr>,
    fault: Mutex<Fault>,
    changed: Condvar,
    ended: AtomicBool,
    accepted: AtomicUsize,
    /// Chunks that went to the server.
    forwarded: AtomicUsize,
    clients: Mutex<Vec<Weak<Client>>>,
}

/// The client's end of a connection. All threads of the connection share the one socket: only when
/// the last of them has dropped it can it be reset.
#[derive(Debug)]
struct Client {
    stream: TcpStream,
    resetting: AtomicBool,
}

impl FaultProxy {
    /// A proxy to a server, without any fault at first.
    pub fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on the loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream),
            fault: Mutex::default(),
            changed: Condvar::new(),
            ended: AtomicBool::new(false),
            accepted: AtomicUsize::new(0),
            forwarded: AtomicUsize::new(0),
            clients: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.ended.load(Ordering::SeqCst) {
                    return;
                }
                accepting.accepted.fetch_add(1, Ordering::SeqCst);
                accepting.connect(client);
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What goes wrong from now on, on open connections too.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock() = fault;
        self.shared.changed.notify_all();
    }

    /// Where new connections go from now on, as after a fail-over behind one address.
    pub fn forward_to(&self, upstream: SocketAddr) {
        *self.shared.upstream.lock() = upstream;
    }

    /// Resets every open connection.
    pub fn cut(&self) {
        for client in self.shared.clients.lock().drain(..).filter_map(|client| client.upgrade()) {
            client.reset();
        }
    }

    /// How many connections were made so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How often clients sent something that reached the server.
    pub fn forwarded(&self) -> usize {
        self.shared.forwarded.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.set(Fault::None);
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        let client = Arc::new(Client { stream: client, resetting: AtomicBool::new(false) });
        let fault = *self.fault.lock();
        let server =
            TcpStream::connect(*self.upstream.lock()).ok().filter(|_| fault != Fault::Refuse);
        let Some(server) = server.map(Arc::new) else { return client.reset() };
        // Neither fails on an open socket.
        let _ = (client.stream.set_nodelay(true), server.set_nodelay(true));
        let mut clients = self.clients.lock();
        clients.retain(|client| client.strong_count() > 0);
        clients.push(Arc::downgrade(&client));
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        let (from, to) = (Arc::clone(&client), Arc::clone(&server));
        let (sender, delayed) = mpsc::channel();
        thread::spawn(move || there.carry_commands(&from, &to));
        thread::spawn(move || back.carry_replies(&server, &sender));
        thread::spawn(move || deliver(&delayed, &client));
    }

    fn carry_commands(&self, client: &Client, mut server: &TcpStream) {
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = (&client.stream).read(&mut buffer) {
            if self.after_stall() == Fault::Refuse {
                client.reset();
                break;
            }
            if server.write_all(&buffer[..length]).is_err() {
                break;
            }
            self.forwarded.fetch_add(1, Ordering::SeqCst);
        }
        let _ = server.shutdown(Shutdown::Both);
    }

    fn carry_replies(&self, mut server: &TcpStream, client: &Sender<Delivery>) {
        let mut buffer = [0; 1 << 16];
        // Of a fault that counts them.
        let mut replied = 0;
        while let Ok(length @ 1..) = server.read(&mut buffer) {
            let chunk = &mut buffer[..length];
            let fault = self.after_stall();
            let due = match fault {
                Fault::Delay(delay) => Instant::now() + delay,
                _ => Instant::now(),
            };
            let end = match fault {
                Fault::ResetAfter(_) => Some(End::Reset),
                Fault::CloseAfter(_) => Some(End::Close),
                _ => None,
            };
            if let Fault::ResetAfter(most) | Fault::CloseAfter(most) = fault {
                let left = most.saturating_sub(replied);
                replied += length;
                if replied > most {
                    let _ = client.send(Delivery { due, bytes: chunk[..left].to_vec(), end });
                    return;
                }
            }
            match fault {
                Fault::LoseReplies => continue,
                Fault::Corrupt => chunk.iter_mut().for_each(|byte| *byte ^= 0x55),
                _ => {}
            }
            if client.send(Delivery { due, bytes: chunk.to_vec(), end: None }).is_err() {
                return;
            }
        }
        let end = Some(End::Close);
        let _ = client.send(Delivery { due: Instant::now(), bytes: Vec::new(), end });
    }

    /// The fault, once it is no stall.
    fn after_stall(&self) -> Fault {
        let mut fault = self.fault.lock();
        while *fault == Fault::Stall {
            self.changed.wait(&mut fault);
        }
        *fault
    }
}

/// What a client is to receive, and when.
struct Delivery {
    due: Instant,
    bytes: Vec<u8>,
    end: Option<End>,
}

enum End {
    Reset,
    Close,
}

/// Delivers in order, each when it is due.
fn deliver(delayed: &Receiver<Delivery>, client: &Client) {
    for Delivery { due, bytes, end } in delayed {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if (&client.stream).write_all(&bytes).is_err() {
            break;
        }
        match end {
            Some(End::Reset) => client.reset(),
            Some(End::Close) => client.close(),
            None => {}
        }
    }
    client.close();
}

impl Client {
    /// Lets the other end be told "connection reset by peer", as soon as the threads of the
    /// connection, which this wakes, are done with it.
    fn reset(&self) {
        self.resetting.store(true, Ordering::SeqCst);
        // Neither matters where the connection is gone already.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        let _ = self.stream.shutdown(Shutdown::Read);
    }

    fn close(&self) {
        if !self.resetting.load(Ordering::SeqCst) {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// A server that answers every chunk with the same.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let mut buffer = [0; 100];
                    while let Ok(length @ 1..) = stream.read(&mut buffer) {
                        stream.write_all(&buffer[..length]).unwrap();
                    }
                });
            }
        });
        address
    }

    fn ask(mut stream: &TcpStream) -> Result<String, ErrorKind> {
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        stream.write_all(b"ping").map_err(|error| error.kind())?;
        let mut buffer = [0; 100];
        let length = stream.read(&mut buffer).map_err(|error| error.kind())?;
        Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    #[test]
    fn every_fault_does_what_its_name_says() {
        let proxy = FaultProxy::start(echo());
        let connect = || TcpStream::connect(proxy.address()).unwrap();
        let stream = connect();
        assert_eq!(ask(&stream), Ok("ping".to_owned()));
        proxy.set(Fault::Stall);
        assert_eq!(ask(&stream), Err(ErrorKind::WouldBlock));
        proxy.set(Fault::None);
        let mut late = [0; 4];
        (&stream).read_exact(&mut late).unwrap();
        assert_eq!(&late, b"ping", "what was held back comes late");

        proxy.set(Fault::Delay(Duration::from_millis(50)));
        let began = Instant::now();
        assert_eq!(ask(&stream), Ok("ping".to_owned()));
        assert!(began.elapsed() >= Duration::from_millis(50));

        proxy.set(Fault::Corrupt);
        assert!(ask(&stream).is_ok_and(|answer| answer.len() == 4 && answer != "ping"));

        let forwarded = proxy.forwarded();
        proxy.set(Fault::LoseReplies);
        assert_eq!(ask(&stream), Err(ErrorKind::WouldBlock));
        assert_eq!(proxy.forwarded(), forwarded + 1, "the command arrived");

        proxy.set(Fault::CloseAfter(2));
        assert_eq!(ask(&stream), Ok("pi".to_owned()));
        assert_eq!((&stream).read(&mut late).unwrap(), 0, "closed in good order");

        let stream = connect();
        proxy.set(Fault::ResetAfter(0));
        assert_eq!(ask(&stream), Err(ErrorKind::ConnectionReset));

        proxy.set(Fault::Refuse);
        assert!(ask(&connect()).is_err());
        proxy.set(Fault::None);
        let stream = connect();
        assert_eq!(ask(&stream), Ok("ping".to_owned()));
        proxy.cut();
        assert_eq!((&stream).read(&mut late).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(ask(&connect()), Ok("ping".to_owned()));
        assert_eq!(proxy.accepted(), 5);
    }
}
