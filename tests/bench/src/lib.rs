//! The limiter side by side with its peers. From the root of the repository:
//!
//! ```text
//! tests/bench/run            # everything, about eight minutes
//! tests/bench/run --quick    # fewer rounds, about four minutes
//! ```
//!
//! It prints Markdown tables, and next to each goal what was measured, reached or not.
//!
//! # How it measures
//!
//! * **Time** drifts by 10 to 40 % on a virtual machine, within a minute and for everyone. So all
//!   contenders of a table take turns in one process, some milliseconds each, for many rounds. A
//!   *ratio* is the median over the rounds of (contender / baseline of the same round); nanoseconds
//!   are the median over the rounds, and good for orientation only. ([`interleave`])
//! * **Allocations** are counted exactly, in a process of their own (`probe`), because a counting
//!   allocator would slow those that allocate.
//! * **Instructions** are counted by callgrind, exactly and repeatably: of a check or an
//!   in-process request by collecting in one function of `probe` only; of a request to a served app
//!   as the difference between a run of many and one of few requests, over one keep-alive
//!   connection.
//! * **Requests a second** over Redis are counted by wrk, in turns of a second. The app has one
//!   processor, Redis and wrk share another one.
//! * **Memory** is what a million clients add to the allocator's books and to the resident set of a
//!   process of their own.
//!
//! Every contender makes its key anew for each check out of what a request has, an `IpAddr` or a
//! borrowed text, as far as its API lets it; where it does not, the row says so. Limits are too
//! high to be reached, and every answer is checked: a denial where none is due ends the run.
//!
//! Rows that begin with "the least" are no limiter: they do what no limiter of that kind can do
//! without, and so tell how far a goal is away from what is possible.

pub mod apps;
pub mod checks;
pub mod contender;
pub mod empty;
pub mod group;
pub mod interleave;
pub mod memory;
pub mod over_redis;
pub mod process;
pub mod served;
pub mod table;
