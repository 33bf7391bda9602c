//! Resources that the resource map hides behind an earlier one of the same path.

use actix_web::dev::ResourceDef;

use crate::declare::CountedMethod;

/// A resource that requests were routed to although their path seemed to lead to another one.
#[derive(Debug)]
pub(super) struct Hidden {
    /// With the prefixes of all scopes around it.
    pub(super) pattern: Box<str>,
    behind: Seeming<Box<str>>,
    /// `None` if no path can be matched with it.
    matcher: Option<ResourceDef>,
}

/// The method of a request, and the pattern of the resource that the map shows for its path, if
/// any.
pub(super) type Seeming<T> = (CountedMethod, Option<T>);

impl Hidden {
    pub(super) fn new((method, pattern): Seeming<&str>, hidden: &str) -> Self {
        let matcher = with_numbered_parameters(hidden).map(ResourceDef::new);
        Self { pattern: hidden.into(), behind: (method, pattern.map(Box::from)), matcher }
    }

    /// Whether it is hidden behind this resource.
    pub(super) fn is_behind(&self, (method, pattern): Seeming<&str>) -> bool {
        self.behind.0 == method && self.behind.1.as_deref() == pattern
    }

    /// Whether a request with this path may be for it.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.matcher.as_ref().is_some_and(|matcher| matcher.is_match(path))
    }
}

/// The most parameters that Actix allows in one pattern.
const MOST_PARAMETERS: usize = 16;

/// The pattern with its parameters numbered: patterns of scopes and resources are concatenated
/// here, and Actix panics if two parameters have the same name. `None` if there are more parameters
/// than it allows.
fn with_numbered_parameters(pattern: &str) -> Option<String> {
    let mut numbered = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut parameters = 0;
    while let Some(start) = rest.find('{') {
        let end = start + end_of_parameter(&rest[start..])?;
        let regex = rest[start + 1..end].split_once(':').map(|(_, regex)| regex);
        numbered.push_str(&rest[..start]);
        numbered.push_str(&match regex {
            Some(regex) => format!("{{p{parameters}:{regex}}}"),
            None => format!("{{p{parameters}}}"),
        });
        rest = &rest[end + 1..];
        parameters += 1;
    }
    numbered.push_str(rest);
    // A tail is legal at the end only, and the scope's pattern may have contained one.
    let is_legal = parameters <= MOST_PARAMETERS && !numbered.trim_end_matches('*').contains("}*");
    is_legal.then_some(numbered)
}

/// The position of the brace that closes the one at the start; a regular expression may contain
/// braces.
fn end_of_parameter(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(place, char)| {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(pattern: &str) -> Hidden {
        Hidden::new((CountedMethod::Get, Some("/first")), pattern)
    }

    #[test]
    fn it_is_behind_one_resource_for_one_method() {
        let hidden = hidden("/{x}");
        assert!(hidden.is_behind((CountedMethod::Get, Some("/first"))));
        assert!(!hidden.is_behind((CountedMethod::Post, Some("/first"))));
        assert!(!hidden.is_behind((CountedMethod::Get, None)));
    }

    #[test]
    fn parameters_of_one_name_in_scope_and_resource_are_told_apart() {
        assert!(hidden("/{x}/{x}").matches("/a/b"));
        assert!(!hidden("/{x}/{x}").matches("/a"));
    }

    #[test]
    fn regular_expressions_and_tails_stay_what_they_are() {
        let dated = hidden(r"/{year:\d{4}}/{rest}*");
        assert!(dated.matches("/2026/a/b"));
        assert!(!dated.matches("/26/a/b"));
        assert!(hidden("/plain").matches("/plain"));
        assert!(!hidden("/plain").matches("/plain/"));
    }

    #[test]
    fn more_parameters_than_actix_allows_match_nothing() {
        let many = hidden(&"/{x}".repeat(MOST_PARAMETERS + 1));
        assert!(!many.matches(&"/x".repeat(MOST_PARAMETERS + 1)));
    }
}
