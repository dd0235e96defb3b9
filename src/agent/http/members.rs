//! `/v1/members`: members with what they say of themselves.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ErrorBody, Refusal};
use crate::agent::discovery::{CatalogMemberSummary, Discovery};
use crate::discovery::Filter;

/// Choice of members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberChoice {
    /// Conditions that must all hold, as in `kind=backend,capability=gpu`.
    r#where: Option<String>,
}

/// Alive and suspected members, by id.
#[utoipa::path(
    get,
    path = "/v1/members",
    params(MemberChoice),
    responses(
        (status = 200, body = Vec<CatalogMemberSummary>),
        (status = 400, description = "A filter that does not parse", body = ErrorBody),
    )
)]
pub(super) async fn members(
    State(discovery): State<Discovery>,
    choice: Result<Query<MemberChoice>, QueryRejection>,
) -> Result<Json<Vec<CatalogMemberSummary>>, Refusal> {
    let Query(choice) = choice?;
    let filter: Filter = choice.r#where.as_deref().unwrap_or_default().parse()?;
    let snapshot = discovery.snapshot();
    let members = snapshot.members().filter(|member| filter.allows_member(member));
    Ok(Json(members.map(|member| CatalogMemberSummary::from(&**member)).collect()))
}
