//! The bytes of a filter, version 1, which whatever contains it names.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | partition components | varint | at most 16 bits |
//! | clustering columns | varint... | count; each a type and one byte, 1 if descending |
//! | conditions | varint... | count; each as below |
//!
//! A condition is its target: a tag (0 [`PARTITION_KEY`], 1 [`CLUSTERING`], 2 [`STATIC`], 3 [`COLUMN`], 4 [`ELEMENT`],
//! 5 [`STATIC_ELEMENT`]), the position or column id as a varint, for an element the key with its length; the type;
//! the operator as one byte, numbered as in [`OPERATORS`]; the count of values, and each with its length.

use base::bytes::{Reader, put_varint, put_varint_bytes};
use bytes::Bytes;
use types::Type;

use super::{Condition, Filter, Operator, Target};
use crate::key::Order;
use crate::{ColumnId, Damage};

/// A component of the partition key.
pub const PARTITION_KEY: u8 = 0;
/// A component of the clustering key.
pub const CLUSTERING: u8 = 1;
/// A static column.
pub const STATIC: u8 = 2;
/// A regular column.
pub const COLUMN: u8 = 3;
/// An entry of a map in a regular column.
pub const ELEMENT: u8 = 4;
/// An entry of a map in a static column.
pub const STATIC_ELEMENT: u8 = 5;

/// The operators by their number.
pub const OPERATORS: [Operator; 9] = [
    Operator::Eq,
    Operator::Ne,
    Operator::Lt,
    Operator::Le,
    Operator::Gt,
    Operator::Ge,
    Operator::In,
    Operator::Contains,
    Operator::ContainsKey,
];

impl Filter {
    /// Appends the filter.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.partition_components));
        put_varint(out, self.clustering.len() as u64);
        for (ty, order) in &self.clustering {
            ty.encode(out);
            out.push(u8::from(*order == Order::Desc));
        }
        put_varint(out, self.conditions.len() as u64);
        self.conditions
            .iter()
            .for_each(|condition| condition.encode(out));
    }

    /// Reads what [`Filter::encode`] wrote. The bytes may be anything.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Filter, Damage> {
        let partition_components = read_u16(reader)?;
        let mut clustering = Vec::new();
        for _ in 0..reader.varint_count()? {
            let ty = read_type(reader)?;
            let order = match reader.u8()? {
                0 => Order::Asc,
                1 => Order::Desc,
                _ => return Err(reader.error("unknown clustering order")),
            };
            clustering.push((ty, order));
        }
        let mut conditions = Vec::new();
        for _ in 0..reader.varint_count()? {
            conditions.push(Condition::decode(reader)?);
        }
        Ok(Filter {
            partition_components,
            clustering,
            conditions,
        })
    }
}

impl Condition {
    fn encode(&self, out: &mut Vec<u8>) {
        let (tag, number) = match &self.target {
            Target::PartitionKey(index) => (PARTITION_KEY, *index),
            Target::Clustering(index) => (CLUSTERING, *index),
            Target::Static(id) => (STATIC, id.0),
            Target::Column(id) => (COLUMN, id.0),
            Target::Element {
                column,
                is_static: false,
                ..
            } => (ELEMENT, column.0),
            Target::Element {
                column,
                is_static: true,
                ..
            } => (STATIC_ELEMENT, column.0),
        };
        out.push(tag);
        put_varint(out, u64::from(number));
        if let Target::Element { key, .. } = &self.target {
            put_varint_bytes(out, key);
        }
        self.ty.encode(out);
        let number = OPERATORS
            .iter()
            .position(|operator| *operator == self.operator);
        out.push(number.expect("the table has every operator") as u8);
        put_varint(out, self.values.len() as u64);
        self.values
            .iter()
            .for_each(|value| put_varint_bytes(out, value));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Condition, Damage> {
        let start = reader.clone();
        let tag = reader.u8()?;
        let number = read_u16(reader)?;
        let column = ColumnId(number);
        let target = match tag {
            PARTITION_KEY => Target::PartitionKey(number),
            CLUSTERING => Target::Clustering(number),
            STATIC => Target::Static(column),
            COLUMN => Target::Column(column),
            ELEMENT | STATIC_ELEMENT => Target::Element {
                column,
                is_static: tag == STATIC_ELEMENT,
                key: read_bytes(reader)?,
            },
            _ => return Err(start.error("unknown target of a condition")),
        };
        let ty = read_type(reader)?;
        let operator = OPERATORS.get(usize::from(reader.u8()?));
        let operator = *operator.ok_or_else(|| reader.error("unknown operator"))?;
        let mut values = Vec::new();
        for _ in 0..reader.varint_count()? {
            values.push(read_bytes(reader)?);
        }
        Ok(Condition {
            target,
            ty,
            operator,
            values,
        })
    }
}

fn read_bytes(reader: &mut Reader<'_>) -> Result<Bytes, Damage> {
    reader.varint_bytes().map(Bytes::copy_from_slice)
}

fn read_u16(reader: &mut Reader<'_>) -> Result<u16, Damage> {
    let start = reader.clone();
    u16::try_from(reader.varint()?).map_err(|_| start.error("number beyond 16 bits"))
}

fn read_type(reader: &mut Reader<'_>) -> Result<Type, Damage> {
    let start = reader.clone();
    Type::decode(reader).map_err(|_| start.error("damaged type"))
}
