//! Types as they are written.

use super::{QualifiedName, Span};

/// A type as written: user-defined types are names, and `frozen` is where it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataType {
    /// A type of the language itself.
    Native(Native),
    /// `list<element>`
    List(Box<DataType>),
    /// `set<element>`
    Set(Box<DataType>),
    /// `map<key, value>`
    Map(Box<DataType>, Box<DataType>),
    /// `tuple<a, b>`
    Tuple(Vec<DataType>),
    /// `vector<element, dimension>`; the dimension is not yet checked
    Vector(Box<DataType>, i32),
    /// `frozen<inner>`
    Frozen(Box<DataType>),
    /// A user-defined type.
    User(QualifiedName),
    /// `'class name'`
    Custom(String, Span),
}

/// The types of the language itself. `varchar` is another spelling of `text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Native {
    /// `ascii`
    Ascii,
    /// `bigint`
    BigInt,
    /// `blob`
    Blob,
    /// `boolean`
    Boolean,
    /// `counter`
    Counter,
    /// `date`
    Date,
    /// `decimal`
    Decimal,
    /// `double`
    Double,
    /// `duration`
    Duration,
    /// `float`
    Float,
    /// `inet`
    Inet,
    /// `int`
    Int,
    /// `smallint`
    SmallInt,
    /// `text`, `varchar`
    Text,
    /// `time`
    Time,
    /// `timestamp`
    Timestamp,
    /// `timeuuid`
    TimeUuid,
    /// `tinyint`
    TinyInt,
    /// `uuid`
    Uuid,
    /// `varint`
    VarInt,
}
