//! Resources that the resource map hides behind an earlier one of the same path.

use actix_web::dev::ResourceDef;

use crate::rule::CountedMethod;

/// A resource that requests were routed to although their path seemed to lead to another one.
#[derive(Debug)]
pub(super) struct Hidden {
    method: CountedMethod,
    /// With the prefixes of all scopes around it.
    pub(super) pattern: Box<str>,
    /// `None` where no path can be told to match.
    matcher: Option<ResourceDef>,
}

impl Hidden {
    pub(super) fn new(method: CountedMethod, pattern: &str) -> Self {
        let matcher = with_numbered_parameters(pattern).map(ResourceDef::new);
        Self { method, pattern: pattern.into(), matcher }
    }

    /// Whether it is this resource.
    pub(super) fn is(&self, method: CountedMethod, pattern: &str) -> bool {
        self.method == method && *self.pattern == *pattern
    }

    /// Whether a request with this path may be for it.
    pub(super) fn matches(&self, method: CountedMethod, path: &str) -> bool {
        self.method == method && self.matcher.as_ref().is_some_and(|matcher| matcher.is_match(path))
    }
}

/// The most parameters that Actix allows in one pattern.
const MOST_PARAMETERS: usize = 16;

/// The pattern with its parameters numbered: patterns of scopes and resources are put together
/// here, and two parameters of one name make Actix panic. `None` for more parameters than it
/// allows.
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
    // A tail is legal at the end alone, and a scope's own may have come before it.
    let is_legal = parameters <= MOST_PARAMETERS && !numbered.trim_end_matches('*').contains("}*");
    is_legal.then_some(numbered)
}

/// Where the brace is that closes the one at the start; a regular expression may have some inside.
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

    #[test]
    fn parameters_of_one_name_in_scope_and_resource_are_told_apart() {
        let hidden = Hidden::new(CountedMethod::Get, "/{x}/{x}");
        assert!(hidden.matches(CountedMethod::Get, "/a/b"));
        assert!(!hidden.matches(CountedMethod::Post, "/a/b"));
        assert!(!hidden.matches(CountedMethod::Get, "/a"));
    }

    #[test]
    fn regular_expressions_and_tails_stay_what_they_are() {
        let hidden = Hidden::new(CountedMethod::Get, r"/{year:\d{4}}/{rest}*");
        assert!(hidden.matches(CountedMethod::Get, "/2026/a/b"));
        assert!(!hidden.matches(CountedMethod::Get, "/26/a/b"));
        let text = Hidden::new(CountedMethod::Get, "/plain");
        assert!(text.matches(CountedMethod::Get, "/plain"));
        assert!(!text.matches(CountedMethod::Get, "/plain/"));
    }

    #[test]
    fn more_parameters_than_actix_allows_match_nothing() {
        let pattern = "/{x}".repeat(MOST_PARAMETERS + 1);
        let hidden = Hidden::new(CountedMethod::Get, &pattern);
        assert!(!hidden.matches(CountedMethod::Get, &"/x".repeat(MOST_PARAMETERS + 1)));
        assert!(hidden.is(CountedMethod::Get, &pattern));
    }
}
