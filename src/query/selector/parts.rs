//! Selectors of parts of a value (fields, elements, slices), and when columns or their parts were written.

use cql::tree::{Selector, SelectorKind, Term};
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;
use crate::selector::plan::{Maker, Typed};
use crate::selector::{Expression, Part, Times, TimesKind};
use crate::term;
use crate::term::fit::Shape;

impl Maker<'_, '_> {
    /// `selector.field`
    pub fn field(&mut self, inner: &Selector, field: &str) -> Result<Typed, Error> {
        let typed = self.selector(inner, None)?;
        let (index, ty) = field_of(&typed.ty, field, inner)?;
        Ok(Typed {
            expression: Expression::Field(Box::new(typed.expression), index),
            ty,
        })
    }

    /// `selector[key]`
    pub fn element(&mut self, inner: &Selector, key: &Term) -> Result<Typed, Error> {
        let typed = self.selector(inner, None)?;
        let key = self.key(inner, &typed.ty, key)?;
        let result = match &typed.ty {
            Type::Map { value, .. } => (**value).clone(),
            other => key_type(inner, other, "element")?,
        };
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

    /// `selector[from..to]`
    pub fn slice(
        &mut self,
        inner: &Selector,
        from: Option<&Term>,
        to: Option<&Term>,
    ) -> Result<Typed, Error> {
        let typed = self.selector(inner, None)?;
        let (from, to) = self.ends(inner, &typed.ty, from, to)?;
        let ty = typed.ty.clone();
        let expression = Expression::Slice {
            of: Box::new(typed.expression),
            ty: typed.ty,
            from,
            to,
        };
        Ok(Typed { expression, ty })
    }

    fn key(&mut self, of: &Selector, ty: &Type, key: &Term) -> Result<term::Plan, Error> {
        let receiver = Receiver::new(format!("key({of})"), key_type(of, ty, "element")?);
        match self.planner.plan(key, &receiver)? {
            term::Plan::Constant(None) => Err(Error::invalid(format!(
                "Invalid null value for element selection on {of}"
            ))),
            plan => Ok(plan),
        }
    }

    fn ends(
        &mut self,
        of: &Selector,
        ty: &Type,
        from: Option<&Term>,
        to: Option<&Term>,
    ) -> Result<(Option<term::Plan>, Option<term::Plan>), Error> {
        let receiver = Receiver::new(format!("key({of})"), key_type(of, ty, "slice")?);
        let mut end = |term: Option<&Term>| match term {
            None => Ok(None),
            Some(term) => match self.planner.plan(term, &receiver)? {
                term::Plan::Constant(None) => Err(Error::invalid(format!(
                    "Invalid null value for slice selection on {of}"
                ))),
                plan => Ok(Some(plan)),
            },
        };
        Ok((end(from)?, end(to)?))
    }

    /// `writetime(..)`, `maxwritetime(..)` and `ttl(..)` of a column or a part of one.
    pub fn times(&mut self, inner: &Selector, kind: TimesKind) -> Result<Typed, Error> {
        let whole = match &inner.kind {
            SelectorKind::Field(of, _)
            | SelectorKind::Element(of, _)
            | SelectorKind::Slice(of, ..) => of,
            _ => inner,
        };
        if !matches!(whole.kind, SelectorKind::Column(_)) {
            return Err(Error::unsupported(format!(
                "{} of {inner}, a part of a part of a column,",
                kind.name()
            )));
        }
        let column = self.column(whole)?.clone();
        if column.is_key() {
            return Err(Error::invalid(format!(
                "Cannot use selection function {} on PRIMARY KEY part {}",
                kind.name(),
                column.name
            )));
        }
        let part = self.part(inner, whole, &column.ty)?;
        if matches!(part, Part::Whole) && !column.ty.is_multi_cell() {
            let slot = self.fetch.slot(&column);
            return Ok(match kind {
                TimesKind::TimeToLive => Typed {
                    expression: Expression::TimeToLive(slot),
                    ty: Type::Int,
                },
                _ => Typed {
                    expression: Expression::WriteTime(slot),
                    ty: Type::BigInt,
                },
            });
        }
        let times = Times {
            slot: self.fetch.slot_with_times(&column),
            ty: column.ty,
            part,
            kind,
        };
        Ok(Typed {
            ty: times.result(),
            expression: Expression::Times(Box::new(times)),
        })
    }

    /// The type of `writetime(..)` or `ttl(..)`: a list where there are many cells.
    pub fn shape_of_times(&self, inner: &Selector, each: Type) -> Result<Shape<'static>, Error> {
        let many = match (&inner.kind, self.shape(inner)?) {
            (SelectorKind::Column(_) | SelectorKind::Slice(..), Shape::Known(ty)) => {
                ty.is_multi_cell()
            }
            _ => false,
        };
        Ok(Shape::Known(match many {
            true => Type::list(each, false),
            false => each,
        }))
    }

    fn part(&mut self, selector: &Selector, whole: &Selector, ty: &Type) -> Result<Part, Error> {
        Ok(match &selector.kind {
            SelectorKind::Field(_, field) => Part::Field(field_of(ty, &field.text, whole)?.0),
            SelectorKind::Element(_, key) => Part::Element(self.key(whole, ty, key)?),
            SelectorKind::Slice(_, from, to) => {
                let (from, to) = self.ends(whole, ty, from.as_deref(), to.as_deref())?;
                Part::Slice(from, to)
            }
            _ => Part::Whole,
        })
    }
}

impl TimesKind {
    /// The name of its function.
    pub fn name(self) -> &'static str {
        match self {
            TimesKind::WriteTime => "writetime",
            TimesKind::MaxWriteTime => "maxwritetime",
            TimesKind::TimeToLive => "ttl",
        }
    }
}

/// What finds an element of a set or map; `what` is selected of it.
fn key_type(of: &Selector, ty: &Type, what: &str) -> Result<Type, Error> {
    match ty {
        Type::Map { key, .. } => Ok((**key).clone()),
        Type::Set { element, .. } => Ok((**element).clone()),
        Type::List { .. } => {
            let what = match what {
                "slice" => "Slice",
                _ => "Element",
            };
            Err(Error::invalid(format!(
                "{what} selection is only allowed on sets and maps, but {of} is a list"
            )))
        }
        other => Err(Error::invalid(format!(
            "Invalid {what} selection: {of} is of type {other} is not a collection"
        ))),
    }
}

/// The position and type of a field.
pub fn field_of(ty: &Type, field: &str, selector: &Selector) -> Result<(usize, Type), Error> {
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
