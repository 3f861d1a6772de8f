//! The functions of the language that compute one value from others.
//!
//! A family ([`time`], [`blob`], [`collection`]) finds a function by name and the shapes of its
//! arguments; what it answers has fixed types. Functions work on serialized bytes. A function of
//! null is null unless it says otherwise. Aggregates are in `crate::selector`.

mod blob;
mod collection;
mod overload;
mod time;

use std::fmt;
use std::sync::Arc;

use cql::tree::QualifiedName;
use model::key::partition;
use types::{Token, Type};

use crate::bind::{Bindings, Chance, Moment};
use crate::error::Error;
use crate::term::fit::{Argument, Fit, Shape};
use overload::Overloads;

/// A function with its types chosen.
#[derive(Debug)]
pub struct Function {
    /// The name as results show it, `system.now`.
    pub name: String,
    /// The types of its arguments.
    pub arguments: Vec<Type>,
    /// The type of its result.
    pub result: Type,
    /// Whether equal arguments always give equal results, so that constants fold.
    pub is_pure: bool,
    body: Body,
}

/// What a function does.
pub type Body = fn(&Call<'_>) -> Result<Option<Vec<u8>>, Error>;

/// One call: the arguments' bytes, and where time and chance come from.
pub struct Call<'a> {
    /// Serialized arguments; `None` is null.
    pub arguments: &'a [Option<&'a [u8]>],
    /// Their types.
    pub types: &'a [Type],
    /// The type of the result.
    pub result: &'a Type,
    /// When the statement is executed.
    pub moment: Moment,
    /// The source of chance.
    pub chance: &'a dyn Chance,
}

impl Call<'_> {
    /// The first argument's bytes; empty bytes of a type where they mean nothing count as null.
    pub fn first(&self) -> Option<&[u8]> {
        let bytes = (*self.arguments.first()?)?;
        let counts = !bytes.is_empty() || self.types[0].empty_is_meaningful();
        counts.then_some(bytes)
    }
}

impl Function {
    /// A function of the keyspace `system`.
    fn new(name: &str, arguments: Vec<Type>, result: Type, body: Body) -> Self {
        Function {
            name: format!("system.{name}"),
            arguments,
            result,
            is_pure: true,
            body,
        }
    }

    /// The same function, known to depend on time or chance.
    fn impure(mut self) -> Self {
        self.is_pure = false;
        self
    }

    /// The value for these arguments; `None` is null.
    pub fn call(&self, call: &Call<'_>) -> Result<Option<Vec<u8>>, Error> {
        (self.body)(call)
    }
}

/// What a call asks for, besides the name.
pub struct Sought<'a> {
    /// The arguments as far as they are known.
    pub arguments: &'a [Argument<'a>],
    /// The type that the result is for, where one is given.
    pub receiver: Option<&'a Type>,
}

/// Finds the function that `name(arguments)` means; none if nothing has that name.
pub fn resolve(name: &QualifiedName, call: &Sought<'_>) -> Result<Option<Arc<Function>>, Error> {
    let word = name.name.text.as_str();
    let found = if is_in_system(name) {
        [time::find, blob::find, collection::find]
            .iter()
            .find_map(|family| family(word, call))
    } else {
        None
    };
    match found {
        Some(function) => Ok(Some(Arc::new(checked(function?, call.arguments)?))),
        None if is_planned(word) => Err(Error::unsupported(format!("The function {word}"))),
        None => Ok(None),
    }
}

/// Whether a name without keyspace, or of `system`, was written.
pub fn is_in_system(name: &QualifiedName) -> bool {
    name.keyspace
        .as_ref()
        .is_none_or(|keyspace| keyspace.text == "system")
}

/// Whether a call is one of `token`.
pub fn is_token(name: &QualifiedName) -> bool {
    name.name.text == "token" && is_in_system(name)
}

/// `current_timestamp()`.
pub fn current_timestamp() -> Arc<Function> {
    Arc::new(time::current_timestamp_function())
}

/// Functions of Cassandra 5.0 that are not there yet.
fn is_planned(word: &str) -> bool {
    const FAMILIES: [&str; 3] = ["mask_", "similarity_", "collection_"];
    const NAMES: [&str; 9] = [
        "abs",
        "exp",
        "log",
        "log10",
        "round",
        "tojson",
        "to_json",
        "fromjson",
        "from_json",
    ];
    NAMES.contains(&word) || FAMILIES.iter().any(|family| word.starts_with(family))
}

/// The refusal of arguments that no signature of a function takes.
pub fn none_matches(name: impl fmt::Display, signatures: &str) -> Error {
    Error::invalid(format!(
        "Invalid call to function {name}, none of its type signatures match (known type signatures: {signatures})"
    ))
}

/// Refuses a call with the wrong number or kinds of arguments.
fn checked(function: Function, arguments: &[Argument<'_>]) -> Result<Function, Error> {
    if arguments.len() != function.arguments.len() {
        return Err(Error::invalid(format!(
            "Invalid number of arguments in call to function {}: {} required but {} provided",
            function.name,
            function.arguments.len(),
            arguments.len()
        )));
    }
    for (index, (argument, ty)) in arguments.iter().zip(&function.arguments).enumerate() {
        if argument.shape.fit(ty) == Fit::No {
            return Err(Error::invalid(format!(
                "Type error: {} cannot be passed as argument {index} of function {} of type {ty}",
                argument.written, function.name
            )));
        }
    }
    Ok(function)
}

/// The types that something can be cast from.
const CAST_SOURCES: [Type; 17] = [
    Type::TinyInt,
    Type::SmallInt,
    Type::Int,
    Type::BigInt,
    Type::Counter,
    Type::Float,
    Type::Double,
    Type::Decimal,
    Type::VarInt,
    Type::Ascii,
    Type::Boolean,
    Type::Inet,
    Type::Timestamp,
    Type::Date,
    Type::Time,
    Type::Uuid,
    Type::TimeUuid,
];

/// `CAST(value AS type)`; none if nothing can be cast to the type. A value that has the type already stays as it is.
pub fn cast(
    value: &Shape<'_>,
    target: &Type,
    receiver: Option<&Type>,
) -> Result<Option<Arc<Function>>, Error> {
    let body: Body = |call| match call.first() {
        None => Ok(None),
        Some(bytes) => Ok(types::cast::cast(&call.types[0], call.result, bytes)?),
    };
    let name = format!("cast_as_{target}");
    let made = |source: Type| Function::new(&name, vec![source], target.clone(), body);
    if matches!(value, Shape::Known(known) if known == target) {
        return Ok(Some(Arc::new(made(target.clone()))));
    }
    let sources = CAST_SOURCES.iter();
    let sources = sources.filter(|ty| *ty != target && types::cast::exists(ty, target));
    let overloads = Overloads {
        name: &format!("system.{name}"),
        signatures: sources.map(|ty| (ty.clone(), target.clone())).collect(),
    };
    if overloads.signatures.is_empty() {
        return Ok(None);
    }
    let (source, _) = overloads.choose(Some(value), receiver)?;
    Ok(Some(Arc::new(made(source.clone()))))
}

/// `token(key columns)`: where the ring puts the partition.
pub fn token(types: Vec<Type>, arguments: &[Argument<'_>]) -> Result<Arc<Function>, Error> {
    let body: Body = |call| {
        let Some(parts) = call
            .arguments
            .iter()
            .copied()
            .collect::<Option<Vec<&[u8]>>>()
        else {
            return Ok(None);
        };
        let mut key = Vec::new();
        partition::encode(parts, &mut key);
        // No partition has an empty key: its token is where a scan of the whole ring begins.
        let token = match key.is_empty() {
            true => Token::MIN,
            false => Token::of(&key),
        };
        Ok(Some(token.0.to_be_bytes().to_vec()))
    };
    let function = Function::new("token", types, Type::BigInt, body);
    checked(function, arguments).map(Arc::new)
}

/// Bindings without values, time or chance, for folding constants: pure functions use neither.
pub fn timeless() -> Bindings<'static> {
    Bindings::none(
        Moment {
            wall_micros: 0,
            now_seconds: 0,
        },
        &NoChance,
    )
}

struct NoChance;

impl Chance for NoChance {
    fn sixteen(&self) -> [u8; 16] {
        [0; 16]
    }

    fn time_uuid(&self, _: i64) -> [u8; 16] {
        [0; 16]
    }
}
