use std::{collections::HashSet, net::SocketAddr};

use actix_web::{HttpRequest, http::header::HeaderValue, test::TestRequest};
use limiter_core::Key;

use super::{
    address::{Addresses, client_ip, client_network, peer_ip, peer_network},
    header::{header, secret_header},
    key_by::{KeyBy, everyone},
    proxy::TrustedProxies,
};

fn from(peer: &str) -> TestRequest {
    TestRequest::default().peer_addr(SocketAddr::new(peer.parse().unwrap(), 47))
}

/// The key of a request in a limiter that trusts one hop.
fn behind_one_hop(request: TestRequest) -> Option<Key> {
    let config = Addresses { proxies: TrustedProxies::hops(1), ..Default::default() };
    let address = config.client_address(&request.to_http_request())?;
    Some(config.key(address))
}

#[test]
fn every_spelling_of_an_ipv4_peer_is_one_key() {
    let keys = ["::ffff:1.2.3.4", "::ffff:102:304", "1.2.3.4"];
    for peer in keys {
        let request = from(peer).to_http_request();
        assert_eq!(peer_ip(&request), Some(Key::ip("1.2.3.4".parse().unwrap())), "{peer}");
        assert_eq!(client_ip(&request), peer_ip(&request), "{peer}");
    }
}

#[test]
fn an_ipv4_address_inside_an_ipv6_address_is_not_the_ipv4_client() {
    let ipv4 = peer_ip(&from("1.2.3.4").to_http_request());
    for peer in ["2001:db8::1.2.3.4", "64:ff9b::1.2.3.4", "::1.2.3.4"] {
        assert_ne!(peer_ip(&from(peer).to_http_request()), ipv4, "{peer}");
    }
}

#[test]
fn addresses_in_a_64_share_one_key_and_64s_in_a_48_share_the_wider_one() {
    let distinct = |key: &dyn Fn(&HttpRequest) -> Option<Key>, peer: &dyn Fn(u16) -> String| {
        let keys = (0..256).map(|n| key(&from(&peer(n)).to_http_request()).unwrap());
        keys.map(|key| key.to_bytes().to_vec()).collect::<HashSet<_>>().len()
    };
    let inside_64 = |n| format!("2001:db8:1:1:{n:x}::{n:x}");
    let inside_48 = |n| format!("2001:db8:1:{n:x}::1");
    let inside_24 = |n| format!("192.0.2.{n}");
    for wide in [peer_network(24, 48), client_network(24, 48)] {
        let wide = move |request: &HttpRequest| wide.key(request);
        assert_eq!(distinct(&peer_ip, &inside_64), 1);
        assert_eq!(distinct(&peer_ip, &inside_48), 256);
        assert_eq!(distinct(&wide, &inside_48), 1);
        assert_eq!(distinct(&peer_ip, &inside_24), 256);
        assert_eq!(distinct(&wide, &inside_24), 1);
    }
}

#[test]
fn without_a_peer_address_there_is_no_identity() {
    let request = TestRequest::default()
        .insert_header(("x-forwarded-for", "192.0.2.1"))
        .insert_header(("forwarded", "for=192.0.2.1"))
        .to_http_request();
    assert_eq!(peer_ip(&request), None);
    assert_eq!(client_ip(&request), None);
    assert_eq!(client_network(24, 48).key(&request), None);
    assert_eq!((everyone, peer_ip).key(&request), None);
}

#[test]
fn a_hidden_client_has_no_identity_rather_than_that_of_the_proxy() {
    let request = |chain| from("10.0.0.1").insert_header(("x-forwarded-for", chain));
    assert_eq!(behind_one_hop(request("192.0.2.1, unknown")), None);
    assert_eq!(behind_one_hop(request("unknown, 192.0.2.1")), behind_one_hop(from("192.0.2.1")));
}

#[test]
fn hostile_header_values_neither_collide_nor_grow() {
    let values = [
        "/",
        ":",
        "{",
        "}",
        "_",
        "{a}",
        "a/b",
        "a:b",
        "t\u{1}a",
        "\u{1f980}",
        "\u{1f980}\u{1f980}",
        "a\tb",
        "a b",
        "*",
        "a,b",
    ];
    let megabyte = "k".repeat(1 << 20);
    let longer = "k".repeat((1 << 20) + 1);
    let mut keys = HashSet::new();
    let mut expected = 0;
    for value in values.into_iter().chain([&*megabyte, &*longer]) {
        let value =
            HeaderValue::from_str(value).or_else(|_| HeaderValue::from_bytes(value.as_bytes()));
        // Control characters never get past the parser of a request.
        let Ok(value) = value else { continue };
        let request = TestRequest::default().insert_header(("x-user", value)).to_http_request();
        let plain = header("x-user").key(&request);
        let secret = secret_header("x-user").key(&request);
        for key in [plain, secret].into_iter().flatten() {
            assert!(key.to_bytes().len() <= 64);
            keys.insert(key.to_bytes().to_vec());
            expected += 1;
        }
    }
    assert!(expected > 20, "{expected}");
    assert_eq!(keys.len(), expected);
}

#[test]
fn a_function_may_yield_any_text() {
    let keys: Vec<_> = ["\r\nSET x 1", "\0", "a\0", "{a}", "a}b"]
        .map(|text| {
            (move |_: &HttpRequest| text).key(&from("192.0.2.1").to_http_request()).unwrap()
        })
        .into();
    for (index, key) in keys.iter().enumerate() {
        assert!(key.to_bytes().len() <= 64);
        assert!(!keys[index + 1..].contains(key));
    }
    let empty = |_: &HttpRequest| "";
    assert_eq!(empty.key(&from("192.0.2.1").to_http_request()), None);
}

#[test]
fn a_repeated_absent_empty_or_garbled_header_is_no_identity() {
    let twice = TestRequest::default()
        .append_header(("x-user", "alice"))
        .append_header(("x-user", "alice"));
    let garbled = TestRequest::default()
        .insert_header(("x-user", HeaderValue::from_bytes(b"alice\xff").unwrap()));
    for (request, secret) in [
        (twice, false),
        (TestRequest::default(), false),
        (TestRequest::default().insert_header(("x-user", "")), false),
        (TestRequest::default().insert_header(("x-user", " \t")), false),
        // A credential is bytes.
        (garbled, true),
    ] {
        let request = request.to_http_request();
        assert_eq!(header("x-user").key(&request), None);
        assert_eq!(secret_header("x-user").key(&request).is_some(), secret);
    }
}

#[test]
fn the_case_of_a_header_name_and_blanks_around_its_value_do_not_count() {
    let request = TestRequest::default().insert_header(("X-User", " alice\t")).to_http_request();
    for name in ["x-user", "X-User", "X-USER"] {
        assert_eq!(header(name).key(&request), Some(Key::text("alice")));
    }
    assert_eq!(header("x-use").key(&request), None);
    assert_eq!(header("not a name").key(&request), None);
}

#[test]
fn respelling_the_scheme_of_a_credential_gains_no_counter() {
    let key = |name, value| {
        let request = TestRequest::default().insert_header((name, value)).to_http_request();
        secret_header(name).key(&request)
    };
    let token = Some(Key::secret(b"s3cr3t"));
    for value in ["Bearer s3cr3t", "bearer s3cr3t", "BEARER \t s3cr3t ", "s3cr3t"] {
        assert_eq!(key("authorization", value), token, "{value:?}");
        assert_eq!(key("proxy-authorization", value), token, "{value:?}");
    }
    assert_ne!(key("authorization", "Bearer S3cr3t"), token);
    // Elsewhere the first word is part of the secret.
    assert_ne!(key("x-api-key", "Bearer s3cr3t"), token);
}

#[test]
fn a_secret_never_stands_in_a_key() {
    let secret = "correct-horse-battery";
    let request = TestRequest::default().insert_header(("x-api-key", secret)).to_http_request();
    let key = secret_header("x-api-key").key(&request).unwrap();
    let found =
        key.to_bytes().windows(4).any(|part| secret.as_bytes().windows(4).any(|s| s == part));
    assert!(!found);
}

#[test]
fn a_tuple_is_one_key_for_each_combination_and_none_where_a_part_is_missing() {
    let request = |a: &str, b: &str| {
        TestRequest::default()
            .insert_header(("a", a))
            .insert_header(("b", b))
            .peer_addr("192.0.2.1:47".parse().unwrap())
            .to_http_request()
    };
    let pair = (header("a"), header("b"));
    assert_eq!(pair.key(&request("1", "2")), pair.key(&request("1", "2")));
    assert_ne!(pair.key(&request("1", "23")), pair.key(&request("12", "3")));
    assert_ne!(pair.key(&request("1", "2")), pair.key(&request("2", "1")));
    assert_eq!(pair.key(&request("1", "")), None);
    assert_eq!(pair.key(&request("", "2")), None);

    let four = (header("a"), peer_ip, header("b"), |_: &HttpRequest| 7_u64);
    assert!(four.key(&request("1", "2")).is_some());
    assert_eq!(four.key(&request("1", "")), None);
    let three = (everyone, peer_ip, header("b"));
    assert_ne!(three.key(&request("1", "2")), pair.key(&request("1", "2")));
}

#[test]
fn everyone_shares_no_key_with_anybody() {
    let request = from("192.0.2.1").insert_header(("a", "everyone")).to_http_request();
    let key = everyone(&request);
    assert_eq!(key, everyone(&TestRequest::default().to_http_request()));
    assert_ne!(key, header("a").key(&request));
    assert_ne!(key, peer_ip(&request));
}

#[test]
fn functions_closures_and_trait_objects_are_keys() {
    fn path(request: &HttpRequest) -> &str {
        request.path()
    }
    let request = from("192.0.2.1").uri("/a").to_http_request();
    let prefix = String::from("user:");
    let keys: [Box<dyn KeyBy>; 5] = [
        Box::new(path),
        Box::new(peer_ip),
        Box::new(move |request: &HttpRequest| format!("{prefix}{}", request.path())),
        Box::new(|_: &HttpRequest| Some(7_u32)),
        Box::new((path, header("host"))),
    ];
    let keys = keys.map(|key| key.key(&request));
    assert_eq!(keys[0], Some(Key::text("/a")));
    assert_eq!(keys[1], Some(Key::ip("192.0.2.1".parse().unwrap())));
    assert_eq!(keys[2], Some(Key::text("user:/a")));
    assert_eq!(keys[3], Some(Key::number(7)));
    assert_eq!(keys[4], None);
}
