//! The list of `methods = ["GET", "POST"]`.

use syn::{Expr, ExprLit, Lit, Token, punctuated::Punctuated};

use crate::{args::describe, errors::Errors, route::METHODS};

/// The methods of a list, in upper case.
pub(super) fn methods(elements: &Punctuated<Expr, Token![,]>) -> syn::Result<Vec<String>> {
    let mut errors = Errors::default();
    let mut methods = Vec::new();
    for element in elements {
        let Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) = element else {
            errors.at(
                element,
                format!("expected a method such as `\"GET\"`, found {}", describe(element)),
            );
            continue;
        };
        let method = literal.value().to_ascii_uppercase();
        if !is_token(&method) {
            errors.at(
                literal,
                format!(
                    "expected one method such as `\"GET\"`, without spaces or separators, found {}",
                    describe(element)
                ),
            );
        } else if let Some(meant) = misspelt(&method) {
            errors.at(literal, format!("expected a method, found `{method}`: write `{meant}`"));
        } else if methods.contains(&method) {
            errors.at(literal, format!("duplicate method `{method}`: remove one of the two"));
        } else {
            methods.push(method);
        }
    }
    errors.into_result().map(|()| methods)
}

/// The method that a word misspells, by one letter or by two that are swapped: the limit would
/// apply to no request. Any other word is taken for a custom method.
fn misspelt(word: &str) -> Option<&'static str> {
    let is_near = |method: &&&str| {
        let same = |(a, b): &(u8, u8)| a == b;
        let ahead = word.bytes().zip(method.bytes()).take_while(same).count();
        let behind = word.bytes().rev().zip(method.bytes().rev()).take_while(same).count();
        let (shorter, longer) = (word.len().min(method.len()), word.len().max(method.len()));
        // One letter is missing, added or different, or two neighbours are swapped.
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
