//! Relations gathered by what they are on, their terms planned.

use std::collections::BTreeMap;

use cql::tree::{self, Comparison, InValues, Predicate, Relation, RelationSubject, Term, TermKind};
use schema::Table;
use schema::table::{Column, ColumnKind};
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;
use crate::restriction::clustering::RangeBound;
use crate::restriction::filter::{FilterPlan, Operator, Target};
use crate::restriction::key::{TOKEN_TYPE, TokenRange};
use crate::restriction::values::{TuplePlan, Tuples, Values, tuple_type};
use crate::term::{Plan, Planner};

/// What all relations say, by column.
#[derive(Default)]
pub struct Collected {
    /// Relations on single columns.
    pub columns: BTreeMap<String, OnColumn>,
    /// Relations on several clustering columns, by the first one's position.
    pub tuples: BTreeMap<usize, OnTuple>,
    /// Relations on the token.
    pub tokens: Option<TokenRange>,
    /// Relations that only a filter can answer.
    pub filters: Vec<FilterPlan>,
}

/// What is said of one column.
#[derive(Default)]
pub struct OnColumn {
    /// `=` or `IN`
    pub equal: Option<Values>,
    /// `>` or, if true, `>=`
    pub lower: Option<(Plan, bool)>,
    /// `<` or, if true, `<=`
    pub upper: Option<(Plan, bool)>,
}

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

/// Gathers the relations of a WHERE clause.
pub struct Collector<'a, 'b> {
    /// The statement's table.
    pub table: &'a Table,
    /// Plans the terms.
    pub planner: &'a mut Planner<'b>,
    /// What has been gathered.
    pub found: Collected,
}

impl Collector<'_, '_> {
    /// Takes in one relation.
    pub fn add(&mut self, relation: &Relation) -> Result<(), Error> {
        match &relation.subject {
            RelationSubject::Column(name) => self.on_column(&name.text, relation),
            RelationSubject::Element(name, key) => self.on_element(&name.text, key, relation),
            RelationSubject::Columns(names) => self.on_columns(names, relation),
            RelationSubject::Token(names) => self.on_token(names, relation),
        }
    }

    fn column(&self, name: &str) -> Result<Column, Error> {
        column(self.table, name).cloned()
    }

    fn on_column(&mut self, name: &str, relation: &Relation) -> Result<(), Error> {
        let column = self.column(name)?;
        let receiver = Receiver::new(name, column.ty.clone());
        match &relation.predicate {
            Predicate::Compare(Comparison::NotEqual, _) => Err(Error::invalid(format!(
                "Unsupported \"!=\" relation: {relation}"
            ))),
            Predicate::Compare(comparison, term) => {
                refuse_whole_collection(&column, comparison_text(*comparison))?;
                if *comparison != Comparison::Equal && column.ty.references_duration() {
                    return Err(Error::invalid(
                        "Slice restrictions are not supported on duration columns",
                    ));
                }
                let plan = self.planner.plan(term, &receiver)?;
                self.compare(&column, *comparison, plan)
            }
            Predicate::In(values) => {
                refuse_whole_collection(&column, "IN")?;
                let values = self.in_values(values, &receiver)?;
                self.equal(&column, values)
            }
            Predicate::Contains(term) => self.contains(&column, term, Operator::Contains),
            Predicate::ContainsKey(term) => self.contains(&column, term, Operator::ContainsKey),
            Predicate::Like(_) => Err(Error::invalid(format!(
                "LIKE restriction is only supported on properly indexed columns. {relation} is not valid."
            ))),
            Predicate::Between(..) => Err(Error::unsupported("BETWEEN")),
            Predicate::IsNotNull => Err(Error::invalid(format!(
                "Unsupported restriction: {relation}"
            ))),
        }
    }

    fn in_values(&mut self, values: &InValues, receiver: &Receiver) -> Result<Values, Error> {
        Ok(match values {
            InValues::Terms(terms) => Values::Listed(
                terms
                    .iter()
                    .map(|term| self.planner.plan(term, receiver))
                    .collect::<Result<_, _>>()?,
            ),
            InValues::Marker(marker) => {
                let list = receiver.part("in", Type::list(receiver.ty.clone(), false));
                Values::Marker(self.planner.marker(marker, &list))
            }
        })
    }

    fn compare(
        &mut self,
        column: &Column,
        comparison: Comparison,
        plan: Plan,
    ) -> Result<(), Error> {
        match comparison {
            Comparison::Equal => self.equal(column, Values::One(plan)),
            Comparison::Greater | Comparison::GreaterOrEqual => {
                let bound = (plan, comparison == Comparison::GreaterOrEqual);
                self.bound(column, bound, true)
            }
            _ => self.bound(column, (plan, comparison == Comparison::LessOrEqual), false),
        }
    }

    fn equal(&mut self, column: &Column, values: Values) -> Result<(), Error> {
        let operator = if values.is_one() { "an Equal" } else { "a IN" };
        let entry = self
            .found
            .columns
            .entry(column.name.to_string())
            .or_default();
        if entry.equal.is_some() || entry.lower.is_some() || entry.upper.is_some() {
            return Err(Error::invalid(format!(
                "{} cannot be restricted by more than one relation if it includes {operator}",
                column.name
            )));
        }
        entry.equal = Some(values);
        Ok(())
    }

    fn bound(&mut self, column: &Column, bound: (Plan, bool), is_lower: bool) -> Result<(), Error> {
        let entry = self
            .found
            .columns
            .entry(column.name.to_string())
            .or_default();
        if entry.equal.is_some() {
            return Err(Error::invalid(format!(
                "{} cannot be restricted by more than one relation if it includes an Equal",
                column.name
            )));
        }
        let (slot, word) = if is_lower {
            (&mut entry.lower, "start")
        } else {
            (&mut entry.upper, "end")
        };
        if slot.is_some() {
            return Err(Error::invalid(format!(
                "More than one restriction was found for the {word} bound on {}",
                column.name
            )));
        }
        *slot = Some(bound);
        Ok(())
    }

    fn contains(&mut self, column: &Column, term: &Term, operator: Operator) -> Result<(), Error> {
        let part = match (&column.ty, operator) {
            (Type::List { element, .. } | Type::Set { element, .. }, Operator::Contains) => {
                ("value", element)
            }
            (Type::Map { value, .. }, Operator::Contains) => ("value", value),
            (Type::Map { key, .. }, Operator::ContainsKey) => ("key", key),
            (Type::List { .. } | Type::Set { .. }, _) => {
                return Err(Error::invalid(format!(
                    "Cannot use CONTAINS KEY on non-map column {}",
                    column.name
                )));
            }
            _ => {
                return Err(Error::invalid(format!(
                    "Cannot use {operator} on non-collection column {}",
                    column.name
                )));
            }
        };
        let receiver =
            Receiver::new(&*column.name, column.ty.clone()).part(part.0, (**part.1).clone());
        let plan = self.planner.plan(term, &receiver)?;
        let target = Target::of(column);
        self.found.filters.push(FilterPlan {
            target,
            operator,
            values: Values::One(plan),
        });
        Ok(())
    }

    fn on_element(&mut self, name: &str, key: &Term, relation: &Relation) -> Result<(), Error> {
        let column = self.column(name)?;
        let Type::Map {
            key: key_type,
            value,
            ..
        } = &column.ty
        else {
            return Err(Error::invalid(format!(
                "Column {name} cannot be used as a map"
            )));
        };
        let receiver = Receiver::new(name, column.ty.clone());
        let Predicate::Compare(Comparison::Equal, term) = &relation.predicate else {
            return Err(Error::invalid(format!(
                "Only EQ relations are supported on map entries, but found {relation}"
            )));
        };
        let key = self
            .planner
            .plan(key, &receiver.part("key", (**key_type).clone()))?;
        let value = self
            .planner
            .plan(term, &receiver.part("value", (**value).clone()))?;
        let target = Target::Entry {
            column: Box::new(column.clone()),
            key,
        };
        self.found.filters.push(FilterPlan {
            target,
            operator: Operator::Equal,
            values: Values::One(value),
        });
        Ok(())
    }

    fn on_columns(&mut self, names: &[tree::Identifier], relation: &Relation) -> Result<(), Error> {
        let columns = names
            .iter()
            .map(|name| self.column(&name.text))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(other) = columns
            .iter()
            .find(|column| column.kind != ColumnKind::Clustering)
        {
            return Err(Error::invalid(format!(
                "Multi-column relations can only be applied to clustering columns but was applied to: {}",
                other.name
            )));
        }
        let first = usize::from(columns[0].position);
        if columns
            .iter()
            .enumerate()
            .any(|(index, column)| usize::from(column.position) != first + index)
        {
            return Err(Error::invalid(format!(
                "Clustering columns must appear in the PRIMARY KEY order in multi-column relations: {relation}"
            )));
        }
        let count = columns.len();
        match &relation.predicate {
            Predicate::Compare(Comparison::NotEqual, _) => Err(Error::invalid(format!(
                "Unsupported \"!=\" relation: {relation}"
            ))),
            Predicate::Compare(Comparison::Equal, term) => {
                let tuple = self.tuple(term, &columns)?;
                self.tuple_equal(first, count, Tuples::One(tuple), relation)
            }
            Predicate::Compare(comparison, term) => {
                let values = self.tuple(term, &columns)?;
                let is_lower =
                    matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
                let inclusive = matches!(
                    comparison,
                    Comparison::GreaterOrEqual | Comparison::LessOrEqual
                );
                self.tuple_bound(
                    first,
                    RangeBound {
                        columns: count,
                        values,
                        inclusive,
                    },
                    is_lower,
                    relation,
                )
            }
            Predicate::In(InValues::Terms(terms)) => {
                let tuples = terms
                    .iter()
                    .map(|term| self.tuple(term, &columns))
                    .collect::<Result<_, _>>()?;
                self.tuple_equal(first, count, Tuples::Listed(tuples), relation)
            }
            Predicate::In(InValues::Marker(marker)) => {
                let name = format!("in({})", joined(&columns));
                let ty = Type::list(tuple_type(columns.iter().map(|column| &column.ty)), false);
                let plan = self.planner.marker(marker, &Receiver::new(name, ty));
                self.tuple_equal(first, count, Tuples::Marker(plan), relation)
            }
            _ => Err(Error::invalid(format!(
                "Unsupported multi-column relation: {relation}"
            ))),
        }
    }

    fn tuple(&mut self, term: &Term, columns: &[Column]) -> Result<TuplePlan, Error> {
        let names = joined(columns);
        match &term.kind {
            TermKind::Tuple(parts) if parts.len() != columns.len() => Err(Error::invalid(format!(
                "Expected {} elements in value tuple, but got {}: {term}",
                columns.len(),
                parts.len()
            ))),
            TermKind::Tuple(parts) => Ok(TuplePlan::Components(
                parts
                    .iter()
                    .zip(columns)
                    .map(|(part, column)| {
                        self.planner
                            .plan(part, &Receiver::new(&*column.name, column.ty.clone()))
                    })
                    .collect::<Result<_, _>>()?,
            )),
            _ => {
                let ty = tuple_type(columns.iter().map(|column| &column.ty));
                Ok(TuplePlan::Whole(
                    self.planner
                        .plan(term, &Receiver::new(format!("({names})"), ty))?,
                ))
            }
        }
    }

    fn tuple_equal(
        &mut self,
        first: usize,
        count: usize,
        tuples: Tuples,
        relation: &Relation,
    ) -> Result<(), Error> {
        let entry = self.found.tuples.entry(first).or_default();
        if entry.equal.is_some() || entry.lower.is_some() || entry.upper.is_some() {
            return Err(more_than_one(relation));
        }
        entry.equal = Some((count, tuples));
        Ok(())
    }

    fn tuple_bound(
        &mut self,
        first: usize,
        bound: RangeBound,
        is_lower: bool,
        relation: &Relation,
    ) -> Result<(), Error> {
        let entry = self.found.tuples.entry(first).or_default();
        let slot = if is_lower {
            &mut entry.lower
        } else {
            &mut entry.upper
        };
        if entry.equal.is_some() || slot.is_some() {
            return Err(more_than_one(relation));
        }
        *slot = Some(bound);
        Ok(())
    }

    fn on_token(&mut self, names: &[tree::Identifier], relation: &Relation) -> Result<(), Error> {
        let expected: Vec<&str> = self
            .table
            .partition_key
            .iter()
            .map(|column| &*column.name)
            .collect();
        let given: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        for name in &given {
            self.column(name)?;
        }
        if given.len() != expected.len() {
            return Err(Error::invalid(
                "The token() function must be applied to all partition key components or none of them",
            ));
        }
        if given != expected {
            return Err(Error::invalid(format!(
                "The token function arguments must be in the partition key order: {}",
                expected.join(", ")
            )));
        }
        let Predicate::Compare(comparison, term) = &relation.predicate else {
            return Err(Error::invalid(format!(
                "Unsupported relation on the token: {relation}"
            )));
        };
        let plan = self
            .planner
            .plan(term, &Receiver::new("partition key token", TOKEN_TYPE))?;
        let tokens = self.found.tokens.get_or_insert_default();
        let (slot, bound) = match comparison {
            Comparison::Equal if tokens.equal.is_none() => {
                tokens.equal = Some(plan);
                return Ok(());
            }
            Comparison::Greater => (&mut tokens.lower, (plan, false)),
            Comparison::GreaterOrEqual => (&mut tokens.lower, (plan, true)),
            Comparison::Less => (&mut tokens.upper, (plan, false)),
            Comparison::LessOrEqual => (&mut tokens.upper, (plan, true)),
            _ => return Err(more_than_one(relation)),
        };
        if slot.is_some() {
            return Err(more_than_one(relation));
        }
        *slot = Some(bound);
        Ok(())
    }
}

/// The column of this name, or Cassandra's sentence with a suggestion of ours.
pub fn column<'t>(table: &'t Table, name: &str) -> Result<&'t Column, Error> {
    table.column(name).ok_or_else(|| {
        let sentence = format!(
            "Undefined column name {} in table {}",
            types::name::quoted(name),
            table.qualified_name()
        );
        match base::text::nearest(name, table.columns().map(|column| &*column.name)) {
            Some(near) => Error::invalid(format!(
                "{sentence}\ndid you mean {}?",
                types::name::quoted(near)
            )),
            None => Error::invalid(sentence),
        }
    })
}

fn refuse_whole_collection(column: &Column, operator: &str) -> Result<(), Error> {
    if !column.ty.is_multi_cell() {
        return Ok(());
    }
    let kind = if column.ty.is_collection() {
        "Collection"
    } else {
        "Non-frozen UDT"
    };
    Err(Error::invalid(format!(
        "{kind} column '{}' ({}) cannot be restricted by a '{operator}' relation",
        column.name, column.ty
    )))
}

fn comparison_text(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

fn joined(columns: &[Column]) -> String {
    columns
        .iter()
        .map(|column| &*column.name)
        .collect::<Vec<_>>()
        .join(",")
}

fn more_than_one(relation: &Relation) -> Error {
    Error::invalid(format!(
        "More than one restriction was found for the same bound or columns: {relation}"
    ))
}
