//! Functions of time, and the two that make UUIDs.

use ::uuid::Uuid;
use types::value::{date, number, uuid};
use types::{Type, cast};

use crate::error::Error;
use crate::function::overload::Overloads;
use crate::function::{Body, Call, Function, Sought};

/// The function of this name. Names without underscores are those before 5.0; results show a
/// function by the name that was written.
pub fn find(name: &str, call: &Sought<'_>) -> Option<Result<Function, Error>> {
    let made =
        |result: Type, body: Body| Some(Ok(Function::new(name, vec![], result, body).impure()));
    let of = |types: &[Type], result: Type, body: Body| Some(of(name, types, call, result, body));
    match name {
        "uuid" => made(Type::Uuid, random),
        "now" | "current_timeuuid" | "currenttimeuuid" => made(Type::TimeUuid, now),
        "current_timestamp" | "currenttimestamp" => made(Type::Timestamp, current_timestamp),
        "current_date" | "currentdate" => made(Type::Date, current_date),
        "current_time" | "currenttime" => made(Type::Time, current_time),
        "min_timeuuid" | "mintimeuuid" => of(&[Type::Timestamp], Type::TimeUuid, min_timeuuid),
        "max_timeuuid" | "maxtimeuuid" => of(&[Type::Timestamp], Type::TimeUuid, max_timeuuid),
        "to_timestamp" | "totimestamp" => {
            of(&[Type::TimeUuid, Type::Date], Type::Timestamp, to_timestamp)
        }
        "to_date" | "todate" => of(&[Type::TimeUuid, Type::Timestamp], Type::Date, to_date),
        "to_unix_timestamp" | "tounixtimestamp" => of(
            &[Type::TimeUuid, Type::Timestamp, Type::Date],
            Type::BigInt,
            to_unix_timestamp,
        ),
        _ => None,
    }
}

/// `current_timestamp()`, which `'now'` as a timestamp also means.
pub fn current_timestamp_function() -> Function {
    Function::new(
        "current_timestamp",
        vec![],
        Type::Timestamp,
        current_timestamp,
    )
    .impure()
}

/// A function of one argument, of whichever of these types fits it best. One that has no others of its name beside it
/// is what a call means whatever the arguments are; they are checked against it then.
fn of(
    name: &str,
    types: &[Type],
    call: &Sought<'_>,
    result: Type,
    body: Body,
) -> Result<Function, Error> {
    let made = |ty: &Type| Function::new(name, vec![ty.clone()], result.clone(), body);
    if let [only] = types {
        return Ok(made(only));
    }
    let overloads = Overloads {
        name,
        signatures: types
            .iter()
            .map(|ty| (ty.clone(), result.clone()))
            .collect(),
    };
    let argument = match call.arguments {
        [argument] => Some(&argument.shape),
        _ => None,
    };
    Ok(made(&overloads.choose(argument, call.receiver)?.0))
}

fn random(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(Some(
        uuid::version4(call.chance.sixteen()).as_bytes().to_vec(),
    ))
}

fn now(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(Some(
        call.chance.time_uuid(call.moment.wall_micros).to_vec(),
    ))
}

fn current_timestamp(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(Some(millis(call).to_be_bytes().to_vec()))
}

fn current_date(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(date::of_millis(millis(call)).map(|date| date.to_be_bytes().to_vec()))
}

fn current_time(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    let nanos = call.moment.wall_micros.rem_euclid(86_400_000_000) * 1_000;
    Ok(Some(nanos.to_be_bytes().to_vec()))
}

fn millis(call: &Call<'_>) -> i64 {
    call.moment.wall_micros.div_euclid(1_000)
}

fn to_timestamp(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(call
        .first()
        .map(|bytes| cast::to_timestamp(&call.types[0], bytes))
        .transpose()?)
}

fn to_unix_timestamp(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(call
        .first()
        .map(|bytes| cast::to_unix_timestamp(&call.types[0], bytes))
        .transpose()?)
}

fn to_date(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(call
        .first()
        .map(|bytes| cast::to_date(&call.types[0], bytes))
        .transpose()?)
}

fn min_timeuuid(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(bound(call, uuid::min_of_millis))
}

fn max_timeuuid(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    Ok(bound(call, uuid::max_of_millis))
}

fn bound(call: &Call<'_>, of_millis: fn(i64) -> Uuid) -> Option<Vec<u8>> {
    let millis = number::int64(call.first()?)?;
    Some(of_millis(millis).as_bytes().to_vec())
}
