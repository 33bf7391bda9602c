//! Reading the value of a named argument: each reader returns the value, or says what was expected.

use syn::{Error, Expr, ExprArray, ExprLit, ExprPath, Lit, LitBool, LitStr, Path};

use super::{
    function::Function,
    methods::methods,
    value::{Cost, Message, Meta, OnStoreError, ScopeName, Strategy},
};
use crate::{
    args::{Value, describe},
    errors::Errors,
};

/// The value of a named argument, with what a message needs to know about the argument.
pub(super) struct Argument<'a> {
    pub(super) name: &'static str,
    /// Follows the word "expected" in a message.
    pub(super) expects: &'static str,
    pub(super) value: &'a Value,
}

impl Argument<'_> {
    pub(super) fn string(&self) -> syn::Result<LitStr> {
        self.value.as_string().cloned().ok_or_else(|| self.mismatch())
    }

    fn filled_string(&self) -> syn::Result<LitStr> {
        let text = self.string()?;
        if text.value().trim().is_empty() { Err(self.mismatch()) } else { Ok(text) }
    }

    /// Printable ASCII alone, because response headers carry the name.
    pub(super) fn policy_name(&self) -> syn::Result<LitStr> {
        let text = self.filled_string()?;
        let name = text.value();
        let is_printable = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_printable && name.len() <= 64 { Ok(text) } else { Err(self.mismatch()) }
    }

    /// A duration. The parser's own message is about limits, and would mislead.
    pub(super) fn time(&self) -> syn::Result<LitStr> {
        let text = self.string()?;
        match limiter_core::notation::parse_window(&text.value()) {
            Ok(_) => Ok(text),
            Err(_) => Err(self.mismatch()),
        }
    }

    pub(super) fn boolean(&self) -> syn::Result<LitBool> {
        match (&self.value.asyncness, &self.value.expr) {
            (None, Expr::Lit(ExprLit { lit: Lit::Bool(boolean), .. })) => Ok(boolean.clone()),
            _ => Err(self.mismatch()),
        }
    }

    pub(super) fn path(&self) -> syn::Result<Path> {
        match (&self.value.asyncness, &self.value.expr) {
            (None, Expr::Path(ExprPath { path, qself: None, .. })) => Ok(path.clone()),
            _ => Err(self.mismatch()),
        }
    }

    pub(super) fn strategy(&self) -> syn::Result<Strategy> {
        Strategy::named(self.string()?).ok_or_else(|| self.mismatch())
    }

    pub(super) fn on_store_error(&self) -> syn::Result<OnStoreError> {
        OnStoreError::named(&self.string()?).ok_or_else(|| self.mismatch())
    }

    pub(super) fn methods(&self) -> syn::Result<Vec<String>> {
        let elements = match (&self.value.asyncness, &self.value.expr) {
            (None, Expr::Array(ExprArray { elems, .. })) if !elems.is_empty() => elems,
            _ => return Err(self.mismatch()),
        };
        methods(elements)
    }

    pub(super) fn cost(&self) -> syn::Result<Cost> {
        let literal = match (&self.value.asyncness, &self.value.expr) {
            (None, Expr::Lit(ExprLit { lit: Lit::Int(literal), .. })) => literal,
            _ => return self.function().map(Cost::Function),
        };
        match literal.base10_parse() {
            Ok(cost) => Ok(Cost::Fixed(cost, literal.clone())),
            Err(_) => Err(Error::new(
                literal.span(),
                format!(
                    "`{}`: expected a number of at most {}, found `{literal}`",
                    self.name,
                    u64::MAX
                ),
            )),
        }
    }

    pub(super) fn function(&self) -> syn::Result<Function> {
        Function::read(self.name, self.value)?.ok_or_else(|| self.mismatch())
    }

    /// A function that runs while the response is written, and so cannot be async.
    pub(super) fn sync_function(&self) -> syn::Result<Expr> {
        if let Some(token) = Function::never_awaited(self.value) {
            return Err(Error::new(token.span, self.cannot_be_async()));
        }
        let Function { is_async, expr } = self.function()?;
        if is_async {
            Err(Error::new_spanned(self.value, self.cannot_be_async()))
        } else {
            Ok(expr)
        }
    }

    fn cannot_be_async(&self) -> String {
        format!(
            "`{}` cannot be async, because it runs while the response is written: remove `async`, \
             and spawn slow work as a task",
            self.name
        )
    }

    pub(super) fn scope(&self) -> syn::Result<ScopeName> {
        match self.value.as_string() {
            Some(_) => self.filled_string().map(ScopeName::Text),
            None => self.function().map(ScopeName::Function),
        }
    }

    pub(super) fn message(&self) -> syn::Result<Message> {
        match self.value.as_string() {
            Some(text) => Ok(Message::Text(text.clone())),
            None => self.sync_function().map(Message::Function),
        }
    }

    pub(super) fn meta(&self) -> syn::Result<Vec<Meta>> {
        let elements: Vec<&Expr> = match (&self.value.asyncness, &self.value.expr) {
            (None, Expr::Array(ExprArray { elems, .. })) if !elems.is_empty() => {
                elems.iter().collect()
            }
            (None, one @ (Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) | Expr::Path(_))) => {
                vec![one]
            }
            _ => return Err(self.mismatch()),
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
                    format!(
                        "expected a limit string such as `\"5/minute\"`, or a `static` of type \
                     `MetaLimit`, found {}",
                        describe(other)
                    ),
                ),
            }
        }
        errors.into_result().map(|()| metas)
    }

    fn mismatch(&self) -> Error {
        let Self { name, expects, value } = self;
        Error::new_spanned(
            value,
            format!("`{name}`: expected {expects}, found {}", value.describe()),
        )
    }
}
