//! Where the servers are, as a URI.

use deadpool_redis::redis::IntoConnectionInfo;

use crate::error::StorageError;

/// What a URI names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// One server, in the form that the client reads.
    Single { url: String },
    /// Some nodes of a cluster, likewise.
    Cluster { urls: Vec<String> },
    /// Sentinels, likewise; the name of the primary they watch; and the login of its servers.
    Sentinel { urls: Vec<String>, service: String, server: ServerLogin },
}

/// How to log in to the servers behind sentinels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerLogin {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
}

const LEGAL: &str = "legal forms are `redis://[user:password@]host:port[/database]`, \
                     `redis+unix:///path`, `redis+cluster://host:port,host:port` and \
                     `redis+sentinel://host:port,host:port/service[/database]`, with `valkey` for \
                     `redis` and, where TLS is built in, `rediss` and `valkeys`";

impl Target {
    /// Reads a URI. An error quotes the scheme or what is missing, and never the rest: that may
    /// hold a password.
    pub(super) fn parse(uri: &str) -> Result<Self, StorageError> {
        let Some((scheme, rest)) = uri.split_once("://") else {
            return Err(mistake("expected a URI with a scheme, found none"));
        };
        let scheme = scheme.to_ascii_lowercase();
        let (family, kind) = scheme.split_once('+').unwrap_or((&scheme, ""));
        let client = match family {
            "redis" | "valkey" => "redis",
            "rediss" | "valkeys" => "rediss",
            _ => return Err(mistake(&format!("expected a scheme of Redis, found `{scheme}`"))),
        };
        if client == "rediss" {
            check_tls()?;
        }
        match kind {
            "" => Ok(Self::Single { url: format!("{client}://{rest}") }),
            "unix" if rest.is_empty() => Err(mistake("expected the path of a socket, found none")),
            "unix" if client == "redis" => Ok(Self::Single { url: format!("redis+unix://{rest}") }),
            "cluster" => cluster(client, rest),
            "sentinel" => sentinel(client, rest),
            _ => Err(mistake(&format!("expected a scheme of Redis, found `{scheme}`"))),
        }
    }
}

fn cluster(client: &str, rest: &str) -> Result<Target, StorageError> {
    let (login, hosts, path) = split(rest);
    if !path.trim_matches('/').is_empty() {
        return Err(mistake("expected no database in the URI, for a cluster has only one"));
    }
    let urls = urls(client, login, hosts)?;
    Ok(Target::Cluster { urls })
}

fn sentinel(client: &str, rest: &str) -> Result<Target, StorageError> {
    let (login, hosts, path) = split(rest);
    let (service, database) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return Err(mistake(
            "expected the service that the sentinels watch, as in `…:26379/mymaster`",
        ));
    }
    let database = match database {
        "" => 0,
        number => number.parse().map_err(|_| mistake("expected the database as a number"))?,
    };
    // As in the reference, the login is for the servers; sentinels rarely have one.
    let server = match login {
        Some(login) => ServerLogin { database, ..read_login(login)? },
        None => ServerLogin { database, ..ServerLogin::default() },
    };
    let urls = urls(client, None, hosts)?;
    Ok(Target::Sentinel { urls, service: service.to_owned(), server })
}

/// Without the percent encoding, as the client reads it where there are no sentinels.
fn read_login(login: &str) -> Result<ServerLogin, StorageError> {
    let url = format!("redis://{login}@localhost");
    let info = url.into_connection_info().map_err(|_| {
        mistake("expected `user:password`, with special characters percent-encoded")
    })?;
    let [user, password] = [info.redis_settings().username(), info.redis_settings().password()]
        .map(|text| text.map(str::to_owned));
    Ok(ServerLogin { user, password, database: 0 })
}

/// Login, hosts and path.
fn split(rest: &str) -> (Option<&str>, &str, &str) {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts, path),
        None => (None, authority, path),
    }
}

fn urls(client: &str, login: Option<&str>, hosts: &str) -> Result<Vec<String>, StorageError> {
    let login = login.map_or_else(String::new, |login| format!("{login}@"));
    let urls: Vec<String> = hosts
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty())
        .map(|host| format!("{client}://{login}{host}"))
        .collect();
    if urls.is_empty() {
        return Err(mistake("expected at least one `host:port`, found none"));
    }
    Ok(urls)
}

/// Without its crypto provider the TLS library panics at the first connection.
#[cfg(feature = "redis-rustls")]
pub(super) fn check_tls() -> Result<(), StorageError> {
    if rustls::crypto::CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    Err(StorageError::new(
        "expected a crypto provider for TLS, found none: call \
         `rustls::crypto::ring::default_provider().install_default()` (or that of another provider) \
         before the limiter is built",
    ))
}

#[cfg(all(feature = "redis-native-tls", not(feature = "redis-rustls")))]
pub(super) fn check_tls() -> Result<(), StorageError> {
    Ok(())
}

#[cfg(not(any(feature = "redis-rustls", feature = "redis-native-tls")))]
pub(super) fn check_tls() -> Result<(), StorageError> {
    Err(StorageError::new(
        "this build has no TLS: enable the feature `redis-rustls` or `redis-native-tls`",
    ))
}

fn mistake(text: &str) -> StorageError {
    StorageError::new(format!("{text}; {LEGAL}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(any(feature = "redis-rustls", feature = "redis-native-tls")))]
    #[test]
    fn without_tls_the_error_says_which_feature_to_enable() {
        for uri in
            ["rediss://user:s3cret@host", "valkeys+cluster://host:1", "rediss+sentinel://h/s"]
        {
            let error = Target::parse(uri).unwrap_err().to_string();
            assert!(error.contains("`redis-rustls`") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_login_before_sentinels_is_that_of_the_servers() {
        let uri = "redis+sentinel://app:p%40ss%3A@one:1, two:2/service/3";
        let server = ServerLogin {
            user: Some("app".to_owned()),
            password: Some("p@ss:".to_owned()),
            database: 3,
        };
        let urls = vec!["redis://one:1".to_owned(), "redis://two:2".to_owned()];
        let expected = Target::Sentinel { urls, service: "service".to_owned(), server };
        assert_eq!(Target::parse(uri).unwrap(), expected);
        let Ok(Target::Sentinel { server, .. }) = Target::parse("redis+sentinel://:pw@one/service")
        else {
            panic!("a password without a user is legal");
        };
        assert_eq!((server.user, server.password.as_deref()), (None, Some("pw")));
    }
}
