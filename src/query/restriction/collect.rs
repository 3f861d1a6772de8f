//! Relations gathered by what they are on, their terms planned.

use std::collections::BTreeMap;

use cql::tree::{Comparison, InValues, Predicate, Relation, RelationSubject, Term};
use schema::Table;
use schema::table::Column;
use types::Type;

use crate::error::{Error, SUGGESTION};
use crate::marker::Receiver;
use crate::restriction::filter::{FilterPlan, Operator, Target};
use crate::restriction::key::TokenRange;
use crate::restriction::several::OnTuple;
use crate::restriction::values::Values;
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
        let added = match &relation.subject {
            RelationSubject::Column(name) => self
                .column(&name.text)
                .map_err(|error| error.at(name.span))
                .and_then(|column| self.on_column(&column, relation)),
            RelationSubject::Element(name, key) => self.on_element(&name.text, key, relation),
            RelationSubject::Columns(names) => self.on_columns(names, relation),
            RelationSubject::Token(names) => self.on_token(names, relation),
        };
        added.map_err(|error| error.at(relation.span))
    }

    /// A copy of the column of this name.
    pub fn column(&self, name: &str) -> Result<Column, Error> {
        column(self.table, name).cloned()
    }

    fn on_column(&mut self, column: &Column, relation: &Relation) -> Result<(), Error> {
        let receiver = Receiver::of(column);
        match &relation.predicate {
            Predicate::Compare(Comparison::NotEqual, _) => Err(not_equal(relation)),
            Predicate::Compare(comparison, term) => {
                refuse_multi_cell(column, comparison_text(*comparison))?;
                if *comparison != Comparison::Equal {
                    refuse_duration(&column.ty)?;
                }
                let plan = self.planner.plan(term, &receiver)?;
                self.compare(column, *comparison, plan)
            }
            Predicate::Between(lower, upper) => {
                refuse_multi_cell(column, "BETWEEN")?;
                refuse_duration(&column.ty)?;
                let lower = self.planner.plan(lower, &receiver)?;
                self.compare(column, Comparison::GreaterOrEqual, lower)?;
                let upper = self.planner.plan(upper, &receiver)?;
                self.compare(column, Comparison::LessOrEqual, upper)
            }
            Predicate::In(values) => {
                refuse_multi_cell(column, "IN")?;
                let values = self.in_values(values, &receiver)?;
                self.equal(column, values)
            }
            Predicate::Contains(term) => self.contains(column, term, Operator::Contains),
            Predicate::ContainsKey(term) => self.contains(column, term, Operator::ContainsKey),
            Predicate::Like(_) => Err(Error::invalid(format!(
                "LIKE restriction is only supported on properly indexed columns. {relation} is not valid."
            ))),
            Predicate::IsNotNull => Err(Error::invalid(format!(
                "Unsupported restriction: {relation}"
            ))),
        }
    }

    /// The values of an IN; one alone is the same as `=`.
    fn in_values(&mut self, values: &InValues, receiver: &Receiver) -> Result<Values, Error> {
        Ok(match values {
            InValues::Terms(terms) => match terms.as_slice() {
                [only] => Values::One(self.planner.plan(only, receiver)?),
                terms => Values::Listed(
                    terms
                        .iter()
                        .map(|term| self.planner.plan(term, receiver))
                        .collect::<Result<_, _>>()?,
                ),
            },
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

    fn on(&mut self, column: &Column) -> &mut OnColumn {
        let name = column.name.to_string();
        self.found.columns.entry(name).or_default()
    }

    /// What is contained in a collection goes with nothing that is said of it as a whole.
    fn refuse_contained(&self, column: &Column) -> Result<(), Error> {
        let mut filters = self.found.filters.iter();
        if filters.any(|filter| filter.target.column_name() == &*column.name) {
            return Err(Error::invalid(format!(
                "Collection column {} can only be restricted by CONTAINS, CONTAINS KEY, or map-entry equality",
                column.name
            )));
        }
        Ok(())
    }

    fn equal(&mut self, column: &Column, values: Values) -> Result<(), Error> {
        self.refuse_contained(column)?;
        let on = self.on(column);
        if let Some(other) = &on.equal {
            return Err(more_than_one(&column.name, other.is_one()));
        }
        if on.lower.is_some() || on.upper.is_some() {
            return Err(equality_and_inequality(&column.name));
        }
        on.equal = Some(values);
        Ok(())
    }

    fn bound(&mut self, column: &Column, bound: (Plan, bool), is_lower: bool) -> Result<(), Error> {
        self.refuse_contained(column)?;
        let on = self.on(column);
        if let Some(other) = &on.equal {
            return Err(more_than_one(&column.name, other.is_one()));
        }
        let slot = if is_lower {
            &mut on.lower
        } else {
            &mut on.upper
        };
        if slot.is_some() {
            return Err(two_bounds(&column.name, is_lower));
        }
        *slot = Some(bound);
        Ok(())
    }

    fn contains(&mut self, column: &Column, term: &Term, operator: Operator) -> Result<(), Error> {
        let (part, ty) = contained(column, operator)?;
        if let Some(on) = self.found.columns.get(&*column.name) {
            return Err(match &on.equal {
                Some(other) => more_than_one(&column.name, other.is_one()),
                None => equality_and_inequality(&column.name),
            });
        }
        let receiver = Receiver::of(column).part(part, ty);
        let plan = self.planner.plan(term, &receiver)?;
        self.found.filters.push(FilterPlan {
            target: Target::of(column),
            operator,
            values: Values::One(plan),
        });
        Ok(())
    }

    fn on_element(&mut self, name: &str, key: &Term, relation: &Relation) -> Result<(), Error> {
        let column = self.column(name)?;
        let (key_type, value_type) = match &column.ty {
            Type::Map { key, value, .. } => ((**key).clone(), (**value).clone()),
            Type::List { .. } => {
                return Err(Error::invalid(format!(
                    "Indexes on list entries ({name}[index] = value) are not currently supported."
                )));
            }
            _ => {
                return Err(Error::invalid(format!(
                    "Column {name} cannot be used as a map"
                )));
            }
        };
        if !column.ty.is_multi_cell() {
            return Err(Error::invalid(format!(
                "Map-entry equality predicates on frozen map column {name} are not supported"
            )));
        }
        let Predicate::Compare(Comparison::Equal, term) = &relation.predicate else {
            return Err(Error::invalid(
                "Only EQ relations are supported on map entries",
            ));
        };
        let receiver = Receiver::new(name, column.ty.clone());
        let key = self.planner.plan(key, &receiver.part("key", key_type))?;
        let value = self
            .planner
            .plan(term, &receiver.part("value", value_type))?;
        self.found.filters.push(FilterPlan {
            target: Target::Entry {
                column: Box::new(column),
                key,
            },
            operator: Operator::Equal,
            values: Values::One(value),
        });
        Ok(())
    }
}

/// What CONTAINS or CONTAINS KEY compares with in a column: the name of the part and its type.
fn contained(column: &Column, operator: Operator) -> Result<(&'static str, Type), Error> {
    let part = match (&column.ty, operator) {
        (Type::List { element, .. } | Type::Set { element, .. }, Operator::Contains) => {
            ("value", element)
        }
        (Type::Map { value, .. }, Operator::Contains) => ("value", value),
        (Type::Map { key, .. }, Operator::ContainsKey) => ("key", key),
        (_, Operator::ContainsKey) => {
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
    Ok((part.0, (**part.1).clone()))
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
                "{sentence}{SUGGESTION}{}?",
                types::name::quoted(near)
            )),
            None => Error::invalid(sentence),
        }
    })
}

fn refuse_multi_cell(column: &Column, operator: &str) -> Result<(), Error> {
    if !column.ty.is_multi_cell() {
        return Ok(());
    }
    if !column.ty.is_collection() {
        return Err(Error::invalid(format!(
            "Non-frozen UDT column '{}' ({}) cannot be restricted by any relation",
            column.name, column.ty
        )));
    }
    Err(Error::invalid(format!(
        "Collection column '{}' ({}) cannot be restricted by a '{operator}' relation",
        column.name, column.ty
    )))
}

/// Durations have no order, so no range of them means anything.
fn refuse_duration(ty: &Type) -> Result<(), Error> {
    if !ty.references_duration() {
        return Ok(());
    }
    Err(Error::invalid(match ty {
        Type::Tuple(_) => "Slice restrictions are not supported on tuples containing durations",
        Type::Udt { .. } => "Slice restrictions are not supported on UDTs containing durations",
        ty if ty.is_collection() => {
            "Slice restrictions are not supported on collections containing durations"
        }
        _ => "Slice restrictions are not supported on duration columns",
    }))
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

/// The refusal of `!=`.
pub fn not_equal(relation: &Relation) -> Error {
    Error::invalid(format!("Unsupported \"!=\" relation: {relation}"))
}

/// The refusal of a relation beside `=` or `IN` on the same columns.
pub fn more_than_one(names: &str, is_equal: bool) -> Error {
    let operator = if is_equal { "an Equal" } else { "a IN" };
    Error::invalid(format!(
        "{names} cannot be restricted by more than one relation if it includes {operator}"
    ))
}

/// The refusal of `=` or `IN` beside a range.
pub fn equality_and_inequality(name: &str) -> Error {
    Error::invalid(format!(
        "Column \"{name}\" cannot be restricted by both an equality and an inequality relation"
    ))
}

/// The refusal of a second bound on one side.
pub fn two_bounds(names: &str, is_lower: bool) -> Error {
    let word = if is_lower { "start" } else { "end" };
    Error::invalid(format!(
        "More than one restriction was found for the {word} bound on {names}"
    ))
}
