//! `/applications`: creates, shows, renames and lists applications.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header::LOCATION},
    web::Data,
};
use domain::{ApplicationName, ApplicationToken, Field, Invalid, PageLimit, Timestamp};
use problems::of_store;
use service::{
    http::{Body, Conditions},
    json::text_field,
    problem::Problem,
};
use store::{
    Updated,
    applications::{self, PageOfApplications},
};

use crate::{
    access::Administrator,
    cached,
    conditional::{answer_read, may_replace, show, unchanged, with_tag},
    paging::{self, Neighbours},
    parameters::{Parameters, number},
    path::ApplicationPath,
    representation::ApplicationBody,
    state::State,
};

/// Pages by ordinal cost as much as all before them, so they end here; `after` and `before` reach any depth at one price.
pub(crate) const LAST_PAGE: u64 = 1_000;

/// `POST /applications`
pub(crate) async fn create(
    _: Administrator,
    state: Data<State>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let name = text_field(&mut body.object(Some("application"))?, Field::Name)?.ok_or_else(|| Problem::required(Field::Name))?;
    let name = ApplicationName::new(name)?;
    let token = ApplicationToken::generate().map_err(Problem::internal)?;
    // The counter that is set behind the row is of the epoch in which this began, or it is not set.
    let begun = state.numbering.begin();
    let created =
        applications::create(&mut *state.connection().await?, token, &name, Timestamp::now()).await.map_err(of_store)?;
    state.numbering.application_created(begun, token, created.id).await;
    let location = format!("{}/{token}", request.path());
    let mut answer = HttpResponse::Created();
    answer.insert_header((LOCATION, location));
    Ok(with_tag(answer, created))
}

/// `GET /applications/{token}`
pub(crate) async fn read(state: Data<State>, path: ApplicationPath, conditions: Conditions) -> Result<HttpResponse, Problem> {
    let stored = async |_| applications::find(&mut *state.connection().await?, path.token).await.map_err(of_store);
    let found = state.cached.read(Some(cached::application(path.token)), stored).await?;
    answer_read(&conditions, found.ok_or_else(Problem::application_not_found)?)
}

/// `PUT|PATCH /applications/{token}`: changes the name.
pub(crate) async fn update(
    state: Data<State>,
    path: ApplicationPath,
    request: HttpRequest,
    conditions: Conditions,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let name = new_name(&request, &body)?;
    let may = |version| may_replace(&conditions, version);
    let updated = match name {
        Some(name) => {
            // Of what there is not no cached entry needs to be blocked, and no row to be locked.
            state.application(path.token).await?;
            let change = async || {
                let mut conn = state.connection().await?;
                applications::rename(&mut conn, path.token, &name, Timestamp::now(), may).await.map_err(of_store)
            };
            state.cached.update(cached::showing_application(path.token), change).await?
        }
        None => {
            let found = applications::find(&mut *state.connection().await?, path.token).await.map_err(of_store)?;
            unchanged(&conditions, found)
        }
    };
    match updated {
        Updated::Done(application) => Ok(show(application)),
        Updated::Refused => Err(Problem::precondition_failed()),
        Updated::Missing => Err(Problem::application_not_found()),
    }
}

/// A name that was not named is left as it is by PATCH, and is asked for by PUT.
fn new_name(request: &HttpRequest, body: &Body) -> Result<Option<ApplicationName>, Problem> {
    let mut fields = body.object(Some("application"))?;
    let named = fields.contains_key(Field::Name.as_str());
    match text_field(&mut fields, Field::Name)? {
        Some(name) => Ok(Some(ApplicationName::new(name)?)),
        None if named || request.method() == Method::PUT => Err(Problem::required(Field::Name)),
        None => Ok(None),
    }
}

/// `GET /applications`: oldest first, paged by token, because an application has no number.
pub(crate) async fn list(_: Administrator, state: Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let parameters = Parameters::of(&request)?;
    let limit = parameters.limit()?;
    let page = page(&parameters, limit)?;
    let found = applications::list(&mut *state.connection().await?, page).await.map_err(of_store)?;
    let found = found.ok_or_else(Problem::application_not_found)?;
    let neighbours = Neighbours::of(&found, limit, |application| application.token.to_string());
    let entries: Vec<ApplicationBody> = found.entries.into_iter().map(ApplicationBody::from).collect();
    Ok(paging::answer(&request, "applications", &entries, limit, &neighbours, None))
}

fn page(parameters: &Parameters, limit: PageLimit) -> Result<PageOfApplications, Invalid> {
    let token = |field, text| ApplicationToken::parse(text).map_err(|Invalid { rule, .. }| Invalid::new(field, rule));
    match parameters.anchor()? {
        None => Ok(PageOfApplications::First { limit }),
        Some((Field::After, text)) => Ok(PageOfApplications::After { token: token(Field::After, text)?, limit }),
        Some((Field::Before, text)) => Ok(PageOfApplications::Before { token: token(Field::Before, text)?, limit }),
        Some((_, text)) => Ok(PageOfApplications::Ordinal { page: number(Field::Page, 1, LAST_PAGE, text)?, limit }),
    }
}

#[cfg(test)]
mod tests {
    use domain::{MAX_PAGE_LIMIT, Page};
    use proptest::prelude::*;

    use super::*;
    use crate::parameters::{PARAMETERS, sample};

    fn asked(text: &str) -> Result<PageOfApplications, Problem> {
        let parameters = sample::parameters(text, PARAMETERS)?;
        Ok(page(&parameters, parameters.limit()?)?)
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_a_page_or_a_refusal(text in sample::texts(PARAMETERS)) {
            match asked(&text) {
                Ok(PageOfApplications::Ordinal { page, .. }) => prop_assert!((1..=LAST_PAGE).contains(&page)),
                Ok(_) => {}
                Err(problem) => prop_assert!([400, 422].contains(&problem.status().as_u16()), "{}", problem),
            }
        }

        #[test]
        fn a_neighbour_is_where_its_address_leads(bits in any::<u128>(), size in 1..=MAX_PAGE_LIMIT) {
            let (token, limit) = (ApplicationToken::parse(&format!("{bits:032x}")).unwrap(), PageLimit::new(size).unwrap());
            let page = Page { entries: vec![token], has_previous: true, has_next: true };
            let Neighbours { previous, next } = Neighbours::of(&page, limit, ToString::to_string);
            prop_assert_eq!(asked(&previous.unwrap()).unwrap(), PageOfApplications::Before { token, limit });
            prop_assert_eq!(asked(&next.unwrap()).unwrap(), PageOfApplications::After { token, limit });
        }
    }
}
