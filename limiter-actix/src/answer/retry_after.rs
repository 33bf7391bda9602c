//! `Retry-After`: when the client may retry.

use std::time::{Duration, SystemTime};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, HttpDate};

/// The format of `Retry-After`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAfter {
    /// Seconds from now, rounded up. The default.
    #[default]
    Seconds,
    /// A date, for clients that do not support seconds.
    HttpDate,
}

/// Writes `Retry-After`, unless the response of a callback has a later one already.
pub(super) fn write(field: HeaderName, form: RetryAfter, wait: Duration, map: &mut HeaderMap) {
    if map.get(&field).and_then(read_retry_after).is_some_and(|written| written > wait) {
        return;
    }
    let value = match form {
        RetryAfter::Seconds => HeaderValue::from(seconds_up(wait)),
        RetryAfter::HttpDate => http_date(wait),
    };
    map.insert(field, value);
}

/// A `Retry-After` in either format, as a duration from now.
fn read_retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date: HttpDate = text.parse().ok()?;
    SystemTime::from(date).duration_since(SystemTime::now()).ok()
}

/// Whole seconds, rounded up: a client that waits this long is admitted.
pub(crate) fn seconds_up(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The date to retry at; in seconds if it is later than any valid date.
fn http_date(wait: Duration) -> HeaderValue {
    // Dates have whole seconds too.
    let wait_up = wait + Duration::from_millis(999);
    let last = SystemTime::UNIX_EPOCH + LAST_DATE;
    let moment = SystemTime::now().checked_add(wait_up).filter(|moment| *moment < last);
    moment
        .and_then(|moment| HeaderValue::from_str(&HttpDate::from(moment).to_string()).ok())
        .unwrap_or_else(|| HeaderValue::from(seconds_up(wait)))
}

/// The end of the year 9999: later dates have no format (RFC 9110, section 5.6.7).
const LAST_DATE: Duration = Duration::from_secs(253_402_300_800);
