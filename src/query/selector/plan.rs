//! Selectors checked against the table, named and typed.

use std::sync::Arc;

use cql::tree::{QualifiedName, Select, SelectItem, Selector, SelectorKind, Term, TermKind};
use schema::Table;
use schema::table::Column;
use types::Type;

use crate::error::Error;
use crate::function::{self, Function};
use crate::marker::Receiver;
use crate::restriction;
use crate::row::Fetch;
use crate::selector::{Aggregate, AggregateKind, Expression, ResultColumn, Selection};
use crate::term::Planner;
use crate::term::fit::{Argument, Shape};

/// Plans what a SELECT computes from `table`.
pub fn plan(table: &Table, select: &Select, planner: &mut Planner<'_>) -> Result<Selection, Error> {
    let mut maker = Maker {
        table,
        planner,
        fetch: Fetch::new(table),
        aggregates: Vec::new(),
        in_aggregate: false,
    };
    let columns = match &select.selection {
        cql::tree::Selection::All => maker.all(),
        cql::tree::Selection::Items(items) => items
            .iter()
            .map(|item| maker.item(item))
            .collect::<Result<_, _>>()?,
    };
    Ok(Selection {
        fetch: maker.fetch,
        columns,
        aggregates: maker.aggregates,
    })
}

struct Maker<'a, 'b> {
    table: &'a Table,
    planner: &'a mut Planner<'b>,
    fetch: Fetch,
    aggregates: Vec<Aggregate>,
    in_aggregate: bool,
}

/// An expression with its type.
struct Typed {
    expression: Expression,
    ty: Type,
}

impl Maker<'_, '_> {
    fn all(&mut self) -> Vec<ResultColumn> {
        let table = self.table;
        table
            .columns()
            .map(|column| ResultColumn {
                name: column.name.to_string(),
                ty: column.ty.clone(),
                expression: Expression::Slot(self.fetch.slot(column)),
            })
            .collect()
    }

    fn item(&mut self, item: &SelectItem) -> Result<ResultColumn, Error> {
        let typed = self.selector(&item.selector, None)?;
        let name = match &item.alias {
            Some(alias) => alias.text.clone(),
            None => self.name(&item.selector)?,
        };
        Ok(ResultColumn {
            name,
            ty: typed.ty,
            expression: typed.expression,
        })
    }

    fn column(&self, selector: &Selector) -> Result<&Column, Error> {
        match &selector.kind {
            SelectorKind::Column(name) => restriction::column(self.table, &name.text),
            _ => Err(Error::invalid(format!(
                "Expected a column, found {selector}"
            ))),
        }
    }

    /// An expression for `selector`, of the wanted type where its own is open.
    fn selector(&mut self, selector: &Selector, wanted: Option<&Type>) -> Result<Typed, Error> {
        self.selector_kind(selector, wanted)
            .map_err(|error| error.at(selector.span))
    }

    fn selector_kind(
        &mut self,
        selector: &Selector,
        wanted: Option<&Type>,
    ) -> Result<Typed, Error> {
        match &selector.kind {
            SelectorKind::Column(_) => {
                let column = self.column(selector)?.clone();
                Ok(Typed {
                    expression: Expression::Slot(self.fetch.slot(&column)),
                    ty: column.ty,
                })
            }
            SelectorKind::CountRows => self.aggregate(AggregateKind::Count, None),
            SelectorKind::WriteTime(inner) => self.written(selector, inner, Type::BigInt),
            SelectorKind::TimeToLive(inner) => self.written(selector, inner, Type::Int),
            SelectorKind::MaxWriteTime(inner) => self.written(selector, inner, Type::BigInt),
            SelectorKind::Cast(inner, native) => self.cast(inner, &native.to_string()),
            SelectorKind::Function(name, arguments) => self.call(name, arguments),
            SelectorKind::Field(inner, field) => self.field(inner, &field.text),
            SelectorKind::Element(inner, key) => self.element(inner, key),
            SelectorKind::Slice(..) => Err(Error::unsupported("Selecting a slice of a collection")),
            SelectorKind::Arithmetic(..) | SelectorKind::Negation(_) => {
                Err(Error::unsupported("Arithmetic"))
            }
            SelectorKind::TypeHint(data_type, inner) => {
                let ty = self.planner.data_type(data_type)?;
                let typed = self.selector(inner, Some(&ty))?;
                Ok(Typed {
                    expression: typed.expression,
                    ty,
                })
            }
            _ => self.constant(selector, wanted),
        }
    }

    /// A selector that is a term: literals, markers and collections of them. Its type is what the
    /// place wants, for a literal alone says too little.
    fn constant(&mut self, selector: &Selector, wanted: Option<&Type>) -> Result<Typed, Error> {
        let Some(ty) = wanted else {
            return Err(Error::invalid(format!(
                "Cannot infer type for term {selector} in selection clause (try using a cast to force a type)"
            )));
        };
        let receiver = Receiver::new("[selection]", ty.clone());
        let plan = self.planner.plan(&as_term(selector)?, &receiver)?;
        Ok(Typed {
            expression: Expression::Term(plan),
            ty: ty.clone(),
        })
    }

    fn written(&mut self, selector: &Selector, inner: &Selector, ty: Type) -> Result<Typed, Error> {
        if matches!(
            inner.kind,
            SelectorKind::Field(..) | SelectorKind::Element(..)
        ) {
            return Err(Error::unsupported(format!(
                "{selector} of a part of a column"
            )));
        }
        let column = self.column(inner)?.clone();
        let word = match selector.kind {
            SelectorKind::TimeToLive(_) => "ttl",
            SelectorKind::MaxWriteTime(_) => "maxwritetime",
            _ => "writetime",
        };
        if column.is_key() {
            return Err(Error::invalid(format!(
                "Cannot use selection function {word} on PRIMARY KEY part {}",
                column.name
            )));
        }
        if column.ty.is_multi_cell() {
            let slot = self.fetch.slot_with_times(&column);
            return Ok(match word {
                "ttl" => Typed {
                    expression: Expression::TimesToLive(slot),
                    ty: Type::list(ty, false),
                },
                "writetime" => Typed {
                    expression: Expression::WriteTimes(slot),
                    ty: Type::list(ty, false),
                },
                _ => Typed {
                    expression: Expression::MaxWriteTime(slot),
                    ty,
                },
            });
        }
        let slot = self.fetch.slot(&column);
        let expression = match word {
            "ttl" => Expression::TimeToLive(slot),
            _ => Expression::WriteTime(slot),
        };
        Ok(Typed { expression, ty })
    }

    fn cast(&mut self, inner: &Selector, target: &str) -> Result<Typed, Error> {
        let target = Type::native(target)
            .ok_or_else(|| Error::invalid(format!("Unknown type {target} in a cast")))?;
        let typed = self.selector(inner, None)?;
        let function = function::cast(&typed.ty, &target)?;
        Ok(Typed {
            expression: Expression::Call(function, vec![typed.expression]),
            ty: target,
        })
    }

    fn call(&mut self, name: &QualifiedName, arguments: &[Selector]) -> Result<Typed, Error> {
        let word = name.name.text.as_str();
        if let (Some(kind), true) = (AggregateKind::named(word), function::is_in_system(name)) {
            let [argument] = arguments else {
                return Err(match kind {
                    AggregateKind::Sum | AggregateKind::Avg => {
                        function::none_matches(name, &signatures_of_numbers(kind))
                    }
                    _ => Error::invalid(format!(
                        "Invalid number of arguments for function system.{word}(any)"
                    )),
                });
            };
            return self.aggregate(kind, Some((name, argument)));
        }
        if function::is_token(name) {
            return self.token(arguments);
        }
        let function = self.function(name, arguments)?;
        self.apply(function, arguments)
    }

    fn function(
        &self,
        name: &QualifiedName,
        arguments: &[Selector],
    ) -> Result<Arc<Function>, Error> {
        function::resolve(name, &self.arguments(arguments)?)?
            .ok_or_else(|| Error::invalid(format!("Unknown function '{name}'")))
    }

    fn apply(&mut self, function: Arc<Function>, arguments: &[Selector]) -> Result<Typed, Error> {
        let expressions = arguments
            .iter()
            .zip(function.arguments.clone())
            .map(|(argument, ty)| Ok(self.selector(argument, Some(&ty))?.expression))
            .collect::<Result<_, Error>>()?;
        Ok(Typed {
            ty: function.result.clone(),
            expression: Expression::Call(function, expressions),
        })
    }

    fn arguments<'s>(&self, selectors: &'s [Selector]) -> Result<Vec<Argument<'s>>, Error> {
        let argument = |written: &'s Selector| {
            let shape = self.shape(written)?;
            Ok(Argument { shape, written })
        };
        selectors.iter().map(argument).collect()
    }

    fn shape<'s>(&self, selector: &'s Selector) -> Result<Shape<'s>, Error> {
        Ok(match &selector.kind {
            SelectorKind::Column(_) => Shape::Known(self.column(selector)?.ty.clone()),
            SelectorKind::Literal(literal) => Shape::Literal(literal),
            SelectorKind::TypeHint(data_type, _) => {
                Shape::Known(self.planner.data_type(data_type)?)
            }
            SelectorKind::Cast(_, native) => match Type::native(&native.to_string()) {
                Some(ty) => Shape::Known(ty),
                None => Shape::Anything,
            },
            SelectorKind::Function(name, arguments) => {
                match AggregateKind::named(&name.name.text) {
                    Some(AggregateKind::Count) => Shape::Known(Type::BigInt),
                    Some(_) if arguments.len() == 1 => self.shape(&arguments[0])?,
                    _ if name.name.text == "token" => Shape::Known(Type::BigInt),
                    _ => Shape::Known(self.function(name, arguments)?.result.clone()),
                }
            }
            SelectorKind::CountRows
            | SelectorKind::WriteTime(_)
            | SelectorKind::MaxWriteTime(_) => Shape::Known(Type::BigInt),
            SelectorKind::TimeToLive(_) => Shape::Known(Type::Int),
            SelectorKind::Field(inner, field) => match self.shape(inner)? {
                Shape::Known(ty) => Shape::Known(field_of(&ty, &field.text, selector)?.1),
                _ => Shape::Anything,
            },
            SelectorKind::Element(inner, _) => match self.shape(inner)? {
                Shape::Known(Type::Map { value, .. }) => Shape::Known((*value).clone()),
                Shape::Known(Type::Set { element, .. }) => Shape::Known((*element).clone()),
                _ => Shape::Anything,
            },
            _ => Shape::Anything,
        })
    }

    /// `token(..)`: of the partition key's columns, or of any values for them.
    fn token(&mut self, arguments: &[Selector]) -> Result<Typed, Error> {
        let types = self.planner.partition_key.clone();
        let function = function::token(types, &self.arguments(arguments)?)?;
        self.apply(function, arguments)
    }

    fn aggregate(
        &mut self,
        kind: AggregateKind,
        argument: Option<(&QualifiedName, &Selector)>,
    ) -> Result<Typed, Error> {
        if self.in_aggregate {
            return Err(Error::invalid(
                "aggregate functions cannot be used as arguments of aggregate functions",
            ));
        }
        self.in_aggregate = true;
        let typed = argument
            .map(|(_, argument)| self.selector(argument, None))
            .transpose()?;
        self.in_aggregate = false;
        let ty = typed
            .as_ref()
            .map_or(Type::BigInt, |typed| typed.ty.clone());
        if let (AggregateKind::Sum | AggregateKind::Avg, Some((name, _))) = (kind, argument)
            && !ty.is_number()
        {
            return Err(function::none_matches(name, &signatures_of_numbers(kind)));
        }
        let result = match kind {
            AggregateKind::Count => Type::BigInt,
            _ if ty.is_counter() => Type::BigInt,
            _ => ty.freeze(),
        };
        self.aggregates.push(Aggregate {
            kind,
            argument: typed.map(|typed| typed.expression),
            ty,
        });
        Ok(Typed {
            expression: Expression::Aggregate(self.aggregates.len() - 1),
            ty: result,
        })
    }

    fn field(&mut self, inner: &Selector, field: &str) -> Result<Typed, Error> {
        let typed = self.selector(inner, None)?;
        let (index, ty) = field_of(&typed.ty, field, inner)?;
        Ok(Typed {
            expression: Expression::Field(Box::new(typed.expression), index),
            ty,
        })
    }

    fn element(&mut self, inner: &Selector, key: &Term) -> Result<Typed, Error> {
        let typed = self.selector(inner, None)?;
        let (key_type, result) = match &typed.ty {
            Type::Map { key, value, .. } => ((**key).clone(), (**value).clone()),
            Type::Set { element, .. } => ((**element).clone(), (**element).clone()),
            Type::List { .. } => {
                return Err(Error::invalid(format!(
                    "Element selection is only allowed on sets and maps, but {inner} is a list"
                )));
            }
            other => {
                return Err(Error::invalid(format!(
                    "Invalid element selection: {inner} is of type {other} is not a collection"
                )));
            }
        };
        let receiver = Receiver::new(format!("key({inner})"), key_type);
        let key = self.planner.plan(key, &receiver)?;
        let expression = Expression::Element {
            of: Box::new(typed.expression),
            ty: typed.ty,
            key,
        };
        Ok(Typed {
            expression,
            ty: result,
        })
    }

    /// What Cassandra calls a selector without an alias.
    fn name(&self, selector: &Selector) -> Result<String, Error> {
        Ok(match &selector.kind {
            SelectorKind::Column(name) => name.text.clone(),
            SelectorKind::CountRows => "count".into(),
            SelectorKind::WriteTime(inner) => format!("writetime({})", self.name(inner)?),
            SelectorKind::MaxWriteTime(inner) => format!("maxwritetime({})", self.name(inner)?),
            SelectorKind::TimeToLive(inner) => format!("ttl({})", self.name(inner)?),
            SelectorKind::Cast(inner, native) => format!("cast({} as {native})", self.name(inner)?),
            SelectorKind::Field(inner, field) => format!("{}.{}", self.name(inner)?, field.text),
            SelectorKind::Element(inner, key) => format!("{}[{key}]", self.name(inner)?),
            SelectorKind::TypeHint(data_type, inner) => {
                format!("({data_type}){}", self.name(inner)?)
            }
            SelectorKind::Function(name, arguments) => {
                let names = arguments
                    .iter()
                    .map(|argument| self.name(argument))
                    .collect::<Result<Vec<_>, _>>()?;
                format!(
                    "{}({})",
                    self.function_name(name, arguments)?,
                    names.join(", ")
                )
            }
            _ => selector.to_string(),
        })
    }

    fn function_name(&self, name: &QualifiedName, arguments: &[Selector]) -> Result<String, Error> {
        let word = name.name.text.as_str();
        if AggregateKind::named(word).is_some() || word == "token" {
            return Ok(format!("system.{word}"));
        }
        Ok(self.function(name, arguments)?.name.clone())
    }
}

/// What SUM and AVG take: every type of numbers, and they answer in the same.
fn signatures_of_numbers(kind: AggregateKind) -> String {
    const NUMBERS: [Type; 9] = [
        Type::TinyInt,
        Type::SmallInt,
        Type::Int,
        Type::BigInt,
        Type::Float,
        Type::Double,
        Type::Decimal,
        Type::VarInt,
        Type::Counter,
    ];
    let word = kind.name();
    let signature = |ty: &Type| match ty {
        Type::Counter => format!("system.{word} : (counter) -> bigint"),
        ty => format!("system.{word} : ({ty}) -> {ty}"),
    };
    NUMBERS.iter().map(signature).collect::<Vec<_>>().join(", ")
}

fn field_of(ty: &Type, field: &str, selector: &Selector) -> Result<(usize, Type), Error> {
    let Type::Udt { definition, .. } = ty else {
        return Err(Error::invalid(format!(
            "Invalid field selection: {selector} of type {ty} is not a user type"
        )));
    };
    let index = definition.field_index(field).ok_or_else(|| {
        Error::invalid(format!(
            "{selector} of type {} has no field {field}",
            definition.name
        ))
    })?;
    Ok((index, definition.fields[index].1.clone()))
}

/// The term that a selector without columns stands for.
fn as_term(selector: &Selector) -> Result<Term, Error> {
    let each = |items: &[Selector]| items.iter().map(as_term).collect::<Result<Vec<_>, _>>();
    let kind = match &selector.kind {
        SelectorKind::Literal(literal) => TermKind::Literal(literal.clone()),
        SelectorKind::Null => TermKind::Null,
        SelectorKind::Marker(marker) => TermKind::Marker(marker.clone()),
        SelectorKind::Tuple(items) => TermKind::Tuple(each(items)?),
        SelectorKind::List(items) => TermKind::List(each(items)?),
        SelectorKind::Set(items) => TermKind::Set(each(items)?),
        SelectorKind::Map(pairs) => TermKind::Map(
            pairs
                .iter()
                .map(|(k, v)| Ok((as_term(k)?, as_term(v)?)))
                .collect::<Result<_, Error>>()?,
        ),
        SelectorKind::TypeHint(data_type, inner) => {
            TermKind::TypeHint(data_type.clone(), Box::new(as_term(inner)?))
        }
        SelectorKind::Function(name, arguments) => {
            TermKind::Function(name.clone(), each(arguments)?)
        }
        _ => {
            return Err(Error::unsupported(format!(
                "{selector} inside a literal of the selection"
            )));
        }
    };
    Ok(Term {
        kind,
        span: selector.span,
    })
}
