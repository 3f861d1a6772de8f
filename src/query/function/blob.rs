//! `blob_as_T` and `T_as_blob`: the same bytes under another type.

use types::Type;

use crate::error::Error;
use crate::function::{Call, Function, Sought};

/// The conversion of this name, in the spelling with or without underscores.
pub fn find(name: &str, _: &Sought<'_>) -> Option<Result<Function, Error>> {
    let from_blob = name
        .strip_prefix("blob_as_")
        .or_else(|| name.strip_prefix("blobas"));
    if let Some(ty) = from_blob.and_then(native) {
        let body = match name.starts_with("blob_as_") {
            true => read_as,
            false => read_as_by_its_old_name,
        };
        return Some(Ok(Function::new(name, vec![Type::Blob], ty, body)));
    }
    let to_blob = name
        .strip_suffix("_as_blob")
        .or_else(|| name.strip_suffix("asblob"));
    let ty = native(to_blob?)?;
    Some(Ok(Function::new(name, vec![ty], Type::Blob, as_it_is)))
}

fn native(name: &str) -> Option<Type> {
    Type::native(name).filter(|ty| *ty != Type::Blob)
}

fn as_it_is(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(call.arguments[0].map(<[u8]>::to_vec))
}

fn read_as(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    read(call, "blob_as_")
}

fn read_as_by_its_old_name(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    read(call, "blobas")
}

fn read(call: &Call<'_>, prefix: &str) -> Result<Option<Vec<u8>>, Error> {
    let Some(bytes) = call.arguments[0] else {
        return Ok(None);
    };
    call.result.validate(bytes).map_err(|_| {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Error::invalid(format!(
            "In call to function system.{prefix}{0}, value 0x{digits} is not a valid binary representation for type {0}",
            call.result
        ))
    })?;
    Ok(Some(bytes.to_vec()))
}
