//! From the parts of CREATE TABLE, in the order written, to the statement.

use nom::Err;

use super::failure::Failure;
use super::properties::check_names;
use super::tokens::Tokens;
use crate::tree::{
    ColumnDefinition, CreateTable, Direction, Identifier, PrimaryKey, Properties, Property,
    QualifiedName, Span,
};

/// One item in the parentheses of CREATE TABLE.
pub enum Item {
    /// A column, and where `PRIMARY KEY` stood beside it.
    Column(ColumnDefinition, Option<Span>),
    /// `PRIMARY KEY (..)`
    PrimaryKey(PrimaryKey),
}

/// One option in the WITH of CREATE TABLE.
#[derive(Clone)]
pub enum TableOption {
    /// `COMPACT STORAGE`
    CompactStorage,
    /// `CLUSTERING ORDER BY (..)`
    ClusteringOrder(Vec<(Identifier, Direction)>),
    /// `name = value`
    Property(Property),
}

/// The statement that items and options make.
pub fn table_of(
    input: Tokens<'_>,
    name: QualifiedName,
    if_not_exists: bool,
    items: Vec<Item>,
    options: Vec<TableOption>,
) -> Result<CreateTable, Err<Failure>> {
    let mut table = CreateTable {
        name,
        if_not_exists,
        columns: Vec::new(),
        primary_keys: Vec::new(),
        clustering_order: Vec::new(),
        compact_storage: false,
        properties: Properties::default(),
    };
    for item in items {
        match item {
            Item::Column(column, key) => {
                table.primary_keys.extend(key.map(|span| PrimaryKey {
                    partition: vec![column.name.clone()],
                    clustering: Vec::new(),
                    span,
                }));
                table.columns.push(column);
            }
            Item::PrimaryKey(key) => table.primary_keys.push(key),
        }
    }
    for option in options {
        match option {
            TableOption::CompactStorage => table.compact_storage = true,
            TableOption::ClusteringOrder(columns) => table.clustering_order.extend(columns),
            TableOption::Property(property) => table.properties.0.push(property),
        }
    }
    check_names(input, &table.properties.0)?;
    Ok(table)
}
