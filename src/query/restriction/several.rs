//! Relations on several columns at once, and on the token.

use cql::tree::{Comparison, Identifier, InValues, Predicate, Relation, Term, TermKind};
use schema::table::{Column, ColumnKind};
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;
use crate::restriction::clustering::RangeBound;
use crate::restriction::collect::{
    Collector, equality_and_inequality, more_than_one, not_equal, two_bounds,
};
use crate::restriction::key::TOKEN_TYPE;
use crate::restriction::values::{TuplePlan, Tuples, tuple_type};

/// What is said of several columns at once.
#[derive(Default)]
pub struct OnTuple {
    /// `=` or `IN`, with how many columns.
    pub equal: Option<(usize, Tuples)>,
    /// `>` or `>=`
    pub lower: Option<RangeBound>,
    /// `<` or `<=`
    pub upper: Option<RangeBound>,
}

impl OnTuple {
    /// The largest number of columns that a relation of it compares.
    pub fn columns(&self) -> usize {
        let equal = self.equal.as_ref().map(|(count, _)| *count);
        let bounds = [&self.lower, &self.upper]
            .into_iter()
            .flatten()
            .map(|bound| bound.columns);
        equal.into_iter().chain(bounds).max().unwrap_or_default()
    }
}

impl Collector<'_, '_> {
    /// Takes in a relation on clustering columns that follow each other.
    pub fn on_columns(&mut self, names: &[Identifier], relation: &Relation) -> Result<(), Error> {
        let columns = self.neighbours(names, relation)?;
        let (first, count) = (usize::from(columns[0].position), columns.len());
        match &relation.predicate {
            Predicate::Compare(Comparison::NotEqual, _) => Err(not_equal(relation)),
            Predicate::Compare(Comparison::Equal, term) => {
                let tuple = self.tuple(term, &columns)?;
                self.tuple_equal(&columns, Tuples::One(tuple))
            }
            Predicate::Compare(comparison, term) => {
                let bound = RangeBound {
                    columns: count,
                    values: self.tuple(term, &columns)?,
                    inclusive: matches!(
                        comparison,
                        Comparison::GreaterOrEqual | Comparison::LessOrEqual
                    ),
                };
                let is_lower =
                    matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
                self.tuple_bound(&columns, bound, is_lower)
            }
            Predicate::Between(lower, upper) => {
                for (term, is_lower) in [(lower, true), (upper, false)] {
                    let bound = RangeBound {
                        columns: count,
                        values: self.tuple(term, &columns)?,
                        inclusive: true,
                    };
                    self.tuple_bound(&columns, bound, is_lower)?;
                }
                Ok(())
            }
            Predicate::In(InValues::Terms(terms)) => {
                let mut tuples = terms
                    .iter()
                    .map(|term| self.tuple(term, &columns))
                    .collect::<Result<Vec<_>, _>>()?;
                let tuples = match (tuples.len(), tuples.pop()) {
                    (1, Some(only)) => Tuples::One(only),
                    (_, last) => {
                        tuples.extend(last);
                        Tuples::Listed(tuples)
                    }
                };
                self.tuple_equal(&columns, tuples)
            }
            Predicate::In(InValues::Marker(marker)) => {
                let name = format!("in({})", joined(&columns, ","));
                let ty = Type::list(tuple_type(columns.iter().map(|column| &column.ty)), false);
                let plan = self.planner.marker(marker, &Receiver::new(name, ty));
                debug_assert!(first + count <= self.table.clustering.len());
                self.tuple_equal(&columns, Tuples::Marker(plan))
            }
            _ => Err(Error::invalid(format!(
                "Unsupported multi-column relation: {relation}"
            ))),
        }
    }

    /// The clustering columns that a relation is on, in key order without gaps.
    fn neighbours(&self, names: &[Identifier], relation: &Relation) -> Result<Vec<Column>, Error> {
        let mut columns: Vec<Column> = Vec::with_capacity(names.len());
        for name in names {
            let column = self
                .column(&name.text)
                .map_err(|error| error.at(name.span))?;
            if column.kind != ColumnKind::Clustering {
                return Err(Error::invalid(format!(
                    "Multi-column relations can only be applied to clustering columns but was applied to: {}",
                    column.name
                ))
                .at(name.span));
            }
            if columns.iter().any(|other| other.name == column.name) {
                return Err(Error::invalid(format!(
                    "Column \"{}\" appeared twice in a relation: {relation}",
                    column.name
                ))
                .at(name.span));
            }
            if columns
                .last()
                .is_some_and(|last| last.position + 1 != column.position)
            {
                return Err(Error::invalid(format!(
                    "Clustering columns must appear in the PRIMARY KEY order in multi-column relations: {relation}"
                )));
            }
            columns.push(column);
        }
        Ok(columns)
    }

    fn tuple(&mut self, term: &Term, columns: &[Column]) -> Result<TuplePlan, Error> {
        match &term.kind {
            TermKind::Tuple(parts) if parts.len() != columns.len() => Err(Error::invalid(format!(
                "Expected {} elements in value tuple, but got {}: {term}",
                columns.len(),
                parts.len()
            ))
            .at(term.span)),
            TermKind::Tuple(parts) => Ok(TuplePlan::Components(
                parts
                    .iter()
                    .zip(columns)
                    .map(|(part, column)| self.planner.plan(part, &Receiver::of(column)))
                    .collect::<Result<_, _>>()?,
            )),
            _ => {
                let ty = tuple_type(columns.iter().map(|column| &column.ty));
                let name = format!("({})", joined(columns, ","));
                Ok(TuplePlan::Whole(
                    self.planner.plan(term, &Receiver::new(name, ty))?,
                ))
            }
        }
    }

    fn tuple_equal(&mut self, columns: &[Column], tuples: Tuples) -> Result<(), Error> {
        let first = usize::from(columns[0].position);
        let on = self.found.tuples.entry(first).or_default();
        if let Some((_, other)) = &on.equal {
            let is_equal = matches!(other, Tuples::One(_));
            return Err(more_than_one(&joined(columns, ", "), is_equal));
        }
        if on.lower.is_some() || on.upper.is_some() {
            return Err(equality_and_inequality(&columns[0].name));
        }
        on.equal = Some((columns.len(), tuples));
        Ok(())
    }

    fn tuple_bound(
        &mut self,
        columns: &[Column],
        bound: RangeBound,
        is_lower: bool,
    ) -> Result<(), Error> {
        let first = usize::from(columns[0].position);
        let on = self.found.tuples.entry(first).or_default();
        if let Some((_, other)) = &on.equal {
            let is_equal = matches!(other, Tuples::One(_));
            return Err(more_than_one(&joined(columns, ", "), is_equal));
        }
        let slot = if is_lower {
            &mut on.lower
        } else {
            &mut on.upper
        };
        if slot.is_some() {
            return Err(two_bounds(&joined(columns, ", "), is_lower));
        }
        *slot = Some(bound);
        Ok(())
    }

    /// Takes in a relation on `token(..)` of the partition key.
    pub fn on_token(&mut self, names: &[Identifier], relation: &Relation) -> Result<(), Error> {
        self.check_token_arguments(names)?;
        let receiver = Receiver::new("partition key token", TOKEN_TYPE);
        match &relation.predicate {
            Predicate::Compare(Comparison::NotEqual, _) => Err(not_equal(relation)),
            Predicate::Compare(comparison, term) => {
                let plan = self.planner.plan(term, &receiver)?;
                self.token_compare(*comparison, plan)
            }
            Predicate::Between(lower, upper) => {
                let lower = self.planner.plan(lower, &receiver)?;
                self.token_compare(Comparison::GreaterOrEqual, lower)?;
                let upper = self.planner.plan(upper, &receiver)?;
                self.token_compare(Comparison::LessOrEqual, upper)
            }
            Predicate::In(_) => Err(Error::invalid("IN cannot be used with the token function")),
            Predicate::Like(_) => Err(Error::invalid(
                "LIKE cannot be used with the token function",
            )),
            _ => Err(Error::invalid(format!(
                "Unsupported relation on the token: {relation}"
            ))),
        }
    }

    fn token_compare(
        &mut self,
        comparison: Comparison,
        plan: crate::term::Plan,
    ) -> Result<(), Error> {
        let key = &self.table.partition_key;
        let names = || joined(key, ", ");
        let tokens = self.found.tokens.get_or_insert_default();
        if tokens.equal.is_some() {
            return Err(more_than_one(&names(), true));
        }
        let is_lower = matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
        let inclusive = matches!(
            comparison,
            Comparison::GreaterOrEqual | Comparison::LessOrEqual
        );
        if comparison == Comparison::Equal {
            if tokens.lower.is_some() || tokens.upper.is_some() {
                return Err(equality_and_inequality(&names()));
            }
            tokens.equal = Some(plan);
            return Ok(());
        }
        let slot = if is_lower {
            &mut tokens.lower
        } else {
            &mut tokens.upper
        };
        if slot.is_some() {
            return Err(two_bounds(&names(), is_lower));
        }
        *slot = Some((plan, inclusive));
        Ok(())
    }

    /// `token` takes the columns of the partition key, all of them, in order.
    fn check_token_arguments(&self, names: &[Identifier]) -> Result<(), Error> {
        let key = &self.table.partition_key;
        for name in names {
            self.column(&name.text)
                .map_err(|error| error.at(name.span))?;
        }
        let given: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        if !key.iter().all(|column| given.contains(&&*column.name)) {
            return Err(Error::invalid(
                "The token() function must be applied to all partition key components or none of them",
            ));
        }
        if given.len() != key.len() {
            return Err(Error::invalid(
                "The token() function must contains only partition key components",
            ));
        }
        if key
            .iter()
            .zip(&given)
            .any(|(column, name)| *column.name != **name)
        {
            return Err(Error::invalid(format!(
                "The token function arguments must be in the partition key order: {}",
                joined(key, ", ")
            )));
        }
        Ok(())
    }
}

fn joined(columns: &[Column], separator: &str) -> String {
    columns
        .iter()
        .map(|column| &*column.name)
        .collect::<Vec<_>>()
        .join(separator)
}
