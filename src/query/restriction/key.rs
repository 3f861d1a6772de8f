//! Relations on the partition key: which partitions, or which range of tokens.

use std::ops;

use model::key::{PartitionKey, partition};
use model::read::{KeyEdge, KeyRange, Keys};
use schema::Table;
use types::{Token, Type, collection};

use crate::bind::Bindings;
use crate::error::Error;
use crate::restriction::clustering::COMBINATIONS_MAX;
use crate::restriction::values::{Bytes, Values, value};
use crate::term::Plan;

/// What is said of the partition key.
#[derive(Clone, Debug)]
pub enum KeyPlan {
    /// `=` or `IN` on every column.
    Points(Vec<Values>),
    /// `token(..)` within bounds; none at all is the whole ring.
    Tokens(TokenRange),
}

/// Bounds on the token.
#[derive(Clone, Debug, Default)]
pub struct TokenRange {
    /// `token(..) =` this.
    pub equal: Option<Plan>,
    /// `>` or, if true, `>=`
    pub lower: Option<(Plan, bool)>,
    /// `<` or, if true, `<=`
    pub upper: Option<(Plan, bool)>,
}

impl KeyPlan {
    /// Whether several partitions are named.
    pub fn is_several(&self) -> bool {
        matches!(self, KeyPlan::Points(values) if !values.iter().all(Values::is_one))
    }

    /// Whether it leaves anything out.
    pub fn says_something(&self) -> bool {
        match self {
            KeyPlan::Points(_) => true,
            KeyPlan::Tokens(range) => {
                range.equal.is_some() || range.lower.is_some() || range.upper.is_some()
            }
        }
    }

    /// Sets the partitions for one execution. One that is named is encoded in `buffer` and put where one was before.
    pub fn evaluate(
        &self,
        table: &Table,
        bindings: &Bindings<'_>,
        keys: &mut Keys,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let values = match self {
            KeyPlan::Points(values) => values,
            KeyPlan::Tokens(range) => {
                *keys = Keys::Range(range.evaluate(bindings)?);
                return Ok(());
            }
        };
        let (true, Keys::List(list)) = (values.iter().all(Values::is_one), &mut *keys) else {
            *keys = Keys::List(points(values, table, bindings)?);
            return Ok(());
        };
        one(values, table, bindings, buffer)?;
        list.truncate(1);
        match list.first_mut() {
            Some(key) => key.set(buffer),
            None => list.push(PartitionKey::new(&buffer[..])),
        }
        Ok(())
    }
}

/// Encodes the partition key of which every column has one value.
pub fn one(
    values: &[Values],
    table: &Table,
    bindings: &Bindings<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    out.clear();
    let is_single = values.len() == 1;
    for (column, values) in table.partition_key.iter().zip(values) {
        let Values::One(plan) = values else {
            return Err(Error::Server("a key with several values".into()));
        };
        let value = value(plan, bindings, &column.name)?;
        match is_single {
            true => out.extend_from_slice(&value),
            false => partition::push(&value, out),
        }
    }
    check(out, values.len())
}

/// The partition keys: for `IN`, all combinations in the order of the key's types, each once.
pub fn points(
    values: &[Values],
    table: &Table,
    bindings: &Bindings<'_>,
) -> Result<Vec<PartitionKey>, Error> {
    let mut choices: Vec<Bytes<'_>> = Vec::with_capacity(values.len());
    let mut combinations = 1usize;
    for (column, values) in table.partition_key.iter().zip(values) {
        let mut choice = values.evaluate(bindings, &column.name)?;
        if choice.len() > 1 {
            collection::sort(&column.ty, &mut choice, |value| value);
            choice.dedup();
        }
        combinations = combinations.saturating_mul(choice.len());
        choices.push(choice);
    }
    if combinations > COMBINATIONS_MAX {
        return Err(Error::invalid(format!(
            "The IN relations on the partition key name more than {COMBINATIONS_MAX} partitions; split the query"
        )));
    }
    let mut keys = Vec::with_capacity(combinations);
    let mut parts: Vec<&[u8]> = Vec::with_capacity(choices.len());
    combine(&choices, &mut parts, &mut keys)?;
    Ok(keys)
}

fn combine<'a>(
    choices: &'a [Bytes<'_>],
    parts: &mut Vec<&'a [u8]>,
    keys: &mut Vec<PartitionKey>,
) -> Result<(), Error> {
    let Some((first, rest)) = choices.split_first() else {
        keys.push(key(parts)?);
        return Ok(());
    };
    for choice in first {
        parts.push(choice);
        combine(rest, parts, keys)?;
        parts.pop();
    }
    Ok(())
}

/// One partition key, within Cassandra's bounds.
pub fn key(parts: &[&[u8]]) -> Result<PartitionKey, Error> {
    let mut bytes = Vec::new();
    partition::encode(parts.iter().copied(), &mut bytes);
    check(&bytes, parts.len())?;
    Ok(PartitionKey::new(bytes))
}

/// Refuses a key that is too long, or empty where it has one component only. Of a key of several it
/// is the values that are measured first, without what is between them.
fn check(key: &[u8], components: usize) -> Result<(), Error> {
    let max = base::limits::KEY_BYTES_MAX;
    let between = match components {
        1 if key.is_empty() => return Err(Error::invalid("Key may not be empty")),
        1 => 0,
        several => several * partition::COMPONENT_OVERHEAD,
    };
    for length in [key.len().saturating_sub(between), key.len()] {
        if length > max {
            return Err(Error::invalid(format!(
                "Key length of {length} is longer than maximum of {max}"
            )));
        }
    }
    Ok(())
}

impl TokenRange {
    /// The range for one execution.
    pub fn evaluate(&self, bindings: &Bindings<'_>) -> Result<KeyRange, Error> {
        let token = |plan: &Plan| {
            let value = plan.evaluate(bindings)?;
            let bytes = value.bytes().ok_or_else(|| match value.is_unset() {
                true => Error::invalid("Invalid unset value for partition key token"),
                false => Error::invalid("Invalid null token value"),
            })?;
            let bytes: [u8; 8] = bytes
                .try_into()
                .map_err(|_| Error::invalid("Invalid token"))?;
            Ok::<_, Error>(i64::from_be_bytes(bytes))
        };
        if let Some(plan) = &self.equal {
            let at = Token(token(plan)?);
            return Ok(range(ops::Bound::Included(at), ops::Bound::Included(at)));
        }
        let lower = match &self.lower {
            None => ops::Bound::Unbounded,
            Some((plan, true)) => ops::Bound::Included(Token(token(plan)?)),
            Some((plan, false)) => ops::Bound::Excluded(Token(token(plan)?)),
        };
        let upper = match &self.upper {
            None => ops::Bound::Unbounded,
            // The smallest token stands for the end of the ring in an upper bound.
            Some((plan, inclusive)) => match (token(plan)?, inclusive) {
                (i64::MIN, _) => ops::Bound::Unbounded,
                (at, true) => ops::Bound::Included(Token(at)),
                (at, false) => ops::Bound::Excluded(Token(at)),
            },
        };
        Ok(range(lower, upper))
    }
}

fn range(lower: ops::Bound<Token>, upper: ops::Bound<Token>) -> KeyRange {
    KeyRange {
        start: lower.map(KeyEdge::Token),
        end: upper.map(KeyEdge::Token),
    }
}

/// The type of a token.
pub const TOKEN_TYPE: Type = Type::BigInt;
