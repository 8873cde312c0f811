//! Turns a query of the query builder into what the driver sends: SQL with placeholders, and the values for them.

use diesel::{
    QueryResult,
    deserialize::FromSql,
    mysql::{Mysql, MysqlQueryBuilder, MysqlType, MysqlValue, data_types::MysqlTime},
    query_builder::{QueryBuilder, QueryFragment, bind_collector::RawBytesBindCollector},
    sql_types::Timestamp,
};
use mysql_async::{Params, Value};

/// One statement, ready to be prepared and executed.
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) params: Params,
    /// Whether the same SQL will be seen again, so that it is worth keeping prepared.
    pub(crate) cacheable: bool,
}

impl Statement {
    pub(crate) fn of(query: &impl QueryFragment<Mysql>) -> QueryResult<Self> {
        let mut builder = MysqlQueryBuilder::new();
        query.to_sql(&mut builder, &Mysql)?;
        let mut binds = RawBytesBindCollector::<Mysql>::new();
        query.collect_binds(&mut binds, &mut (), &Mysql)?;
        let values = binds.metadata.into_iter().zip(binds.binds).map(|(kind, bytes)| value(kind, bytes));
        Ok(Self {
            sql: builder.finish(),
            params: Params::Positional(values.collect::<QueryResult<_>>()?),
            cacheable: query.is_safe_to_cache_prepared(&Mysql)?,
        })
    }
}

fn value(kind: MysqlType, bytes: Option<Vec<u8>>) -> QueryResult<Value> {
    let Some(bytes) = bytes else { return Ok(Value::NULL) };
    Ok(match kind {
        MysqlType::Tiny | MysqlType::Short | MysqlType::Long | MysqlType::LongLong => Value::Int(signed(&bytes)?),
        MysqlType::UnsignedTiny | MysqlType::UnsignedShort | MysqlType::UnsignedLong | MysqlType::UnsignedLongLong => {
            Value::UInt(unsigned(&bytes)?)
        }
        MysqlType::Date | MysqlType::DateTime | MysqlType::Timestamp => moment(&bytes, kind)?,
        MysqlType::String | MysqlType::Blob => Value::Bytes(bytes),
        other => return Err(unfit(format!("a value of type {other:?} is not sent to MySQL"))),
    })
}

/// The query builder writes numbers in the machine's byte order. Their width is their Rust type's, which is not always that of
/// the column: a boolean is four bytes wide for a column of one.
fn signed(bytes: &[u8]) -> QueryResult<i64> {
    match bytes.len() {
        1 => Ok(i8::from_ne_bytes(sized(bytes)?).into()),
        2 => Ok(i16::from_ne_bytes(sized(bytes)?).into()),
        4 => Ok(i32::from_ne_bytes(sized(bytes)?).into()),
        _ => Ok(i64::from_ne_bytes(sized(bytes)?)),
    }
}

fn unsigned(bytes: &[u8]) -> QueryResult<u64> {
    match bytes.len() {
        1 => Ok(u8::from_ne_bytes(sized(bytes)?).into()),
        2 => Ok(u16::from_ne_bytes(sized(bytes)?).into()),
        4 => Ok(u32::from_ne_bytes(sized(bytes)?).into()),
        _ => Ok(u64::from_ne_bytes(sized(bytes)?)),
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> QueryResult<[u8; N]> {
    bytes.try_into().map_err(|_| unfit(format!("a number of {} bytes", bytes.len())))
}

fn moment(bytes: &[u8], kind: MysqlType) -> QueryResult<Value> {
    let time = <MysqlTime as FromSql<Timestamp, Mysql>>::from_sql(MysqlValue::new(bytes, kind))
        .map_err(diesel::result::Error::SerializationError)?;
    let part = |part: u32| u8::try_from(part).map_err(|error| diesel::result::Error::SerializationError(Box::new(error)));
    let year = u16::try_from(time.year).map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    let micros = u32::try_from(time.second_part).map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    Ok(Value::Date(year, part(time.month)?, part(time.day)?, part(time.hour)?, part(time.minute)?, part(time.second)?, micros))
}

/// A fault of this crate's own, whatever the row: not to be taken for one of the value.
fn unfit(what: String) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(what.into())
}
