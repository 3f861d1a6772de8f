//! Functions of collections: their keys, their values, how many there are.

use types::Type;
use types::collection::{Items, Pairs, encode_items};

use crate::error::Error;
use crate::function::{Call, Function, Sought};

/// The function of this name for an argument of this shape.
pub fn find(name: &str, call: &Sought<'_>) -> Option<Result<Function, Error>> {
    if !matches!(name, "map_keys" | "map_values" | "collection_count") {
        return None;
    }
    let wanted = match name {
        "collection_count" => "collection",
        _ => "map",
    };
    let [first] = call.arguments else {
        return Some(Err(Error::invalid(format!(
            "Invalid number of arguments for function system.{name}({wanted})"
        ))));
    };
    let Some(argument) = first.shape.preferred() else {
        return Some(Err(Error::invalid(format!(
            "Cannot infer type of argument {} in call to function system.{name}: use type casts to disambiguate",
            first.written
        ))));
    };
    Some(match (name, &argument) {
        ("map_keys", Type::Map { key, .. }) => {
            let result = Type::set((**key).clone(), true);
            Ok(Function::new(name, vec![argument], result, keys))
        }
        ("map_values", Type::Map { value, .. }) => {
            let result = Type::list((**value).clone(), true);
            Ok(Function::new(name, vec![argument], result, values))
        }
        ("collection_count", ty) if ty.is_collection() => {
            Ok(Function::new(name, vec![argument], Type::Int, count))
        }
        _ => Err(Error::invalid(format!(
            "Function system.{name} requires a {wanted} argument, but found argument {} of type {argument}",
            first.written
        ))),
    })
}

fn keys(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    let Some(bytes) = call.first() else {
        return Ok(None);
    };
    let keys: Vec<&[u8]> = Pairs::new(bytes)?
        .map(|pair| pair.map(|(key, _)| key))
        .collect::<Result<_, _>>()?;
    Ok(Some(encode_items(keys)))
}

fn values(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    let Some(bytes) = call.first() else {
        return Ok(None);
    };
    let values: Vec<&[u8]> = Pairs::new(bytes)?
        .map(|pair| pair.map(|(_, value)| value))
        .collect::<Result<_, _>>()?;
    Ok(Some(encode_items(values)))
}

fn count(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    let Some(bytes) = call.first() else {
        return Ok(None);
    };
    // Lists, sets and maps alike begin with their count.
    let count = Items::new(bytes)?.count() as i32;
    Ok(Some(count.to_be_bytes().to_vec()))
}
