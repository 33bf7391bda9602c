//! Who is limited: the scenarios 49 to 58 of client identity, over real sockets.
//!
//! Every limiter here admits one request a minute and client, under a clock that stands still. So
//! 200 says "a client not seen before", 429 "this client again", and 403 "no identity".

use std::{
    io::{Read, Write},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpServer, rt::System, web};
use limiter_actix::{
    FakeClock, ForwardingHeader, Key, Limiter, LimiterBuilder, MissingIdentity, TrustedProxies,
    client_ip, client_network, header, limit, peer_ip, secret_header,
};
use limiter_tests::{RunningServer, serve};
use socket2::{Domain, Socket, Type};

const NEW: u16 = 200;
const AGAIN: u16 = 429;
const NOBODY: u16 = 403;

const XFF: &str = "X-Forwarded-For";
const FORWARDED: &str = "Forwarded";

/// Where our proxy is, as far as the tests are concerned.
const PROXY: &str = "127.0.0.1";
/// A client that reaches the server without it.
const STRANGER: &str = "127.0.0.2";

#[test]
fn s49_without_trusted_proxies_forged_headers_do_not_change_the_client() {
    for server in [serve_one_per_minute(limiter()), serve_one_per_minute(limiter().key(client_ip))]
    {
        assert_eq!(get(&server, PROXY, &[]), NEW);
        for n in 0..20 {
            let address = format!("198.51.100.{n}");
            let node = format!("for={address}");
            let forged =
                [(XFF, address.as_str()), (FORWARDED, node.as_str()), ("X-Real-IP", &address)];
            assert_eq!(get(&server, PROXY, &forged), AGAIN, "{address}");
        }
        assert_eq!(get(&server, STRANGER, &[]), NEW);
    }
}

#[test]
fn s50_behind_one_hop_the_right_most_entry_is_the_client_whatever_is_forged_left_of_it() {
    for proxies in [TrustedProxies::hops(1), cidrs(&[PROXY])] {
        let server = serve_behind(proxies);
        let forged = |n: u8, client: &str| {
            let chain = format!("198.51.100.{n}, {STRANGER}, {PROXY}, 203.0.113.{n}, {client}");
            get(&server, PROXY, &[(XFF, &chain)])
        };
        assert_eq!(forged(1, "192.0.2.7"), NEW);
        assert_eq!(forged(2, "192.0.2.7"), AGAIN);
        assert_eq!(forged(2, "192.0.2.8"), NEW);
        // The proxy's own requests are a client of their own.
        assert_eq!(get(&server, PROXY, &[]), NEW);
        assert_eq!(get(&server, PROXY, &[]), AGAIN);
    }
}

#[test]
fn s50_who_comes_past_the_proxy_is_not_believed() {
    let server = serve_behind(cidrs(&[PROXY]));
    assert_eq!(get(&server, STRANGER, &[(XFF, "192.0.2.1")]), NEW);
    assert_eq!(get(&server, STRANGER, &[(XFF, "192.0.2.2")]), AGAIN);
    assert_eq!(get(&server, STRANGER, &[(XFF, PROXY)]), AGAIN);
}

#[test]
fn s50_chained_proxies_are_skipped() {
    let server = serve_behind(cidrs(&[PROXY, "10.0.0.0/8", "2001:db8:a::/48"]));
    let chain = "198.51.100.1, 192.0.2.1, 10.1.2.3, [2001:db8:a::1]:443";
    assert_eq!(get(&server, PROXY, &[(XFF, chain)]), NEW);
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.1, 10.9.9.9")]), AGAIN);
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.1")]), AGAIN);
}

#[test]
fn s51_every_way_to_write_a_chain_is_the_same_client() {
    let server = serve_behind(cidrs(&[PROXY, "10.0.0.0/8"]));
    let flood = "9.9.9.9,".repeat(8 << 10) + "192.0.2.1";
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.1")]), NEW);
    for lines in [
        &["192.0.2.1:5678"] as &[&str],
        &["  192.0.2.1\t"],
        &["\"192.0.2.1:80\""],
        &["9.9.9.9,,192.0.2.1, ,,10.0.0.1,"],
        &["9.9.9.9", "192.0.2.1, 10.0.0.1"],
        &["9.9.9.9", "192.0.2.1", "", "10.0.0.1"],
        &["\", unknown, _hidden, x, 192.0.2.1"],
        &[&flood],
    ] {
        let headers: Vec<_> = lines.iter().map(|line| (XFF, *line)).collect();
        assert_eq!(get(&server, PROXY, &headers), AGAIN, "{:.60?}", lines);
    }
}

#[test]
fn s51_a_malformed_hop_is_nobody_and_hides_what_stands_left_of_it() {
    let server = serve_behind(cidrs(&[PROXY, "10.0.0.0/8"]));
    for hop in ["unknown", "192.0.2", "192.0.2.01", "[::1", "192.0.2.1:http", "unix:", "\u{fc}"] {
        let chain = format!("192.0.2.1, {hop}, 10.0.0.1");
        assert_eq!(get(&server, PROXY, &[(XFF, &chain)]), NOBODY, "{hop}");
    }
    // A chain of 64 KB in which nobody is a client.
    let ours = "10.0.0.1,".repeat(7 << 10) + "10.0.0.1";
    assert_eq!(get(&server, PROXY, &[(XFF, &ours)]), NOBODY);
    // None of it was charged to anybody.
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.1")]), NEW);
    assert_eq!(get(&server, PROXY, &[]), NEW);
}

#[test]
fn s52_the_standard_header_is_read_with_its_quotes() {
    let server = serve_behind(cidrs(&[PROXY]).header(ForwardingHeader::Forwarded));
    assert_eq!(get(&server, PROXY, &[(FORWARDED, "for=\"[2001:db8::1]:47\"")]), NEW);
    for chain in [
        "for=\"[2001:db8::1]\"",
        "For=\"[2001:db8::1]:_port\";proto=https",
        "for=9.9.9.9, by=\"a, for=9.9.9.9;b\";for=\"[2001:db8::1]\"",
        // What the client wrote before our proxy appended its own.
        "for=9.9.9.9;by=\", for=\"[2001:db8::1]\"",
    ] {
        assert_eq!(get(&server, PROXY, &[(FORWARDED, chain)]), AGAIN, "{chain}");
    }
}

#[test]
fn s52_unknown_and_obfuscated_clients_are_nobody() {
    let server = serve_behind(cidrs(&[PROXY]).header(ForwardingHeader::Forwarded));
    for node in ["for=unknown", "for=_hidden", "for=\"_a, b\"", "by=192.0.2.1", "192.0.2.1"] {
        let chain = format!("for=9.9.9.9, {node}");
        assert_eq!(get(&server, PROXY, &[(FORWARDED, &chain)]), NOBODY, "{node}");
    }
    assert_eq!(get(&server, PROXY, &[(FORWARDED, "for=9.9.9.9")]), NEW);
}

#[test]
fn s52_hidden_clients_can_be_given_a_counter_of_their_own() {
    let fallback = MissingIdentity::Fallback(Key::text("hidden"));
    let server = serve_one_per_minute(
        limiter().key(client_ip).trusted_proxies(cidrs(&[PROXY])).missing_identity(fallback),
    );
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.1, unknown")]), NEW);
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.2, _hidden")]), AGAIN);
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.1")]), NEW);
    assert_eq!(get(&server, PROXY, &[]), NEW);
}

#[test]
fn s53_where_two_headers_disagree_the_configured_one_wins() {
    for (header, read, ignored) in [
        (ForwardingHeader::XForwardedFor, (XFF, ""), (FORWARDED, "for=")),
        (ForwardingHeader::Forwarded, (FORWARDED, "for="), (XFF, "")),
    ] {
        let server = serve_behind(cidrs(&[PROXY]).header(header));
        let both = |told: &str, forged: &str| {
            let [told, forged] = [format!("{}{told}", read.1), format!("{}{forged}", ignored.1)];
            get(&server, PROXY, &[(ignored.0, &forged), (read.0, &told)])
        };
        assert_eq!(both("192.0.2.1", "192.0.2.2"), NEW);
        assert_eq!(both("192.0.2.1", "192.0.2.3"), AGAIN);
        assert_eq!(both("192.0.2.2", "192.0.2.1"), NEW);
        // The ignored one alone: the client is the proxy, as without any header.
        assert_eq!(get(&server, PROXY, &[]), NEW);
        let alone = format!("{}192.0.2.9", ignored.1);
        assert_eq!(get(&server, PROXY, &[(ignored.0, &alone)]), AGAIN);
    }
}

#[test]
fn s54_every_spelling_of_an_ipv4_address_is_one_client() {
    let server = serve_behind(cidrs(&[PROXY]));
    assert_eq!(get(&server, PROXY, &[(XFF, "1.2.3.4")]), NEW);
    for spelling in ["::ffff:1.2.3.4", "::ffff:102:304", "[::ffff:1.2.3.4]:80", "1.2.3.4:80"] {
        assert_eq!(get(&server, PROXY, &[(XFF, spelling)]), AGAIN, "{spelling}");
    }
}

#[test]
fn s54_a_dual_stack_listener_sees_the_same_clients_and_proxies() {
    let limiter = build(limiter().key(client_ip).trusted_proxies(cidrs(&[PROXY])));
    let dual_stack = {
        let limiter = limiter.clone();
        RunningServer::start(move || {
            let server = HttpServer::new(move || one_per_minute!(limiter)).workers(1);
            let server = server.disable_signals().listen(dual_stack_listener())?;
            let port = server.addrs()[0].port();
            // Connected to as IPv4, it sees its peers as `::ffff:127.0.0.x`.
            Ok((server.run(), SocketAddr::from(([127, 0, 0, 1], port))))
        })
    };
    let ipv4 = serve!(one_per_minute!(limiter));
    assert_eq!(get(&ipv4, STRANGER, &[]), NEW);
    assert_eq!(get(&dual_stack, STRANGER, &[]), AGAIN);
    assert_eq!(get(&dual_stack, PROXY, &[(XFF, "192.0.2.1")]), NEW);
    assert_eq!(get(&ipv4, PROXY, &[(XFF, "192.0.2.1")]), AGAIN);
}

#[test]
fn s55_an_ipv4_address_inside_an_ipv6_address_is_not_that_client() {
    let server = serve_behind(cidrs(&[PROXY]));
    for client in ["1.2.3.4", "2001:db8::1.2.3.4", "64:ff9b::1.2.3.4", "::1.2.3.4"] {
        assert_eq!(get(&server, PROXY, &[(XFF, client)]), NEW, "{client}");
    }
}

#[test]
fn s56_who_rotates_inside_a_64_is_one_client() {
    let server = serve_behind(cidrs(&[PROXY]));
    assert_eq!(get(&server, PROXY, &[(XFF, "2001:db8::1")]), NEW);
    for n in 2..40 {
        let client = format!("2001:db8::{n:x}:{n:x}:1");
        assert_eq!(get(&server, PROXY, &[(XFF, &client)]), AGAIN, "{client}");
    }
    assert_eq!(get(&server, PROXY, &[(XFF, "2001:db8:0:1::1")]), NEW);
}

#[test]
fn s56_the_prefix_is_configurable() {
    let server = serve_one_per_minute(
        limiter().key(client_ip).trusted_proxies(cidrs(&[PROXY])).ipv4_prefix(24).ipv6_prefix(48),
    );
    assert_eq!(get(&server, PROXY, &[(XFF, "2001:db8::1")]), NEW);
    assert_eq!(get(&server, PROXY, &[(XFF, "2001:db8:0:ffff::1")]), AGAIN);
    assert_eq!(get(&server, PROXY, &[(XFF, "2001:db8:1::1")]), NEW);
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.1")]), NEW);
    assert_eq!(get(&server, PROXY, &[(XFF, "192.0.2.200")]), AGAIN);
}

#[limit("1/minute", key = client_ip)]
#[limit("3/minute", key = client_network(24, 48))]
async fn two_budgets() -> &'static str {
    "found"
}

#[test]
fn s56_who_rotates_64s_inside_a_48_meets_the_wider_budget() {
    let limiter = build(limiter().trusted_proxies(cidrs(&[PROXY])));
    let server =
        serve!(App::new().wrap(limiter.middleware()).route("/", web::get().to(two_budgets)));
    let rotate = |network: u8| {
        let client = format!("2001:db8:1:{network:x}::1");
        get(&server, PROXY, &[(XFF, &client)])
    };
    assert_eq!((1..=5).map(rotate).collect::<Vec<_>>(), [NEW, NEW, NEW, AGAIN, AGAIN]);
    assert_eq!(get(&server, PROXY, &[(XFF, "2001:db8:2::1")]), NEW);
}

/// Naming proxies says that the peer is none of the clients.
#[test]
fn behind_named_proxies_the_client_is_counted_without_being_asked_for() {
    let limiter = build(limiter().trusted_proxies(cidrs(&[PROXY])).default_limits(["1/minute"]));
    let server =
        serve!(App::new().wrap(limiter.middleware()).route("/", web::get().to(async || "plain")));
    let [one, other] = [[(XFF, "203.0.113.1")], [(XFF, "203.0.113.2")]];
    assert_eq!([get(&server, PROXY, &one), get(&server, PROXY, &one)], [NEW, AGAIN]);
    assert_eq!(get(&server, PROXY, &other), NEW);
}

#[test]
fn s57_on_a_unix_socket_there_is_no_identity_unless_somebody_tells_it() {
    // By default: refused, however often.
    let refusing = UnixServer::start(limiter());
    assert_eq!([refusing.get(&[]), refusing.get(&[(XFF, "192.0.2.1")])], [NOBODY, NOBODY]);
    let listing = UnixServer::start(limiter().key(client_ip).trusted_proxies(cidrs(&[PROXY])));
    assert_eq!(listing.get(&[(XFF, "192.0.2.1")]), NOBODY);

    // Or what is configured.
    let skipping = UnixServer::start(limiter().missing_identity(MissingIdentity::Skip));
    assert_eq!([skipping.get(&[]), skipping.get(&[])], [NEW, NEW]);
    let fallback = MissingIdentity::Fallback(Key::text("unix"));
    let counting = UnixServer::start(limiter().missing_identity(fallback));
    assert_eq!([counting.get(&[]), counting.get(&[])], [NEW, AGAIN]);

    // A proxy at the other end, which tells its clients apart.
    let behind =
        UnixServer::start(limiter().key(client_ip).trusted_proxies(TrustedProxies::hops(1)));
    assert_eq!(behind.get(&[(XFF, "9.9.9.9, 192.0.2.1")]), NEW);
    assert_eq!(behind.get(&[(XFF, "9.9.9.8, 192.0.2.1")]), AGAIN);
    assert_eq!(behind.get(&[(XFF, "192.0.2.2")]), NEW);
    assert_eq!(behind.get(&[]), NOBODY);
}

#[test]
fn s58_hostile_header_values_are_clients_apart() {
    let long = "k".repeat(60 << 10);
    let longer = "k".repeat((60 << 10) + 1);
    let plain = serve_one_per_minute(limiter().key(header("X-User")));
    let secret = serve_one_per_minute(limiter().key(secret_header("X-User")));
    for server in [&plain, &secret] {
        for pass in [NEW, AGAIN] {
            for value in
                ["/", ":", "{", "}", "_", "{a}", "a/b", "a:b", "*", "\u{1f980}", &long, &longer]
            {
                assert_eq!(get(server, PROXY, &[("x-user", value)]), pass, "{value:.20}");
            }
        }
        assert_eq!(get(server, PROXY, &[]), NOBODY);
        assert_eq!(get(server, PROXY, &[("x-user", "")]), NOBODY);
        assert_eq!(get(server, PROXY, &[("x-user", "a"), ("x-user", "b")]), NOBODY);
        // What cannot be in a header never gets as far as a key.
        assert_eq!(get(server, PROXY, &[("x-user", "a\0")]), 400);
    }
}

fn customer(request: &HttpRequest) -> Option<&str> {
    request.match_info().get("customer")
}

#[limit("1/minute", key = (customer, peer_ip))]
async fn of_customer() -> &'static str {
    "found"
}

#[test]
fn s58_hostile_path_parts_are_clients_apart() {
    let limiter = build(limiter());
    let server = serve!(
        App::new().wrap(limiter.middleware()).route("/{customer}", web::get().to(of_customer))
    );
    let long = "k".repeat(60 << 10);
    for status in [NEW, AGAIN] {
        for part in [
            "a",
            "A",
            "a%0D%0ASET%20x%201",
            "%00",
            "a%00",
            "%7Ba%7D",
            "a%7Db",
            "a:b",
            "_",
            "%F0%9F%A6%80",
            &long,
        ] {
            assert_eq!(request(&server, PROXY, &format!("/{part}"), &[]), status, "{part:.20}");
        }
    }
    // Each part alone tells clients apart, too.
    assert_eq!(request(&server, STRANGER, "/a", &[]), NEW);
}

/// An app whose every path is limited by a limiter.
macro_rules! one_per_minute {
    ($limiter:expr) => {
        App::new().wrap($limiter.middleware()).route("/", web::get().to(|| async { "found" }))
    };
}
use one_per_minute;

fn limiter() -> LimiterBuilder {
    Limiter::builder().default_limits(["1/minute"]).clock(FakeClock::new())
}

fn build(builder: LimiterBuilder) -> Limiter {
    System::new().block_on(builder.build()).expect("the options are right")
}

fn cidrs(proxies: &[&str]) -> TrustedProxies {
    TrustedProxies::cidrs(proxies).expect("addresses and networks")
}

fn serve_one_per_minute(builder: LimiterBuilder) -> RunningServer {
    let limiter = build(builder);
    serve!(one_per_minute!(limiter))
}

fn serve_behind(proxies: TrustedProxies) -> RunningServer {
    serve_one_per_minute(limiter().key(client_ip).trusted_proxies(proxies))
}

/// The status of a `GET` with these header lines, from a client at this address.
fn get(server: &RunningServer, from: &str, headers: &[(&str, &str)]) -> u16 {
    request(server, from, "/", headers)
}

fn request(server: &RunningServer, from: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
    server.request_from(from.parse().expect("an address"), "GET", target, headers).status
}

/// Sends a `GET` and reads the status of the answer.
fn exchange(mut stream: impl Read + Write, target: &str, headers: &[(&str, &str)]) -> u16 {
    let mut text = format!("GET {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers and closes");
    let status = answer.get(9..12).and_then(|status| str::from_utf8(status).ok());
    status.and_then(|status| status.parse().ok()).expect("an answer begins with its status")
}

fn dual_stack_listener() -> std::net::TcpListener {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None).expect("IPv6 is there");
    socket.set_only_v6(false).expect("a socket may serve both");
    let any: SocketAddr = "[::]:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a free port");
    socket.listen(16).expect("it is bound");
    socket.into()
}

/// A server on a Unix socket.
struct UnixServer {
    path: PathBuf,
    _server: RunningServer,
}

impl UnixServer {
    fn start(builder: LimiterBuilder) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};

        static SERVERS: AtomicUsize = AtomicUsize::new(0);
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("limiter-identity-{}-{number}.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        let limiter = build(builder);
        let socket = path.clone();
        let server = RunningServer::start(move || {
            let server = HttpServer::new(move || one_per_minute!(limiter)).workers(1);
            let server = server.disable_signals().bind_uds(socket)?;
            // It has no such address; nobody asks for it.
            Ok((server.run(), SocketAddr::from(([0, 0, 0, 0], 0))))
        });
        Self { path, _server: server }
    }

    fn get(&self, headers: &[(&str, &str)]) -> u16 {
        let stream = UnixStream::connect(&self.path).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out is legal");
        exchange(stream, "/", headers)
    }
}

impl Drop for UnixServer {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
