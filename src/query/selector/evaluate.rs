//! The value of an expression for one row.

use std::borrow::Cow;

use smallvec::SmallVec;
use types::{Type, collection, tuple};

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::function::{Call, Function};
use crate::row::{Row, Times, Values};
use crate::selector::{Expression, Selection};

/// What an expression may look at.
pub struct Scope<'a, 'b> {
    /// The row.
    pub row: &'a Row<'a>,
    /// Its values by slot.
    pub values: &'a Values,
    /// The statement's bindings.
    pub bindings: &'a Bindings<'b>,
    /// Results of aggregates, once known.
    pub aggregates: &'a [Option<Vec<u8>>],
}

impl Scope<'_, '_> {
    /// The value; `None` is null.
    pub fn value<'v>(&'v self, expression: &'v Expression) -> Result<Option<Cow<'v, [u8]>>, Error> {
        Ok(match expression {
            Expression::Slot(slot) => self.values.get(*slot, self.row).map(Cow::Borrowed),
            Expression::Term(plan) => match plan.evaluate(self.bindings)? {
                Bound::Null | Bound::Unset => None,
                Bound::Borrowed(bytes) => Some(Cow::Borrowed(bytes)),
                Bound::Owned(bytes) => Some(Cow::Owned(bytes)),
            },
            Expression::WriteTime(slot) => self
                .values
                .written(*slot)
                .map(|micros| Cow::Owned(micros.to_be_bytes().to_vec())),
            Expression::TimeToLive(slot) => self
                .values
                .expiry(*slot)
                .map(|expiry| Cow::Owned(self.seconds_left(expiry).to_vec())),
            Expression::WriteTimes(slot) => {
                self.list(*slot, |times| Some(times.written.to_be_bytes().to_vec()))
            }
            Expression::TimesToLive(slot) => self.list(*slot, |times| {
                times
                    .expiry
                    .map(|expiry| self.seconds_left(expiry).to_vec())
            }),
            Expression::MaxWriteTime(slot) => {
                let times = self.values.element_times(*slot).iter().flatten();
                let last = times.map(|times| times.written).max();
                last.map(|micros| Cow::Owned(micros.to_be_bytes().to_vec()))
            }
            Expression::Call(function, arguments) => {
                self.call(function, arguments)?.map(Cow::Owned)
            }
            Expression::Field(of, index) => match self.value(of)? {
                None => None,
                Some(Cow::Borrowed(bytes)) => tuple::component(bytes, *index)?.map(Cow::Borrowed),
                Some(Cow::Owned(bytes)) => {
                    tuple::component(&bytes, *index)?.map(|field| Cow::Owned(field.to_vec()))
                }
            },
            Expression::Element { of, ty, key } => {
                let Some(whole) = self.value(of)? else {
                    return Ok(None);
                };
                match key.evaluate(self.bindings)? {
                    Bound::Null | Bound::Unset => None,
                    key => element(ty, &whole, key.bytes().unwrap_or_default())?.map(Cow::Owned),
                }
            }
            Expression::Aggregate(index) => self
                .aggregates
                .get(*index)
                .and_then(|value| value.as_deref())
                .map(Cow::Borrowed),
        })
    }

    fn seconds_left(&self, expiry: i64) -> [u8; 4] {
        let left = expiry.saturating_sub(self.bindings.moment.now_seconds);
        (left.clamp(0, i64::from(i32::MAX)) as i32).to_be_bytes()
    }

    /// Something of each element's times, as a list in which null is an item of length -1.
    fn list(
        &self,
        slot: usize,
        each: impl Fn(&Times) -> Option<Vec<u8>>,
    ) -> Option<Cow<'static, [u8]>> {
        let times = self.values.element_times(slot);
        if times.is_empty() {
            return None;
        }
        let mut out = Vec::new();
        collection::put_count(&mut out, times.len());
        for item in times {
            tuple::put(&mut out, item.as_ref().and_then(&each).as_deref());
        }
        Some(Cow::Owned(out))
    }

    fn call(
        &self,
        function: &Function,
        arguments: &[Expression],
    ) -> Result<Option<Vec<u8>>, Error> {
        let values: SmallVec<[Option<Cow<'_, [u8]>>; 4]> = arguments
            .iter()
            .map(|argument| self.value(argument))
            .collect::<Result<_, _>>()?;
        let bytes: SmallVec<[Option<&[u8]>; 4]> = values.iter().map(Option::as_deref).collect();
        function.call(&Call {
            arguments: &bytes,
            types: &function.arguments,
            result: &function.result,
            moment: self.bindings.moment,
            chance: self.bindings.chance,
        })
    }
}

impl Expression {
    /// Whether the result of an aggregate is part of it.
    pub fn has_aggregate(&self) -> bool {
        match self {
            Expression::Aggregate(_) => true,
            Expression::Slot(_)
            | Expression::Term(_)
            | Expression::WriteTime(_)
            | Expression::TimeToLive(_)
            | Expression::WriteTimes(_)
            | Expression::TimesToLive(_)
            | Expression::MaxWriteTime(_) => false,
            Expression::Call(_, arguments) => arguments.iter().any(Expression::has_aggregate),
            Expression::Field(of, _) | Expression::Element { of, .. } => of.has_aggregate(),
        }
    }

    /// Whether a bound value is part of it.
    fn has_marker(&self) -> bool {
        match self {
            Expression::Term(plan) => plan.has_marker(),
            Expression::Slot(_)
            | Expression::Aggregate(_)
            | Expression::WriteTime(_)
            | Expression::TimeToLive(_)
            | Expression::WriteTimes(_)
            | Expression::TimesToLive(_)
            | Expression::MaxWriteTime(_) => false,
            Expression::Call(_, arguments) => arguments.iter().any(Expression::has_marker),
            Expression::Field(of, _) => of.has_marker(),
            Expression::Element { of, key, .. } => of.has_marker() || key.has_marker(),
        }
    }

    /// The same with bound values in place of markers.
    fn bound(&self, bindings: &Bindings<'_>) -> Result<Expression, Error> {
        Ok(match self {
            Expression::Term(plan) => Expression::Term(plan.bound(bindings)?),
            Expression::Call(function, arguments) => Expression::Call(
                function.clone(),
                arguments
                    .iter()
                    .map(|argument| argument.bound(bindings))
                    .collect::<Result<_, _>>()?,
            ),
            Expression::Field(of, index) => {
                Expression::Field(Box::new(of.bound(bindings)?), *index)
            }
            Expression::Element { of, ty, key } => Expression::Element {
                of: Box::new(of.bound(bindings)?),
                ty: ty.clone(),
                key: key.bound(bindings)?,
            },
            other => other.clone(),
        })
    }
}

impl Selection {
    /// The selection with bound values in place of markers; none if it has no markers.
    pub fn bound(&self, bindings: &Bindings<'_>) -> Result<Option<Selection>, Error> {
        let arguments = self
            .aggregates
            .iter()
            .filter_map(|aggregate| aggregate.argument.as_ref());
        let mut expressions = self
            .columns
            .iter()
            .map(|column| &column.expression)
            .chain(arguments);
        if !expressions.any(Expression::has_marker) {
            return Ok(None);
        }
        let mut bound = self.clone();
        for column in &mut bound.columns {
            column.expression = column.expression.bound(bindings)?;
        }
        for aggregate in &mut bound.aggregates {
            if let Some(argument) = &mut aggregate.argument {
                *argument = argument.bound(bindings)?;
            }
        }
        Ok(Some(bound))
    }
}

/// The value of a map under a key, or the element of a set that equals it.
fn element(ty: &Type, whole: &[u8], wanted: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    match ty {
        Type::Map { key, .. } => {
            for pair in collection::Pairs::new(whole)? {
                let (candidate, value) = pair?;
                if key.compare(candidate, wanted).is_eq() {
                    return Ok(Some(value.to_vec()));
                }
            }
        }
        Type::Set { element, .. } => {
            for item in collection::Items::new(whole)? {
                let item = item?;
                if element.compare(item, wanted).is_eq() {
                    return Ok(Some(item.to_vec()));
                }
            }
        }
        _ => {}
    }
    Ok(None)
}
