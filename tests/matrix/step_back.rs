//! A wall clock that is corrected, as that of a Redis server may be. (The clock of a process only
//! goes on.)

use proptest::prelude::*;

use crate::{
    extremes::run_traces,
    world::{World, for_every_redis},
};

for_every_redis!(a_clock_that_steps_back_is_met_as_by_the_pure_function);

fn a_clock_that_steps_back_is_met_as_by_the_pure_function<W: World>() {
    let far = (0..=47u32, any::<i64>()).prop_map(|(bits, wait)| wait % (1 << bits));
    let near = -1..=1i64;
    run_traces::<W>(prop_oneof![far, near]);
}
