//! Statements on tables.

use super::{DataType, Direction, Identifier, Properties, QualifiedName, Span, Term};

/// `CREATE TABLE name (..) WITH ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    /// The table.
    pub name: QualifiedName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The columns in the order written; a name may occur twice.
    pub columns: Vec<ColumnDefinition>,
    /// All primary keys given, beside a column or on their own. A valid table has exactly one.
    pub primary_keys: Vec<PrimaryKey>,
    /// `CLUSTERING ORDER BY`
    pub clustering_order: Vec<(Identifier, Direction)>,
    /// `COMPACT STORAGE`
    pub compact_storage: bool,
    /// The other properties of WITH.
    pub properties: Properties,
}

/// A column of CREATE TABLE or ALTER TABLE ADD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// The column.
    pub name: Identifier,
    /// Its type.
    pub data_type: DataType,
    /// `STATIC`
    pub is_static: bool,
    /// `MASKED WITH ..`
    pub mask: Option<Mask>,
    /// Where it stood.
    pub span: Span,
}

/// How a column is shown to those who may not see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// `DEFAULT`
    Default,
    /// A function of the column and these further arguments.
    Function(QualifiedName, Vec<Term>),
}

/// `PRIMARY KEY ((partition), clustering)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryKey {
    /// The columns of the partition key, never empty.
    pub partition: Vec<Identifier>,
    /// The clustering columns.
    pub clustering: Vec<Identifier>,
    /// Where it stood.
    pub span: Span,
}

/// `ALTER TABLE name ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterTable {
    /// The table.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// The change.
    pub action: AlterTableAction,
}

/// A change of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterTableAction {
    /// `ADD column type, ..`
    Add {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// The new columns.
        columns: Vec<ColumnDefinition>,
    },
    /// `DROP column, ..`
    Drop {
        /// `IF EXISTS`
        if_exists: bool,
        /// The columns.
        columns: Vec<Identifier>,
        /// `USING TIMESTAMP`: what is at or below it is dropped, in microseconds
        timestamp: Option<i64>,
    },
    /// `RENAME a TO b AND ..`
    Rename {
        /// `IF EXISTS`
        if_exists: bool,
        /// The new names.
        renames: Vec<Rename>,
    },
    /// `ALTER column TYPE type`, which is always refused
    AlterColumn {
        /// `IF EXISTS`
        if_exists: bool,
        /// The column.
        column: Identifier,
        /// The type.
        data_type: DataType,
    },
    /// `ALTER column MASKED WITH ..` or `ALTER column DROP MASKED`
    Mask {
        /// `IF EXISTS`
        if_exists: bool,
        /// The column.
        column: Identifier,
        /// The new mask, or none.
        mask: Option<Mask>,
    },
    /// `DROP COMPACT STORAGE`
    DropCompactStorage,
    /// `WITH ..`
    With(Properties),
}

/// `old TO new`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The present name.
    pub from: Identifier,
    /// The new name.
    pub to: Identifier,
}

/// `DROP TABLE name`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTable {
    /// The table.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
}

/// `TRUNCATE name`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncate {
    /// The table.
    pub table: QualifiedName,
}
