//! The decorated handlers of the program.

use super::{exemption::Exemption, record::LimitRecord};

/// Every decorated handler linked into this program, ordered by handler path, file and line.
///
/// ```
/// use limiter_actix::limit;
///
/// #[limit("10/minute")]
/// async fn look_up() -> &'static str { "found" }
///
/// let record = limiter_actix::handlers()
///     .into_iter()
///     .find(|record| record.name() == "look_up")
///     .expect("every decorated handler is listed");
/// assert_eq!(record.limits()[0].text(), Some("10/minute"));
/// ```
pub fn handlers() -> Vec<&'static HandlerRecord> {
    let mut records: Vec<_> = inventory::iter::<&'static HandlerRecord>().copied().collect();
    records.sort_by_key(|record| (record.handler, record.file, record.line));
    // A generic function's record is submitted once per program, but a library that is linked twice
    // (a doctest, a test harness) must not list a handler twice.
    records.dedup_by(|left, right| std::ptr::eq(*left, *right));
    records
}

inventory::collect!(&'static HandlerRecord);

/// One decorated handler: its location in the source, its limits and its exemptions.
#[derive(Debug)]
pub struct HandlerRecord {
    handler: &'static str,
    name: &'static str,
    file: &'static str,
    line: u32,
    /// The type name of an item inside the function, as the compiler prints it.
    place: fn() -> &'static str,
    routes: &'static [RouteRecord],
    limits: &'static [LimitRecord],
    exempt: Exemption,
    in_front: InFront,
}

impl HandlerRecord {
    /// Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn declare(
        handler: &'static str,
        name: &'static str,
        file: &'static str,
        line: u32,
        routes: &'static [RouteRecord],
        limits: &'static [LimitRecord],
        exempt: Exemption,
    ) -> Self {
        let in_front = InFront::of(limits);
        Self { handler, name, file, line, place: || "", routes, limits, exempt, in_front }
    }

    /// Not public API. Used by generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn placed(self, place: fn() -> &'static str) -> Self {
        Self { place, ..self }
    }

    /// The path of the function, for example `shop::cart::checkout`.
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// The function's own name: the last part of [`handler`](Self::handler), and the name that
    /// Actix's route attributes give to the resource.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The source file of the function, as passed to the compiler.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line of the function's name in [`file`](Self::file), counted from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The routes that were visible to the attribute: those of route attributes written *below* it.
    /// Empty if the route attribute is above, or if the route is registered by hand.
    pub fn routes(&self) -> &'static [RouteRecord] {
        self.routes
    }

    /// The declared limits, in the order of the attributes.
    pub fn limits(&self) -> &'static [LimitRecord] {
        self.limits
    }

    /// What the handler is exempt from.
    pub fn exempt(&self) -> Exemption {
        self.exempt
    }

    /// Whether a route attribute has moved the function into itself: then it cannot be registered
    /// in another way, and its resource has a name. (The compiler does not guarantee the text of
    /// such a name. If it ever changes, the handler counts as one that may be anywhere.)
    pub(crate) fn is_within_route_attribute(&self) -> bool {
        (self.place)().contains("HttpServiceFactory>::register::")
    }

    /// Whether a limit also counts requests that are answered in front of the handler.
    #[inline]
    pub(crate) fn counts_in_front(&self) -> bool {
        self.in_front.counts
    }

    /// Whether that needs the request, for the limit's own key.
    #[inline]
    pub(crate) fn needs_request_in_front(&self) -> bool {
        self.in_front.needs_request
    }
}

/// How the limits of a handler apply to requests that are answered in front of it.
#[derive(Clone, Copy, Debug)]
struct InFront {
    counts: bool,
    needs_request: bool,
}

impl InFront {
    const fn of(limits: &[LimitRecord]) -> Self {
        let mut in_front = Self { counts: false, needs_request: false };
        let mut rest = limits;
        while let [limit, others @ ..] = rest {
            if limit.counts_in_front() {
                in_front.counts = true;
                in_front.needs_request |= limit.key.is_some();
            }
            rest = others;
        }
        in_front
    }
}

/// A method and path written in a route attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRecord {
    method: &'static str,
    path: &'static str,
}

impl RouteRecord {
    /// Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn declare(method: &'static str, path: &'static str) -> Self {
        Self { method, path }
    }

    /// The method, upper case: `GET`.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The path pattern, without the prefix of the scopes around it: `/users/{id}`.
    pub fn path(&self) -> &'static str {
        self.path
    }
}
