//! The values that a relation compares with: one, several, or as many as a marker brings.

use std::borrow::Cow;

use smallvec::SmallVec;
use types::{Type, collection, tuple};

use crate::bind::{Bindings, Bound};
use crate::bounds;
use crate::error::Error;
use crate::term::Plan;

/// The values of `=` or `IN` for one column.
#[derive(Clone, Debug)]
pub enum Values {
    /// `= term`
    One(Plan),
    /// `IN (terms)`
    Listed(Vec<Plan>),
    /// `IN ?`: a marker of a list
    Marker(Plan),
}

/// The bytes of several values; one fits without allocation.
pub type Bytes<'a> = SmallVec<[Cow<'a, [u8]>; 1]>;

impl Values {
    /// Whether it is `=`.
    pub fn is_one(&self) -> bool {
        matches!(self, Values::One(_))
    }

    /// The values for one execution, in the order written, none of them null.
    pub fn evaluate<'a>(
        &'a self,
        bindings: &'a Bindings<'_>,
        column: &str,
    ) -> Result<Bytes<'a>, Error> {
        match self {
            Values::One(plan) => Ok(SmallVec::from_iter([value(plan, bindings, column)?])),
            Values::Listed(plans) => plans
                .iter()
                .map(|plan| value(plan, bindings, column))
                .collect(),
            Values::Marker(plan) => match plan.evaluate(bindings)? {
                Bound::Null => Err(Error::invalid(format!(
                    "Invalid null value for column {column}"
                ))),
                Bound::Unset => Err(Error::invalid(format!(
                    "Invalid unset value for column {column}"
                ))),
                Bound::Borrowed(list) => items(list, Cow::Borrowed),
                Bound::Owned(list) => items(&list, |item| Cow::Owned(item.to_vec())),
            },
        }
    }
}

/// One value; null and unset are refused in Cassandra's words.
pub fn value<'a>(
    plan: &'a Plan,
    bindings: &'a Bindings<'_>,
    column: &str,
) -> Result<Cow<'a, [u8]>, Error> {
    match plan.evaluate(bindings)? {
        Bound::Null => Err(Error::invalid(format!(
            "Invalid null value in condition for column {column}"
        ))),
        Bound::Unset => Err(Error::invalid(format!(
            "Invalid unset value for column {column}"
        ))),
        Bound::Borrowed(bytes) => Ok(Cow::Borrowed(bytes)),
        Bound::Owned(bytes) => Ok(Cow::Owned(bytes)),
    }
}

fn items<'a, 'b>(
    list: &'b [u8],
    keep: impl Fn(&'b [u8]) -> Cow<'a, [u8]>,
) -> Result<Bytes<'a>, Error> {
    counted(list)?.map(|item| Ok(keep(item?))).collect()
}

/// The items of a list that was bound for IN.
fn counted(list: &[u8]) -> Result<collection::Items<'_>, Error> {
    let items = collection::Items::new(list)?;
    bounds::check_in(items.left())?;
    Ok(items)
}

/// The values that a relation on several columns compares with.
#[derive(Clone, Debug)]
pub enum Tuples {
    /// `= (a, b)` or a bound of a range
    One(TuplePlan),
    /// `IN ((a, b), (c, d))`
    Listed(Vec<TuplePlan>),
    /// `IN ?`: a marker of a list of tuples
    Marker(Plan),
}

/// One tuple, by component or as a whole.
#[derive(Clone, Debug)]
pub enum TuplePlan {
    /// `(a, b)`
    Components(Vec<Plan>),
    /// `?`
    Whole(Plan),
}

impl TuplePlan {
    /// The components' bytes, none of them null.
    pub fn evaluate(
        &self,
        bindings: &Bindings<'_>,
        columns: &[&str],
    ) -> Result<Vec<Vec<u8>>, Error> {
        match self {
            TuplePlan::Components(plans) => plans
                .iter()
                .zip(columns)
                .map(|(plan, column)| Ok(value(plan, bindings, column)?.into_owned()))
                .collect(),
            TuplePlan::Whole(plan) => split(&value(plan, bindings, &columns.join(", "))?, columns),
        }
    }
}

impl Tuples {
    /// All tuples for one execution.
    pub fn evaluate(
        &self,
        bindings: &Bindings<'_>,
        columns: &[&str],
    ) -> Result<Vec<Vec<Vec<u8>>>, Error> {
        match self {
            Tuples::One(plan) => Ok(vec![plan.evaluate(bindings, columns)?]),
            Tuples::Listed(plans) => plans
                .iter()
                .map(|plan| plan.evaluate(bindings, columns))
                .collect(),
            Tuples::Marker(plan) => {
                let list = value(plan, bindings, &columns.join(", "))?;
                counted(&list)?.map(|item| split(item?, columns)).collect()
            }
        }
    }
}

fn split(bytes: &[u8], columns: &[&str]) -> Result<Vec<Vec<u8>>, Error> {
    let parts = tuple::split(bytes, columns.len())?;
    parts
        .into_iter()
        .zip(columns)
        .map(|(part, column)| match part {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(Error::invalid(format!(
                "Invalid null value in condition for column {column}"
            ))),
        })
        .collect()
}

/// The type of a marker that stands for several columns at once.
pub fn tuple_type<'a>(types: impl Iterator<Item = &'a Type>) -> Type {
    Type::tuple(types.cloned())
}
