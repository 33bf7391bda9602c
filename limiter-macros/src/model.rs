//! What is meant: the declarations of one attribute, and of all attributes of one handler.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Error, Expr, LitInt, LitStr, Path};

use crate::{
    args::{Marker, Route, Value, Written},
    errors::Errors,
    options::{Options, expectation},
};

/// Which of our attributes it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Limit,
    SharedLimit,
    Exempt,
}

/// One attribute, understood and checked.
pub(crate) struct Declaration {
    pub(crate) kind: Kind,
    pub(crate) what: What,
    pub(crate) root: Option<Path>,
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

/// The limits of one attribute, and everything said about them.
pub(crate) struct Limit {
    pub(crate) source: Source,
    pub(crate) options: Options,
}

/// Where the quotas come from, and whose counters they share.
pub(crate) enum Source {
    /// `#[limit("10/minute")]`.
    Own(LitStr),
    /// `#[shared_limit("100/hour", scope = "mysql")]`.
    Shared(LitStr, LitStr),
    /// `#[shared_limit(DATABASE)]`.
    Declared(Path),
}

/// `cost = 5` or `cost = cost_of`.
pub(crate) enum Cost {
    Fixed(u64, LitInt),
    Function(Function),
}

/// A function of the request.
pub(crate) struct Function {
    pub(crate) is_async: bool,
    pub(crate) expr: Expr,
}

/// What `#[exempt]` exempts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exemption {
    /// No flag was written, which means all of them.
    pub(crate) is_bare: bool,
    pub(crate) defaults: bool,
    pub(crate) application: bool,
    pub(crate) meta: bool,
}

/// Everything that was declared about one handler.
#[derive(Default)]
pub(crate) struct Handler {
    pub(crate) root: Option<Path>,
    pub(crate) routes: Vec<Route>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) exemption: Exemption,
    /// The `#[exempt]` without flags, if there is one.
    bare_exemption: Option<Span>,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Limit, Self::SharedLimit, Self::Exempt];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::SharedLimit => "shared_limit",
            Self::Exempt => "exempt",
        }
    }

    /// The kind whose name ends the path.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        let last = path.segments.last()?;
        Self::ALL.into_iter().find(|kind| last.ident == kind.name())
    }
}

impl Declaration {
    /// Reads and checks the arguments of one attribute; `None` if there was a mistake.
    pub(crate) fn new(kind: Kind, args: TokenStream, errors: &mut Errors) -> Option<Self> {
        let mut own = Errors::default();
        let written = Written::parse(args, &mut own);
        let mut options = Options::read(kind, &written.named, &mut own);
        let root = options.root.take();
        let what = match kind {
            Kind::Exempt => Some(What::Exempt(Exemption::read(&written.positional, &mut own))),
            Kind::Limit | Kind::SharedLimit => {
                Limit::read(kind, &written.positional, options, &mut own)
                    .map(|limit| What::Limit(Box::new(limit)))
            }
        };

        let is_sound = own.is_empty();
        errors.append(own);
        let Written { marker, tokens: args, .. } = written;
        let has_moved = marker.is_some();
        let Marker { span, routes } = marker.unwrap_or_default();
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

impl Limit {
    fn read(
        kind: Kind,
        positional: &[Value],
        mut options: Options,
        errors: &mut Errors,
    ) -> Option<Self> {
        for surplus in positional.iter().skip(1) {
            errors.at(surplus, surplus_message(surplus));
        }
        let source = match positional.first() {
            Some(first) => Source::read(kind, first, &mut options, errors),
            // What could not be read is not missing.
            None => {
                if errors.is_empty() {
                    errors.missing(Source::missing_message(kind));
                }
                None
            }
        };
        let limit = Self { source: source?, options };
        limit.check(errors);
        Some(limit)
    }

    /// The rules between the limits and the named arguments.
    fn check(&self, errors: &mut Errors) {
        let (Source::Own(text) | Source::Shared(text, _)) = &self.source else { return };
        let quotas = match limiter_core::notation::parse_many(&text.value()) {
            Ok(quotas) => quotas,
            Err(error) => return errors.at(text, error),
        };

        if let Some(strategy) = &self.options.strategy
            && !strategy.has_burst()
            && let Some(quota) = quotas.iter().find(|quota| quota.burst().is_some())
        {
            let name = strategy.literal.value();
            errors.at(
                &strategy.literal,
                format!(
                    "`{quota}` has a burst, which `{name}` cannot keep: write `strategy = \
                     \"token-bucket\"`, or leave the burst out"
                ),
            );
        }

        // A quota of zero blocks whatever the cost is: that was meant.
        if let Some(Cost::Fixed(cost, literal)) = &self.options.cost
            && let Some(quota) =
                quotas.iter().find(|quota| quota.amount() > 0 && *cost > quota.capacity())
        {
            errors.at(
                literal,
                format!(
                    "a cost of {cost} could never be admitted by `{quota}`: write at most {}, or \
                     raise the limit",
                    quota.capacity()
                ),
            );
        }
    }
}

/// What to do about a second value without a name.
fn surplus_message(surplus: &Value) -> String {
    if surplus.as_string().is_some() {
        return "one string holds all limits: write `\"100/day; 10/minute\"`".to_owned();
    }
    let forgotten = match &surplus.expr {
        Expr::Path(path) => expectation(&path.path),
        _ => None,
    };
    match forgotten {
        Some(expects) => format!("{} needs a value: expected {expects}", surplus.describe()),
        None => format!("expected `name = value`, found {}", surplus.describe()),
    }
}

impl Source {
    fn read(kind: Kind, first: &Value, options: &mut Options, errors: &mut Errors) -> Option<Self> {
        match (kind, first.as_string(), &first.expr) {
            (Kind::Limit, Some(text), _) => Some(Self::Own(text.clone())),
            (Kind::SharedLimit, Some(text), _) => {
                let scope = options.scope.take();
                if scope.is_none() && errors.is_empty() {
                    errors.at(
                        text,
                        "a shared limit needs the name its handlers share: add `scope = \"…\"`, \
                         or name a `static` of type `SharedLimit`",
                    );
                }
                Some(Self::Shared(text.clone(), scope?))
            }
            (Kind::SharedLimit, None, Expr::Path(declared))
                if first.asyncness.is_none() && declared.qself.is_none() =>
            {
                if let Some(scope) = options.scope.take() {
                    errors.at(
                        scope,
                        format!(
                            "`{}` has its scope already, from where it is declared: remove \
                             `scope`",
                            first.describe().trim_matches('`')
                        ),
                    );
                }
                Some(Self::Declared(declared.path.clone()))
            }
            _ => {
                let expected = Self::expected(kind);
                errors.at(first, format!("expected {expected}, found {}", first.describe()));
                None
            }
        }
    }

    fn expected(kind: Kind) -> &'static str {
        match kind {
            Kind::SharedLimit => {
                "limits in a string such as `\"100/hour\"`, or a `static` of type `SharedLimit`"
            }
            Kind::Limit | Kind::Exempt => "limits in a string such as `\"100/day; 10/minute\"`",
        }
    }

    fn missing_message(kind: Kind) -> String {
        let example = match kind {
            Kind::SharedLimit => "#[shared_limit(\"100/hour\", scope = \"mysql\")]",
            Kind::Limit | Kind::Exempt => "#[limit(\"10/minute\")]",
        };
        format!("the limit is missing: write `{example}`")
    }
}

impl Exemption {
    /// The flags of `#[exempt]`, by name.
    const FLAGS: [(&str, fn(&mut Self) -> &mut bool); 3] = [
        ("defaults", |exemption| &mut exemption.defaults),
        ("application", |exemption| &mut exemption.application),
        ("meta", |exemption| &mut exemption.meta),
    ];

    fn read(positional: &[Value], errors: &mut Errors) -> Self {
        let mut exemption = Self::default();
        for value in positional {
            let flag = Self::FLAGS.iter().find(
                |(name, _)| matches!(&value.expr, Expr::Path(path) if path.path.is_ident(name)),
            );
            let Some((name, slot)) = flag.filter(|_| value.asyncness.is_none()) else {
                errors.at(
                    value,
                    format!(
                        "expected `defaults`, `application` or `meta`, found {}",
                        value.describe()
                    ),
                );
                continue;
            };
            if std::mem::replace(slot(&mut exemption), true) {
                errors.at(value, format!("`{name}` was given already: remove one of the two"));
            }
        }
        if positional.is_empty() {
            exemption = Self { is_bare: true, defaults: true, application: true, meta: true };
        }
        exemption
    }
}

impl Handler {
    /// Puts the declarations of one handler together, and reports where they contradict.
    pub(crate) fn new(declarations: Vec<Declaration>, errors: &mut Errors) -> Self {
        let mut handler = Self::default();
        let mut seen = Vec::new();
        for declaration in declarations {
            // Attributes of the same words count once, as in the reference.
            let words = (declaration.kind, words(&declaration.args));
            let is_repeated = seen.contains(&words);
            seen.push(words);

            let Declaration { what, root, routes, span, .. } = declaration;
            handler.add_root(root, errors);
            handler.add_routes(routes);
            match what {
                _ if is_repeated => {}
                What::Limit(limit) => handler.limits.push(*limit),
                What::Exempt(exemption) => handler.add_exemption(exemption, span),
            }
        }
        handler.check(errors);
        handler
    }

    fn add_root(&mut self, root: Option<Path>, errors: &mut Errors) {
        match (&self.root, root) {
            (Some(known), Some(root)) if words(known) != words(&root) => {
                errors.at(root, "another attribute of this handler names another `crate`");
            }
            (None, Some(root)) => self.root = Some(root),
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
                "`#[exempt]` says that this handler is never limited, but it has a limit: remove \
                 one of the two, or keep the limit and be exempt from the others with \
                 `#[exempt(defaults, application)]`",
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

/// Tokens as one text, to compare what was written.
fn words(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().trim_end_matches(',').trim_end().to_owned()
}
