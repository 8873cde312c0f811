//! "One of these keys" as a condition that the server answers by seeks along a primary key.
//!
//! Lists of row values, `(a, b) IN ((1, 2), …)`, are ranges to MySQL but a full scan to MariaDB; spelled out as alternatives,
//! both seek. Keys that lie side by side share one alternative.

use diesel::{
    AppearsOnTable, Expression, QueryResult, SelectableExpression,
    expression::{ValidGrouping, is_aggregate},
    mysql::Mysql,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Bool, Unsigned},
};

use crate::Range;

/// Alternatives in one statement at most; callers with more keys ask several times.
pub(crate) const MAX_SPANS: usize = 500;

/// `column = value` for every column but the last, which lies between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span<const PREFIX: usize> {
    pub(crate) prefix: [u64; PREFIX],
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl<const PREFIX: usize> Span<PREFIX> {
    /// The fewest spans that hold these keys and no other.
    pub(crate) fn cover(keys: impl IntoIterator<Item = ([u64; PREFIX], u64)>) -> Vec<Self> {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        let mut spans: Vec<Self> = Vec::new();
        for (prefix, number) in keys {
            match spans.last_mut() {
                Some(span) if span.prefix == prefix && number <= span.last.saturating_add(1) => span.last = number,
                _ => spans.push(Self { prefix, first: number, last: number }),
            }
        }
        spans
    }
}

impl From<&Range> for Span<2> {
    fn from(range: &Range) -> Self {
        Self { prefix: [range.application_id.get(), range.chat.get()], first: range.first.get(), last: range.last.get() }
    }
}

/// The condition that a row's key lies in one of the spans.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InSpans<'a, const PREFIX: usize> {
    /// The key's columns, in order: SQL, qualified where need be.
    pub(crate) columns: (&'static [&'static str; PREFIX], &'static str),
    /// At least one, at most [`MAX_SPANS`].
    pub(crate) spans: &'a [Span<PREFIX>],
}

impl<const PREFIX: usize> QueryFragment<Mysql> for InSpans<'_, PREFIX> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        // The text depends on the number of spans: rarely seen again.
        out.unsafe_to_cache_prepared();
        let (prefix, last) = self.columns;
        let mut open = "((";
        for span in self.spans {
            out.push_sql(open);
            open = " OR (";
            for (column, value) in prefix.iter().zip(&span.prefix) {
                out.push_sql(column);
                out.push_sql(" = ");
                out.push_bind_param::<Unsigned<BigInt>, u64>(value)?;
                out.push_sql(" AND ");
            }
            out.push_sql(last);
            out.push_sql(" BETWEEN ");
            out.push_bind_param::<Unsigned<BigInt>, u64>(&span.first)?;
            out.push_sql(" AND ");
            out.push_bind_param::<Unsigned<BigInt>, u64>(&span.last)?;
            out.push_sql(")");
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<const PREFIX: usize> QueryId for InSpans<'_, PREFIX> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<const PREFIX: usize> Expression for InSpans<'_, PREFIX> {
    type SqlType = Bool;
}

impl<const PREFIX: usize, Table> AppearsOnTable<Table> for InSpans<'_, PREFIX> {}
impl<const PREFIX: usize, Table> SelectableExpression<Table> for InSpans<'_, PREFIX> {}

impl<const PREFIX: usize, GroupBy> ValidGrouping<GroupBy> for InSpans<'_, PREFIX> {
    type IsAggregate = is_aggregate::Never;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_span() {
        let spans = Span::cover([([1], 5), ([1], 4), ([2], 6), ([1], 4), ([1], 7)]);
        let told: Vec<_> = spans.iter().map(|span| (span.prefix[0], span.first, span.last)).collect();
        assert_eq!(told, [(1, 4, 5), (1, 7, 7), (2, 6, 6)]);
    }
}
