use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use tracing::{Event, Metadata, Subscriber, span};

use super::{
    chain::ForwardingHeader,
    trust::{ClientAddress, TrustedProxies},
};

const XFF: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn address(text: &str) -> ClientAddress {
    ClientAddress::Address(ip(text))
}

fn headers<V: AsRef<[u8]>>(lines: impl IntoIterator<Item = (&'static str, V)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_ref()).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

/// Our proxies are 10.0.0.0/8 and 2001:db8:a::/48.
fn ours() -> TrustedProxies {
    TrustedProxies::cidrs(["10.0.0.0/8", "2001:db8:a::/48"]).unwrap()
}

fn ours_with_forwarded() -> TrustedProxies {
    ours().header(ForwardingHeader::Forwarded)
}

/// The client of a request that one of our proxies sends.
fn client<V: AsRef<[u8]>>(
    proxies: &TrustedProxies,
    lines: impl IntoIterator<Item = (&'static str, V)>,
) -> ClientAddress {
    proxies.client(Some(ip("10.0.0.1")), &headers(lines))
}

#[test]
fn without_trusted_proxies_a_random_left_most_entry_changes_nothing() {
    for proxies in
        [TrustedProxies::none(), TrustedProxies::hops(0), TrustedProxies::cidrs([""; 0]).unwrap()]
    {
        for n in 0..100 {
            let forged = format!("198.51.100.{n}");
            let forwarded = format!("for={forged}");
            let headers = headers([(XFF, &forged), (FORWARDED, &forwarded)]);
            assert_eq!(proxies.client(Some(ip("10.0.0.1")), &headers), address("10.0.0.1"));
        }
    }
}

#[test]
fn a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_sends() {
    let headers = headers([(XFF, "198.51.100.1, 10.0.0.1"), (FORWARDED, "for=10.0.0.1")]);
    for proxies in [ours(), ours_with_forwarded()] {
        assert_eq!(proxies.client(Some(ip("192.0.2.1")), &headers), address("192.0.2.1"));
    }
}

#[test]
fn behind_one_hop_the_right_most_of_three_forged_entries_counts() {
    let lines = [(XFF, "1.1.1.1, 2.2.2.2, 10.0.0.9, 192.0.2.7")];
    assert_eq!(client(&TrustedProxies::hops(1), lines), address("192.0.2.7"));
    assert_eq!(client(&ours(), lines), address("192.0.2.7"));
}

#[test]
fn hops_are_counted_from_the_peer_whatever_their_addresses() {
    let lines = [(XFF, "3.3.3.3, 2.2.2.2, 1.1.1.1")];
    let expected = ["10.0.0.1", "1.1.1.1", "2.2.2.2", "3.3.3.3", "3.3.3.3"];
    for (hops, expected) in expected.into_iter().enumerate() {
        assert_eq!(client(&TrustedProxies::hops(hops), lines), address(expected), "{hops}");
    }
    assert_eq!(client(&TrustedProxies::hops(usize::MAX), lines), address("3.3.3.3"));
}

#[test]
fn where_every_address_is_trusted_the_left_most_one_is_the_client() {
    assert_eq!(client(&ours(), [(XFF, "10.3.0.1, 10.2.0.1")]), address("10.3.0.1"));
    assert_eq!(client(&ours(), [(XFF, "")]), address("10.0.0.1"));
    assert_eq!(client(&ours(), [("host", "a")]), address("10.0.0.1"));
}

#[test]
fn ports_brackets_quotes_spaces_and_empty_entries_are_read() {
    for (entry, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:5678", "192.0.2.1"),
        ("\t 192.0.2.1 ", "192.0.2.1"),
        ("\"192.0.2.1:80\"", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:db8::1:47", "2001:db8::1:47"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:47", "2001:db8::1"),
        ("\"[2001:db8::1]:47\"", "2001:db8::1"),
        ("1.1.1.1,,192.0.2.1,, ,\t,10.1.1.1,", "192.0.2.1"),
    ] {
        assert_eq!(client(&ours(), [(XFF, entry)]), address(expected), "{entry:?}");
    }
}

#[test]
fn repeated_lines_are_one_chain() {
    let lines = [(XFF, "1.1.1.1"), (XFF, "192.0.2.1, 10.1.1.1"), (XFF, ""), (XFF, "10.1.1.2")];
    assert_eq!(client(&ours(), lines), address("192.0.2.1"));
    assert_eq!(client(&TrustedProxies::hops(2), lines), address("10.1.1.1"));

    let lines = [(FORWARDED, "for=1.1.1.1;x=\""), (FORWARDED, "for=192.0.2.1,for=10.1.1.1")];
    assert_eq!(client(&ours_with_forwarded(), lines), address("192.0.2.1"));
}

#[test]
fn left_of_a_malformed_hop_nothing_is_believed() {
    for hop in [
        "unknown",
        "_hidden",
        "localhost",
        "unix:",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "0xc0.0.2.1",
        "192.0.2.1:",
        "192.0.2.1:http",
        "192.0.2.1:+80",
        "192.0.2.1:65536",
        "192.0.2.1 192.0.2.2",
        "192.0.2.1/32",
        "[192.0.2.1]",
        "[2001:db8::1",
        "2001:db8::1]:47",
        "[2001:db8::1]47",
        "fe80::1%eth0",
        "\"192.0.2.1",
        "\"",
        "\"\"",
        "for=192.0.2.1",
        "192.0.2.\u{661}",
        "\u{ff11}92.0.2.1",
    ] {
        let chain = format!("1.1.1.1, {hop}, 10.2.2.2");
        assert_eq!(client(&ours(), [(XFF, &chain)]), ClientAddress::Unknown, "{hop:?}");
        assert_eq!(
            client(&ours(), [(XFF, "1.1.1.1"), (XFF, hop)]),
            ClientAddress::Unknown,
            "{hop:?}"
        );
    }
    assert_eq!(client(&ours(), [(XFF, b"1.1.1.1, 192.0.2.1\xff")]), ClientAddress::Unknown);
    // Left of the client it does not matter.
    assert_eq!(client(&ours(), [(XFF, "unknown, \", 192.0.2.1")]), address("192.0.2.1"));
}

#[test]
fn a_64_kb_header_costs_no_more_than_its_end() {
    let big = |piece: &str| piece.repeat((64 << 10) / piece.len());
    for piece in ["1.1.1.1,", ",", " ", "x", "\"", "\\\"", "\\", "for=\",", ";", "=", "[", ":"] {
        // The end is what our proxies wrote.
        let xff = big(piece) + ",192.0.2.1, 10.2.2.2";
        assert_eq!(client(&ours(), [(XFF, &xff)]), address("192.0.2.1"), "{piece:?}");
        let forwarded = big(piece) + ",for=192.0.2.1, for=10.2.2.2";
        let proxies = ours_with_forwarded();
        assert_eq!(client(&proxies, [(FORWARDED, &forwarded)]), address("192.0.2.1"), "{piece:?}");
        // Where even the end does not tell, nothing does: the left end is never reached.
        let xff = String::from("1.1.1.1, ") + &big(piece);
        let told = client(&TrustedProxies::hops(100_000), [(XFF, &xff)]);
        assert_eq!(told, ClientAddress::Unknown, "{piece:?}");
    }
    let ours_only = String::from("1.1.1.1") + &big(",10.2.2.2");
    assert_eq!(client(&ours(), [(XFF, &ours_only)]), ClientAddress::Unknown);
}

#[test]
fn the_nodes_of_rfc_7239_are_read() {
    for (element, expected) in [
        ("for=192.0.2.60", "192.0.2.60"),
        ("For=192.0.2.60", "192.0.2.60"),
        ("FOR=\"192.0.2.60\"", "192.0.2.60"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ("proto=http;by=203.0.113.43;for=192.0.2.60", "192.0.2.60"),
        (";;for=192.0.2.60;;", "192.0.2.60"),
        ("proto=http ; for=192.0.2.60 ; host=a", "192.0.2.60"),
        ("for=\"192.0.2.60:4711\"", "192.0.2.60"),
        ("for=\"192.0.2.60:_port\"", "192.0.2.60"),
        ("for=192.0.2.60:4711", "192.0.2.60"),
        ("for=\"[2001:db8::1]:47\"", "2001:db8::1"),
        ("for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("for=\"[2001:db8::1]:_p.o-r_t\"", "2001:db8::1"),
        ("for=2001:db8::1", "2001:db8::1"),
        (r#"for="\1\9\2.0.2.60""#, "192.0.2.60"),
        (r#"for=192.0.2.60;by="a,b;for=6.6.6.6""#, "192.0.2.60"),
        (r#"by=", for=6.6.6.6";for=192.0.2.60"#, "192.0.2.60"),
        (r#"by="\", for=6.6.6.6\\";for=192.0.2.60"#, "192.0.2.60"),
        (r#"by="\\\"";for=192.0.2.60"#, "192.0.2.60"),
        (r#"for=192.0.2.60;by="""#, "192.0.2.60"),
    ] {
        for chain in [
            element.to_owned(),
            format!("for=1.1.1.1, {element}"),
            format!("for=1.1.1.1,,{element} ,, for=\"10.2.2.2\";by=\"a,b\", "),
        ] {
            assert_eq!(
                client(&ours_with_forwarded(), [(FORWARDED, &chain)]),
                address(expected),
                "{chain}"
            );
        }
    }
}

#[test]
fn obfuscated_unknown_and_malformed_nodes_never_become_an_address() {
    for element in [
        "for=unknown",
        "for=_hidden",
        "for=\"_SEVKISEK\"",
        "for=\"unknown:47\"",
        "by=192.0.2.1",
        "for",
        "for=",
        "for=\"\"",
        "=192.0.2.1",
        "192.0.2.1",
        "for =192.0.2.1",
        "for= 192.0.2.1",
        "for=192.0.2.1;for=192.0.2.2",
        "for=192.0.2.1 by=a",
        "for=\"192.0.2.1\"x",
        "for=\"192.0.2.1\";by",
        "for=192.0.2.1\"",
        "for=\"192.0.2.1\\\"",
        "for=192.0.2.1;b\"y=\"a",
        "by=a\";for=192.0.2.1;x=y\"",
        "by=a\",for=192.0.2.1;x=y\"",
        "by=\"a\";for=192.0.2.1;x=\"",
        "for=\" 192.0.2.1\"",
        "for=\"192.0.2.1,192.0.2.2\"",
        "for=\"[192.0.2.1]\"",
        "for=\"192.0.2.1:_\"",
        "for=\"192.0.2.1:_ü\"",
        "fo\u{17f}r=192.0.2.1",
    ] {
        let chain = format!("for=1.1.1.1, {element}, for=10.2.2.2");
        assert_eq!(
            client(&ours_with_forwarded(), [(FORWARDED, &chain)]),
            ClientAddress::Unknown,
            "{element}"
        );
    }
}

#[test]
fn a_quote_that_the_client_opens_does_not_swallow_what_our_proxy_appends() {
    for forged in ["for=\"", "for=1.1.1.1;by=\"", "for=1.1.1.1;by=\"a\\", "\"", "\\\"", "x\"y\"z\""]
    {
        for appended in
            ["for=192.0.2.1", "for=\"192.0.2.1:80\";by=\"_a\"", "by=\"\\\"\";for=192.0.2.1"]
        {
            let chain = format!("{forged}, {appended}, for=10.2.2.2");
            assert_eq!(
                client(&ours_with_forwarded(), [(FORWARDED, &chain)]),
                address("192.0.2.1"),
                "{chain}"
            );
        }
    }
}

#[test]
fn where_the_headers_disagree_the_configured_one_wins_and_one_warning_is_logged() {
    let disagree = [(XFF, "192.0.2.1"), (FORWARDED, "for=192.0.2.2")];
    let agree = [(XFF, "192.0.2.1"), (FORWARDED, "for=\"192.0.2.1:47\"")];
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());

    let proxies = ours();
    assert_eq!(client(&proxies, agree), address("192.0.2.1"));
    assert_eq!(warnings.count(), 0);
    for _ in 0..3 {
        assert_eq!(client(&proxies.clone(), disagree), address("192.0.2.1"));
        assert_eq!(warnings.count(), 1);
    }

    // The configured header is missing: the proxy is the client, and that is worth a warning.
    let proxies = ours_with_forwarded();
    assert_eq!(client(&proxies, [(XFF, "192.0.2.1")]), address("10.0.0.1"));
    assert_eq!(warnings.count(), 2);
    assert_eq!(client(&proxies, disagree), address("192.0.2.2"));

    // Whom we do not trust cannot make us log.
    assert_eq!(ours().client(Some(ip("192.0.2.9")), &headers(disagree)), address("192.0.2.9"));
    assert_eq!(warnings.count(), 2);
}

#[test]
fn every_spelling_of_an_ipv4_address_is_one_client() {
    for spelling in ["::ffff:1.2.3.4", "::ffff:102:304", "1.2.3.4", "[::ffff:1.2.3.4]:80"] {
        assert_eq!(client(&ours(), [(XFF, spelling)]), address("1.2.3.4"), "{spelling}");
    }
    let peer = Some(ip("::ffff:1.2.3.4"));
    assert_eq!(TrustedProxies::none().client(peer, &HeaderMap::new()), address("1.2.3.4"));
}

#[test]
fn an_ipv4_mapped_proxy_is_trusted_as_ipv4() {
    let mapped = TrustedProxies::cidrs(["::ffff:10.0.0.0/104", "::ffff:172.16.0.1"]).unwrap();
    let headers = headers([(XFF, "1.1.1.1, ::ffff:10.2.2.2, 10.3.3.3")]);
    for proxies in [ours(), mapped.clone()] {
        for peer in ["10.0.0.1", "::ffff:10.0.0.1"] {
            assert_eq!(proxies.client(Some(ip(peer)), &headers), address("1.1.1.1"));
        }
    }
    assert_eq!(mapped.client(Some(ip("172.16.0.1")), &headers), address("1.1.1.1"));
    assert_eq!(mapped.client(Some(ip("11.0.0.1")), &headers), address("11.0.0.1"));
}

#[test]
fn other_embedded_ipv4_addresses_stay_ipv6() {
    for (spelling, expected) in [
        ("2001:db8::1.2.3.4", "2001:db8::102:304"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ("::1.2.3.4", "::102:304"),
        ("::1", "::1"),
    ] {
        assert_eq!(client(&ours(), [(XFF, spelling)]), address(expected), "{spelling}");
        // And none of them is trusted because of the IPv4 address in it.
        let proxies = TrustedProxies::cidrs(["10.0.0.1", "1.2.3.4", "0.0.0.1"]).unwrap();
        let lines = [(XFF, "6.6.6.6"), (XFF, spelling)];
        assert_eq!(client(&proxies, lines), address(expected), "{spelling}");
    }
}

#[test]
fn a_connection_without_an_address_has_no_client_unless_hops_say_who_it_is() {
    let headers = headers([(XFF, "1.1.1.1, 192.0.2.1")]);
    for proxies in [TrustedProxies::none(), ours()] {
        assert_eq!(proxies.client(None, &headers), ClientAddress::NoPeer);
    }
    let proxy_on_a_socket = TrustedProxies::hops(1);
    assert_eq!(proxy_on_a_socket.client(None, &headers), address("192.0.2.1"));
    assert_eq!(proxy_on_a_socket.client(None, &HeaderMap::new()), ClientAddress::NoPeer);
}

#[test]
fn other_headers_are_never_read() {
    let lines = ["x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "via"]
        .map(|name| (name, "6.6.6.6"));
    for proxies in [ours(), ours_with_forwarded(), TrustedProxies::hops(1)] {
        assert_eq!(client(&proxies, lines), address("10.0.0.1"));
    }
}

#[test]
fn trusted_ipv6_proxies_are_skipped() {
    let lines = [(XFF, "1.1.1.1, 2001:db8:b::1, [2001:db8:a::2]:443, 2001:db8:a:1::3")];
    assert_eq!(client(&ours(), lines), address("2001:db8:b::1"));
}

#[test]
fn a_bad_entry_is_refused_and_named() {
    for entry in ["", "10.0.0.0/33", "2001:db8::/129", "10.0.0.0/-1", "10.0/16", "a", "1.2.3.4:80"]
    {
        let error = TrustedProxies::cidrs(["127.0.0.1", entry]).unwrap_err().to_string();
        assert!(error.contains(&format!("found {entry:?}")), "{error}");
        assert!(error.contains("\"10.0.0.0/8\""), "{error}");
    }
    for entry in ["0.0.0.0/0", "::/0", "10.0.0.0/0", "::ffff:0.0.0.0/96"] {
        let error = TrustedProxies::cidrs([entry]).unwrap_err().to_string();
        assert!(error.contains(&format!("{entry:?}, which contains every client")), "{error}");
    }
    // As a list in an environment variable is split; host bits are as good as none.
    let proxies = TrustedProxies::cidrs("127.0.0.1, 10.9.9.9/8".split(',')).unwrap();
    assert_eq!(client(&proxies, [(XFF, "1.1.1.1, 10.2.2.2")]), address("1.1.1.1"));
}

/// What an entry means, with its spelling in each header.
const ENTRIES: [(Entry, &str, &str); 16] = [
    (Entry::Ours, "10.2.2.2", "for=10.2.2.2"),
    (Entry::Ours, "10.2.2.2:80", "FOR=\"10.2.2.2:80\";by=_a"),
    (Entry::Ours, "\"::ffff:10.2.2.2\"", "by=\"\\\",\";for=\"[::ffff:10.2.2.2]:1\""),
    (Entry::Ours, "[2001:db8:a::1]:47", "for=\"[2001:db8:a::1]\";ext=\"a;b,c\""),
    (Entry::Client("192.0.2.1"), "192.0.2.1", "for=192.0.2.1"),
    (Entry::Client("192.0.2.2"), "192.0.2.2:8080", "for=\"192.0.2.2:_x\""),
    (Entry::Client("192.0.2.3"), "::ffff:192.0.2.3", "For=\"[::ffff:192.0.2.3]\" ;by=a"),
    (Entry::Client("2001:db8::1"), "2001:db8::1", "for=\"[2001:db8::1]:47\";by=\", for=6.6.6.6\""),
    (Entry::Client("2001:db8::2"), "[2001:db8::2]", "proto=https;for=\"\\[2001:db8::2]\""),
    (Entry::Hidden, "unknown", "for=unknown"),
    (Entry::Hidden, "_hidden", "for=_hidden"),
    (Entry::Hidden, "192.0.2", "by=192.0.2.9"),
    (Entry::Hidden, "[::1", "for=192.0.2.9;for=192.0.2.9"),
    (Entry::Hidden, "\"1.2.3.4", "for=\"192.0.2.9,\""),
    (Entry::Empty, "", ""),
    (Entry::Empty, " \t ", " "),
];

#[derive(Clone, Copy)]
enum Entry {
    Ours,
    Client(&'static str),
    Hidden,
    Empty,
}

#[test]
fn random_chains_are_walked_as_their_entries_say() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut seen = [0; 3];
    for _ in 0..20_000 {
        let entries: Vec<_> = (0..random.below(8))
            // Ours more often, or no walk gets far.
            .map(|_| ENTRIES[random.below(16).min(random.below(16))])
            .collect();
        let [mut xff, mut forwarded] = [(); 2].map(|()| vec![String::new()]);
        for (_, in_xff, in_forwarded) in &entries {
            let new_line = random.below(4) == 0;
            for (lines, entry) in [(&mut xff, in_xff), (&mut forwarded, in_forwarded)] {
                match lines.last_mut() {
                    Some(line) if !new_line => *line += &format!(",{entry}"),
                    _ => lines.push((*entry).to_owned()),
                }
            }
        }

        let mut expected = address("10.0.0.1");
        for (entry, spelling, _) in entries.iter().rev() {
            match entry {
                Entry::Empty => continue,
                Entry::Ours if spelling.contains("2001") => expected = address("2001:db8:a::1"),
                Entry::Ours => expected = address("10.2.2.2"),
                Entry::Client(client) => expected = address(client),
                Entry::Hidden => expected = ClientAddress::Unknown,
            }
            if !matches!(entry, Entry::Ours) {
                break;
            }
        }
        seen[match expected {
            ClientAddress::Unknown => 0,
            expected if expected == address("10.0.0.1") => 1,
            _ => 2,
        }] += 1;

        let found = client(&ours(), xff.iter().map(|line| (XFF, line)));
        assert_eq!(found, expected, "{xff:?}");
        let found = client(&ours_with_forwarded(), forwarded.iter().map(|line| (FORWARDED, line)));
        assert_eq!(found, expected, "{forwarded:?}");
    }
    assert!(seen.iter().all(|count| *count > 1000), "one-sided: {seen:?}");
}

#[test]
fn whatever_a_client_writes_the_address_that_our_proxy_saw_is_the_client() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..20_000 {
        let mut xff = random.noise();
        let mut forwarded = xff.clone();
        xff.extend_from_slice(b",192.0.2.1,10.2.2.2");
        forwarded.extend_from_slice(b", for=\"192.0.2.1:80\";by=\"a, b\", for=10.2.2.2");
        assert_eq!(client(&ours(), [(XFF, &xff)]), address("192.0.2.1"));
        let found = client(&ours_with_forwarded(), [(FORWARDED, &forwarded)]);
        assert_eq!(found, address("192.0.2.1"), "{}", forwarded.escape_ascii());
    }
}

#[test]
fn noise_never_panics_and_never_yields_what_stands_left_of_an_untrusted_entry() {
    let mut random = Random(0x5851_f42d_4c95_7f2d);
    let mut told = 0;
    for _ in 0..50_000 {
        let noise = random.noise();
        let found = client(&ours(), [(XFF, &noise)]);
        assert_eq!(found, oracle(&noise), "{}", noise.escape_ascii());
        told += usize::from(!matches!(found, ClientAddress::Unknown));
        client(&ours_with_forwarded(), [(FORWARDED, &noise)]);
        client(&TrustedProxies::hops(random.below(5)), [(XFF, &noise)]);
    }
    assert!(told > 1000, "noise that never means anything tests nothing: {told}");
}

/// The slow and simple reading of `X-Forwarded-For` behind [`ours`], for chains of noise.
fn oracle(chain: &[u8]) -> ClientAddress {
    let chain = String::from_utf8_lossy(chain);
    let mut client = address("10.0.0.1");
    for entry in chain.split(',').rev().map(|entry| entry.trim_matches([' ', '\t'])) {
        if entry.is_empty() {
            continue;
        }
        let node = entry.strip_prefix('"').and_then(|entry| entry.strip_suffix('"'));
        let node = node.unwrap_or(entry);
        let inner = node.strip_prefix('[').and_then(|node| node.strip_suffix(']'));
        let address = match (inner, node.parse::<std::net::SocketAddr>()) {
            (_, Ok(socket)) => Some(socket.ip()),
            (Some(inner), _) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            (None, _) => node.parse().ok(),
        };
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return ClientAddress::Unknown;
        };
        client = ClientAddress::Address(address);
        let ours = match address {
            IpAddr::V4(address) => address.octets()[0] == 10,
            IpAddr::V6(address) => address.segments()[..3] == [0x2001, 0xdb8, 0xa],
        };
        if !ours {
            break;
        }
    }
    client
}

/// Xorshift: the same chains in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    /// Pieces that mean something in one header or the other, in any order.
    fn noise(&mut self) -> Vec<u8> {
        const PIECES: [&str; 32] = [
            "10.2.2.2",
            ",10.2.2.2",
            ", 10.3.3.3:80,",
            "192.0.2.7",
            ",192.0.2.7,",
            "2001:db8::7",
            ",[2001:db8:a::7]",
            ",[2001:db8::7]:47",
            ",::ffff:10.2.2.2,",
            ",\"10.2.2.2\"",
            "for=",
            ",for=10.2.2.2",
            ",For=\"192.0.2.7\";",
            ";by=",
            "=",
            ";",
            ",",
            ", ",
            ",,",
            " ",
            "\t",
            "\"",
            "\\",
            "\\\"",
            "[",
            "]",
            ":",
            "80",
            ".",
            "unknown",
            "x",
            "\u{fc}",
        ];
        (0..self.below(12)).flat_map(|_| PIECES[self.below(PIECES.len())].bytes()).collect()
    }
}

/// Counts what is logged in a test.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl Warnings {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
            && metadata.target().starts_with("limiter_actix::identify::proxy")
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, _event: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}
