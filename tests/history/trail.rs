//! What requests met on their way, told apart by the number that each carries in `x-trail`.

use std::{cell::RefCell, collections::BTreeMap};

use actix_web::http::header::HeaderMap;

use crate::{handlers::Handler, world::NodeId};

/// The header with the number of a request.
pub(crate) const HEADER: &str = "x-trail";

/// Something that a request met.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// Which resource the path seems to lead to, before routing.
    Seemed(Seeming),
    /// A scope's prefix was all of the path.
    PathUsedUp,
    /// A layer was called.
    Called(NodeId, Side),
    /// A layer passed it on to what is inside.
    Passed(NodeId, Side),
    /// A layer answered it.
    Answered(NodeId, Side),
    /// The arguments of a handler were extracted; a body would have been read.
    Extracted,
    /// A handler ran.
    Ran(Handler),
}

/// What the resource map says of a path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seeming {
    /// The path as the router reads it.
    pub(crate) path: String,
    pub(crate) pattern: Option<String>,
    /// The name of the resource.
    pub(crate) name: Option<String>,
}

/// Where a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Outside the limits of its node.
    Outer,
    /// Inside them.
    Inner,
}

thread_local! {
    static EVENTS: RefCell<BTreeMap<u32, Vec<Event>>> = const { RefCell::new(BTreeMap::new()) };
}

/// The number of a request.
pub(crate) fn number(headers: &HeaderMap) -> u32 {
    let text = headers.get(HEADER).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).expect("the tests number their requests")
}

pub(crate) fn push(request: u32, event: Event) {
    EVENTS.with_borrow_mut(|events| events.entry(request).or_default().push(event));
}

/// What a request has met so far.
pub(crate) fn of(request: u32) -> Vec<Event> {
    EVENTS.with_borrow(|events| events.get(&request).cloned().unwrap_or_default())
}

pub(crate) fn clear() {
    EVENTS.with_borrow_mut(BTreeMap::clear);
}
