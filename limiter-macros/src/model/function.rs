//! A function that an argument names.

use syn::{Error, Expr, ExprClosure, ExprUnary, UnOp};

use crate::args::Value;

/// A function of the request.
pub(crate) struct Function {
    pub(crate) is_async: bool,
    pub(crate) expr: Expr,
}

impl Function {
    /// Reads the value of the argument `name`; `None` if it is nothing like a function.
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
        if let (None, Expr::Closure(ExprClosure { asyncness: None, body, .. })) =
            (&value.asyncness, &value.expr)
            && let Expr::Async(body) = &**body
        {
            return Err(Error::new(
                body.async_token.span,
                format!("`{name}` would not be awaited: write `async |request| …`"),
            ));
        }
        let is_async_closure =
            matches!(&value.expr, Expr::Closure(closure) if closure.asyncness.is_some());
        Ok(Some(Self {
            is_async: value.asyncness.is_some() || is_async_closure,
            expr: value.expr.clone(),
        }))
    }
}
