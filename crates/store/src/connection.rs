//! The connection that all statements go through: the one place where deadlines are kept and failures are told apart.
//!
//! It stands on the driver itself, not on the query builder's own connection, for three reasons. A statement must end in time,
//! whoever wrote it. A statement that was cut off, by its deadline or because its caller went away, leaves its answer in the
//! socket, where the next statement would take it for its own: such a connection must never run another one. And the query
//! builder's connection keeps an error's text only, which may quote a client's data, and drops its number.

use std::{
    fmt,
    time::{Duration, Instant},
    vec,
};

use diesel::{
    QueryResult,
    mysql::Mysql,
    query_builder::{AsQuery, QueryFragment, QueryId},
};
use diesel_async::{AsyncConnectionCore, SimpleAsyncConnection};
use futures_util::{
    FutureExt,
    future::BoxFuture,
    stream::{self, Iter},
};
use mysql_async::prelude::Queryable;
use tokio::time::timeout;

use crate::{failure::Failure, meters::StatementMeters, row::Row, statement::Statement};

/// A connection to the database. Every statement on it ends within the statement deadline.
///
/// A statement whose future is dropped half-way leaves the connection unusable; it is closed when it is given back.
pub struct Connection {
    /// `None` once it is closed.
    driver: Option<mysql_async::Conn>,
    deadline: Duration,
    state: State,
    /// When the statement under way was begun.
    began: Instant,
    meters: StatementMeters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    InTransaction,
    /// The server rolled the transaction back, and would now commit each statement for itself: only a rollback may follow.
    Aborted,
    /// A statement was begun and has not come to its end, or the connection is known to be broken.
    Unusable,
}

impl Connection {
    pub(crate) fn new(driver: mysql_async::Conn, deadline: Duration) -> Self {
        Self { driver: Some(driver), deadline, state: State::Idle, began: Instant::now(), meters: StatementMeters::new() }
    }

    /// Whether another user may have it: nothing is under way and no transaction is open.
    pub(crate) fn is_reusable(&self) -> bool {
        self.state == State::Idle
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        matches!(self.state, State::InTransaction | State::Aborted)
    }

    /// The key that the server gave to the row inserted last.
    pub(crate) fn last_insert_id(&self) -> u64 {
        self.driver.as_ref().and_then(mysql_async::Conn::last_insert_id).unwrap_or_default()
    }

    /// Has the connection closed instead of lent again, because its session holds something that could not be given back.
    pub(crate) fn give_up(&mut self) {
        self.state = State::Unusable;
    }

    /// Closes it, unless another user may have it. The server rolls back what is open, when the statement that it is at, if any,
    /// has come to its end.
    pub(crate) fn close_unless_reusable(&mut self) {
        if !self.is_reusable() {
            self.state = State::Unusable;
            self.driver = None;
        }
    }

    /// Asks the server for a sign of life.
    pub(crate) async fn ping(&mut self) -> Result<(), Failure> {
        let (before, deadline, driver) = self.enter()?;
        let outcome = timeout(deadline, driver.ping()).await;
        self.leave(before, outcome)
    }

    pub(crate) async fn begin(&mut self) -> Result<(), Failure> {
        self.command("START TRANSACTION").await?;
        self.state = State::InTransaction;
        Ok(())
    }

    pub(crate) async fn commit(&mut self) -> Result<(), Failure> {
        self.end("COMMIT").await
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), Failure> {
        if self.state == State::Aborted {
            self.state = State::InTransaction;
        }
        self.end("ROLLBACK").await
    }

    /// If this fails, closing the connection ends the transaction.
    async fn end(&mut self, statement: &str) -> Result<(), Failure> {
        let outcome = self.command(statement).await;
        self.state = if outcome.is_ok() { State::Idle } else { State::Unusable };
        outcome
    }

    async fn command(&mut self, sql: &str) -> Result<(), Failure> {
        let (before, deadline, driver) = self.enter()?;
        let outcome = timeout(deadline, driver.query_drop(sql)).await;
        self.leave(before, outcome)
    }

    async fn rows(&mut self, statement: Statement) -> Result<Vec<mysql_async::Row>, Failure> {
        let (before, deadline, driver) = self.enter()?;
        let work = async {
            let prepared = driver.prep(statement.sql).await?;
            let rows = driver.exec(&prepared, statement.params).await?;
            if !statement.cacheable {
                driver.close(prepared).await?;
            }
            Ok(rows)
        };
        let outcome = timeout(deadline, work).await;
        self.leave(before, outcome)
    }

    /// Executes a statement that answers no rows. How many it has changed.
    pub(crate) async fn affected(&mut self, statement: Statement) -> Result<u64, Failure> {
        let (before, deadline, driver) = self.enter()?;
        let work = async {
            let prepared = driver.prep(statement.sql).await?;
            driver.exec_drop(&prepared, statement.params).await?;
            let affected = driver.affected_rows();
            if !statement.cacheable {
                driver.close(prepared).await?;
            }
            Ok(affected)
        };
        let outcome = timeout(deadline, work).await;
        self.leave(before, outcome)
    }

    /// The connection counts as unusable from before the first byte is sent until [`Connection::leave`], which a dropped future
    /// never reaches.
    fn enter(&mut self) -> Result<(State, Duration, &mut mysql_async::Conn), Failure> {
        match self.state {
            State::Unusable => return Err(Failure::Unusable),
            State::Aborted => return Err(Failure::Aborted),
            State::Idle | State::InTransaction => {}
        }
        let driver = self.driver.as_mut().ok_or(Failure::Unusable)?;
        self.began = Instant::now();
        Ok((std::mem::replace(&mut self.state, State::Unusable), self.deadline, driver))
    }

    fn leave<T>(
        &mut self,
        before: State,
        outcome: Result<Result<T, mysql_async::Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, Failure> {
        let outcome = match outcome {
            Ok(outcome) => outcome.map_err(|error| Failure::of_driver(&error)),
            Err(_) => Err(Failure::Deadline),
        };
        self.meters.statement(outcome.is_ok(), self.began.elapsed());
        match &outcome {
            // Whoever is lent it next would only find it closed, or as good as closed.
            Err(Failure::Server(error)) if error.ends_session() => self.meters.lost(),
            Err(Failure::Server(error)) if error.ends_transaction() && before == State::InTransaction => {
                self.state = State::Aborted;
            }
            Ok(_) | Err(Failure::Server(_)) => self.state = before,
            Err(_) => self.meters.lost(),
        }
        outcome
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.driver.as_ref().map(mysql_async::Conn::id))
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl SimpleAsyncConnection for Connection {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        Ok(self.command(query).await?)
    }
}

impl AsyncConnectionCore for Connection {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<Self::Stream<'conn, 'query>>>;
    /// Rows are read to the end before the first is handed out: every query here has a bound, and the connection is never left
    /// with an answer half read.
    type Stream<'conn, 'query> = Iter<vec::IntoIter<QueryResult<Row>>>;
    type Row<'conn, 'query> = Row;
    type Backend = Mysql;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Mysql> + QueryId + 'query,
    {
        let statement = Statement::of(&source.as_query());
        async move {
            let rows: Vec<_> = self.rows(statement?).await?.into_iter().map(|row| Ok(Row::new(row))).collect();
            Ok(stream::iter(rows))
        }
        .boxed()
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Mysql> + QueryId + 'query,
    {
        let statement = Statement::of(&source);
        // The driver counts in u64, the trait in usize: the same on every machine this runs on.
        async move { Ok(self.affected(statement?).await? as usize) }.boxed()
    }
}
