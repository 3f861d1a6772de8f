//! A row as maps: slow, obvious, and what images are compared with.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Builder, Column, Purge, View};
use crate::cell::Kind;
use crate::{Cell, ColumnId, Deletion, Liveness, Timestamp};

/// A cell with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) timestamp: i64,
    pub(crate) kind: OwnedKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnedKind {
    Value(Vec<u8>),
    Expiring(u32, i64, Option<Vec<u8>>),
    Tombstone(i64),
}

/// A column: odd ids are complex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Simple(Owned),
    Complex(Option<Deletion>, BTreeMap<Vec<u8>, Owned>),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Model {
    pub(crate) liveness: Option<Liveness>,
    pub(crate) deletion: Option<Deletion>,
    pub(crate) columns: BTreeMap<u16, Content>,
}

impl Owned {
    pub(crate) fn cell(&self) -> Cell<'_> {
        let kind = match &self.kind {
            OwnedKind::Value(value) => Kind::Value(value),
            OwnedKind::Expiring(ttl_seconds, expiry_seconds, value) => Kind::Expiring {
                ttl_seconds: *ttl_seconds,
                expiry_seconds: *expiry_seconds,
                value: value.as_deref(),
            },
            OwnedKind::Tombstone(local_seconds) => Kind::Tombstone {
                local_seconds: *local_seconds,
            },
        };
        Cell {
            timestamp: Timestamp(self.timestamp),
            kind,
        }
    }

    fn of(cell: &Cell<'_>) -> Owned {
        let kind = match cell.kind {
            Kind::Value(value) => OwnedKind::Value(value.to_vec()),
            Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value,
            } => OwnedKind::Expiring(ttl_seconds, expiry_seconds, value.map(<[u8]>::to_vec)),
            Kind::Tombstone { local_seconds } => OwnedKind::Tombstone(local_seconds),
        };
        Owned {
            timestamp: cell.timestamp.0,
            kind,
        }
    }

    fn join(&self, other: &Owned) -> Owned {
        Owned::of(&self.cell().join(other.cell()))
    }

    fn purge(self, rule: &Purge) -> Option<Owned> {
        let expired = match self.kind {
            OwnedKind::Tombstone(local) => Some(local),
            OwnedKind::Expiring(ttl, expiry, ref value)
                if value.is_none() || expiry <= rule.now_seconds =>
            {
                Some(expiry - i64::from(ttl))
            }
            _ => None,
        };
        let Some(local_seconds) = expired else {
            return Some(self);
        };
        if local_seconds < rule.gc_before_seconds && self.timestamp < rule.max_purgeable_timestamp.0
        {
            return None;
        }
        Some(match self.kind {
            OwnedKind::Expiring(ttl, expiry, _) => Owned {
                timestamp: self.timestamp,
                kind: OwnedKind::Expiring(ttl, expiry, None),
            },
            _ => self,
        })
    }
}

impl Model {
    /// What an image says.
    pub(crate) fn read(image: &[u8]) -> Model {
        let view = View::new(image);
        let columns = view.columns().map(|(id, column)| {
            let content = match column {
                Column::Simple(cell) => Content::Simple(Owned::of(&cell)),
                Column::Complex(complex) => {
                    let elements = complex
                        .elements()
                        .map(|(path, cell)| (path.to_vec(), Owned::of(&cell)));
                    Content::Complex(complex.deletion(), elements.collect())
                }
            };
            (id.0, content)
        });
        Model {
            liveness: view.liveness(),
            deletion: view.deletion(),
            columns: columns.collect(),
        }
    }

    pub(crate) fn image(&self) -> Vec<u8> {
        let mut steps = self.steps();
        build(&mut steps)
    }

    /// What a builder must be told, in order.
    pub(crate) fn steps(&self) -> Vec<Setting> {
        let mut steps = Vec::new();
        steps.extend(self.liveness.map(Setting::Liveness));
        steps.extend(self.deletion.map(Setting::Deletion));
        for (id, content) in &self.columns {
            match content {
                Content::Simple(cell) => steps.push(Setting::Cell(*id, cell.clone())),
                Content::Complex(deletion, elements) => {
                    steps.push(Setting::Complex(*id, *deletion));
                    let elements = elements
                        .iter()
                        .map(|(path, cell)| Setting::Element(*id, path.clone(), cell.clone()));
                    steps.extend(elements);
                }
            }
        }
        steps
    }

    pub(crate) fn join(&self, other: &Model) -> Model {
        let mut joined = self.clone();
        joined.liveness = Liveness::join_option(self.liveness, other.liveness);
        joined.deletion = self.deletion.max(other.deletion);
        for (id, content) in &other.columns {
            let mine = joined.columns.remove(id);
            let content = match (mine, content) {
                (None, content) => content.clone(),
                (Some(Content::Simple(a)), Content::Simple(b)) => Content::Simple(a.join(b)),
                (
                    Some(Content::Complex(deletion, mut elements)),
                    Content::Complex(other, others),
                ) => {
                    for (path, cell) in others {
                        let cell = elements
                            .get(path)
                            .map_or_else(|| cell.clone(), |mine| mine.join(cell));
                        elements.insert(path.clone(), cell);
                    }
                    Content::Complex(deletion.max(*other), elements)
                }
                _ => unreachable!("a column keeps its kind"),
            };
            joined.columns.insert(*id, content);
        }
        joined
    }

    /// Without what its own deletions, and one from outside, cover.
    pub(crate) fn normal(mut self, outside: Option<i64>) -> Model {
        let covers = |by: Option<i64>, timestamp: i64| by.is_some_and(|by| timestamp <= by);
        self.deletion = self
            .deletion
            .filter(|deletion| !covers(outside, deletion.timestamp.0));
        let row = outside.max(self.deletion.map(|deletion| deletion.timestamp.0));
        self.liveness = self
            .liveness
            .filter(|liveness| !covers(row, liveness.timestamp.0));
        self.columns.retain(|_, content| match content {
            Content::Simple(cell) => !covers(row, cell.timestamp),
            Content::Complex(deletion, elements) => {
                *deletion = deletion.filter(|deletion| !covers(row, deletion.timestamp.0));
                let column = row.max(deletion.map(|deletion| deletion.timestamp.0));
                elements.retain(|_, cell| !covers(column, cell.timestamp));
                deletion.is_some() || !elements.is_empty()
            }
        });
        self
    }

    pub(crate) fn purge(mut self, rule: &Purge) -> Model {
        let drops = |timestamp: Timestamp, local_seconds: i64| {
            local_seconds < rule.gc_before_seconds && timestamp < rule.max_purgeable_timestamp
        };
        self.deletion = self
            .deletion
            .filter(|deletion| !drops(deletion.timestamp, deletion.local_seconds));
        self.liveness = self.liveness.filter(|liveness| {
            let expired = liveness.ttl_seconds > 0 && liveness.expiry_seconds <= rule.now_seconds;
            !(expired
                && drops(
                    liveness.timestamp,
                    liveness.expiry_seconds - i64::from(liveness.ttl_seconds),
                ))
        });
        let columns = std::mem::take(&mut self.columns);
        self.columns = columns
            .into_iter()
            .filter_map(|(id, content)| {
                let content = match content {
                    Content::Simple(cell) => Content::Simple(cell.purge(rule)?),
                    Content::Complex(deletion, elements) => {
                        let deletion = deletion
                            .filter(|deletion| !drops(deletion.timestamp, deletion.local_seconds));
                        let elements: BTreeMap<_, _> = elements
                            .into_iter()
                            .filter_map(|(path, cell)| Some((path, cell.purge(rule)?)))
                            .collect();
                        if deletion.is_none() && elements.is_empty() {
                            return None;
                        }
                        Content::Complex(deletion, elements)
                    }
                };
                Some((id, content))
            })
            .collect();
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Model::default()
    }
}

/// One thing that a builder is told.
#[derive(Debug, Clone)]
pub(crate) enum Setting {
    Liveness(Liveness),
    Deletion(Deletion),
    Cell(u16, Owned),
    Complex(u16, Option<Deletion>),
    Element(u16, Vec<u8>, Owned),
}

/// Tells a builder all of it, in the order given.
pub(crate) fn build(steps: &mut [Setting]) -> Vec<u8> {
    let mut builder = Builder::new();
    for step in steps {
        match step {
            Setting::Liveness(liveness) => builder.liveness(*liveness),
            Setting::Deletion(deletion) => builder.deletion(*deletion),
            Setting::Cell(id, cell) => {
                builder.cell(ColumnId(*id), Timestamp(cell.timestamp), cell.cell().kind)
            }
            Setting::Complex(id, deletion) => builder.complex(ColumnId(*id), *deletion),
            Setting::Element(id, path, cell) => {
                let cell = cell.cell();
                builder
                    .complex(ColumnId(*id), None)
                    .element(path, cell.timestamp, cell.kind)
            }
        };
    }
    let mut out = Vec::new();
    builder.finish_into(&mut out);
    out
}

fn timestamp() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0i64..4, 1 => Just(i64::MAX), 1 => Just(i64::MIN), 1 => Just(1_700_000_000_000_000)]
}

pub(crate) fn deletion() -> impl Strategy<Value = Deletion> {
    (timestamp(), 0i64..3).prop_map(|(timestamp, local_seconds)| Deletion {
        timestamp: Timestamp(timestamp),
        local_seconds,
    })
}

pub(crate) fn cell() -> impl Strategy<Value = Owned> {
    let value = || proptest::collection::vec(0u8..2, 0..3);
    let kind = prop_oneof![
        3 => value().prop_map(OwnedKind::Value),
        2 => (1u32..3, 1i64..5, proptest::option::weighted(0.8, value()))
            .prop_map(|(ttl, expiry, value)| OwnedKind::Expiring(ttl, expiry, value)),
        1 => (0i64..3).prop_map(OwnedKind::Tombstone),
    ];
    (timestamp(), kind).prop_map(|(timestamp, kind)| Owned { timestamp, kind })
}

fn content(id: u16) -> BoxedStrategy<Content> {
    if id & 1 == 0 {
        return cell().prop_map(Content::Simple).boxed();
    }
    let path = proptest::collection::vec(0u8..2, 0..3);
    let elements = proptest::collection::btree_map(path, cell(), 0..4);
    (proptest::option::weighted(0.3, deletion()), elements)
        .prop_map(|(deletion, elements)| Content::Complex(deletion, elements))
        .boxed()
}

/// Any row, not normal yet.
pub(crate) fn row() -> impl Strategy<Value = Model> {
    let id = prop_oneof![8 => 0u16..6, 1 => Just(u16::MAX), 1 => 30u16..40];
    let column = id.prop_flat_map(|id| (Just(id), content(id)));
    let liveness = (timestamp(), 0u32..3, 1i64..5)
        .prop_map(|(timestamp, ttl, expiry)| Liveness::expiring(Timestamp(timestamp), ttl, expiry));
    let columns = proptest::collection::vec(column, 0..5);
    (
        proptest::option::weighted(0.6, liveness),
        proptest::option::weighted(0.2, deletion()),
        columns,
    )
        .prop_map(|(liveness, deletion, columns)| Model {
            liveness,
            deletion,
            columns: columns.into_iter().collect(),
        })
}
