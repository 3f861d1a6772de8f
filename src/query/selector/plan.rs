//! Selectors checked against the table, named and typed.

use std::sync::Arc;

use cql::tree::{QualifiedName, Select, SelectItem, Selector, SelectorKind};
use schema::Table;
use schema::table::Column;
use types::Type;

use crate::error::Error;
use crate::function::{self, Function, Sought};
use crate::restriction;
use crate::row::Fetch;
use crate::selector::parts::field_of;
use crate::selector::{Aggregate, AggregateKind, Expression, ResultColumn, Selection, TimesKind};
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

/// Plans the selectors of one SELECT.
pub struct Maker<'a, 'b> {
    table: &'a Table,
    /// Plans their terms.
    pub planner: &'a mut Planner<'b>,
    /// The columns that are read.
    pub fetch: Fetch,
    aggregates: Vec<Aggregate>,
    in_aggregate: bool,
}

/// An expression with its type.
pub struct Typed {
    /// The expression.
    pub expression: Expression,
    /// The type.
    pub ty: Type,
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

    /// The column that a selector is.
    pub fn column(&self, selector: &Selector) -> Result<&Column, Error> {
        match &selector.kind {
            SelectorKind::Column(name) => restriction::column(self.table, &name.text),
            _ => Err(Error::invalid(format!(
                "Expected a column, found {selector}"
            ))),
        }
    }

    /// An expression for `selector`, of the wanted type where its own is open.
    pub fn selector(&mut self, selector: &Selector, wanted: Option<&Type>) -> Result<Typed, Error> {
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
            SelectorKind::WriteTime(inner) => self.times(inner, TimesKind::WriteTime),
            SelectorKind::TimeToLive(inner) => self.times(inner, TimesKind::TimeToLive),
            SelectorKind::MaxWriteTime(inner) => self.times(inner, TimesKind::MaxWriteTime),
            SelectorKind::Cast(inner, native) => self.cast(inner, &native.to_string()),
            SelectorKind::Function(name, arguments) => self.call(name, arguments),
            SelectorKind::Field(inner, field) => self.field(inner, &field.text),
            SelectorKind::Element(inner, key) => self.element(inner, key),
            SelectorKind::Slice(inner, from, to) => {
                self.slice(inner, from.as_deref(), to.as_deref())
            }
            SelectorKind::Arithmetic(..) | SelectorKind::Negation(_) => {
                Err(Error::unsupported("Arithmetic"))
            }
            SelectorKind::TypeHint(data_type, inner) => {
                let ty = self.planner.data_type(data_type)?;
                self.refuse_unfit(selector, inner, &ty)?;
                let typed = self.selector(inner, Some(&ty))?;
                Ok(Typed {
                    expression: typed.expression,
                    ty,
                })
            }
            _ => self.composed(selector, wanted),
        }
    }

    fn cast(&mut self, inner: &Selector, target: &str) -> Result<Typed, Error> {
        let target = Type::native(target)
            .ok_or_else(|| Error::invalid(format!("Unknown type {target} in a cast")))?;
        let typed = self.selector(inner, None)?;
        let function = function::cast(&Shape::Known(typed.ty), &target, None)?
            .ok_or_else(|| Error::invalid(format!("{inner} cannot be cast to {target}")))?;
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
            // The count of any constant is the count of rows, and `null` is not one.
            if is_row_count(kind, argument) {
                return self.aggregate(kind, None);
            }
            return self.aggregate(kind, Some((name, argument)));
        }
        if function::is_token(name) {
            return self.token(arguments);
        }
        let function = self.function(name, arguments)?;
        self.apply(function, arguments)
    }

    /// The function that a call means.
    pub fn function(
        &self,
        name: &QualifiedName,
        arguments: &[Selector],
    ) -> Result<Arc<Function>, Error> {
        let sought = Sought {
            arguments: &self.arguments(arguments)?,
            receiver: None,
        };
        function::resolve(name, &sought)?
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

    /// What is known of a selector's type before a place for it is chosen.
    pub fn shape<'s>(&self, selector: &'s Selector) -> Result<Shape<'s>, Error> {
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
            SelectorKind::CountRows | SelectorKind::MaxWriteTime(_) => Shape::Known(Type::BigInt),
            SelectorKind::WriteTime(inner) => self.shape_of_times(inner, Type::BigInt)?,
            SelectorKind::TimeToLive(inner) => self.shape_of_times(inner, Type::Int)?,
            SelectorKind::Field(inner, field) => match self.shape(inner)? {
                Shape::Known(ty) => Shape::Known(field_of(&ty, &field.text, selector)?.1),
                _ => Shape::Anything,
            },
            SelectorKind::Element(inner, _) => match self.shape(inner)? {
                Shape::Known(Type::Map { value, .. }) => Shape::Known((*value).clone()),
                Shape::Known(Type::Set { element, .. }) => Shape::Known((*element).clone()),
                _ => Shape::Anything,
            },
            SelectorKind::Slice(inner, ..) => self.shape(inner)?,
            SelectorKind::List(items) => Shape::List(self.shapes(items)?),
            SelectorKind::Set(items) => Shape::Set(self.shapes(items)?),
            SelectorKind::Tuple(items) => Shape::Tuple(self.shapes(items)?),
            SelectorKind::Map(pairs) => {
                let shapes = pairs
                    .iter()
                    .map(|(k, v)| Ok((self.shape(k)?, self.shape(v)?)));
                Shape::Map(shapes.collect::<Result<_, Error>>()?)
            }
            _ => Shape::Anything,
        })
    }

    fn shapes<'s>(&self, selectors: &'s [Selector]) -> Result<Vec<Shape<'s>>, Error> {
        selectors
            .iter()
            .map(|selector| self.shape(selector))
            .collect()
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
}

/// Whether it is `count` of a constant, which counts rows.
pub fn is_row_count(kind: AggregateKind, argument: &Selector) -> bool {
    kind == AggregateKind::Count && matches!(argument.kind, SelectorKind::Literal(_))
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
