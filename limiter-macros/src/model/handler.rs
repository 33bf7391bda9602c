//! The declarations of all attributes of one handler, combined.

use proc_macro2::Span;
use quote::ToTokens;
use syn::Error;

use super::{
    declaration::{Declaration, Effect},
    exemption::Exemption,
    limit::Limit,
};
use crate::{errors::Errors, root::Root, route::Route};

/// The limits and exemptions of one handler.
#[derive(Default)]
pub(crate) struct Handler {
    pub(crate) root: Root,
    pub(crate) routes: Vec<Route>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) exemption: Exemption,
    /// The `#[exempt]` without flags, if there is one.
    bare_exemption: Option<Span>,
}

impl Handler {
    /// Combines the declarations of one handler, and reports those that contradict each other.
    pub(crate) fn new(declarations: Vec<Declaration>, errors: &mut Errors) -> Self {
        let mut handler = Self::default();
        let mut seen = Vec::new();
        for declaration in declarations {
            // Attributes with the same arguments count once, as in Flask-Limiter.
            let words = (declaration.kind, words(&declaration.args));
            let is_repeated = seen.contains(&words);
            seen.push(words);

            let Declaration { effect, root, routes, span, .. } = declaration;
            handler.add_root(root, errors);
            handler.add_routes(routes);
            match effect {
                _ if is_repeated => {}
                Effect::Limit(limit) => handler.limits.push(*limit),
                Effect::Exempt(exemption) => handler.add_exemption(exemption, span),
            }
        }
        handler.check(errors);
        handler
    }

    fn add_root(&mut self, root: Root, errors: &mut Errors) {
        match (self.root.written(), root.written()) {
            (Some(known), Some(other)) if words(known) != words(other) => {
                errors.at(
                    other,
                    "the attributes of this handler have different `crate` paths: write the same \
                     path in each, or write it once",
                );
            }
            (None, Some(_)) => self.root = root,
            _ => {}
        }
    }

    fn add_routes(&mut self, routes: Vec<Route>) {
        for route in routes {
            if !self.routes.contains(&route) {
                self.routes.push(route);
            }
        }
    }

    fn add_exemption(&mut self, exemption: Exemption, span: Span) {
        if exemption.is_bare {
            self.bare_exemption.get_or_insert(span);
        }
        let Exemption { defaults, application, meta, .. } = &mut self.exemption;
        *defaults |= exemption.defaults;
        *application |= exemption.application;
        *meta |= exemption.meta;
    }

    fn check(&self, errors: &mut Errors) {
        if let (Some(span), false) = (self.bare_exemption, self.limits.is_empty()) {
            errors.push(Error::new(
                span,
                "`#[exempt]` without flags conflicts with the limit of this handler: remove one of \
                 the two, or write `#[exempt(defaults, application)]` to keep only the handler's \
                 own limits",
            ));
        } else if self.exemption.defaults {
            let kept = self.limits.iter().filter_map(|limit| {
                limit.options.override_defaults.as_ref().filter(|overrides| !overrides.value)
            });
            for kept in kept {
                errors.at(
                    kept,
                    "`override_defaults = false` keeps the default limits, but this handler is \
                     exempt from them: remove it, or remove `defaults` from `#[exempt(…)]`",
                );
            }
        }
    }
}

/// Tokens as text, to compare them. A trailing comma does not count.
fn words(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().trim_end_matches(',').trim_end().to_owned()
}
