//! Statements on user-defined types.

use super::{DataType, Identifier, QualifiedName, Rename};

/// `CREATE TYPE name (..)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateType {
    /// The type.
    pub name: QualifiedName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The fields in order; a name may occur twice.
    pub fields: Vec<Field>,
}

/// A field of a user-defined type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The field.
    pub name: Identifier,
    /// Its type.
    pub data_type: DataType,
}

/// `ALTER TYPE name ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterType {
    /// The type.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// The change.
    pub action: AlterTypeAction,
}

/// A change of a user-defined type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterTypeAction {
    /// `ADD field type`
    Add {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// The new field.
        field: Field,
    },
    /// `RENAME a TO b AND ..`
    Rename {
        /// `IF EXISTS`
        if_exists: bool,
        /// The new names.
        renames: Vec<Rename>,
    },
    /// `ALTER field TYPE type`, which is always refused
    AlterField {
        /// `IF EXISTS`
        if_exists: bool,
        /// The field with the type asked for.
        field: Field,
    },
}

/// `DROP TYPE name`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropType {
    /// The type.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
}
