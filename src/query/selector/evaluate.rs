//! The value of an expression for one row.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;
use types::{Type, collection, tuple, vector};

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::function::{Call, Function};
use crate::row::{Row, Times, Values};
use crate::selector::{Expression, Selection};
use crate::term::{self, null_inside};

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
            Expression::Times(times) => times.value(self)?.map(Cow::Owned),
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
                let key = key_value(key, self.bindings)?;
                element(ty, &whole, key.bytes().unwrap_or_default())?.map(Cow::Owned)
            }
            Expression::Slice { of, ty, from, to } => {
                let Some(whole) = self.value(of)? else {
                    return Ok(None);
                };
                let ends = Ends::evaluate(from.as_ref(), to.as_ref(), self.bindings)?;
                slice(ty, &whole, &ends)?.map(Cow::Owned)
            }
            Expression::Items { ty, items } => Some(Cow::Owned(self.items(ty, items)?)),
            Expression::Pairs { ty, pairs } => Some(Cow::Owned(self.pairs(ty, pairs)?)),
            Expression::Components(parts) => {
                let parts = parts.iter().map(|part| self.value(part));
                let parts = parts.collect::<Result<Vec<_>, _>>()?;
                Some(Cow::Owned(tuple::encode(
                    parts.iter().map(Option::as_deref),
                )))
            }
            Expression::Aggregate(index) => self
                .aggregates
                .get(*index)
                .and_then(|value| value.as_deref())
                .map(Cow::Borrowed),
        })
    }

    /// The seconds until then, as an int.
    pub fn seconds_left(&self, expiry: i64) -> [u8; 4] {
        let left = expiry.saturating_sub(self.bindings.moment.now_seconds);
        (left.clamp(0, i64::from(i32::MAX)) as i32).to_be_bytes()
    }

    /// Something of each element's times, as a list in which null is an item of length -1.
    pub fn list(
        &self,
        times: &[Option<Times>],
        each: impl Fn(&Times) -> Option<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        if times.is_empty() {
            return None;
        }
        let mut out = Vec::new();
        collection::put_count(&mut out, times.len());
        for item in times {
            tuple::put(&mut out, item.as_ref().and_then(&each).as_deref());
        }
        Some(out)
    }

    /// A list, set or vector of what was computed; null is an item of length -1, which a set cannot have.
    fn items(&self, ty: &Type, items: &[Expression]) -> Result<Vec<u8>, Error> {
        if let Type::Vector { element, .. } = ty {
            let values = items.iter().map(|item| self.value(item));
            let values = values.collect::<Result<Option<Vec<Cow<'_, [u8]>>>, Error>>()?;
            let values = values.ok_or_else(|| null_inside(ty))?;
            return Ok(vector::encode(element, values.iter().map(|v| &**v)));
        }
        let mut out = Vec::new();
        collection::put_count(&mut out, items.len());
        for item in items {
            tuple::put(&mut out, self.value(item)?.as_deref());
        }
        sorted(ty, out)
    }

    fn pairs(&self, ty: &Type, pairs: &[(Expression, Expression)]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        collection::put_count(&mut out, pairs.len());
        for (key, value) in pairs {
            tuple::put(&mut out, self.value(key)?.as_deref());
            tuple::put(&mut out, self.value(value)?.as_deref());
        }
        sorted(ty, out)
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

/// The key of an element, which is neither null nor unset.
pub fn key_value<'a>(key: &'a term::Plan, bindings: &'a Bindings<'_>) -> Result<Bound<'a>, Error> {
    match key.evaluate(bindings)? {
        Bound::Null => Err(Error::invalid("Invalid null value for element selection")),
        Bound::Unset => Err(Error::invalid("Invalid unset value for element selection")),
        key => Ok(key),
    }
}

/// The ends of a slice, both in it; an unset one is open.
pub struct Ends<'a> {
    /// The first.
    pub from: Bound<'a>,
    /// The last.
    pub to: Bound<'a>,
}

impl<'a> Ends<'a> {
    /// The ends for one execution.
    pub fn evaluate(
        from: Option<&'a term::Plan>,
        to: Option<&'a term::Plan>,
        bindings: &'a Bindings<'_>,
    ) -> Result<Self, Error> {
        let end = |plan: Option<&'a term::Plan>| match plan {
            None => Ok(Bound::Unset),
            Some(plan) => match plan.evaluate(bindings)? {
                Bound::Null => Err(Error::invalid("Invalid null value for slice selection")),
                value => Ok(value),
            },
        };
        Ok(Ends {
            from: end(from)?,
            to: end(to)?,
        })
    }

    /// Whether a key lies between them.
    pub fn contains(&self, ty: &Type, key: &[u8]) -> bool {
        let from = self.from.bytes();
        let to = self.to.bytes();
        from.is_none_or(|from| ty.compare(key, from).is_ge())
            && to.is_none_or(|to| ty.compare(key, to).is_le())
    }
}

impl Expression {
    /// What it is computed from.
    fn parts(&self) -> Vec<&Expression> {
        match self {
            Expression::Slot(_)
            | Expression::Term(_)
            | Expression::WriteTime(_)
            | Expression::TimeToLive(_)
            | Expression::Times(_)
            | Expression::Aggregate(_) => Vec::new(),
            Expression::Call(_, parts)
            | Expression::Items { items: parts, .. }
            | Expression::Components(parts) => parts.iter().collect(),
            Expression::Pairs { pairs, .. } => {
                pairs.iter().flat_map(|(key, value)| [key, value]).collect()
            }
            Expression::Field(of, _)
            | Expression::Element { of, .. }
            | Expression::Slice { of, .. } => vec![of],
        }
    }

    /// Whether the result of an aggregate is part of it.
    pub fn has_aggregate(&self) -> bool {
        matches!(self, Expression::Aggregate(_))
            || self.parts().into_iter().any(Expression::has_aggregate)
    }

    /// Whether a bound value is part of it.
    fn has_marker(&self) -> bool {
        let end = |plan: &Option<term::Plan>| plan.as_ref().is_some_and(term::Plan::has_marker);
        let own = match self {
            Expression::Term(plan) | Expression::Element { key: plan, .. } => plan.has_marker(),
            Expression::Times(times) => times.has_marker(),
            Expression::Slice { from, to, .. } => end(from) || end(to),
            _ => false,
        };
        own || self.parts().into_iter().any(Expression::has_marker)
    }

    /// The same with other parts.
    fn with_parts(
        &self,
        mut each: impl FnMut(&Expression) -> Result<Expression, Error>,
    ) -> Result<Expression, Error> {
        Ok(match self {
            Expression::Slot(_)
            | Expression::Term(_)
            | Expression::WriteTime(_)
            | Expression::TimeToLive(_)
            | Expression::Times(_)
            | Expression::Aggregate(_) => self.clone(),
            Expression::Call(function, arguments) => {
                let arguments = arguments.iter().map(each);
                Expression::Call(function.clone(), arguments.collect::<Result<_, _>>()?)
            }
            Expression::Components(parts) => {
                Expression::Components(parts.iter().map(each).collect::<Result<_, _>>()?)
            }
            Expression::Items { ty, items } => Expression::Items {
                ty: ty.clone(),
                items: items.iter().map(each).collect::<Result<_, _>>()?,
            },
            Expression::Pairs { ty, pairs } => {
                let pairs = pairs.iter().map(|(k, v)| Ok((each(k)?, each(v)?)));
                Expression::Pairs {
                    ty: ty.clone(),
                    pairs: pairs.collect::<Result<_, Error>>()?,
                }
            }
            Expression::Field(of, index) => Expression::Field(Box::new(each(of)?), *index),
            Expression::Element { of, ty, key } => Expression::Element {
                of: Box::new(each(of)?),
                ty: ty.clone(),
                key: key.clone(),
            },
            Expression::Slice { of, ty, from, to } => Expression::Slice {
                of: Box::new(each(of)?),
                ty: ty.clone(),
                from: from.clone(),
                to: to.clone(),
            },
        })
    }

    /// The same with bound values in place of markers.
    fn bound(&self, bindings: &Bindings<'_>) -> Result<Expression, Error> {
        // An open end stays open; null is refused here, before any row is read.
        let end = |plan: &Option<term::Plan>| match plan {
            Some(plan) if !plan.evaluate(bindings)?.is_unset() => plan.bound(bindings).map(Some),
            _ => Ok(None),
        };
        let mut bound = self.with_parts(|part| part.bound(bindings))?;
        match &mut bound {
            Expression::Term(plan) => *plan = plan.bound(bindings)?,
            Expression::Times(times) => **times = times.bound(bindings)?,
            Expression::Element { key, .. } => {
                key_value(key, bindings)?;
                *key = key.bound(bindings)?;
            }
            Expression::Slice { from, to, .. } => {
                Ends::evaluate(from.as_ref(), to.as_ref(), bindings)?;
                (*from, *to) = (end(from)?, end(to)?);
            }
            _ => {}
        }
        Ok(bound)
    }

    /// The same with what this row gives in place of all but the aggregates.
    pub fn settled(&self, scope: &Scope<'_, '_>) -> Result<Expression, Error> {
        if self.has_aggregate() {
            return match self {
                Expression::Aggregate(_) => Ok(self.clone()),
                other => other.with_parts(|part| part.settled(scope)),
            };
        }
        let value = scope.value(self)?;
        Ok(Expression::Term(term::Plan::Constant(
            value.as_deref().map(Arc::from),
        )))
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

/// The part of a set or map between two keys; an empty part is null unless the collection is frozen.
fn slice(ty: &Type, whole: &[u8], ends: &Ends<'_>) -> Result<Option<Vec<u8>>, Error> {
    let (count, part) = match ty {
        Type::Map { key, .. } => {
            let pairs = collection::Pairs::new(whole)?.collect::<Result<Vec<_>, _>>()?;
            let within = pairs.into_iter().filter(|(k, _)| ends.contains(key, k));
            let within: Vec<(&[u8], &[u8])> = within.collect();
            (within.len(), collection::encode_pairs(within))
        }
        Type::Set { element, .. } => {
            let items = collection::Items::new(whole)?.collect::<Result<Vec<_>, _>>()?;
            let within = items
                .into_iter()
                .filter(|item| ends.contains(element, item));
            let within: Vec<&[u8]> = within.collect();
            (within.len(), collection::encode_items(within))
        }
        _ => return Ok(None),
    };
    Ok((count > 0 || !ty.is_multi_cell()).then_some(part))
}

/// A set or map in the order of its type.
fn sorted(ty: &Type, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    if matches!(ty, Type::List { .. }) {
        return Ok(bytes);
    }
    Ok(match collection::normalize(ty, &bytes)? {
        Cow::Owned(ordered) => ordered,
        Cow::Borrowed(_) => bytes,
    })
}
