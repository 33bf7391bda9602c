//! The scopes around a request.

use std::rc::Rc;

use ahash::HashMap;

use crate::declare::ScopeDeclaration;

/// The stacks of scopes that requests of one worker have entered: each stack is a scope inside
/// another stack.
#[derive(Default)]
pub(crate) struct ScopeStacks {
    stacks: Vec<(StackId, Rc<ScopeDeclaration>)>,
    /// The key has the address of the inner scope's declaration, which `scopes` keeps alive.
    known: HashMap<(StackId, usize), StackId>,
}

/// Identifies a stack of scopes; the default one is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct StackId(u32);

impl ScopeStacks {
    /// The stack with one more scope inside it.
    pub(crate) fn enter(&mut self, outer: StackId, scope: &Rc<ScopeDeclaration>) -> StackId {
        *self.known.entry((outer, Rc::as_ptr(scope) as usize)).or_insert_with(|| {
            self.stacks.push((outer, Rc::clone(scope)));
            // An app does not have four billion scopes.
            StackId(self.stacks.len() as u32)
        })
    }

    /// The scopes of a stack, outermost first.
    pub(crate) fn scopes(&self, stack: StackId) -> Vec<Rc<ScopeDeclaration>> {
        let mut scopes = Vec::new();
        let mut at = stack;
        while let Some((outer, scope)) =
            (at.0 as usize).checked_sub(1).and_then(|place| self.stacks.get(place))
        {
            scopes.push(Rc::clone(scope));
            at = *outer;
        }
        scopes.reverse();
        scopes
    }
}
