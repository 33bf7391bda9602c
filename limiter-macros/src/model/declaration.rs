//! What one attribute declares about its handler.

use proc_macro2::{Span, TokenStream};

use super::{exemption::Exemption, kind::Kind, limit::Limit, options::Options};
use crate::{
    args::{Marker, Written},
    errors::Errors,
    root::Root,
    route::Route,
};

/// One attribute, read and checked.
pub(crate) struct Declaration {
    pub(crate) kind: Kind,
    pub(crate) effect: Effect,
    pub(crate) root: Root,
    /// The routes that could be seen where the attribute was written.
    pub(crate) routes: Vec<Route>,
    /// The attribute itself, for messages about all of it.
    pub(crate) span: Span,
    /// The attribute has moved below the others.
    pub(crate) has_moved: bool,
    /// The arguments as written.
    pub(crate) args: TokenStream,
}

/// What the attribute does to its handler.
pub(crate) enum Effect {
    Limit(Box<Limit>),
    Exempt(Exemption),
}

impl Declaration {
    /// Reads and checks the arguments of the attribute at `span`; `None` if there was a mistake.
    pub(crate) fn new(
        kind: Kind,
        span: Span,
        args: TokenStream,
        errors: &mut Errors,
    ) -> Option<Self> {
        let mut own = Errors::default();
        let written = Written::parse(args, &mut own);
        let mut options = Options::read(kind, &written.named, &mut own);
        let root = Root::new(options.root.take());
        let effect = match kind {
            Kind::Exempt => Some(Effect::Exempt(Exemption::read(&written.positional, &mut own))),
            Kind::Limit | Kind::SharedLimit => {
                Limit::read(kind, span, &written.positional, options, &mut own)
                    .map(|limit| Effect::Limit(Box::new(limit)))
            }
        };

        let is_valid = own.is_empty();
        errors.append(own);
        let Written { marker, tokens: args, .. } = written;
        let has_moved = marker.is_some();
        let (span, routes) =
            marker.map_or((span, Vec::new()), |Marker { span, routes }| (span, routes));
        effect.filter(|_| is_valid).map(|effect| Self {
            kind,
            effect,
            root,
            routes,
            span,
            has_moved,
            args,
        })
    }
}
