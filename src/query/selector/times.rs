//! `writetime`, `ttl` and `maxwritetime` of columns of many cells, and of parts of columns.
//!
//! | Of | Non-frozen | Frozen |
//! |---|---|---|
//! | the whole | a list, one for each element or field | the cell's (not here: see [`Expression`]) |
//! | a slice of a set or map | a list, one for each element in it | the cell's, unless the slice is empty |
//! | an element or field | the element's | the cell's |
//!
//! `maxwritetime` is the largest of a list.
//!
//! [`Expression`]: crate::selector::Expression

use types::{Type, collection};

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::row::Times as CellTimes;
use crate::selector::evaluate::{Ends, Scope, key_value};
use crate::term;

/// The times of cells of one column.
#[derive(Clone, Debug)]
pub struct Times {
    /// The column.
    pub slot: usize,
    /// Its type.
    pub ty: Type,
    /// Which of its cells.
    pub part: Part,
    /// What of them.
    pub kind: TimesKind,
}

/// A part of a column.
#[derive(Clone, Debug)]
pub enum Part {
    /// All of it.
    Whole,
    /// A field, by position.
    Field(usize),
    /// An element, by key.
    Element(term::Plan),
    /// The elements between two.
    Slice(Option<term::Plan>, Option<term::Plan>),
}

/// What is asked of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimesKind {
    /// When it was written.
    WriteTime,
    /// When the last of them was written.
    MaxWriteTime,
    /// The seconds that it has left.
    TimeToLive,
}

impl Times {
    /// Whether the answer is a list.
    pub fn is_list(&self) -> bool {
        self.ty.is_multi_cell()
            && matches!(self.part, Part::Whole | Part::Slice(..))
            && self.kind != TimesKind::MaxWriteTime
    }

    /// The type of the answer.
    pub fn result(&self) -> Type {
        let each = match self.kind {
            TimesKind::TimeToLive => Type::Int,
            _ => Type::BigInt,
        };
        match self.is_list() {
            true => Type::list(each, false),
            false => each,
        }
    }

    /// The same with bound values in place of markers.
    pub fn bound(&self, bindings: &Bindings<'_>) -> Result<Times, Error> {
        let end = |plan: &Option<term::Plan>| plan.as_ref().map(|plan| plan.bound(bindings));
        let part = match &self.part {
            Part::Element(key) => Part::Element(key.bound(bindings)?),
            Part::Slice(from, to) => Part::Slice(end(from).transpose()?, end(to).transpose()?),
            other => other.clone(),
        };
        Ok(Times {
            part,
            ..self.clone()
        })
    }

    /// Whether a bound value is part of it.
    pub fn has_marker(&self) -> bool {
        let end = |plan: &Option<term::Plan>| plan.as_ref().is_some_and(term::Plan::has_marker);
        match &self.part {
            Part::Whole | Part::Field(_) => false,
            Part::Element(key) => key.has_marker(),
            Part::Slice(from, to) => end(from) || end(to),
        }
    }

    /// The answer for one row; `None` is null.
    pub fn value(&self, scope: &Scope<'_, '_>) -> Result<Option<Vec<u8>>, Error> {
        let cells = self.cells(scope)?;
        if self.is_list() {
            return Ok(scope.list(&cells, |times| self.of(scope, times)));
        }
        let last = cells.iter().flatten().max_by_key(|times| times.written);
        Ok(last.and_then(|times| self.of(scope, times)))
    }

    fn of(&self, scope: &Scope<'_, '_>, times: &CellTimes) -> Option<Vec<u8>> {
        match self.kind {
            TimesKind::TimeToLive => Some(scope.seconds_left(times.expiry?).to_vec()),
            _ => Some(times.written.to_be_bytes().to_vec()),
        }
    }

    /// The times of the cells that are asked for; none for a field that is null.
    fn cells(&self, scope: &Scope<'_, '_>) -> Result<Vec<Option<CellTimes>>, Error> {
        let Some(whole) = scope.values.get(self.slot, scope.row) else {
            return Ok(Vec::new());
        };
        if !self.ty.is_multi_cell() {
            let one = scope.values.times(self.slot);
            let wanted = match &self.part {
                Part::Whole | Part::Field(_) => true,
                _ => !self.positions(whole, scope)?.is_empty(),
            };
            return Ok(one.filter(|_| wanted).into_iter().map(Some).collect());
        }
        let all = scope.values.element_times(self.slot);
        Ok(match &self.part {
            Part::Whole => all.to_vec(),
            Part::Field(index) => all.get(*index).copied().into_iter().collect(),
            _ => {
                let positions = self.positions(whole, scope)?.into_iter();
                positions.filter_map(|at| all.get(at).copied()).collect()
            }
        })
    }

    /// The positions of the wanted elements of a set or map.
    fn positions(&self, whole: &[u8], scope: &Scope<'_, '_>) -> Result<Vec<usize>, Error> {
        let mut found = Vec::new();
        let mut look = |ty: &Type, keys: &mut dyn Iterator<Item = Result<&[u8], Error>>| {
            let wanted = self.wanted(scope)?;
            for (index, key) in keys.enumerate() {
                if wanted.contains(ty, key?) {
                    found.push(index);
                }
            }
            Ok::<_, Error>(())
        };
        match &self.ty {
            Type::Map { key, .. } => {
                let mut keys = collection::Pairs::new(whole)?.map(|pair| Ok(pair?.0));
                look(key, &mut keys)?;
            }
            Type::Set { element, .. } => {
                let mut keys = collection::Items::new(whole)?.map(|item| Ok(item?));
                look(element, &mut keys)?;
            }
            _ => {}
        }
        Ok(found)
    }

    /// What keys the part has.
    fn wanted<'v>(&'v self, scope: &'v Scope<'_, '_>) -> Result<Ends<'v>, Error> {
        match &self.part {
            Part::Element(key) => {
                let key = key_value(key, scope.bindings)?;
                Ok(Ends {
                    from: key.clone(),
                    to: key,
                })
            }
            Part::Slice(from, to) => Ends::evaluate(from.as_ref(), to.as_ref(), scope.bindings),
            Part::Whole | Part::Field(_) => Ok(Ends {
                from: Bound::Unset,
                to: Bound::Unset,
            }),
        }
    }
}
