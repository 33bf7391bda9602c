//! The named arguments. One table says how each is read, on which attributes it is allowed, and
//! what a message expects.

use syn::{Expr, LitBool, LitStr, Path};

use super::{
    argument::Argument,
    exemption::Exemption,
    function::Function,
    kind::Kind,
    value::{Cost, Message, Meta, OnStoreError, ScopeName, Strategy},
};
use crate::{args::Named, errors::Errors};

/// The values of the named arguments that were written.
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
    pub(crate) on_store_error: Option<OnStoreError>,
    pub(crate) root: Option<Path>,
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
                errors.at(name, format!("duplicate argument `{name}`: remove one of the two"));
                continue;
            }
            let argument = Argument { name: row.name, expects: row.expects, value };
            errors.take((row.read)(&mut options, &argument));
        }
        options
    }
}

/// What the argument of this name expects, if there is one: its value was likely forgotten.
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
    format!("unknown argument `{name}` of `#[{on}]`: expected one of `{known}`")
}

/// A named argument. A new one is a row here and a field of [`Options`].
struct Row {
    name: &'static str,
    allowed_on: &'static [Kind],
    /// Follows the word "expected" in a message.
    expects: &'static str,
    read: fn(&mut Options, &Argument<'_>) -> syn::Result<()>,
}

const ROWS: &[Row] = &[
    Row {
        name: "key",
        allowed_on: LIMITS,
        expects: FUNCTION,
        read: |options, argument| set(&mut options.key, argument.function()),
    },
    Row {
        name: "cost",
        allowed_on: LIMITS,
        expects: "a whole number such as `5`, or a function of the request such as `cost_of`, \
                  `async cost_of` or `|request: &HttpRequest| …`",
        read: |options, argument| set(&mut options.cost, argument.cost()),
    },
    Row {
        name: "override_defaults",
        allowed_on: LIMITS,
        expects: BOOLEAN,
        read: |options, argument| set(&mut options.override_defaults, argument.boolean()),
    },
    Row {
        name: "per_method",
        allowed_on: LIMITS,
        expects: BOOLEAN,
        read: |options, argument| set(&mut options.per_method, argument.boolean()),
    },
    Row {
        name: "methods",
        allowed_on: LIMITS,
        expects: "a list of methods such as `[\"GET\", \"POST\"]`",
        read: |options, argument| set(&mut options.methods, argument.methods()),
    },
    Row {
        name: "scope",
        allowed_on: LIMITS,
        expects: "a non-empty string such as `\"mysql\"`, or a function of the request \
                  such as `tenant_of`",
        read: |options, argument| set(&mut options.scope, argument.scope()),
    },
    Row {
        name: "exempt_when",
        allowed_on: LIMITS,
        expects: "a function of the request that returns a bool, such as `is_internal`, \
                  `async is_internal` or `|request: &HttpRequest| …`",
        read: |options, argument| set(&mut options.exempt_when, argument.function()),
    },
    Row {
        name: "deduct_when",
        allowed_on: LIMITS,
        expects: "a function of the response that returns a bool, such as `has_failed` or \
                  `|head: &ResponseHead| head.status.is_client_error()`",
        read: |options, argument| set(&mut options.deduct_when, argument.sync_function()),
    },
    Row {
        name: "cost_after",
        allowed_on: LIMITS,
        expects: "a function of the response that returns a number, such as `tokens_used` or \
                  `|head: &ResponseHead| …`",
        read: |options, argument| set(&mut options.cost_after, argument.sync_function()),
    },
    Row {
        name: "on_breach",
        allowed_on: LIMITS,
        expects: "a function of the breach, such as `sorry` or `|breach: &Breach<'_>| …`",
        read: |options, argument| set(&mut options.on_breach, argument.sync_function()),
    },
    Row {
        name: "error_message",
        allowed_on: LIMITS,
        expects: "a string such as `\"slow down\"`, or a function of the breach such as `excuse`",
        read: |options, argument| set(&mut options.error_message, argument.message()),
    },
    Row {
        name: "meta",
        allowed_on: LIMITS,
        expects: "a limit on the number of breaches such as `\"5/minute\"`, a `static` of type \
                  `MetaLimit`, or a list of these",
        read: |options, argument| set(&mut options.meta, argument.meta()),
    },
    Row {
        name: "block",
        allowed_on: LIMITS,
        expects: "a string with a duration, such as `\"10 minutes\"`",
        read: |options, argument| set(&mut options.block, argument.time()),
    },
    Row {
        name: "shadow",
        allowed_on: LIMITS,
        expects: BOOLEAN,
        read: |options, argument| set(&mut options.shadow, argument.boolean()),
    },
    Row {
        name: "candidate",
        allowed_on: LIMITS,
        expects: "a limit string to try out, such as `\"50/minute\"`",
        read: |options, argument| set(&mut options.candidate, argument.string()),
    },
    Row {
        name: "name",
        allowed_on: LIMITS,
        expects: "a string of 1 to 64 printable ASCII characters, such as `\"search\"`",
        read: |options, argument| set(&mut options.name, argument.policy_name()),
    },
    Row {
        name: "strategy",
        allowed_on: LIMITS,
        expects: "one of `\"fixed-window\"`, `\"moving-window\"`, `\"sliding-window-counter\"`, \
                  `\"token-bucket\"`",
        read: |options, argument| set(&mut options.strategy, argument.strategy()),
    },
    Row {
        name: "on_store_error",
        allowed_on: LIMITS,
        expects: "one of `\"local\"`, `\"deny\"`, `\"allow\"`",
        read: |options, argument| set(&mut options.on_store_error, argument.on_store_error()),
    },
    Row {
        name: "crate",
        allowed_on: &[Kind::Limit, Kind::SharedLimit, Kind::Exempt],
        expects: "the path of `limiter_actix`, such as `::my_facade::limiter_actix`",
        read: |options, argument| set(&mut options.root, argument.path()),
    },
];

const LIMITS: &[Kind] = &[Kind::Limit, Kind::SharedLimit];

const BOOLEAN: &str = "`true` or `false`";
const FUNCTION: &str = "a function of the request such as `tenant_of`, `async tenant_of` or \
                        `|request: &HttpRequest| …`";

fn set<T>(slot: &mut Option<T>, value: syn::Result<T>) -> syn::Result<()> {
    *slot = Some(value?);
    Ok(())
}
