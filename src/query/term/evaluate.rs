//! The value of a planned term for one execution.

use std::borrow::Cow;

use smallvec::SmallVec;
use types::{Type, collection, tuple, vector};

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::function::Call;
use crate::term::Plan;
use crate::term::refusal::null_inside;

impl Plan {
    /// The value: borrowed from the plan or the request where it can be.
    pub fn evaluate<'a>(&'a self, bindings: &'a Bindings<'_>) -> Result<Bound<'a>, Error> {
        Ok(match self {
            Plan::Constant(None) => Bound::Null,
            Plan::Constant(Some(bytes)) => Bound::Borrowed(bytes),
            Plan::Marker {
                index,
                sorted: None,
            } => bindings.get(*index),
            Plan::Marker {
                index,
                sorted: Some(ty),
            } => match bindings.get(*index) {
                Bound::Borrowed(bytes) => match collection::normalize(ty, bytes)? {
                    Cow::Borrowed(bytes) => Bound::Borrowed(bytes),
                    Cow::Owned(bytes) => Bound::Owned(bytes),
                },
                other => other,
            },
            Plan::Call {
                function,
                arguments,
            } => call(function, arguments, bindings)?,
            Plan::Items { ty, items } => whole(encode_items(ty, items, bindings)?),
            Plan::Pairs { ty, pairs } => whole(encode_pairs(ty, pairs, bindings)?),
            Plan::Components { ty, parts } => Bound::Owned(encode_components(ty, parts, bindings)?),
        })
    }
}

fn call<'a>(
    function: &crate::function::Function,
    arguments: &'a [Plan],
    bindings: &'a Bindings<'_>,
) -> Result<Bound<'a>, Error> {
    let values: SmallVec<[Bound<'a>; 4]> = arguments
        .iter()
        .map(|argument| argument.evaluate(bindings))
        .collect::<Result<_, _>>()?;
    if values.iter().any(Bound::is_unset) {
        return Err(Error::invalid(format!(
            "Invalid unset value for argument in call to function {}",
            function.name
        )));
    }
    let bytes: SmallVec<[Option<&[u8]>; 4]> = values.iter().map(Bound::bytes).collect();
    let answer = function.call(&Call {
        arguments: &bytes,
        types: &function.arguments,
        result: &function.result,
        moment: bindings.moment,
        chance: bindings.chance,
    })?;
    Ok(answer.map_or(Bound::Null, Bound::Owned))
}

/// A collection's bytes; one with an element of which nothing was said is unset as a whole.
fn whole<'a>(bytes: Option<Vec<u8>>) -> Bound<'a> {
    bytes.map_or(Bound::Unset, Bound::Owned)
}

/// An element's value, which is never null; none if nothing was said of it.
fn element<'a>(
    ty: &Type,
    plan: &'a Plan,
    bindings: &'a Bindings<'_>,
) -> Result<Option<Bound<'a>>, Error> {
    match plan.evaluate(bindings)? {
        Bound::Null => Err(null_inside(ty)),
        Bound::Unset => Ok(None),
        value => Ok(Some(value)),
    }
}

fn encode_items(
    ty: &Type,
    items: &[Plan],
    bindings: &Bindings<'_>,
) -> Result<Option<Vec<u8>>, Error> {
    let values = items.iter().map(|item| element(ty, item, bindings));
    let Some(values) = values.collect::<Result<Option<Vec<Bound<'_>>>, Error>>()? else {
        return match ty {
            Type::Vector { .. } => Err(Error::invalid("unset is not supported inside vectors")),
            _ => Ok(None),
        };
    };
    let bytes = values.iter().filter_map(Bound::bytes);
    Ok(Some(match ty {
        Type::Vector { element, .. } => vector::encode(element, bytes),
        Type::Set { .. } => sorted(ty, collection::encode_items(bytes))?,
        _ => collection::encode_items(bytes),
    }))
}

fn encode_pairs(
    ty: &Type,
    pairs: &[(Plan, Plan)],
    bindings: &Bindings<'_>,
) -> Result<Option<Vec<u8>>, Error> {
    let mut values = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let key = element(ty, key, bindings)?
            .ok_or_else(|| Error::invalid("unset value is not supported for map keys"))?;
        let Some(value) = element(ty, value, bindings)? else {
            return Ok(None);
        };
        values.push((key, value));
    }
    let bytes = values
        .iter()
        .filter_map(|(key, value)| Some((key.bytes()?, value.bytes()?)));
    sorted(ty, collection::encode_pairs(bytes)).map(Some)
}

fn encode_components(ty: &Type, parts: &[Plan], bindings: &Bindings<'_>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part.evaluate(bindings)? {
            Bound::Unset => return Err(unset_component(ty, index)),
            value => tuple::put(&mut out, value.bytes()),
        }
    }
    Ok(out)
}

/// A tuple is written as a whole, so that nothing of it can be left as it was.
fn unset_component(ty: &Type, index: usize) -> Error {
    Error::invalid(match ty {
        Type::Udt { definition, .. } => format!(
            "Invalid unset value for field '{}' of user defined type {}",
            definition.fields[index].0, definition.name
        ),
        _ => format!("Invalid unset value for tuple field number {index}"),
    })
}

fn sorted(ty: &Type, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    Ok(match collection::normalize(ty, &bytes)? {
        Cow::Owned(ordered) => ordered,
        Cow::Borrowed(_) => bytes,
    })
}
