//! The shortest history that still fails, in the smallest app.

use std::fmt;

use crate::{
    judge::Violation,
    law::Law,
    layer::Kind,
    traffic::{Call, Step},
    trial::Tally,
    world::{Node, World},
};

/// A history that breaks a law.
pub(crate) struct Failure {
    law: Law,
    world: World,
    history: Vec<Step>,
    pub(crate) violation: Violation,
}

impl Failure {
    /// Plays a history, and keeps it up to the step that fails.
    pub(crate) async fn find(
        law: Law,
        world: &World,
        history: &[Step],
        tally: &mut Tally,
    ) -> Option<Self> {
        let (place, violation) = law.broken(world, history, tally).await?;
        Some(Self { law, world: world.clone(), history: history[..=place].to_vec(), violation })
    }

    /// Leaves out what is not needed for a failure of the same kind.
    pub(crate) async fn shrink(mut self) -> Self {
        while let Some(smaller) = self.smaller().await {
            self = smaller;
        }
        self
    }

    pub(crate) fn steps(&self) -> usize {
        self.history.len()
    }

    /// A failure with one thing less.
    async fn smaller(&self) -> Option<Self> {
        let shorter = (0..self.history.len().saturating_sub(1)).rev().map(|place| {
            let mut history = self.history.clone();
            history.remove(place);
            (self.world.clone(), history)
        });
        let simpler = simpler_histories(&self.history).map(|history| (self.world.clone(), history));
        let worlds = smaller_worlds(&self.world).into_iter();
        let worlds = worlds.map(|world| (world, self.history.clone()));
        for (world, history) in shorter.chain(worlds).chain(simpler) {
            if let Some(failure) =
                Self::find(self.law, &world, &history, &mut Tally::default()).await
                && failure.violation.kind == self.violation.kind
            {
                return Some(failure);
            }
        }
        None
    }
}

/// The same history with one plainer step each.
fn simpler_histories(history: &[Step]) -> impl Iterator<Item = Vec<Step>> {
    history.iter().enumerate().flat_map(move |(place, step)| {
        simpler_steps(step).into_iter().map(move |step| {
            let mut history = history.to_vec();
            history[place] = step;
            history
        })
    })
}

fn simpler_steps(step: &Step) -> Vec<Step> {
    let (mut steps, call) = match step.clone() {
        Step::Wait { .. } => return Vec::new(),
        Step::Send { worker: 0, call } => (Vec::new(), call),
        Step::Send { call, .. } => (vec![Step::Send { worker: 0, call: call.clone() }], call),
        Step::HangUp { worker, call, polls } => {
            let mut steps = vec![Step::Send { worker, call: call.clone() }];
            if polls > 1 {
                steps.push(Step::HangUp { worker, call: call.clone(), polls: polls - 1 });
            }
            (steps, call)
        }
        Step::Burst { call, requests } => {
            let mut steps = vec![Step::Send { worker: 0, call: call.clone() }];
            if requests > 2 {
                steps.push(Step::Burst { call: call.clone(), requests: requests - 1 });
            }
            (steps, call)
        }
    };
    steps.extend(plainer_calls(&call).into_iter().map(|call| with_call(step, call)));
    steps
}

/// The same request with one header less each.
fn plainer_calls(call: &Call) -> Vec<Call> {
    let plainer = [
        Call { is_bad: false, ..call.clone() },
        Call { has_user: false, ..call.clone() },
        Call { host: None, ..call.clone() },
        Call { path: call.path.replace("%61", "a"), ..call.clone() },
    ];
    plainer.into_iter().filter(|plainer| plainer != call).collect()
}

fn with_call(step: &Step, call: Call) -> Step {
    let mut step = step.clone();
    match &mut step {
        Step::Send { call: old, .. }
        | Step::HangUp { call: old, .. }
        | Step::Burst { call: old, .. } => *old = call,
        Step::Wait { .. } => {}
    }
    step
}

/// Worlds with one part less each.
fn smaller_worlds(world: &World) -> Vec<World> {
    let mut worlds = Vec::new();
    let mut push = |change: &dyn Fn(&mut World) -> bool| {
        let mut smaller = world.clone();
        if change(&mut smaller) {
            worlds.push(smaller);
        }
    };
    push(&|world| std::mem::replace(&mut world.workers, 1) != 1);
    push(&|world| std::mem::take(&mut world.limiter.remote));
    push(&|world| std::mem::take(&mut world.limiter.headers));
    push(&|world| world.limiter.exempt_path.take().is_some());
    push(&|world| world.limiter.application.take().is_some());
    push(&|world| world.limiter.defaults.pop().is_some());
    push(&|world| !std::mem::replace(&mut world.limiter.limit_unmatched, true));
    push(&|world| world.default_service.take().is_some());
    push(&|world| std::mem::replace(&mut world.layer, Kind::NONE) != Kind::NONE);
    push(&|world| std::mem::take(&mut world.layer.polls) > 0);
    for number in 0..world.fences().len() {
        push(&|world| {
            with_node(&mut world.nodes, number, &mut |nodes, place| {
                nodes.remove(place);
                true
            })
        });
        push(&|world| {
            with_node(&mut world.nodes, number, &mut |nodes, place| {
                let Node::Scope(scope) = &mut nodes[place] else { return false };
                let inner = std::mem::take(&mut scope.nodes);
                nodes.splice(place..=place, inner);
                true
            })
        });
        for change in FENCE_CHANGES {
            push(&|world| {
                with_node(&mut world.nodes, number, &mut |nodes, place| change(&mut nodes[place]))
            });
        }
    }
    worlds
}

/// What can be left out at a node; `false` where there is nothing to leave out.
const FENCE_CHANGES: [fn(&mut Node) -> bool; 6] = [
    |node| std::mem::replace(&mut node.fence_mut().inner, Kind::NONE) != Kind::NONE,
    |node| std::mem::replace(&mut node.fence_mut().outer, Kind::NONE) != Kind::NONE,
    |node| node.fence_mut().limits.take().is_some(),
    |node| std::mem::take(&mut node.fence_mut().limiter),
    |node| match node {
        Node::Scope(scope) => scope.host.take().is_some() || scope.default_service.take().is_some(),
        Node::Resource(resource) => resource.routes.len() > 1 && resource.routes.pop().is_some(),
    },
    |node| match node {
        Node::Scope(_) => false,
        Node::Resource(resource) => resource.routes[0].host.take().is_some(),
    },
];

/// Changes the list that has the node of this number, counted from the outside and the left.
fn with_node(
    nodes: &mut Vec<Node>,
    number: usize,
    change: &mut dyn FnMut(&mut Vec<Node>, usize) -> bool,
) -> bool {
    fn walk(
        nodes: &mut Vec<Node>,
        left: &mut usize,
        change: &mut dyn FnMut(&mut Vec<Node>, usize) -> bool,
    ) -> Option<bool> {
        for place in 0..nodes.len() {
            if *left == 0 {
                return Some(change(nodes, place));
            }
            *left -= 1;
            if let Node::Scope(scope) = &mut nodes[place]
                && let Some(changed) = walk(&mut scope.nodes, left, change)
            {
                return Some(changed);
            }
        }
        None
    }
    walk(nodes, &mut { number }, change).unwrap_or(false)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { world, history, violation, .. } = self;
        writeln!(f, "{}", violation.kind)?;
        write!(f, "{world}")?;
        writeln!(f, "  history:")?;
        history.iter().try_for_each(|step| writeln!(f, "    {step}"))?;
        writeln!(f, "  the last step: {}", violation.text)
    }
}
