//! What a request's query string says of the page of a list: `limit` (or `per_page`), and one of `after`, `before`, `page`.
//!
//! A value that cannot be meant is a 422 that names the parameter. Values are whole numbers in plain digits: a sign, white space
//! or an empty value is none.

use actix_web::HttpRequest;
use domain::{Field, Invalid, MAX_NUMBER, MAX_PAGE, MAX_PAGE_LIMIT, PageLimit, PageRequest, Rule};
use service::{http::Query, problem::Problem};

/// What lists read of the query string.
pub(crate) const PARAMETERS: &[&str] = &["limit", "per_page", "after", "before", "page"];

/// The query string's parameters.
pub(crate) struct Parameters(Query);

impl Parameters {
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        Query::of(request).map(Self)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// The page size: `limit`, or `per_page` as others call it.
    pub(crate) fn limit(&self) -> Result<PageLimit, Invalid> {
        let read = |field, text| PageLimit::new(number(field, 1, MAX_PAGE_LIMIT, text)?);
        let given = |field: Field| self.get(field.as_str()).map(|text| read(field, text)).transpose();
        // The one that does not count must be right, too.
        let (limit, per_page) = (given(Field::Limit)?, given(Field::PerPage)?);
        Ok(limit.or(per_page).unwrap_or_default())
    }

    /// The one of `after`, `before` and `page` that is given.
    pub(crate) fn anchor(&self) -> Result<Option<(Field, &str)>, Invalid> {
        let mut given =
            [Field::After, Field::Before, Field::Page].into_iter().filter_map(|field| Some((field, self.get(field.as_str())?)));
        let anchor = given.next();
        match (anchor, given.next()) {
            (Some((first, _)), Some((second, _))) => Err(Invalid::new(second, Rule::NotTogether(first))),
            _ => Ok(anchor),
        }
    }

    /// The page of a list that is ordered by number.
    pub(crate) fn page(&self) -> Result<PageRequest, Invalid> {
        let limit = self.limit()?;
        match self.anchor()? {
            None => Ok(PageRequest::first(limit)),
            Some((Field::After, text)) => Ok(PageRequest::After { after: number(Field::After, 0, MAX_NUMBER, text)?, limit }),
            Some((Field::Before, text)) => Ok(PageRequest::Before { before: number(Field::Before, 1, MAX_NUMBER, text)?, limit }),
            Some((_, text)) => PageRequest::ordinal(number(Field::Page, 1, MAX_PAGE, text)?, limit),
        }
    }
}

/// A whole number from `low` to `high`, in plain digits.
pub(crate) fn number(field: Field, low: u64, high: u64, text: &str) -> Result<u64, Invalid> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = text.parse().ok().filter(|number| digits && (low..=high).contains(number));
    parsed.ok_or_else(|| Invalid::new(field, Rule::Within(low, high)))
}

#[cfg(test)]
pub(crate) mod sample {
    //! Query strings of all kinds, for the tests of what reads them.

    use proptest::prelude::*;
    use service::{http::Query, problem::Problem};

    use super::Parameters;

    /// What an endpoint that reads parameters of these names reads in the text.
    pub(crate) fn parameters(text: &str, names: &[&'static str]) -> Result<Parameters, Problem> {
        Query::parse(text, names).map(Parameters)
    }

    /// Texts at random, and parameters of these names and others with values of all kinds.
    pub(crate) fn texts(names: &'static [&'static str]) -> impl Strategy<Value = String> {
        let name = prop_oneof![4 => prop::sample::select(names).prop_map(str::to_owned), 1 => ".*".boxed()];
        let number = any::<u64>().prop_map(|number| number.to_string());
        let value = prop_oneof![".*", "[0-9]{0,3}", "[+-]?[0-9]{1,25}", "([a-z0-9]|%[0-9a-fA-F]{0,2})*", "[0-9a-f]{32}", number];
        let pairs = prop::collection::vec((name, value), 0..4).prop_map(|pairs| {
            let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join("&")
        });
        prop_oneof![1 => ".*".boxed(), 4 => pairs.boxed()]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::paging::Neighbours;

    fn page(query: &str) -> Result<PageRequest, Invalid> {
        Parameters(Query::parse(query, PARAMETERS).unwrap()).page()
    }

    fn limit(limit: u64) -> PageLimit {
        PageLimit::new(limit).unwrap()
    }

    #[test]
    fn each_way_of_asking_for_a_page_is_understood() {
        for (query, expected) in [
            ("", PageRequest::After { after: 0, limit: limit(50) }),
            ("limit=7", PageRequest::After { after: 0, limit: limit(7) }),
            ("per_page=7&page=3", PageRequest::Span { first: 15, limit: limit(7) }),
            ("after=0", PageRequest::After { after: 0, limit: limit(50) }),
            ("after=12&limit=100", PageRequest::After { after: 12, limit: limit(100) }),
            ("before=12", PageRequest::Before { before: 12, limit: limit(50) }),
            ("after=1&after=2&other=x", PageRequest::After { after: 2, limit: limit(50) }),
        ] {
            assert_eq!(page(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_meant_is_told_by_its_parameter() {
        for (query, field) in [
            ("limit=0", Field::Limit),
            ("limit=101", Field::Limit),
            ("limit=", Field::Limit),
            ("limit=%2B5", Field::Limit),
            ("limit=-9223372036854775809", Field::Limit),
            ("limit=18446744073709551617", Field::Limit),
            ("per_page=-1", Field::PerPage),
            ("per_page=", Field::PerPage),
            ("limit=5&per_page=101", Field::PerPage),
            ("after=-1", Field::After),
            ("after=+1", Field::After),
            ("after=%2B1", Field::After),
            ("after=18446744073709551615", Field::After),
            ("after=", Field::After),
            ("after=9007199254740992", Field::After),
            ("before=0", Field::Before),
            ("before=", Field::Before),
            ("page=0", Field::Page),
            ("page=", Field::Page),
            ("page=99999999999999999999", Field::Page),
            ("after=1&before=3", Field::Before),
            ("page=1&after=1", Field::Page),
        ] {
            assert_eq!(page(query).map_err(|invalid| invalid.field), Err(field), "{query}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_a_page_within_the_limits_or_a_refusal(text in sample::texts(PARAMETERS)) {
            let parameters = match sample::parameters(&text, PARAMETERS) {
                Ok(parameters) => parameters,
                Err(problem) => {
                    prop_assert_eq!(problem.status(), 400);
                    return Ok(());
                }
            };
            match parameters.page() {
                Err(invalid) => prop_assert_eq!(Problem::from(invalid).status(), 422),
                Ok(page) => {
                    prop_assert!((1..=MAX_PAGE_LIMIT).contains(&page.limit().get()), "{:?}", page);
                    let farthest = match page {
                        PageRequest::After { after, .. } => after,
                        PageRequest::Before { before, .. } => before,
                        PageRequest::Span { first, limit } => first + limit.get() - 1,
                    };
                    prop_assert!(farthest <= MAX_NUMBER, "{:?}", page);
                }
            }
        }

        #[test]
        fn a_neighbour_is_where_its_address_leads(number in 1..=MAX_NUMBER, size in 1..=MAX_PAGE_LIMIT) {
            let limit = limit(size);
            let Neighbours { previous, next } = Neighbours::at(Some(number), Some(number), limit);
            prop_assert_eq!(page(&previous.unwrap()), Ok(PageRequest::Before { before: number, limit }));
            prop_assert_eq!(page(&next.unwrap()), Ok(PageRequest::After { after: number, limit }));
        }

        #[test]
        fn what_is_no_number_is_told_by_its_parameter(name in prop::sample::select(PARAMETERS), text in ".*") {
            prop_assume!(text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()));
            let query = serde_urlencoded::to_string(vec![(name, text)]).unwrap();
            prop_assert_eq!(page(&query).map_err(|invalid| invalid.field.as_str()), Err(name), "{}", query);
        }
    }
}
