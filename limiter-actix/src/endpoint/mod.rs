//! Which endpoint a request is for, before routing and after it; and what is known about each.
//!
//! Before routing nobody knows the handler. What can be known is the path pattern, from the
//! resource map, and that is slow: it takes as long as routing itself. So every worker remembers
//! the answer per path, in a cache of fixed size. The map shows only the first resource of a path,
//! whatever guards say; where requests turn out to be routed to another one, that is remembered
//! too, by all workers.

mod hidden;
mod table;
mod worker;

pub(crate) use self::{
    table::EndpointTable,
    worker::{Endpoint, Endpoints, Exempt, Location, is_routed},
};
