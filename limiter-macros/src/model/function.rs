//! A function of the request, as the value of an argument.

use syn::{Error, Expr, ExprClosure, ExprUnary, Token, UnOp};

use crate::args::Value;

/// A function of the request.
pub(crate) struct Function {
    pub(crate) is_async: bool,
    pub(crate) expr: Expr,
}

impl Function {
    /// Reads the value of the argument `name`; `None` if it cannot be a function.
    pub(crate) fn read(name: &str, value: &Value) -> syn::Result<Option<Self>> {
        let is_function = !matches!(
            &value.expr,
            Expr::Lit(_)
                | Expr::Array(_)
                | Expr::Async(_)
                | Expr::Binary(_)
                | Expr::Unary(ExprUnary { op: UnOp::Neg(_) | UnOp::Not(_), .. })
        );
        if !is_function {
            return Ok(None);
        }
        if let Some(token) = Self::never_awaited(value) {
            return Err(Error::new(
                token.span,
                format!(
                    "the `async` block of `{name}` is never awaited: write `async |request| …`"
                ),
            ));
        }
        let is_async_closure =
            matches!(&value.expr, Expr::Closure(closure) if closure.asyncness.is_some());
        Ok(Some(Self {
            is_async: value.asyncness.is_some() || is_async_closure,
            expr: value.expr.clone(),
        }))
    }

    /// The `async` of a closure whose body is an async block: the call would drop its future.
    pub(crate) fn never_awaited(value: &Value) -> Option<Token![async]> {
        match (&value.asyncness, &value.expr) {
            (None, Expr::Closure(ExprClosure { asyncness: None, body, .. })) => match &**body {
                Expr::Async(body) => Some(body.async_token),
                _ => None,
            },
            _ => None,
        }
    }
}
