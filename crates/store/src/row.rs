//! Shows a row of the driver to the query builder.
//!
//! Covers the column types that the schema and its queries have. A `TIME` among them would read as an empty value, which the
//! query builder refuses: an error, and not a wrong answer.

use std::{borrow::Cow, ops::Range};

use diesel::{
    backend::Backend,
    mysql::{
        Mysql, MysqlType, MysqlValue,
        data_types::{MysqlTime, MysqlTimestampType},
    },
    row::{Field, PartialRow, RowIndex, RowSealed},
};
use mysql_async::{
    Column, Value,
    consts::{ColumnFlags, ColumnType},
};

/// A row that was read whole.
pub struct Row(mysql_async::Row);

impl Row {
    pub(crate) fn new(row: mysql_async::Row) -> Self {
        Self(row)
    }
}

impl RowSealed for Row {}

impl RowIndex<usize> for Row {
    fn idx(&self, index: usize) -> Option<usize> {
        (index < self.0.len()).then_some(index)
    }
}

impl<'a> RowIndex<&'a str> for Row {
    fn idx(&self, name: &'a str) -> Option<usize> {
        self.0.columns_ref().iter().position(|column| column.name_ref() == name.as_bytes())
    }
}

impl<'a> diesel::row::Row<'a, Mysql> for Row {
    type Field<'b>
        = RowField<'b>
    where
        Self: 'b,
        'a: 'b;
    type InnerPartialRow = Self;

    fn field_count(&self) -> usize {
        self.0.len()
    }

    fn get<'b, I>(&'b self, index: I) -> Option<Self::Field<'b>>
    where
        'a: 'b,
        Self: RowIndex<I>,
    {
        let index = self.idx(index)?;
        let column = self.0.columns_ref().get(index)?;
        Some(RowField { name: column.name_str(), kind: kind_of(column), bytes: bytes_of(self.0.as_ref(index)?) })
    }

    fn partial_row(&self, range: Range<usize>) -> PartialRow<'_, Self::InnerPartialRow> {
        PartialRow::new(self, range)
    }
}

/// A column's value in a row.
pub struct RowField<'a> {
    name: Cow<'a, str>,
    kind: MysqlType,
    bytes: Option<Cow<'a, [u8]>>,
}

impl<'a> Field<'a, Mysql> for RowField<'a> {
    fn field_name(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn value(&self) -> Option<<Mysql as Backend>::RawValue<'_>> {
        self.bytes.as_ref().map(|bytes| MysqlValue::new(bytes, self.kind))
    }
}

/// The bytes as the query builder expects them from MySQL's own client library: numbers in the machine's byte order. The driver
/// widens all whole numbers to eight bytes; a narrower column is read from the first of them.
fn bytes_of(value: &Value) -> Option<Cow<'_, [u8]>> {
    Some(match value {
        Value::NULL => return None,
        Value::Bytes(bytes) => Cow::Borrowed(bytes),
        Value::Int(number) => Cow::Owned(number.to_le_bytes().to_vec()),
        Value::UInt(number) => Cow::Owned(number.to_le_bytes().to_vec()),
        Value::Float(number) => Cow::Owned(number.to_le_bytes().to_vec()),
        Value::Double(number) => Cow::Owned(number.to_le_bytes().to_vec()),
        Value::Date(year, month, day, hour, minute, second, micros) => Cow::Owned(
            MysqlTime::new(
                (*year).into(),
                (*month).into(),
                (*day).into(),
                (*hour).into(),
                (*minute).into(),
                (*second).into(),
                (*micros).into(),
                false,
                MysqlTimestampType::MYSQL_TIMESTAMP_DATETIME,
                0,
            )
            .serialize()
            .to_vec(),
        ),
        Value::Time(..) => Cow::Borrowed(&[]),
    })
}

fn kind_of(column: &Column) -> MysqlType {
    let unsigned = column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
    let binary = column.flags().contains(ColumnFlags::BINARY_FLAG);
    match column.column_type() {
        ColumnType::MYSQL_TYPE_TINY if unsigned => MysqlType::UnsignedTiny,
        ColumnType::MYSQL_TYPE_TINY => MysqlType::Tiny,
        ColumnType::MYSQL_TYPE_SHORT if unsigned => MysqlType::UnsignedShort,
        ColumnType::MYSQL_TYPE_SHORT => MysqlType::Short,
        ColumnType::MYSQL_TYPE_LONG | ColumnType::MYSQL_TYPE_INT24 if unsigned => MysqlType::UnsignedLong,
        ColumnType::MYSQL_TYPE_LONG | ColumnType::MYSQL_TYPE_INT24 => MysqlType::Long,
        ColumnType::MYSQL_TYPE_LONGLONG if unsigned => MysqlType::UnsignedLongLong,
        ColumnType::MYSQL_TYPE_LONGLONG => MysqlType::LongLong,
        ColumnType::MYSQL_TYPE_FLOAT => MysqlType::Float,
        ColumnType::MYSQL_TYPE_DOUBLE => MysqlType::Double,
        ColumnType::MYSQL_TYPE_NEWDECIMAL | ColumnType::MYSQL_TYPE_DECIMAL => MysqlType::Numeric,
        ColumnType::MYSQL_TYPE_DATETIME => MysqlType::DateTime,
        ColumnType::MYSQL_TYPE_TIMESTAMP => MysqlType::Timestamp,
        ColumnType::MYSQL_TYPE_DATE => MysqlType::Date,
        ColumnType::MYSQL_TYPE_TIME => MysqlType::Time,
        _ if binary => MysqlType::Blob,
        _ => MysqlType::String,
    }
}
