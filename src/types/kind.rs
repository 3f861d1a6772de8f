//! The types of CQL.
//!
//! A `Type` is a small value: natives are bare, composed types hold their parts behind an `Arc`, so a clone costs at
//! most two reference counts. How a type is spelled is in `spelling`, its binary form in `format`.
//!
//! Frozen is part of a type where CQL allows both: `list`, `set`, `map` and user-defined types. A tuple and a vector
//! are always frozen.

use std::sync::Arc;

use crate::udt;

/// A CQL type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// `ascii`: bytes below 128.
    Ascii,
    /// `bigint`: 8 bytes, signed.
    BigInt,
    /// `blob`: any bytes.
    Blob,
    /// `boolean`: one byte.
    Boolean,
    /// `counter`: reads as `bigint`, written only by increments.
    Counter,
    /// `date`: 4 bytes, days with the epoch at 2^31.
    Date,
    /// `decimal`: scale as 4 bytes, then a `varint`.
    Decimal,
    /// `double`: 8 bytes.
    Double,
    /// `duration`: months, days and nanoseconds as signed vints.
    Duration,
    /// `float`: 4 bytes.
    Float,
    /// `inet`: 4 or 16 bytes.
    Inet,
    /// `int`: 4 bytes, signed.
    Int,
    /// `smallint`: 2 bytes, signed.
    SmallInt,
    /// `text`, also spelled `varchar`: UTF-8.
    Text,
    /// `time`: 8 bytes, nanoseconds of the day.
    Time,
    /// `timestamp`: 8 bytes, milliseconds since the epoch.
    Timestamp,
    /// `timeuuid`: a version 1 UUID.
    TimeUuid,
    /// `tinyint`: one byte, signed.
    TinyInt,
    /// `uuid`: 16 bytes.
    Uuid,
    /// `varint`: two's complement of any length, big-endian.
    VarInt,
    /// `list<element>`.
    List {
        /// The type of each element.
        element: Arc<Type>,
        /// Stored as one cell instead of one per element.
        frozen: bool,
    },
    /// `set<element>`.
    Set {
        /// The type of each element.
        element: Arc<Type>,
        /// Stored as one cell instead of one per element.
        frozen: bool,
    },
    /// `map<key, value>`.
    Map {
        /// The type of each key.
        key: Arc<Type>,
        /// The type of each value.
        value: Arc<Type>,
        /// Stored as one cell instead of one per entry.
        frozen: bool,
    },
    /// `tuple<..>`, always frozen.
    Tuple(Arc<[Type]>),
    /// A user-defined type.
    Udt {
        /// Name and fields.
        definition: Arc<udt::Definition>,
        /// Stored as one cell instead of one per field.
        frozen: bool,
    },
    /// `vector<element, dimension>`, always frozen.
    Vector {
        /// The type of each element.
        element: Arc<Type>,
        /// How many elements each value has.
        dimension: u32,
    },
}

impl Type {
    /// `list<element>`.
    pub fn list(element: Type, frozen: bool) -> Type {
        Type::List {
            element: Arc::new(element),
            frozen,
        }
    }

    /// `set<element>`.
    pub fn set(element: Type, frozen: bool) -> Type {
        Type::Set {
            element: Arc::new(element),
            frozen,
        }
    }

    /// `map<key, value>`.
    pub fn map(key: Type, value: Type, frozen: bool) -> Type {
        Type::Map {
            key: Arc::new(key),
            value: Arc::new(value),
            frozen,
        }
    }

    /// `tuple<..>`.
    pub fn tuple(parts: impl IntoIterator<Item = Type>) -> Type {
        Type::Tuple(parts.into_iter().collect())
    }

    /// A user-defined type.
    pub fn udt(definition: udt::Definition, frozen: bool) -> Type {
        Type::Udt {
            definition: Arc::new(definition),
            frozen,
        }
    }

    /// `vector<element, dimension>`.
    pub fn vector(element: Type, dimension: u32) -> Type {
        Type::Vector {
            element: Arc::new(element),
            dimension,
        }
    }

    /// The length every non-empty value has, if Cassandra counts the type as fixed. It does not count `tinyint`,
    /// `smallint`, `date`, `time` and `counter`: inside a vector their elements carry a length, so drivers rely on it.
    pub fn fixed_len(&self) -> Option<usize> {
        match self {
            Type::Boolean => Some(1),
            Type::Float | Type::Int => Some(4),
            Type::BigInt | Type::Double | Type::Timestamp => Some(8),
            Type::Uuid | Type::TimeUuid => Some(16),
            Type::Vector { element, dimension } => {
                element.fixed_len()?.checked_mul(*dimension as usize)
            }
            _ => None,
        }
    }

    /// Whether zero bytes are a value of the type, different from null.
    pub fn allows_empty(&self) -> bool {
        !matches!(
            self,
            Type::SmallInt
                | Type::TinyInt
                | Type::Date
                | Type::Time
                | Type::Duration
                | Type::List { .. }
                | Type::Set { .. }
                | Type::Map { .. }
                | Type::Vector { .. }
        )
    }

    /// Whether zero bytes mean something to a reader (`ascii`, `text`, `blob`, tuples); in other types that allow
    /// them they are kept apart from null for storage, and functions treat them as null.
    pub fn empty_is_meaningful(&self) -> bool {
        matches!(
            self,
            Type::Ascii | Type::Text | Type::Blob | Type::Tuple(_) | Type::Udt { .. }
        )
    }

    /// `list`, `set` or `map`.
    pub fn is_collection(&self) -> bool {
        matches!(
            self,
            Type::List { .. } | Type::Set { .. } | Type::Map { .. }
        )
    }

    /// Whether a column of the type is stored as one cell per element or field.
    pub fn is_multi_cell(&self) -> bool {
        matches!(
            self,
            Type::List { frozen: false, .. }
                | Type::Set { frozen: false, .. }
                | Type::Map { frozen: false, .. }
                | Type::Udt { frozen: false, .. }
        )
    }

    /// `counter`.
    pub fn is_counter(&self) -> bool {
        matches!(self, Type::Counter)
    }

    /// The numeric types that arithmetic, `sum` and `avg` know.
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Type::TinyInt
                | Type::SmallInt
                | Type::Int
                | Type::BigInt
                | Type::Counter
                | Type::VarInt
                | Type::Decimal
                | Type::Float
                | Type::Double
        )
    }

    /// The parts of a composed type, in order.
    pub fn parts(&self) -> Parts<'_> {
        match self {
            Type::List { element, .. }
            | Type::Set { element, .. }
            | Type::Vector { element, .. } => Parts::Slice(std::slice::from_ref(&**element)),
            Type::Map { key, value, .. } => Parts::Pair(key, value),
            Type::Tuple(parts) => Parts::Slice(parts),
            Type::Udt { definition, .. } => Parts::Fields(&definition.fields),
            _ => Parts::Slice(&[]),
        }
    }

    /// Whether the type or a part of it satisfies `test`.
    pub fn any(&self, test: &dyn Fn(&Type) -> bool) -> bool {
        test(self) || self.parts().any(|part| part.any(test))
    }

    /// Whether a `duration` is anywhere inside: such a type has no order and cannot be a key.
    pub fn references_duration(&self) -> bool {
        self.any(&|ty| matches!(ty, Type::Duration))
    }

    /// Whether a `counter` is anywhere inside.
    pub fn references_counter(&self) -> bool {
        self.any(&|ty| matches!(ty, Type::Counter))
    }

    /// Whether the user-defined type of this name is anywhere inside.
    pub fn references_udt(&self, keyspace: &str, type_name: &str) -> bool {
        self.any(&|ty| {
            matches!(ty, Type::Udt { definition, .. }
                if definition.keyspace == keyspace && definition.name == type_name)
        })
    }

    /// The same type with this new definition wherever it used the user-defined type of that name.
    pub fn with_udt(&self, new: &Arc<udt::Definition>) -> Type {
        let each = |ty: &Arc<Type>| Arc::new(ty.with_udt(new));
        match self {
            Type::List { element, frozen } => Type::List {
                element: each(element),
                frozen: *frozen,
            },
            Type::Set { element, frozen } => Type::Set {
                element: each(element),
                frozen: *frozen,
            },
            Type::Map { key, value, frozen } => Type::Map {
                key: each(key),
                value: each(value),
                frozen: *frozen,
            },
            Type::Tuple(parts) => Type::tuple(parts.iter().map(|part| part.with_udt(new))),
            Type::Udt { definition, frozen } if definition.same_name(new) => Type::Udt {
                definition: new.clone(),
                frozen: *frozen,
            },
            Type::Udt { definition, frozen } => {
                Type::udt(definition.map_fields(|ty| ty.with_udt(new)), *frozen)
            }
            Type::Vector { element, dimension } => Type::Vector {
                element: each(element),
                dimension: *dimension,
            },
            native => native.clone(),
        }
    }

    /// The frozen form, parts included.
    pub fn freeze(&self) -> Type {
        let each = |ty: &Arc<Type>| {
            if ty.is_deep_frozen() {
                ty.clone()
            } else {
                Arc::new(ty.freeze())
            }
        };
        match self {
            Type::List { element, .. } => Type::List {
                element: each(element),
                frozen: true,
            },
            Type::Set { element, .. } => Type::Set {
                element: each(element),
                frozen: true,
            },
            Type::Map { key, value, .. } => Type::Map {
                key: each(key),
                value: each(value),
                frozen: true,
            },
            Type::Tuple(parts) => Type::tuple(parts.iter().map(Type::freeze)),
            Type::Udt { definition, .. } => {
                let definition = if definition.fields.iter().all(|(_, ty)| ty.is_deep_frozen()) {
                    definition.clone()
                } else {
                    Arc::new(definition.map_fields(Type::freeze))
                };
                Type::Udt {
                    definition,
                    frozen: true,
                }
            }
            Type::Vector { element, dimension } => Type::Vector {
                element: each(element),
                dimension: *dimension,
            },
            native => native.clone(),
        }
    }

    fn is_deep_frozen(&self) -> bool {
        !self.any(&Type::is_multi_cell)
    }
}

/// The parts of a composed type: see [`Type::parts`].
pub enum Parts<'a> {
    /// The rest of a slice.
    Slice(&'a [Type]),
    /// Key and value of a map.
    Pair(&'a Type, &'a Type),
    /// The rest of a user-defined type's fields.
    Fields(&'a [(String, Type)]),
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a Type;

    fn next(&mut self) -> Option<&'a Type> {
        match self {
            Parts::Slice(rest) => {
                let (first, tail) = rest.split_first()?;
                *rest = tail;
                Some(first)
            }
            Parts::Pair(first, second) => {
                let key = *first;
                *self = Parts::Slice(std::slice::from_ref(*second));
                Some(key)
            }
            Parts::Fields(rest) => {
                let ((_, first), tail) = rest.split_first()?;
                *rest = tail;
                Some(first)
            }
        }
    }
}
