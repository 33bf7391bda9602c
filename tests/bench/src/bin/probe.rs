//! What is counted in a process of its own: started by `bench`, answers with one line.
//!
//! ```text
//! probe allocations <group> <contender>     allocations each time
//! probe run <group> <contender> <times>     how many times it was done, for callgrind to count
//! probe memory <store>                      allocated and resident bytes
//! ```

use std::{alloc::System, env};

use limiter_bench::{contender::Contender, group, memory};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["allocations", group, name] => println!("{}", allocations(&mut contender(group, name))),
        ["run", group, name, times] => {
            let times = times.parse().expect("a number");
            println!("{}", contender(group, name).run(times, counted));
        }
        ["memory", store] => {
            let (allocated, resident) = memory(store);
            println!("{allocated} {resident}");
        }
        _ => panic!("expected allocations, run or memory, found {arguments:?}"),
    }
}

fn contender(group: &str, name: &str) -> Contender {
    let group = group::by_name(group);
    let contenders = (group.contenders)();
    let mut contender =
        contenders.into_iter().find(|contender| contender.name == name).expect("a contender");
    contender.warm_up(group.clients.max(1_000));
    contender
}

/// The function inside which callgrind collects.
#[inline(never)]
fn counted(run: &mut dyn FnMut()) {
    run();
}

fn allocations(contender: &mut Contender) -> f64 {
    let mut count = 0;
    let times = contender.run(100_000, |run| {
        let region = Region::new(ALLOCATOR);
        run();
        let change = region.change();
        count += change.allocations + change.reallocations;
    });
    count as f64 / times as f64
}

fn memory(name: &str) -> (usize, u64) {
    let store = memory::STORES.into_iter().find(|store| store.name == name).expect("a store");
    let (region, resident) = (Region::new(ALLOCATOR), memory::resident());
    let filled = (store.filled)();
    let change = region.change();
    let answer = (change.bytes_allocated - change.bytes_deallocated, memory::resident() - resident);
    drop(filled);
    answer
}
