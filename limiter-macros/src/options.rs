//! The named arguments: one table drives how they are read, which may stand where, and what a
//! message says about them.

use syn::{
    Error, Expr, ExprArray, ExprLit, ExprPath, Lit, LitBool, LitStr, Path, punctuated::Punctuated,
};

use crate::{
    args::{Named, Value},
    errors::Errors,
    model::{Cost, Exemption, Function, Kind, Message, Meta, ScopeName},
};

/// A named argument: a new one is a row here and a field of [`Options`].
struct Row {
    name: &'static str,
    allowed_on: &'static [Kind],
    /// What the value is, to follow the word "expected".
    expects: &'static str,
    read: fn(&mut Options, &Row, &Value) -> syn::Result<()>,
}

const ROWS: &[Row] = &[
    Row {
        name: "key",
        allowed_on: LIMITS,
        expects: FUNCTION,
        read: |options, row, value| set(&mut options.key, row.function(value)),
    },
    Row {
        name: "cost",
        allowed_on: LIMITS,
        expects: "a whole number such as `5`, or a function of the request such as `cost_of`, \
                  `async cost_of` or `|request: &HttpRequest| …`",
        read: |options, row, value| set(&mut options.cost, row.cost(value)),
    },
    Row {
        name: "override_defaults",
        allowed_on: LIMITS,
        expects: BOOLEAN,
        read: |options, row, value| set(&mut options.override_defaults, row.boolean(value)),
    },
    Row {
        name: "per_method",
        allowed_on: LIMITS,
        expects: BOOLEAN,
        read: |options, row, value| set(&mut options.per_method, row.boolean(value)),
    },
    Row {
        name: "methods",
        allowed_on: LIMITS,
        expects: "a list of methods such as `[\"GET\", \"POST\"]`",
        read: |options, row, value| set(&mut options.methods, row.methods(value)),
    },
    Row {
        name: "scope",
        allowed_on: LIMITS,
        expects: "a string that is not empty, such as `\"mysql\"`, or a function of the request \
                  such as `tenant_of`",
        read: |options, row, value| set(&mut options.scope, row.scope(value)),
    },
    Row {
        name: "exempt_when",
        allowed_on: LIMITS,
        expects: "a function of the request that returns a bool, such as `is_internal`, \
                  `async is_internal` or `|request: &HttpRequest| …`",
        read: |options, row, value| set(&mut options.exempt_when, row.function(value)),
    },
    Row {
        name: "deduct_when",
        allowed_on: LIMITS,
        expects: "a function of the response that returns a bool, such as `has_failed` or \
                  `|head: &ResponseHead| head.status.is_client_error()`",
        read: |options, row, value| set(&mut options.deduct_when, row.sync_function(value)),
    },
    Row {
        name: "cost_after",
        allowed_on: LIMITS,
        expects: "a function of the response that returns a number, such as `tokens_used` or \
                  `|head: &ResponseHead| …`",
        read: |options, row, value| set(&mut options.cost_after, row.sync_function(value)),
    },
    Row {
        name: "on_breach",
        allowed_on: LIMITS,
        expects: "a function of the breach, such as `sorry` or `|breach: &Breach<'_>| …`",
        read: |options, row, value| set(&mut options.on_breach, row.sync_function(value)),
    },
    Row {
        name: "error_message",
        allowed_on: LIMITS,
        expects: "a string such as `\"slow down\"`, or a function of the breach such as `excuse`",
        read: |options, row, value| set(&mut options.error_message, row.message(value)),
    },
    Row {
        name: "meta",
        allowed_on: LIMITS,
        expects: "a limit on the number of breaches such as `\"5/minute\"`, a `static` of type \
                  `MetaLimit`, or a list of these",
        read: |options, row, value| set(&mut options.meta, row.meta(value)),
    },
    Row {
        name: "block",
        allowed_on: LIMITS,
        expects: "the time for which clients with too many breaches are locked out, such as \
                  `\"10 minutes\"`",
        read: |options, row, value| set(&mut options.block, row.time(value)),
    },
    Row {
        name: "shadow",
        allowed_on: LIMITS,
        expects: BOOLEAN,
        read: |options, row, value| set(&mut options.shadow, row.boolean(value)),
    },
    Row {
        name: "candidate",
        allowed_on: LIMITS,
        expects: "limits to try out beside these, such as `\"50/minute\"`",
        read: |options, row, value| set(&mut options.candidate, row.string(value)),
    },
    Row {
        name: "name",
        allowed_on: LIMITS,
        expects: "a string of 1 to 64 printable ASCII characters, such as `\"search\"`",
        read: |options, row, value| set(&mut options.name, row.policy_name(value)),
    },
    Row {
        name: "strategy",
        allowed_on: LIMITS,
        expects: "one of `\"fixed-window\"`, `\"moving-window\"`, `\"sliding-window-counter\"`, \
                  `\"token-bucket\"`",
        read: |options, row, value| set(&mut options.strategy, row.strategy(value)),
    },
    Row {
        name: "on_store_error",
        allowed_on: LIMITS,
        expects: "one of `\"local\"`, `\"deny\"`, `\"allow\"`",
        read: |options, row, value| set(&mut options.on_store_error, row.on_store_error(value)),
    },
    Row {
        name: "crate",
        allowed_on: &[Kind::Limit, Kind::SharedLimit, Kind::Exempt],
        expects: "the path of `limiter_actix`, such as `::my_facade::limiter_actix`",
        read: |options, row, value| set(&mut options.root, row.path(value)),
    },
];

const LIMITS: &[Kind] = &[Kind::Limit, Kind::SharedLimit];

const BOOLEAN: &str = "`true` or `false`";
const FUNCTION: &str = "a function of the request such as `tenant_of`, `async tenant_of` or \
                        `|request: &HttpRequest| …`";

/// The names of the strategies, and the variants that generated code writes for them.
const STRATEGIES: &[(&str, &str)] = &[
    ("fixed-window", "FixedWindow"),
    ("moving-window", "MovingWindow"),
    ("sliding-window-counter", "SlidingWindowCounter"),
    ("token-bucket", TOKEN_BUCKET),
];

const TOKEN_BUCKET: &str = "TokenBucket";

/// The names of the policies for store errors, likewise.
const STORE_ERROR_POLICIES: &[(&str, &str)] =
    &[("local", "Local"), ("deny", "Deny"), ("allow", "Allow")];

/// The values of the named arguments, each as far as it was given.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) key: Option<Function>,
    pub(crate) cost: Option<Cost>,
    pub(crate) override_defaults: Option<LitBool>,
    pub(crate) per_method: Option<LitBool>,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) scope: Option<ScopeName>,
    pub(crate) exempt_when: Option<Function>,
    pub(crate) deduct_when: Option<Expr>,
    pub(crate) cost_after: Option<Expr>,
    pub(crate) on_breach: Option<Expr>,
    pub(crate) error_message: Option<Message>,
    pub(crate) meta: Option<Vec<Meta>>,
    pub(crate) block: Option<LitStr>,
    pub(crate) shadow: Option<LitBool>,
    pub(crate) candidate: Option<LitStr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) strategy: Option<Strategy>,
    /// The variant.
    pub(crate) on_store_error: Option<&'static str>,
    pub(crate) root: Option<Path>,
}

/// `strategy = "…"`: the variant, and the literal for messages.
pub(crate) struct Strategy {
    pub(crate) variant: &'static str,
    pub(crate) literal: LitStr,
}

impl Strategy {
    /// Whether a burst means anything to the strategy.
    pub(crate) fn has_burst(&self) -> bool {
        self.variant == TOKEN_BUCKET
    }
}

impl Options {
    /// Reads the named arguments of one attribute.
    pub(crate) fn read(kind: Kind, named: &[Named], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for (index, Named { name, value }) in named.iter().enumerate() {
            let row = ROWS.iter().find(|row| name == row.name && row.allowed_on.contains(&kind));
            let Some(row) = row else {
                errors.at(name, unknown(kind, &name.to_string()));
                continue;
            };
            if named[..index].iter().any(|earlier| earlier.name == *name) {
                errors.at(name, format!("`{name}` was given already: remove one of the two"));
                continue;
            }
            errors.take((row.read)(&mut options, row, value));
        }
        options
    }
}

/// Whether a word is the name of an argument, so that the user has likely forgotten its value.
pub(crate) fn expectation(name: &Path) -> Option<&'static str> {
    ROWS.iter().find(|row| name.is_ident(row.name)).map(|row| row.expects)
}

fn unknown(kind: Kind, name: &str) -> String {
    if kind == Kind::Exempt {
        return Exemption::unknown_argument(name);
    }
    let known = ROWS.iter().filter(|row| row.allowed_on.contains(&kind)).map(|row| row.name);
    let known = known.collect::<Vec<_>>().join("`, `");
    let on = kind.name();
    format!("`#[{on}]` has no argument `{name}`: expected one of `{known}`")
}

/// The readers: each turns a value into what its argument holds, or says what it should be.
impl Row {
    fn string(&self, value: &Value) -> syn::Result<LitStr> {
        value.as_string().cloned().ok_or_else(|| self.mismatch(value))
    }

    fn filled_string(&self, value: &Value) -> syn::Result<LitStr> {
        let text = self.string(value)?;
        if text.value().trim().is_empty() { Err(self.mismatch(value)) } else { Ok(text) }
    }

    /// Header fields carry the name, hence its alphabet.
    fn policy_name(&self, value: &Value) -> syn::Result<LitStr> {
        let text = self.filled_string(value)?;
        let name = text.value();
        let is_printable = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_printable && name.len() <= 64 { Ok(text) } else { Err(self.mismatch(value)) }
    }

    /// A window without an amount. What the parser says of it is about limits.
    fn time(&self, value: &Value) -> syn::Result<LitStr> {
        let text = self.string(value)?;
        match limiter_core::notation::parse_window(&text.value()) {
            Ok(_) => Ok(text),
            Err(_) => Err(self.mismatch(value)),
        }
    }

    fn boolean(&self, value: &Value) -> syn::Result<LitBool> {
        match (&value.asyncness, &value.expr) {
            (None, Expr::Lit(ExprLit { lit: Lit::Bool(boolean), .. })) => Ok(boolean.clone()),
            _ => Err(self.mismatch(value)),
        }
    }

    fn path(&self, value: &Value) -> syn::Result<Path> {
        match (&value.asyncness, &value.expr) {
            (None, Expr::Path(ExprPath { path, qself: None, .. })) => Ok(path.clone()),
            _ => Err(self.mismatch(value)),
        }
    }

    fn strategy(&self, value: &Value) -> syn::Result<Strategy> {
        let literal = self.string(value)?;
        let name = literal.value();
        let known = STRATEGIES.iter().find(|(known, _)| *known == name);
        match known {
            Some((_, variant)) => Ok(Strategy { variant, literal }),
            None => Err(self.mismatch(value)),
        }
    }

    fn on_store_error(&self, value: &Value) -> syn::Result<&'static str> {
        let name = self.string(value)?.value();
        let known = STORE_ERROR_POLICIES.iter().find(|(known, _)| *known == name);
        known.map(|(_, variant)| *variant).ok_or_else(|| self.mismatch(value))
    }

    fn methods(&self, value: &Value) -> syn::Result<Vec<String>> {
        let elements = match (&value.asyncness, &value.expr) {
            (None, Expr::Array(ExprArray { elems, .. })) if !elems.is_empty() => elems,
            _ => return Err(self.mismatch(value)),
        };
        self.method_list(elements)
    }

    fn method_list(&self, elements: &Punctuated<Expr, syn::Token![,]>) -> syn::Result<Vec<String>> {
        let mut errors = Errors::default();
        let mut methods = Vec::new();
        for element in elements {
            let Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) = element else {
                errors.at(element, "expected a method such as `\"GET\"`");
                continue;
            };
            let method = literal.value().to_ascii_uppercase();
            if !is_token(&method) {
                errors.at(
                    literal,
                    "expected a method such as `\"GET\"`: one word, without spaces or separators",
                );
            } else if let Some(meant) = misspelt(&method) {
                errors.at(literal, format!("expected a method, found `{method}`: write `{meant}`"));
            } else if methods.contains(&method) {
                errors.at(literal, format!("`{method}` is in the list already: remove one"));
            } else {
                methods.push(method);
            }
        }
        errors.into_result().map(|()| methods)
    }

    fn cost(&self, value: &Value) -> syn::Result<Cost> {
        let literal = match (&value.asyncness, &value.expr) {
            (None, Expr::Lit(ExprLit { lit: Lit::Int(literal), .. })) => literal,
            _ => return self.function(value).map(Cost::Function),
        };
        match literal.base10_parse() {
            Ok(cost) => Ok(Cost::Fixed(cost, literal.clone())),
            Err(_) => Err(Error::new(
                literal.span(),
                format!("`{}`: expected a number up to {}, found `{literal}`", self.name, u64::MAX),
            )),
        }
    }

    fn function(&self, value: &Value) -> syn::Result<Function> {
        Function::read(self.name, value)?.ok_or_else(|| self.mismatch(value))
    }

    /// A function that runs when the answer is there, and cannot be waited for.
    fn sync_function(&self, value: &Value) -> syn::Result<Expr> {
        if let Some(token) = Function::never_awaited(value) {
            return Err(Error::new(token.span, self.cannot_wait()));
        }
        let Function { is_async, expr } = self.function(value)?;
        if is_async { Err(Error::new_spanned(value, self.cannot_wait())) } else { Ok(expr) }
    }

    fn cannot_wait(&self) -> String {
        format!(
            "`{}` runs when the answer is written, and cannot wait: remove `async`, and spawn what \
             takes long",
            self.name
        )
    }

    fn scope(&self, value: &Value) -> syn::Result<ScopeName> {
        match value.as_string() {
            Some(_) => self.filled_string(value).map(ScopeName::Text),
            None => self.function(value).map(ScopeName::Function),
        }
    }

    fn message(&self, value: &Value) -> syn::Result<Message> {
        match value.as_string() {
            Some(text) => Ok(Message::Text(text.clone())),
            None => self.sync_function(value).map(Message::Function),
        }
    }

    fn meta(&self, value: &Value) -> syn::Result<Vec<Meta>> {
        let elements: Vec<&Expr> = match (&value.asyncness, &value.expr) {
            (None, Expr::Array(ExprArray { elems, .. })) if !elems.is_empty() => {
                elems.iter().collect()
            }
            (None, one @ (Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) | Expr::Path(_))) => {
                vec![one]
            }
            _ => return Err(self.mismatch(value)),
        };
        let mut errors = Errors::default();
        let mut metas = Vec::new();
        for element in elements {
            match element {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                    metas.push(Meta::Text(text.clone()));
                }
                Expr::Path(ExprPath { path, qself: None, .. }) => {
                    metas.push(Meta::Declared(path.clone()));
                }
                other => errors.at(
                    other,
                    "expected a limit in a string such as `\"5/minute\"`, or a `static` of type \
                     `MetaLimit`",
                ),
            }
        }
        errors.into_result().map(|()| metas)
    }

    fn mismatch(&self, value: &Value) -> Error {
        let Self { name, expects, .. } = self;
        Error::new_spanned(
            value,
            format!("`{name}`: expected {expects}, found {}", value.describe()),
        )
    }
}

fn set<T>(slot: &mut Option<T>, value: syn::Result<T>) -> syn::Result<()> {
    *slot = Some(value?);
    Ok(())
}

/// The methods that Actix has routes for.
const METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE", "QUERY"];

/// The method that was meant by a word which is nearly one: the limit would apply to no request. Any
/// other word is a method of somebody's own.
fn misspelt(word: &str) -> Option<&'static str> {
    let is_near = |method: &&&str| {
        let same = |(a, b): &(u8, u8)| a == b;
        let ahead = word.bytes().zip(method.bytes()).take_while(same).count();
        let behind = word.bytes().rev().zip(method.bytes().rev()).take_while(same).count();
        let (shorter, longer) = (word.len().min(method.len()), word.len().max(method.len()));
        // One letter is missing, too many, another one, or has changed places with the next.
        let letters = longer.saturating_sub(ahead + behind);
        let swapped = word.len() == method.len() && letters == 2 && {
            let (a, b) = (word.as_bytes(), method.as_bytes());
            a[ahead] == b[ahead + 1] && a[ahead + 1] == b[ahead]
        };
        longer - shorter <= 1 && (letters <= 1 || swapped)
    };
    METHODS.iter().find(is_near).copied().filter(|_| !METHODS.contains(&word))
}

/// The syntax of a method: a token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
