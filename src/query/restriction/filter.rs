//! Relations that only a look at each row can answer.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use model::ColumnId;
use model::filter::{self, Condition, Filter};
use schema::Table;
use schema::table::{Column, ColumnKind};

use smallvec::smallvec;
use types::Type;

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::modify;
use crate::restriction::values::Values;
use crate::term::Plan;

/// One planned condition.
#[derive(Clone, Debug)]
pub struct FilterPlan {
    /// What it is on.
    pub target: Target,
    /// How it compares.
    pub operator: Operator,
    /// With what.
    pub values: Values,
}

/// What a condition is on.
#[derive(Clone, Debug)]
pub enum Target {
    /// A column.
    Column(Box<Column>),
    /// The value of a map under a key.
    Entry {
        /// The map.
        column: Box<Column>,
        /// The key.
        key: Plan,
    },
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `IN`
    In,
    /// `CONTAINS`
    Contains,
    /// `CONTAINS KEY`
    ContainsKey,
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Equal => "=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::In => "IN",
            Operator::Contains => "CONTAINS",
            Operator::ContainsKey => "CONTAINS KEY",
        })
    }
}

impl Target {
    /// A whole column.
    pub fn of(column: &Column) -> Self {
        Target::Column(Box::new(column.clone()))
    }

    fn column(&self) -> &Column {
        match self {
            Target::Column(column) | Target::Entry { column, .. } => column,
        }
    }

    /// Whether it is a column of the partition key.
    pub fn is_partition_key(&self) -> bool {
        self.column().kind == ColumnKind::PartitionKey
    }

    /// Whether it is a column that differs from row to row of a partition.
    pub fn is_of_rows(&self) -> bool {
        matches!(
            self.column().kind,
            ColumnKind::Clustering | ColumnKind::Regular
        )
    }

    /// The column's id.
    pub fn id(&self) -> ColumnId {
        self.column().id
    }

    /// The column's name.
    pub fn column_name(&self) -> &str {
        &self.column().name
    }

    fn evaluate(&self, bindings: &Bindings<'_>) -> Result<filter::Target, Error> {
        let column = self.column();
        Ok(match self {
            Target::Entry { key, .. } => {
                let key = required(key, bindings, "map key", &column.name)?;
                let path = match &column.ty {
                    Type::Map { key: ty, .. } => modify::path(ty, &key),
                    _ => Cow::Borrowed(&*key),
                };
                filter::Target::Element {
                    column: column.id,
                    is_static: column.is_static(),
                    key: Bytes::copy_from_slice(&path),
                }
            }
            Target::Column(_) => match column.kind {
                ColumnKind::PartitionKey => filter::Target::PartitionKey(column.position),
                ColumnKind::Clustering => filter::Target::Clustering(column.position),
                ColumnKind::Static => filter::Target::Static(column.id),
                ColumnKind::Regular => filter::Target::Column(column.id),
            },
        })
    }
}

impl FilterPlan {
    fn evaluate(&self, bindings: &Bindings<'_>) -> Result<Condition, Error> {
        let column = self.target.column();
        let values = match (&self.values, &self.target) {
            (Values::One(plan), Target::Entry { .. }) => {
                smallvec![required(plan, bindings, "map value", &column.name)?]
            }
            (Values::One(plan), _) => {
                smallvec![required(plan, bindings, "value", &column.name)?]
            }
            (several, _) => several.evaluate(bindings, &column.name)?,
        };
        Ok(Condition {
            target: self.target.evaluate(bindings)?,
            ty: column.ty.clone(),
            operator: match self.operator {
                Operator::Equal => filter::Operator::Eq,
                Operator::Less => filter::Operator::Lt,
                Operator::LessOrEqual => filter::Operator::Le,
                Operator::Greater => filter::Operator::Gt,
                Operator::GreaterOrEqual => filter::Operator::Ge,
                Operator::In => filter::Operator::In,
                Operator::Contains => filter::Operator::Contains,
                Operator::ContainsKey => filter::Operator::ContainsKey,
            },
            values: values
                .iter()
                .map(|value| Bytes::copy_from_slice(value))
                .collect(),
        })
    }
}

/// A value to compare with, which may not be null.
fn required<'a>(
    plan: &'a Plan,
    bindings: &'a Bindings<'_>,
    what: &str,
    column: &str,
) -> Result<Cow<'a, [u8]>, Error> {
    match plan.evaluate(bindings)? {
        Bound::Null => Err(Error::invalid(format!(
            "Unsupported null {what} for column {column}"
        ))),
        Bound::Unset => Err(Error::invalid(format!(
            "Unsupported unset {what} for column {column}"
        ))),
        Bound::Borrowed(bytes) => Ok(Cow::Borrowed(bytes)),
        Bound::Owned(bytes) => Ok(Cow::Owned(bytes)),
    }
}

/// The filter of one execution; none if there are no conditions.
pub fn evaluate(
    plans: &[FilterPlan],
    table: &Table,
    bindings: &Bindings<'_>,
) -> Result<Option<Filter>, Error> {
    if plans.is_empty() {
        return Ok(None);
    }
    Ok(Some(Filter {
        partition_components: u16::try_from(table.partition_key.len()).unwrap_or(u16::MAX),
        clustering: table
            .clustering
            .iter()
            .map(|column| (column.ty.clone(), column.order))
            .collect(),
        conditions: plans
            .iter()
            .map(|plan| plan.evaluate(bindings))
            .collect::<Result<_, _>>()?,
    }))
}
