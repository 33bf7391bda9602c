//! The list of `methods = ["GET", "POST"]`.

use syn::{Expr, ExprLit, Lit, Token, punctuated::Punctuated};

use crate::{errors::Errors, route::METHODS};

/// The methods of a list, in capitals.
pub(super) fn methods(elements: &Punctuated<Expr, Token![,]>) -> syn::Result<Vec<String>> {
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
