//! Relations on clustering columns as byte ranges.
//!
//! A clustering key's bytes sort as the table does, so whatever a WHERE clause says of a prefix of
//! the clustering columns is a list of disjoint byte ranges, found in three steps:
//!
//! 1. `=` and `IN` on leading columns multiply to *prefixes*.
//! 2. A range on the columns that follow is cut, under each prefix, into ranges of one column each:
//!    `(a, b) > (1, 2)` is `a > 1`, or `a = 1 AND b > 2`. So mixed ASC and DESC need no special case.
//! 3. Lower and upper bounds are two lists of ranges; the answer is their intersection.

use model::key::Slice;
use model::key::clustering::{self, after, before};
use model::key::originals;
use schema::table::{Column, Order};

use crate::bind::Bindings;
use crate::error::Error;
use crate::restriction::values::{TuplePlan, Tuples, Values, value};
use crate::term;

/// How many keys or ranges one statement may name.
pub const COMBINATIONS_MAX: usize = 65_535;

/// What is said of the clustering columns.
#[derive(Clone, Debug, Default)]
pub struct ClusteringPlan {
    /// `=` and `IN` on leading columns, in key order.
    pub steps: Vec<Step>,
    /// A range on the columns that follow.
    pub range: Option<Range>,
}

/// `=` or `IN` on one column, or on several at once.
#[derive(Clone, Debug)]
pub enum Step {
    /// On one column.
    Column(Values),
    /// On this many columns.
    Tuple(usize, Tuples),
}

/// A range on one column, or on several at once.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// `>` or `>=`
    pub lower: Option<RangeBound>,
    /// `<` or `<=`
    pub upper: Option<RangeBound>,
}

/// One end of a range.
#[derive(Clone, Debug)]
pub struct RangeBound {
    /// How many columns it compares.
    pub columns: usize,
    /// The values.
    pub values: TuplePlan,
    /// Whether the values themselves are inside.
    pub inclusive: bool,
}

/// A key, or what all keys of a range begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    /// The encoded columns.
    pub bytes: Vec<u8>,
    /// The values that decoding would not give back, as [`originals`] keeps them.
    pub originals: Vec<u8>,
}

impl Prefix {
    /// Adds the next column.
    fn push(&mut self, column: &Column, value: &[u8]) -> Result<(), Error> {
        push(column, value, &mut self.bytes)?;
        if !types::comparable::roundtrips_exactly(&column.ty, value) {
            originals::put(usize::from(column.position), value, &mut self.originals);
        }
        Ok(())
    }

    fn and(&self, next: &Prefix) -> Prefix {
        Prefix {
            bytes: [self.bytes.as_slice(), &next.bytes].concat(),
            originals: [self.originals.as_slice(), &next.originals].concat(),
        }
    }
}

impl Step {
    /// Whether it leaves one alternative: `=`, not `IN`.
    pub fn is_equal(&self) -> bool {
        matches!(
            self,
            Step::Column(Values::One(_)) | Step::Tuple(_, Tuples::One(_))
        )
    }

    /// The value of `=` on one column.
    fn one_value(&self) -> Option<&term::Plan> {
        match self {
            Step::Column(Values::One(plan)) => Some(plan),
            _ => None,
        }
    }

    /// How many columns it fixes.
    pub fn columns(&self) -> usize {
        match self {
            Step::Column(_) => 1,
            Step::Tuple(count, _) => *count,
        }
    }
}

impl ClusteringPlan {
    /// How many leading columns are fixed by `=` or `IN`.
    pub fn fixed_columns(&self) -> usize {
        self.steps.iter().map(Step::columns).sum()
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.range.is_none()
    }

    /// The encoded prefixes that `=` and `IN` leave, sorted, each once.
    pub fn prefixes(
        &self,
        columns: &[Column],
        bindings: &Bindings<'_>,
    ) -> Result<Vec<Prefix>, Error> {
        if let Some(only) = self.one_prefix(columns, bindings)? {
            return Ok(vec![only]);
        }
        let mut prefixes = vec![Prefix::default()];
        let mut at = 0;
        for step in &self.steps {
            let these = &columns[at..at + step.columns()];
            let choices = step.choices(these, bindings)?;
            if prefixes.len().saturating_mul(choices.len()) > COMBINATIONS_MAX {
                return Err(Error::invalid(format!(
                    "The IN relations on clustering columns name more than {COMBINATIONS_MAX} rows; split the query"
                )));
            }
            prefixes = multiply(&prefixes, &choices);
            at += step.columns();
        }
        prefixes.sort_unstable();
        prefixes.dedup_by(|a, b| a.bytes == b.bytes);
        Ok(prefixes)
    }

    /// The one prefix that `=` on each column leaves, the common case; none if a step is another.
    fn one_prefix(
        &self,
        columns: &[Column],
        bindings: &Bindings<'_>,
    ) -> Result<Option<Prefix>, Error> {
        let mut prefix = Prefix::default();
        for (step, column) in self.steps.iter().zip(columns) {
            let Step::Column(Values::One(plan)) = step else {
                return Ok(None);
            };
            prefix.push(column, &value(plan, bindings, &column.name)?)?;
        }
        Ok(Some(prefix))
    }

    /// Sets the byte ranges of the matching rows: disjoint and ascending. The common case, one range of which each end is
    /// of one column, is encoded in `buffer` and put where a slice was before.
    pub fn evaluate(
        &self,
        columns: &[Column],
        bindings: &Bindings<'_>,
        slices: &mut Vec<Slice>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let range = self.range.as_ref().map(Range::of_one_column);
        let (Some(fixed), None | Some(Some(_))) = (self.one_value_each(), range) else {
            *slices = self.slices(columns, bindings)?;
            return Ok(());
        };
        buffer.clear();
        for (plan, column) in fixed.zip(columns) {
            push(column, &value(plan, bindings, &column.name)?, buffer)?;
        }
        slices.truncate(1);
        if slices.is_empty() {
            slices.push(Slice::all());
        }
        slices[0].set_prefix(buffer);
        if let Some(range) = range.flatten() {
            let column = &columns[self.fixed_columns()];
            range.narrow(&mut slices[0], column, bindings, buffer)?;
        }
        slices.retain(|slice| !slice.is_empty());
        Ok(())
    }

    /// The values of the columns that are fixed, if each has one.
    fn one_value_each(&self) -> Option<impl Iterator<Item = &term::Plan>> {
        let is_one = self.steps.iter().all(|step| step.one_value().is_some());
        is_one.then(|| self.steps.iter().filter_map(Step::one_value))
    }

    /// The byte ranges of the matching rows: disjoint and ascending.
    pub fn slices(&self, columns: &[Column], bindings: &Bindings<'_>) -> Result<Vec<Slice>, Error> {
        if self.is_empty() {
            return Ok(vec![Slice::all()]);
        }
        let prefixes = self.prefixes(columns, bindings)?;
        let rest = &columns[self.fixed_columns()..];
        let mut slices = Vec::with_capacity(prefixes.len());
        for prefix in prefixes {
            match &self.range {
                None => slices.push(Slice::prefix(&prefix.bytes)),
                Some(range) => slices.extend(range.slices(&prefix.bytes, rest, bindings)?),
            }
        }
        Ok(slices)
    }
}

impl Step {
    /// The encoded bytes of each alternative.
    fn choices(&self, columns: &[Column], bindings: &Bindings<'_>) -> Result<Vec<Prefix>, Error> {
        let encode = |parts: &mut dyn Iterator<Item = &[u8]>| {
            let mut out = Prefix::default();
            for (column, part) in columns.iter().zip(parts) {
                out.push(column, part)?;
            }
            Ok(out)
        };
        match self {
            Step::Column(values) => values
                .evaluate(bindings, &columns[0].name)?
                .iter()
                .map(|value| encode(&mut std::iter::once(value.as_ref())))
                .collect(),
            Step::Tuple(_, tuples) => {
                let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
                tuples
                    .evaluate(bindings, &names)?
                    .iter()
                    .map(|parts| encode(&mut parts.iter().map(Vec::as_slice)))
                    .collect()
            }
        }
    }
}

fn multiply(prefixes: &[Prefix], choices: &[Prefix]) -> Vec<Prefix> {
    let each = |prefix| {
        choices
            .iter()
            .map(move |choice| Prefix::and(prefix, choice))
    };
    prefixes.iter().flat_map(each).collect()
}

/// Adds one component, checked as Cassandra checks clustering values.
pub fn push(column: &Column, value: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    if value.is_empty() && !column.ty.allows_empty() {
        return Err(Error::invalid(format!(
            "Invalid empty value for clustering column {}",
            column.name
        )));
    }
    if value.len() > base::limits::KEY_BYTES_MAX {
        return Err(Error::invalid(format!(
            "Key length of {} is longer than maximum of {}",
            value.len(),
            base::limits::KEY_BYTES_MAX
        )));
    }
    clustering::push(
        &column.ty,
        column.order,
        clustering::Component::of(Some(value)),
        out,
    )?;
    Ok(())
}

/// A range on one column: the terms of its ends, and whether these are inside.
#[derive(Clone, Copy)]
struct OneColumn<'a> {
    lower: Option<(&'a term::Plan, bool)>,
    upper: Option<(&'a term::Plan, bool)>,
}

impl OneColumn<'_> {
    /// Makes the slice of a prefix, which is in `buffer`, that of the values of the next column within the range.
    fn narrow(
        &self,
        slice: &mut Slice,
        column: &Column,
        bindings: &Bindings<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let prefix = buffer.len();
        let is_ascending = column.order == Order::Asc;
        for (bound, is_start) in [(self.lower, is_ascending), (self.upper, !is_ascending)] {
            let Some((plan, inclusive)) = bound else {
                continue;
            };
            buffer.truncate(prefix);
            push(column, &value(plan, bindings, &column.name)?, buffer)?;
            if is_start != inclusive {
                clustering::above(buffer);
            }
            match is_start {
                true => slice.start.set(buffer),
                false => slice.end.set(buffer),
            }
        }
        Ok(())
    }
}

impl Range {
    /// The range, if both ends compare one column.
    fn of_one_column(&self) -> Option<OneColumn<'_>> {
        let (lower, upper) = (self.lower.as_ref(), self.upper.as_ref());
        let is_one = |bound: Option<&RangeBound>| bound.is_none_or(|b| b.of_one_column().is_some());
        (is_one(lower) && is_one(upper)).then(|| OneColumn {
            lower: lower.and_then(RangeBound::of_one_column),
            upper: upper.and_then(RangeBound::of_one_column),
        })
    }

    fn slices(
        &self,
        prefix: &[u8],
        columns: &[Column],
        bindings: &Bindings<'_>,
    ) -> Result<Vec<Slice>, Error> {
        let lower = match &self.lower {
            Some(bound) => bound.slices(prefix, columns, Side::Above, bindings)?,
            None => vec![Slice::prefix(prefix)],
        };
        let upper = match &self.upper {
            Some(bound) => bound.slices(prefix, columns, Side::Below, bindings)?,
            None => vec![Slice::prefix(prefix)],
        };
        Ok(intersect(&lower, &upper))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

impl RangeBound {
    /// The term, if it compares one column, and whether its value is inside.
    fn of_one_column(&self) -> Option<(&term::Plan, bool)> {
        match &self.values {
            TuplePlan::Components(plans) if plans.len() == 1 => Some((&plans[0], self.inclusive)),
            _ => None,
        }
    }

    /// The rows on one side of the bound.
    fn slices(
        &self,
        prefix: &[u8],
        columns: &[Column],
        side: Side,
        bindings: &Bindings<'_>,
    ) -> Result<Vec<Slice>, Error> {
        let columns = &columns[..self.columns];
        let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
        let values = self.values.evaluate(bindings, &names)?;
        let mut equal = prefix.to_vec();
        let mut slices = Vec::with_capacity(columns.len());
        for (index, (column, value)) in columns.iter().zip(&values).enumerate() {
            let inclusive = self.inclusive && index + 1 == columns.len();
            let mut at = equal.clone();
            push(column, value, &mut at)?;
            slices.push(beyond(&equal, &at, column.order, side, inclusive));
            equal = at;
        }
        slices.sort_unstable_by(|a, b| a.start.cmp(&b.start));
        Ok(slices)
    }
}

/// Under `parent`, the keys whose next component is on one side of the one that `at` ends in.
fn beyond(parent: &[u8], at: &[u8], order: Order, side: Side, inclusive: bool) -> Slice {
    let later_in_bytes = (side == Side::Above) == (order == Order::Asc);
    if later_in_bytes {
        let start = if inclusive { before(at) } else { after(at) };
        Slice::new(start, after(parent))
    } else {
        let end = if inclusive { after(at) } else { before(at) };
        Slice::new(before(parent), end)
    }
}

/// What two ascending lists of disjoint ranges have in common.
fn intersect(left: &[Slice], right: &[Slice]) -> Vec<Slice> {
    let mut common: Vec<Slice> = Vec::new();
    for a in left {
        for b in right {
            let both = a.intersect(b);
            if !both.is_empty() {
                common.push(both);
            }
        }
    }
    Slice::normalize(&mut common);
    common
}
