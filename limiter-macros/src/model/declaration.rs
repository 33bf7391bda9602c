//! What one attribute declares.

use proc_macro2::{Span, TokenStream};

use super::{exemption::Exemption, kind::Kind, limit::Limit, options::Options};
use crate::{
    args::{Marker, Written},
    errors::Errors,
    root::Root,
    route::Route,
};

/// One attribute, understood and checked.
pub(crate) struct Declaration {
    pub(crate) kind: Kind,
    pub(crate) what: What,
    pub(crate) root: Root,
    /// The routes the attribute saw where it was written.
    pub(crate) routes: Vec<Route>,
    /// The attribute itself, for messages about all of it.
    pub(crate) span: Span,
    /// The attribute has moved below the others already.
    pub(crate) has_moved: bool,
    /// The arguments as written.
    pub(crate) args: TokenStream,
}

pub(crate) enum What {
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
        let what = match kind {
            Kind::Exempt => Some(What::Exempt(Exemption::read(&written.positional, &mut own))),
            Kind::Limit | Kind::SharedLimit => {
                Limit::read(kind, span, &written.positional, options, &mut own)
                    .map(|limit| What::Limit(Box::new(limit)))
            }
        };

        let is_sound = own.is_empty();
        errors.append(own);
        let Written { marker, tokens: args, .. } = written;
        let has_moved = marker.is_some();
        let (span, routes) =
            marker.map_or((span, Vec::new()), |Marker { span, routes }| (span, routes));
        what.filter(|_| is_sound).map(|what| Self {
            kind,
            what,
            root,
            routes,
            span,
            has_moved,
            args,
        })
    }
}
