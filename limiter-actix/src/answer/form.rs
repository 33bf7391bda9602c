//! The format of a response body: a problem document, or the format that the client prefers.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, Accept, Header},
    },
};

/// The format of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Problem,
    Html,
    Plain,
}

impl Form {
    /// The format that the `Accept` header prefers; a problem document by default.
    pub(crate) fn preferred(request: &HttpRequest) -> Self {
        let Ok(accept) = Accept::parse(request) else { return Self::Problem };
        accept
            .ranked()
            .iter()
            .find_map(|range| match (range.type_(), range.subtype().as_str()) {
                (mime::STAR, _) => Some(Self::Problem),
                (mime::APPLICATION, "json" | "*") => Some(Self::Problem),
                (mime::APPLICATION, "problem") => Some(Self::Problem),
                (mime::TEXT, "html") => Some(Self::Html),
                (mime::APPLICATION, "xhtml") => Some(Self::Html),
                (mime::TEXT, "plain" | "*") => Some(Self::Plain),
                _ => None,
            })
            .unwrap_or(Self::Problem)
    }

    pub(super) fn answer(self, status: StatusCode, detail: &str) -> HttpResponse {
        let title = status.canonical_reason().unwrap_or_default();
        let (content_type, body) = match self {
            Self::Problem | Self::Plain => {
                ("text/plain; charset=utf-8", format!("{title}: {detail}\n"))
            }
            Self::Html => ("text/html; charset=utf-8", html(title, detail)),
        };
        HttpResponse::build(status)
            .insert_header((header::CONTENT_TYPE, content_type))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(body)
    }
}

fn html(title: &str, detail: &str) -> String {
    let detail = detail.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n\
         <p>{detail}</p>\n"
    )
}
