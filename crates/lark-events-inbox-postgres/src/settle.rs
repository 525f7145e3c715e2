//! Settlements as the values of a statement.

use lark_events_inbox::{AttemptOutcome, Fence, Settled, Settlement, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::failure::Failure;
use crate::rows::{bits, get, span, text};
use crate::session::Connection;

/// The column of a batch that a function of ours answers with: one value for each.
pub(crate) fn answers(row: &Row) -> Result<Vec<bool>, Failure> {
    get(row, "answers")
}

pub(crate) fn fences(fences: impl Iterator<Item = Fence>) -> (Vec<i64>, Vec<i64>) {
    fences
        .map(|fence| (bits(fence.seq()), bits(fence.nonce())))
        .unzip()
}

pub(crate) async fn settle(
    connection: &Connection,
    sql: &str,
    settlements: &[Settlement],
) -> Result<Vec<bool>, Failure> {
    if settlements.is_empty() {
        return Ok(Vec::new());
    }
    let (seqs, nonces) = fences(settlements.iter().map(|one| one.fence));
    let ends = settlements.iter().map(|one| settled(one.settled));
    let (ends, delays): (Vec<_>, Vec<_>) = ends.unzip();
    let outcomes: Vec<_> = settlements.iter().map(|one| one.outcome.as_str()).collect();
    let errors = settlements.iter().map(|one| one.error.as_deref().map(text));
    let errors: Vec<_> = errors.collect();
    let took: Vec<_> = settlements.iter().map(|one| span(one.took)).collect();
    let values = [
        (&seqs as _, Type::INT8_ARRAY),
        (&nonces as _, Type::INT8_ARRAY),
        (&ends as _, Type::TEXT_ARRAY),
        (&delays as _, Type::INT8_ARRAY),
        (&outcomes as _, Type::TEXT_ARRAY),
        (&errors as _, Type::TEXT_ARRAY),
        (&took as _, Type::INT8_ARRAY),
    ];
    answers(&connection.query_one(sql, &values).await?)
}

/// The settlement of an event that cannot be read: nobody can handle it, and an operator looks at it.
pub(crate) fn dead_letter(fence: Fence, error: &StoreError) -> Settlement {
    let mut settlement = Settlement::new(fence, Settled::Dead, AttemptOutcome::Undecodable);
    let cause = std::error::Error::source(error).map(ToString::to_string);
    settlement.error = Some(cause.unwrap_or_else(|| error.to_string()));
    settlement
}

fn settled(settled: Settled) -> (&'static str, i64) {
    match settled {
        Settled::Done => ("done", 0),
        Settled::RetryIn(delay) => ("retry", span(delay)),
        Settled::Release(delay) => ("release", span(delay)),
        Settled::SetAside(delay) => ("set_aside", span(delay)),
        // What a later version of the inbox may add is looked at by an operator.
        _ => ("dead", 0),
    }
}
