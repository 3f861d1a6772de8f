//! The value of a planned term for one execution.

use std::borrow::Cow;

use smallvec::SmallVec;
use types::{Type, collection, tuple, vector};

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::function::Call;
use crate::term::Plan;

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
            Plan::Items { ty, items } => Bound::Owned(encode_items(ty, items, bindings)?),
            Plan::Pairs { ty, pairs } => Bound::Owned(encode_pairs(ty, pairs, bindings)?),
            Plan::Components { parts } => Bound::Owned(encode_components(parts, bindings)?),
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

/// An element's bytes; collections hold neither null nor unset.
fn element<'a>(plan: &'a Plan, bindings: &'a Bindings<'_>) -> Result<Bound<'a>, Error> {
    match plan.evaluate(bindings)? {
        Bound::Null => Err(Error::invalid("null is not supported inside collections")),
        Bound::Unset => Err(Error::invalid(
            "unset value is not supported inside collections",
        )),
        value => Ok(value),
    }
}

fn encode_items(ty: &Type, items: &[Plan], bindings: &Bindings<'_>) -> Result<Vec<u8>, Error> {
    let values: Vec<Bound<'_>> = items
        .iter()
        .map(|item| element(item, bindings))
        .collect::<Result<_, _>>()?;
    let bytes = values.iter().filter_map(Bound::bytes);
    match ty {
        Type::Vector { element, .. } => Ok(vector::encode(element, bytes)),
        Type::Set { .. } => Ok(sorted(ty, collection::encode_items(bytes))?),
        _ => Ok(collection::encode_items(bytes)),
    }
}

fn encode_pairs(
    ty: &Type,
    pairs: &[(Plan, Plan)],
    bindings: &Bindings<'_>,
) -> Result<Vec<u8>, Error> {
    let values: Vec<(Bound<'_>, Bound<'_>)> = pairs
        .iter()
        .map(|(key, value)| Ok((element(key, bindings)?, element(value, bindings)?)))
        .collect::<Result<_, Error>>()?;
    let bytes = values
        .iter()
        .filter_map(|(key, value)| Some((key.bytes()?, value.bytes()?)));
    sorted(ty, collection::encode_pairs(bytes))
}

fn encode_components(parts: &[Plan], bindings: &Bindings<'_>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for part in parts {
        match part.evaluate(bindings)? {
            Bound::Unset => return Err(Error::invalid("Invalid unset value for tuple field")),
            value => tuple::put(&mut out, value.bytes()),
        }
    }
    Ok(out)
}

fn sorted(ty: &Type, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    Ok(match collection::normalize(ty, &bytes)? {
        Cow::Owned(ordered) => ordered,
        Cow::Borrowed(_) => bytes,
    })
}
