//! Judging a partition or row.

use std::cmp::Ordering;

use types::{Type, collection};

use super::{Condition, Filter, Operator, Target};
use crate::ColumnId;
use crate::image::{self, Column, Complex, View};
use crate::key::{clustering, partition};

/// Buffers that stay allocated from row to row.
#[derive(Debug, Default)]
pub struct Scratch {
    clustering: clustering::Decoded,
    value: Vec<u8>,
}

impl Filter {
    /// Whether the conditions about the partition hold. `statics` is its static row.
    pub fn accepts_partition(
        &self,
        key: &[u8],
        statics: Option<&View<'_>>,
        now_seconds: i64,
        scratch: &mut Scratch,
    ) -> bool {
        self.conditions
            .iter()
            .filter(|condition| condition.target.is_of_partition())
            .all(|condition| match &condition.target {
                Target::PartitionKey(index) => {
                    partition::components(key, usize::from(self.partition_components))
                        .nth(usize::from(*index))
                        .is_some_and(|value| condition.accepts(value))
                }
                _ => statics.is_some_and(|row| {
                    condition.accepts_column(row, now_seconds, &mut scratch.value)
                }),
            })
    }

    /// Whether the conditions about the row hold.
    pub fn accepts_row(
        &self,
        clustering: &[u8],
        row: &View<'_>,
        now_seconds: i64,
        scratch: &mut Scratch,
    ) -> bool {
        let mut decoded = None;
        self.conditions
            .iter()
            .filter(|condition| !condition.target.is_of_partition())
            .all(|condition| {
                let Target::Clustering(index) = condition.target else {
                    return condition.accepts_column(row, now_seconds, &mut scratch.value);
                };
                let decoded = *decoded.get_or_insert_with(|| {
                    scratch
                        .clustering
                        .decode(&self.clustering, clustering)
                        .is_ok()
                });
                let component = scratch.clustering.component(usize::from(index)).bytes();
                decoded && component.is_some_and(|value| condition.accepts(value))
            })
    }
}

impl Condition {
    /// Whether a value, not null, satisfies the condition.
    fn accepts(&self, value: &[u8]) -> bool {
        match (self.operator, &self.target) {
            (Operator::Contains | Operator::ContainsKey, _) => self.accepts_contents(value),
            (_, Target::Element { key, .. }) => self.accepts_entry(value, key),
            _ => self.compares(&self.ty, value),
        }
    }

    /// Whether a value of type `ty` stands to the condition's as its operator says.
    fn compares(&self, ty: &Type, value: &[u8]) -> bool {
        if self.operator == Operator::In {
            return self
                .values
                .iter()
                .any(|one| ty.compare(value, one) == Ordering::Equal);
        }
        let Some(with) = self.values.first() else {
            return false;
        };
        let order = ty.compare(value, with);
        match self.operator {
            Operator::Eq => order.is_eq(),
            Operator::Ne => order.is_ne(),
            Operator::Lt => order.is_lt(),
            Operator::Le => order.is_le(),
            Operator::Gt => order.is_gt(),
            Operator::Ge => order.is_ge(),
            Operator::In | Operator::Contains | Operator::ContainsKey => false,
        }
    }

    fn equals(&self, ty: &Type, value: &[u8]) -> bool {
        self.values
            .first()
            .is_some_and(|with| ty.compare(value, with).is_eq())
    }

    fn accepts_column(&self, row: &View<'_>, now_seconds: i64, scratch: &mut Vec<u8>) -> bool {
        match row.find(self.column()) {
            None => false,
            Some(Column::Simple(cell)) => cell
                .value(now_seconds)
                .is_some_and(|value| self.accepts(value)),
            Some(Column::Complex(complex)) => self.accepts_complex(&complex, now_seconds, scratch),
        }
    }

    fn column(&self) -> ColumnId {
        match self.target {
            Target::Static(column) | Target::Column(column) | Target::Element { column, .. } => {
                column
            }
            // Keys are not columns of an image, and nothing is satisfied by the column of originals.
            Target::PartitionKey(_) | Target::Clustering(_) => ColumnId::ORIGINALS,
        }
    }

    /// Judges a column that is stored as one cell per element.
    fn accepts_complex(
        &self,
        complex: &Complex<'_>,
        now_seconds: i64,
        scratch: &mut Vec<u8>,
    ) -> bool {
        let mut live = complex.live(now_seconds);
        match (self.operator, &self.ty, &self.target) {
            (Operator::Contains, Type::List { element, .. }, _) => {
                live.any(|(_, item)| self.equals(element, item))
            }
            (Operator::Contains, Type::Set { element, .. }, _) => {
                live.any(|(item, _)| self.equals(element, item))
            }
            (Operator::Contains, Type::Map { value, .. }, _) => {
                live.any(|(_, item)| self.equals(value, item))
            }
            (Operator::ContainsKey, Type::Map { key, .. }, _) => {
                live.any(|(item, _)| self.equals(key, item))
            }
            (_, Type::Map { value, .. }, Target::Element { key, .. }) => {
                let found = complex.find(key).and_then(|cell| cell.value(now_seconds));
                found.is_some_and(|found| self.compares(value, found))
            }
            (_, ty, Target::Static(_) | Target::Column(_)) => {
                scratch.clear();
                image::collect(ty, complex, now_seconds, scratch) && self.compares(ty, scratch)
            }
            _ => false,
        }
    }

    /// `CONTAINS` and `CONTAINS KEY` of a frozen collection.
    fn accepts_contents(&self, value: &[u8]) -> bool {
        let any_item = |ty: &Type| {
            collection::Items::new(value)
                .is_ok_and(|items| items.flatten().any(|item| self.equals(ty, item)))
        };
        let any_entry = |test: &dyn Fn(&[u8], &[u8]) -> bool| {
            collection::Pairs::new(value)
                .is_ok_and(|pairs| pairs.flatten().any(|(key, value)| test(key, value)))
        };
        match (&self.ty, self.operator) {
            (Type::List { element, .. } | Type::Set { element, .. }, Operator::Contains) => {
                any_item(element)
            }
            (Type::Map { value, .. }, Operator::Contains) => {
                any_entry(&|_, item| self.equals(value, item))
            }
            (Type::Map { key, .. }, Operator::ContainsKey) => {
                any_entry(&|item, _| self.equals(key, item))
            }
            _ => false,
        }
    }

    /// An entry of a frozen map.
    fn accepts_entry(&self, map: &[u8], wanted: &[u8]) -> bool {
        let Type::Map { key, value, .. } = &self.ty else {
            return false;
        };
        let Ok(mut pairs) = collection::Pairs::new(map) else {
            return false;
        };
        pairs.any(|pair| {
            pair.is_ok_and(|(found, item)| {
                key.compare(found, wanted).is_eq() && self.compares(value, item)
            })
        })
    }
}
