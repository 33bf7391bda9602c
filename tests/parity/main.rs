#![doc = include_str!("README.md")]
// Helpers of tests may panic as tests do; clippy knows the tests only.
#![allow(clippy::unwrap_used)]

#[macro_use(limiter)]
extern crate limiter_tests;

#[macro_use]
mod site;

mod command_line;
mod concurrency;
mod evaluation;
mod headers_and_errors;
mod parsing;
mod resolution;
mod storage;
mod strategies;
mod table;
