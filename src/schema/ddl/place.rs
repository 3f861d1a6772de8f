//! Where in a statement stands what a refusal is about.
//!
//! A refusal that comes from resolving a statement knows the place; one that comes from applying the change, on
//! whatever node and however later, knows a name at most. The first place of the name is meant then: what is named
//! twice is refused while resolving. A refusal that knows neither is about what the statement makes, alters or drops, and so are refusals
//! of statements that change nothing.

use cql::tree::{
    AlterTableAction, AlterTypeAction, ColumnDefinition, DescribeSubject, Field, Identifier,
    Properties, Rename, Span, Statement,
};

use crate::Error;
use crate::error::Subject;

/// The stretch of the statement that a refusal is about, if the refusal is about a part of it at all.
pub fn place(statement: &Statement, error: &Error) -> Option<Span> {
    let subject = match error {
        Error::Invalid(_) | Error::Config(_) | Error::Syntax(_) => error.subject(),
        Error::Unauthorized(_) | Error::AlreadyExists { .. } => return None,
    };
    match subject {
        Some(Subject::Place(span)) => Some(*span),
        Some(Subject::Name(name)) => named(statement, name).or_else(|| object(statement)),
        None => object(statement),
    }
}

/// The name of what the statement makes, alters, drops, empties, uses or describes.
fn object(statement: &Statement) -> Option<Span> {
    let span = match statement {
        Statement::CreateKeyspace(create) => create.name.span,
        Statement::AlterKeyspace(alter) => alter.name.span,
        Statement::DropKeyspace(drop) => drop.name.span,
        Statement::CreateTable(create) => create.name.span(),
        Statement::AlterTable(alter) => alter.name.span(),
        Statement::DropTable(drop) => drop.name.span(),
        Statement::CreateType(create) => create.name.span(),
        Statement::AlterType(alter) => alter.name.span(),
        Statement::DropType(drop) => drop.name.span(),
        Statement::Truncate(truncate) => truncate.table.span(),
        Statement::Use(chosen) => chosen.keyspace.span,
        Statement::Describe(describe) => return described(&describe.subject),
        _ => return None,
    };
    Some(span)
}

/// The name of what DESCRIBE describes.
fn described(subject: &DescribeSubject) -> Option<Span> {
    match subject {
        DescribeSubject::Keyspace { name, .. } => name.as_ref().map(|name| name.span),
        DescribeSubject::Table(name)
        | DescribeSubject::Index(name)
        | DescribeSubject::View(name)
        | DescribeSubject::Type(name)
        | DescribeSubject::Function(name)
        | DescribeSubject::Aggregate(name)
        | DescribeSubject::Any(name) => Some(name.span()),
        _ => None,
    }
}

/// The first column, field or property of a name.
fn named(statement: &Statement, name: &str) -> Option<Span> {
    match statement {
        Statement::CreateKeyspace(create) => property(&create.properties, name),
        Statement::AlterKeyspace(alter) => property(&alter.properties, name),
        Statement::CreateTable(create) => {
            column(&create.columns, name).or_else(|| property(&create.properties, name))
        }
        Statement::AlterTable(alter) => match &alter.action {
            AlterTableAction::Add { columns, .. } => column(columns, name),
            AlterTableAction::Drop { columns, .. } => identifier(columns, name),
            AlterTableAction::Rename { renames, .. } => renamed(renames, name),
            AlterTableAction::With(properties) => property(properties, name),
            AlterTableAction::AlterColumn { column, .. }
            | AlterTableAction::Mask { column, .. } => Some(column.span),
            AlterTableAction::DropCompactStorage => None,
        },
        Statement::CreateType(create) => create
            .fields
            .iter()
            .find(|field| field.name.text == name)
            .map(|field: &Field| field.name.span),
        Statement::AlterType(alter) => match &alter.action {
            AlterTypeAction::Add { field, .. } | AlterTypeAction::AlterField { field, .. } => {
                Some(field.name.span)
            }
            AlterTypeAction::Rename { renames, .. } => renamed(renames, name),
        },
        _ => None,
    }
}

fn column(columns: &[ColumnDefinition], name: &str) -> Option<Span> {
    let mut columns = columns.iter();
    columns
        .find(|column| column.name.text == name)
        .map(|column| column.name.span)
}

fn identifier(names: &[Identifier], name: &str) -> Option<Span> {
    let mut names = names.iter();
    names.find(|other| other.text == name).map(|name| name.span)
}

fn renamed(renames: &[Rename], name: &str) -> Option<Span> {
    let mut names = renames.iter().flat_map(|rename| [&rename.from, &rename.to]);
    names.find(|other| other.text == name).map(|name| name.span)
}

fn property(properties: &Properties, name: &str) -> Option<Span> {
    let mut properties = properties.0.iter();
    properties
        .find(|property| property.name.text.eq_ignore_ascii_case(name))
        .map(|property| property.span)
}
