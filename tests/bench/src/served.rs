//! A served app under callgrind, and its client.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Stdio,
};

use crate::process::{Counts, callgrind, program};

/// Instructions of a request to the served app of a name: the difference between a run of many
/// requests and one of few, so that start and end do not count.
pub fn instructions(app: &str, requests: u32) -> f64 {
    const FEW: u32 = 200;
    (run(app, FEW + requests) - run(app, FEW)) / f64::from(requests)
}

/// All instructions of a server that answers so many requests over one connection.
fn run(app: &str, requests: u32) -> f64 {
    let counts = Counts::new();
    let mut server = callgrind(&counts, &program("server"), &[])
        .arg(app)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("valgrind starts");
    let mut address = String::new();
    let mut stdout = BufReader::new(server.stdout.take().expect("it is piped"));
    stdout.read_line(&mut address).expect("the server tells its address");
    request(address.trim(), requests);
    // Closing its standard input ends the server.
    drop(server.stdin.take());
    assert!(server.wait().expect("the server ends").success());
    counts.read()
}

/// Sends requests one after the other over one connection.
fn request(address: &str, requests: u32) {
    let mut connection = TcpStream::connect(address).expect("the server listens");
    connection.set_nodelay(true).expect("an option of TCP");
    let mut answers = BufReader::new(connection.try_clone().expect("a second handle"));
    for _ in 0..requests {
        connection
            .write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .expect("it is sent");
        let mut line = String::new();
        answers.read_line(&mut line).expect("an answer");
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        let mut length = 0;
        while line != "\r\n" {
            line.clear();
            answers.read_line(&mut line).expect("a header");
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a length");
            }
        }
        assert_eq!(length, 39);
        answers.read_exact(&mut vec![0; length]).expect("a body");
    }
}
