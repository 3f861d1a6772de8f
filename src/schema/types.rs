//! A type as written to a type: names of user-defined types looked up, `frozen` put where CQL means it.
//!
//! Messages are Cassandra's. What a column, field or key may be made of is checked where those are known.

use base::limits::VECTOR_DIMENSIONS_MAX;
use cql::tree::{DataType, Identifier, Native, QualifiedName};
use types::Type;

use crate::keyspace::unknown_type;
use crate::{Catalog, Error};

/// The most types that a type may consist of, itself included, user-defined types written out.
///
/// Types are stored written out wherever they are used, at up to 100 bytes a part: this bounds a column to 100 KB. A
/// type that has two fields of another doubles it, so without a bound thirty small statements make 2^30 parts.
pub const TYPE_PARTS_MAX: usize = 1_000;

/// The most types that a table's columns may consist of together, counted in the same way: 100 columns of the largest
/// types, or as many columns of plain ones as a table may have. A table is written out as a whole with each change of
/// it, at up to 10 MB then.
pub const TABLE_PARTS_MAX: usize = 100_000;

/// How much of a type too large is shown.
const SHOWN_CHARS: usize = 100;

/// The type that is written in a statement about `keyspace`.
pub fn resolve(written: &DataType, keyspace: &str, catalog: &Catalog) -> Result<Type, Error> {
    let ty = Resolver { keyspace, catalog }.resolve(written)?;
    check_size(&ty)?;
    ty.check_nesting()
        .map_err(|error| Error::invalid(error.to_string()))?;
    Ok(ty)
}

/// Refuses `frozen` around a type without parts, at any depth.
pub(crate) fn check_frozen(written: &DataType) -> Result<(), Error> {
    match written {
        DataType::Frozen(inner) if matches!(**inner, DataType::Native(_)) => {
            Err(unfreezable(inner))
        }
        DataType::Frozen(inner)
        | DataType::List(inner)
        | DataType::Set(inner)
        | DataType::Vector(inner, _) => check_frozen(inner),
        DataType::Map(key, value) => check_frozen(key).and_then(|()| check_frozen(value)),
        DataType::Tuple(parts) => parts.iter().try_for_each(check_frozen),
        DataType::Native(_) | DataType::User(_) | DataType::Custom(..) => Ok(()),
    }
}

fn unfreezable(inner: &DataType) -> Error {
    Error::syntax(format!(
        "frozen<> is only allowed on collections, tuples, and user-defined types (got {inner})"
    ))
}

/// Refuses a type of more than [`TYPE_PARTS_MAX`] parts.
fn check_size(ty: &Type) -> Result<(), Error> {
    if PartsLeft::new().take(ty) {
        return Ok(());
    }
    Err(too_large(&ty.to_string()))
}

/// The error for a type too large, by its name.
pub(crate) fn too_large(name: &str) -> Error {
    let shown: String = name.chars().take(SHOWN_CHARS).collect();
    let more = if shown.len() < name.len() { "..." } else { "" };
    Error::invalid(format!(
        "Type {shown}{more} is too large: with user types written out it has more than {TYPE_PARTS_MAX} parts"
    ))
}

/// The error for a user-defined type inside another that is not frozen.
pub(crate) fn unfrozen_field() -> Error {
    Error::invalid("A user type cannot contain non-frozen UDTs")
}

/// The error for a table whose types are too large together.
pub(crate) fn table_too_large(keyspace: &str, table: &str) -> Error {
    Error::invalid(format!(
        "Table {keyspace}.{table} is too large: with user types written out its columns have more than \
         {TABLE_PARTS_MAX} parts"
    ))
}

/// How many parts a type, or a table's types, may still have.
pub(crate) struct PartsLeft(usize);

impl PartsLeft {
    fn new() -> PartsLeft {
        PartsLeft(TYPE_PARTS_MAX)
    }

    /// What the columns of a table may have.
    pub(crate) fn table() -> PartsLeft {
        PartsLeft(TABLE_PARTS_MAX)
    }

    /// What is left to the fields of a user-defined type, or the parts of a tuple.
    pub(crate) fn fields() -> PartsLeft {
        PartsLeft(TYPE_PARTS_MAX - 1)
    }

    /// Counts the parts of `ty`; false as soon as there are too many.
    pub(crate) fn take(&mut self, ty: &Type) -> bool {
        let Some(left) = self.0.checked_sub(1) else {
            return false;
        };
        self.0 = left;
        ty.parts().all(|part| self.take(part))
    }
}

struct Resolver<'a> {
    keyspace: &'a str,
    catalog: &'a Catalog,
}

impl Resolver<'_> {
    fn resolve(&self, written: &DataType) -> Result<Type, Error> {
        match written {
            DataType::Native(native_type) => Ok(native(*native_type)),
            DataType::List(element) => Ok(Type::list(self.element(element, written)?, false)),
            DataType::Set(element) => {
                let element = self.element(element, written)?;
                check_ordered(&element, written, "inside sets")?;
                Ok(Type::set(element, false))
            }
            DataType::Map(key, value) => {
                let key = self.element(key, written)?;
                check_ordered(&key, written, "as map keys")?;
                Ok(Type::map(key, self.element(value, written)?, false))
            }
            DataType::Tuple(parts) => self.tuple(parts),
            DataType::Vector(element, dimension) => self.vector(element, *dimension),
            DataType::Frozen(inner) => self.frozen(inner),
            DataType::User(name) => self.user(name),
            DataType::Custom(class, span) => custom(class).map_err(|error| error.at(*span)),
        }
    }

    /// The type inside `frozen<..>`, in which everything is frozen.
    fn frozen(&self, inner: &DataType) -> Result<Type, Error> {
        match inner {
            DataType::Native(_) => Err(unfreezable(inner)),
            DataType::List(element) => Ok(Type::list(self.resolve_inside(element)?, true).freeze()),
            DataType::Set(element) => {
                let element = self.resolve_inside(element)?;
                check_ordered(&element, inner, "inside sets")?;
                Ok(Type::set(element, true).freeze())
            }
            DataType::Map(key, value) => {
                let key = self.resolve_inside(key)?;
                check_ordered(&key, inner, "as map keys")?;
                Ok(Type::map(key, self.resolve_inside(value)?, true).freeze())
            }
            _ => Ok(self.resolve(inner)?.freeze()),
        }
    }

    /// A part of something frozen: frozen itself, whether written so or not.
    fn resolve_inside(&self, part: &DataType) -> Result<Type, Error> {
        let ty = match part {
            DataType::List(_) | DataType::Set(_) | DataType::Map(..) => self.frozen(part)?,
            _ => self.resolve(part)?.freeze(),
        };
        refuse_counter(&ty, part)?;
        Ok(ty)
    }

    /// An element of a collection that is not frozen: it has to be frozen explicitly.
    fn element(&self, element: &DataType, collection: &DataType) -> Result<Type, Error> {
        // How it is written tells, whether its parts exist or not.
        let what = match element {
            DataType::List(_) | DataType::Set(_) | DataType::Map(..) => Some("collections"),
            DataType::User(_) => Some("UDTs"),
            _ => None,
        };
        if let Some(what) = what {
            return Err(Error::invalid(format!(
                "Non-frozen {what} are not allowed inside collections: {collection}"
            )));
        }
        let ty = self.resolve(element)?;
        refuse_counter(&ty, collection)?;
        Ok(ty)
    }

    /// Each part may be a copy of a large type, so they are counted as they come.
    fn tuple(&self, written: &[DataType]) -> Result<Type, Error> {
        let mut left = PartsLeft::fields();
        let mut parts = Vec::new();
        for part in written {
            let ty = self.part(part)?;
            if !left.take(&ty) {
                return Err(too_large("tuple"));
            }
            parts.push(ty);
        }
        Ok(Type::tuple(parts))
    }

    /// A part of a tuple, which freezes it.
    fn part(&self, part: &DataType) -> Result<Type, Error> {
        if matches!(part, DataType::Native(Native::Counter)) {
            return Err(Error::invalid("Counters are not allowed inside tuples"));
        }
        self.resolve_inside(part)
    }

    fn vector(&self, element: &DataType, dimension: i32) -> Result<Type, Error> {
        let ty = self.resolve_inside(element)?;
        match usize::try_from(dimension) {
            Ok(1..=VECTOR_DIMENSIONS_MAX) => Ok(Type::vector(ty, dimension.unsigned_abs())),
            Ok(1..) => Err(Error::invalid(format!(
                "vectors may have at most {VECTOR_DIMENSIONS_MAX} dimensions; given {dimension}"
            ))),
            _ => Err(Error::invalid(format!(
                "vectors may only have positive dimensions; given {dimension}"
            ))),
        }
    }

    fn user(&self, name: &QualifiedName) -> Result<Type, Error> {
        let keyspace = name
            .keyspace
            .as_ref()
            .map_or(self.keyspace, Identifier::as_str);
        if keyspace != self.keyspace {
            return Err(Error::invalid(format!(
                "Statement on keyspace {} cannot refer to a user type in keyspace {keyspace}; \
                 user types can only be used in the keyspace they are defined in",
                self.keyspace
            ))
            .at(name.span()));
        }
        let definition = self
            .catalog
            .require_keyspace(keyspace)?
            .user_type(name.name.as_str());
        let definition =
            definition.ok_or_else(|| unknown_type(keyspace, name.name.as_str()).at(name.span()))?;
        Ok(Type::Udt {
            definition: definition.clone(),
            frozen: false,
        })
    }
}

fn native(native: Native) -> Type {
    match native {
        Native::Ascii => Type::Ascii,
        Native::BigInt => Type::BigInt,
        Native::Blob => Type::Blob,
        Native::Boolean => Type::Boolean,
        Native::Counter => Type::Counter,
        Native::Date => Type::Date,
        Native::Decimal => Type::Decimal,
        Native::Double => Type::Double,
        Native::Duration => Type::Duration,
        Native::Float => Type::Float,
        Native::Inet => Type::Inet,
        Native::Int => Type::Int,
        Native::SmallInt => Type::SmallInt,
        Native::Text => Type::Text,
        Native::Time => Type::Time,
        Native::Timestamp => Type::Timestamp,
        Native::TimeUuid => Type::TimeUuid,
        Native::TinyInt => Type::TinyInt,
        Native::Uuid => Type::Uuid,
        Native::VarInt => Type::VarInt,
    }
}

/// Classes that stand for types of the language; others are not there yet.
fn custom(class: &str) -> Result<Type, Error> {
    const PACKAGE: &str = "org.apache.cassandra.db.marshal.";
    let ty = match class.strip_prefix(PACKAGE).unwrap_or(class) {
        "AsciiType" => Type::Ascii,
        "BooleanType" => Type::Boolean,
        "ByteType" => Type::TinyInt,
        "BytesType" => Type::Blob,
        "DecimalType" => Type::Decimal,
        "DoubleType" => Type::Double,
        "DurationType" => Type::Duration,
        "FloatType" => Type::Float,
        "InetAddressType" => Type::Inet,
        "Int32Type" => Type::Int,
        "IntegerType" => Type::VarInt,
        "LongType" => Type::BigInt,
        "ShortType" => Type::SmallInt,
        "SimpleDateType" => Type::Date,
        "TimeType" => Type::Time,
        "TimeUUIDType" => Type::TimeUuid,
        "TimestampType" => Type::Timestamp,
        "UTF8Type" => Type::Text,
        "UUIDType" => Type::Uuid,
        _ => {
            return Err(Error::invalid(format!(
                "Custom type '{class}' is not supported yet"
            )));
        }
    };
    Ok(ty)
}

fn refuse_counter(ty: &Type, written: &DataType) -> Result<(), Error> {
    if ty.is_counter() {
        return Err(Error::invalid(format!(
            "Counters are not allowed inside collections: {written}"
        )));
    }
    Ok(())
}

/// Sets and map keys are sorted, and durations have no order.
fn check_ordered(ty: &Type, written: &DataType, place: &str) -> Result<(), Error> {
    if ty.references_duration() {
        return Err(Error::invalid(format!(
            "Durations are not allowed {place}: {written}"
        )));
    }
    Ok(())
}
