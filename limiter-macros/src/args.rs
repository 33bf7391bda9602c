//! The arguments of an attribute as syntax, before their names and values are checked.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Error, Expr, ExprLit, Lit, LitStr, Token, UnOp,
    ext::IdentExt,
    parenthesized,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{errors::Errors, route::Route};

/// The argument by which an attribute that has moved down is recognised. Not for users.
pub(crate) const MARKER: &str = "__limiter";

/// The arguments of one attribute, as written.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) marker: Option<Marker>,
    pub(crate) positional: Vec<Value>,
    pub(crate) named: Vec<Named>,
    /// All arguments but the marker, to compare two attributes.
    pub(crate) tokens: TokenStream,
}

/// `name = value`. The name keeps its span, for messages.
pub(crate) struct Named {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// An expression, optionally prefixed with `async`.
pub(crate) struct Value {
    pub(crate) asyncness: Option<Token![async]>,
    pub(crate) expr: Expr,
}

/// What an attribute knew before it moved down.
pub(crate) struct Marker {
    /// Where the attribute was written, for messages about all of it.
    pub(crate) span: Span,
    pub(crate) routes: Vec<Route>,
}

impl Written {
    /// Reads the arguments, and reports each one that cannot be read.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut written = Self::default();
        let mut own = Errors::default();
        let parsed = (|input: ParseStream<'_>| {
            if peek_name(input, MARKER) {
                written.marker = Some(Marker::parse(input)?);
            }
            written.tokens = input.fork().parse()?;
            while !input.is_empty() {
                if let Err(error) = written.parse_argument(input) {
                    own.push(error);
                    skip_argument(input)?;
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        })
        .parse2(tokens);

        // Where an argument was reported, syn adds an "unexpected token" of its own: drop it.
        if let (Err(error), true) = (parsed, own.is_empty()) {
            own.push(error);
        }
        errors.append(own);
        written
    }

    fn parse_argument(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
            let name = input.call(Ident::parse_any)?;
            input.parse::<Token![=]>()?;
            if input.is_empty() || input.peek(Token![,]) {
                return Err(Error::new_spanned(&name, format!("`{name}` needs a value after `=`")));
            }
            self.named.push(Named { name, value: Value::parse(input)? });
        } else {
            self.positional.push(Value::parse(input)?);
        }
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(());
        }
        Err(input.error("expected `,` between arguments"))
    }
}

impl Value {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // `async |request| …` is a Rust expression; `async tenant_of` is syntax of this crate.
        let prefix = input.peek(Token![async])
            && !input.peek2(Token![move])
            && !input.peek2(Token![|])
            && !input.peek2(Token![||])
            && !input.peek2(syn::token::Brace);
        let asyncness = if prefix { Some(input.parse()?) } else { None };
        Ok(Self { asyncness, expr: ungroup(input.parse()?) })
    }

    /// The string, if the value is a string literal.
    pub(crate) fn as_string(&self) -> Option<&LitStr> {
        match (&self.asyncness, &self.expr) {
            (None, Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Some(text),
            _ => None,
        }
    }

    /// The value for a message.
    pub(crate) fn describe(&self) -> String {
        describe(&self.expr)
    }
}

/// An expression for a message: a literal or a path is quoted, anything longer is named.
pub(crate) fn describe(expr: &Expr) -> String {
    match expr {
        Expr::Lit(literal) => format!("`{}`", literal.to_token_stream()),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            format!("`{}`", unary.to_token_stream().to_string().replace("- ", "-"))
        }
        Expr::Path(path) => {
            format!("`{}`", path.to_token_stream().to_string().replace(' ', ""))
        }
        Expr::Array(array) if array.elems.is_empty() => "an empty list".to_owned(),
        Expr::Array(_) => "a list".to_owned(),
        Expr::Closure(_) => "a closure".to_owned(),
        Expr::Call(_) | Expr::MethodCall(_) => "a call".to_owned(),
        Expr::Macro(_) => "a macro call".to_owned(),
        Expr::Async(_) | Expr::Block(_) => "a block".to_owned(),
        _ => "an expression".to_owned(),
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.asyncness.to_tokens(tokens);
        self.expr.to_tokens(tokens);
    }
}

impl Marker {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let span = input.call(Ident::parse_any)?.span();
        let content;
        parenthesized!(content in input);
        let routes = Punctuated::<Route, Token![,]>::parse_terminated(&content)?;
        Ok(Self { span, routes: routes.into_iter().collect() })
    }
}

impl ToTokens for Marker {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let marker = Ident::new(MARKER, self.span);
        let routes = &self.routes;
        tokens.extend(quote!(#marker(#(#routes),*)));
    }
}

/// Whether the next token is this name.
pub(crate) fn peek_name(input: ParseStream<'_>, name: &str) -> bool {
    input.cursor().ident().is_some_and(|(ident, _)| ident == name)
}

/// Removes the invisible group that a `macro_rules!` variable puts around an expression.
fn ungroup(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => ungroup(*group.expr),
        other => other,
    }
}

/// Skips to the next `name = value`, so that a mistake in one argument does not hide another.
fn skip_argument(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() {
        let at_argument = input.peek(Token![,])
            && input.peek2(Ident::peek_any)
            && input.peek3(Token![=])
            && !input.peek3(Token![==]);
        if at_argument {
            break;
        }
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
