//! Functions of time, and the two that make UUIDs.

use ::uuid::Uuid;
use types::value::{date, number, uuid};
use types::{Type, cast};

use crate::error::Error;
use crate::function::{Body, Call, Function};
use crate::term::fit::{Fit, Shape};

/// The function of this name, in the spelling with or without underscores.
pub fn find(name: &str, shapes: &[Shape<'_>]) -> Option<Result<Function, Error>> {
    let made = |name: &str, result: Type, body: Body| {
        Some(Ok(Function::new(name, vec![], result, body).impure()))
    };
    match name {
        "uuid" => made(name, Type::Uuid, random),
        "now" => made(name, Type::TimeUuid, now),
        "current_timeuuid" | "currenttimeuuid" => made("current_timeuuid", Type::TimeUuid, now),
        "current_timestamp" | "currenttimestamp" => {
            made("current_timestamp", Type::Timestamp, current_timestamp)
        }
        "current_date" | "currentdate" => made("current_date", Type::Date, current_date),
        "current_time" | "currenttime" => made("current_time", Type::Time, current_time),
        "min_timeuuid" | "mintimeuuid" => of(
            "min_timeuuid",
            &[Type::Timestamp],
            shapes,
            Type::TimeUuid,
            min_timeuuid,
        ),
        "max_timeuuid" | "maxtimeuuid" => of(
            "max_timeuuid",
            &[Type::Timestamp],
            shapes,
            Type::TimeUuid,
            max_timeuuid,
        ),
        "to_timestamp" | "totimestamp" => of(
            "to_timestamp",
            &[Type::TimeUuid, Type::Date],
            shapes,
            Type::Timestamp,
            to_timestamp,
        ),
        "dateof" => of(
            "dateof",
            &[Type::TimeUuid],
            shapes,
            Type::Timestamp,
            to_timestamp,
        ),
        "to_date" | "todate" => of(
            "to_date",
            &[Type::TimeUuid, Type::Timestamp],
            shapes,
            Type::Date,
            to_date,
        ),
        "to_unix_timestamp" | "tounixtimestamp" => {
            let types = [Type::TimeUuid, Type::Timestamp, Type::Date];
            of(
                "to_unix_timestamp",
                &types,
                shapes,
                Type::BigInt,
                to_unix_timestamp,
            )
        }
        "unixtimestampof" => of(
            "unixtimestampof",
            &[Type::TimeUuid],
            shapes,
            Type::BigInt,
            to_unix_timestamp,
        ),
        _ => None,
    }
}

/// A function of one argument, of whichever of these types fits it best.
fn of(
    name: &str,
    types: &[Type],
    shapes: &[Shape<'_>],
    result: Type,
    body: Body,
) -> Option<Result<Function, Error>> {
    let fits = |ty: &&Type| shapes.first().map_or(Fit::No, |shape| shape.fit(ty));
    let exact = types.iter().find(|ty| fits(ty) == Fit::Exact);
    let weak: Vec<&Type> = types.iter().filter(|ty| fits(ty) == Fit::Weak).collect();
    Some(match (exact, weak.as_slice()) {
        (Some(ty), _) | (None, &[ty]) => Ok(Function::new(name, vec![ty.clone()], result, body)),
        (None, []) => Ok(Function::new(name, vec![types[0].clone()], result, body)),
        (None, _) => Err(Error::invalid(format!(
            "Ambiguous call to function system.{name} (can be matched by several signatures): use type hint to disambiguate"
        ))),
    })
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
    bound(call, uuid::min_of_millis)
}

fn max_timeuuid(call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
    bound(call, uuid::max_of_millis)
}

fn bound(call: &Call<'_>, of_millis: fn(i64) -> Option<Uuid>) -> Result<Option<Vec<u8>>, Error> {
    let Some(bytes) = call.first() else {
        return Ok(None);
    };
    let beyond = || Error::invalid("The timestamp is beyond what a timeuuid can hold");
    let millis = number::int64(bytes).ok_or_else(beyond)?;
    Ok(Some(
        of_millis(millis).ok_or_else(beyond)?.as_bytes().to_vec(),
    ))
}
