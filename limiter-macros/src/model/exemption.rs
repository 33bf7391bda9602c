//! What a handler is exempt from.

use syn::Expr;

use crate::{args::Value, errors::Errors};

/// What `#[exempt]` exempts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exemption {
    /// No flag was written: exempt from all of them.
    pub(crate) is_bare: bool,
    pub(crate) defaults: bool,
    pub(crate) application: bool,
    pub(crate) meta: bool,
}

/// The field of a flag in an exemption.
type Flag = fn(&mut Exemption) -> &mut bool;

impl Exemption {
    /// The flags of `#[exempt]`, by name.
    const FLAGS: [(&str, Flag); 3] = [
        ("defaults", |exemption| &mut exemption.defaults),
        ("application", |exemption| &mut exemption.application),
        ("meta", |exemption| &mut exemption.meta),
    ];

    /// The message for `name = …` in `#[exempt]`, which has flags instead.
    pub(crate) fn unknown_argument(name: &str) -> String {
        match Self::FLAGS.iter().find(|(flag, _)| *flag == name) {
            Some((flag, _)) => {
                format!("`{flag}` is a flag and takes no value: write `#[exempt({flag})]`")
            }
            None => format!(
                "unknown argument `{name}` of `#[exempt]`: expected `defaults`, `application` or \
                 `meta`, or no argument to be exempt from all three"
            ),
        }
    }

    pub(super) fn read(positional: &[Value], errors: &mut Errors) -> Self {
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
                errors.at(value, format!("duplicate flag `{name}`: remove one of the two"));
            }
        }
        if positional.is_empty() {
            exemption = Self { is_bare: true, defaults: true, application: true, meta: true };
        }
        exemption
    }
}
