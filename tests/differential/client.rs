//! Asks a server, as the client of a trace.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use limiter_tests::Answer;
use socket2::{Domain, Socket, Type};

use crate::trace::Ask;

/// Sends a request from the client's own address, and reads the answer; none if the server hangs
/// up, as after a panic.
pub(crate) fn send(ask: &Ask, server: SocketAddr) -> Option<Answer> {
    let client = SocketAddr::from(([127, 0, 0, ask.client], 0));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&client.into()).expect("all of 127.0.0.0/8 is the loopback interface");
    socket.connect(&server.into()).expect("the server listens");
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out is legal");
    let api_key = ask.api_key.map(|key| format!("X-Api-Key: {key}\r\n")).unwrap_or_default();
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 0\r\n{api_key}\r\n",
        ask.method,
        ask.target()
    );
    stream.write_all(head.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers and closes");
    (!answer.is_empty()).then(|| Answer::parse(&answer))
}
