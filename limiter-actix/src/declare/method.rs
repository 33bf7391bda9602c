//! The method under which a request is counted.

use std::borrow::Cow;

use actix_web::http::Method;

/// The method under which a request is counted. `HEAD` is `GET` without a body, so it must not be a
/// second budget: it is a method of its own here, because other routes may serve it, and counts as
/// `GET`. Methods that Actix has no name for count as one, so that a client cannot invent budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum CountedMethod {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Patch,
    Options,
    Connect,
    Trace,
    Query,
    Other,
}

impl CountedMethod {
    #[inline]
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET => Self::Get,
            Method::HEAD => Self::Head,
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::DELETE => Self::Delete,
            Method::PATCH => Self::Patch,
            Method::OPTIONS => Self::Options,
            Method::CONNECT => Self::Connect,
            Method::TRACE => Self::Trace,
            // `http` 0.2 has no constant for it.
            _ if method.as_str() == "QUERY" => Self::Query,
            _ => Self::Other,
        }
    }

    /// The name in counters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get | Self::Head => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Options => "OPTIONS",
            Self::Connect => "CONNECT",
            Self::Trace => "TRACE",
            Self::Query => "QUERY",
            Self::Other => "other",
        }
    }
}

/// Whether a list of methods contains a method; an empty list contains all. `GET` includes `HEAD`,
/// and `HEAD` includes `GET`: the two are counted as one.
pub(crate) fn is_listed(methods: &[Cow<'static, str>], method: &Method) -> bool {
    let counted = |method| if method == "HEAD" { "GET" } else { method };
    methods.is_empty() || methods.iter().any(|listed| counted(listed) == counted(method.as_str()))
}
