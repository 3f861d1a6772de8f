//! The columns of one row as byte ranges: found once per row, read by every selector.
//!
//! A [`Fetch`] lists the columns a statement needs, each a *slot*. [`Values::load`] walks the row's
//! images once and notes where each slot's value lies. Only what must be computed (decoded
//! clustering columns, collected collections) is written to a scratch buffer that is kept from row
//! to row, so a row of plain columns costs no allocation and no copy.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use base::limits::KEPT_BUFFER_BYTES;
use model::ColumnId;
use model::cell::{Cell, Kind};
use model::image::{self, Column as ImageColumn, Complex, View};
use model::key::{clustering, originals, partition};
use schema::Table;
use schema::table::{Column, ColumnKind, Order};
use types::{Type, collection, comparable};

/// One live row, as the coordinator yields it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The partition key's bytes.
    pub key: &'a [u8],
    /// The clustering key; none for a partition that has only static columns.
    pub clustering: Option<&'a [u8]>,
    /// The row's image.
    pub image: Option<&'a [u8]>,
    /// The static row's image.
    pub static_image: Option<&'a [u8]>,
}

/// The columns that a statement reads, by slot.
#[derive(Clone, Debug, Default)]
pub struct Fetch {
    slots: Vec<Slot>,
    /// Which slot is which column, so that many columns are not looked for one by one.
    slot_of: BTreeMap<(ColumnKind, ColumnId), usize>,
    /// Slots of regular columns by ascending column id, and those of static columns.
    regulars: Vec<(ColumnId, usize)>,
    statics: Vec<(ColumnId, usize)>,
    clustering: Vec<(Type, Order)>,
    /// Which slot wants which clustering column.
    clustering_slots: Vec<(usize, usize)>,
    /// Whether a clustering column's value may be spelled in a way that its key does not give back.
    has_originals: bool,
    partition_slots: Vec<(usize, usize)>,
    partition_columns: usize,
}

#[derive(Clone, Debug)]
struct Slot {
    ty: Type,
    kind: ColumnKind,
    id: ColumnId,
    /// Whether it is asked when each element was written.
    times: bool,
}

impl Fetch {
    /// Nothing yet of this table.
    pub fn new(table: &Table) -> Self {
        Fetch {
            clustering: table
                .clustering
                .iter()
                .map(|column| (column.ty.clone(), column.order))
                .collect(),
            has_originals: table
                .clustering
                .iter()
                .any(|column| !comparable::always_roundtrips(&column.ty)),
            partition_columns: table.partition_key.len(),
            ..Fetch::default()
        }
    }

    /// The slot of a column, added if it is not there yet.
    pub fn slot(&mut self, column: &Column) -> usize {
        let slot = self.slots.len();
        match self.slot_of.entry((column.kind, column.id)) {
            Entry::Occupied(known) => return *known.get(),
            Entry::Vacant(free) => free.insert(slot),
        };
        self.slots.push(Slot {
            ty: column.ty.clone(),
            kind: column.kind,
            id: column.id,
            times: false,
        });
        let position = usize::from(column.position);
        match column.kind {
            ColumnKind::PartitionKey => self.partition_slots.push((position, slot)),
            ColumnKind::Clustering => self.clustering_slots.push((position, slot)),
            ColumnKind::Static => insert_sorted(&mut self.statics, column.id, slot),
            ColumnKind::Regular => insert_sorted(&mut self.regulars, column.id, slot),
        }
        slot
    }

    /// The slot of a collection or field-updatable type, with the times of its elements.
    pub fn slot_with_times(&mut self, column: &Column) -> usize {
        let slot = self.slot(column);
        self.slots[slot].times = true;
        slot
    }

    /// The ids of the columns that are not part of the key.
    pub fn ids(&self) -> impl Iterator<Item = ColumnId> {
        let both = self.regulars.iter().chain(&self.statics);
        both.map(|(id, _)| *id)
    }

    /// The name of a column of one of these kinds that is read, if there is one.
    pub fn first_of<'t>(&self, kinds: &[ColumnKind], table: &'t Table) -> Option<&'t str> {
        let slot = self.slots.iter().find(|slot| kinds.contains(&slot.kind))?;
        table
            .columns()
            .find(|column| column.id == slot.id && column.kind == slot.kind)
            .map(|column| &*column.name)
    }

    /// Whether a column of this kind is read.
    pub fn has_kind(&self, kind: ColumnKind) -> bool {
        self.slots.iter().any(|slot| slot.kind == kind)
    }

    /// Whether a column of one cell per element is read.
    pub fn has_many_cells(&self) -> bool {
        self.slots.iter().any(|slot| slot.ty.is_multi_cell())
    }

    /// Whether a column is read.
    pub fn has(&self, column: &Column) -> bool {
        self.slot_of.contains_key(&(column.kind, column.id))
    }
}

fn insert_sorted(list: &mut Vec<(ColumnId, usize)>, id: ColumnId, slot: usize) {
    let at = list.partition_point(|(other, _)| *other < id);
    list.insert(at, (id, slot));
}

/// Where a slot's value lies.
#[derive(Clone, Debug, Default)]
enum Place {
    #[default]
    Nowhere,
    Key(Range<usize>),
    Image(Range<usize>),
    Static(Range<usize>),
    Scratch(Range<usize>),
}

/// What is known of one slot of the present row.
#[derive(Clone, Debug, Default)]
struct Found {
    place: Place,
    written: Option<i64>,
    expiry: Option<i64>,
    /// Where its elements' times lie.
    elements: Range<usize>,
}

/// When an element was written, and when it expires.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// In microseconds.
    pub written: i64,
    /// In seconds.
    pub expiry: Option<i64>,
}

/// The values of the present row by slot.
#[derive(Debug, Default)]
pub struct Values {
    found: Vec<Found>,
    scratch: Vec<u8>,
    times: Vec<Option<Times>>,
    decoded: clustering::Decoded,
}

impl Values {
    /// Finds the slots of a row, as it is at `now_seconds`.
    pub fn load(&mut self, fetch: &Fetch, row: &Row<'_>, now_seconds: i64) {
        self.scratch.clear();
        self.times.clear();
        self.found.clear();
        self.found.resize_with(fetch.slots.len(), Found::default);
        self.load_partition(fetch, row);
        self.load_clustering(fetch, row);
        if let Some(image) = row.image {
            self.load_image(&fetch.regulars, fetch, image, now_seconds, Place::Image);
        }
        if let Some(image) = row.static_image {
            self.load_image(&fetch.statics, fetch, image, now_seconds, Place::Static);
        }
    }

    fn load_partition(&mut self, fetch: &Fetch, row: &Row<'_>) {
        if fetch.partition_slots.is_empty() {
            return;
        }
        for (position, component) in
            partition::components(row.key, fetch.partition_columns).enumerate()
        {
            for (_, slot) in fetch
                .partition_slots
                .iter()
                .filter(|(wanted, _)| *wanted == position)
            {
                self.found[*slot].place = Place::Key(within(row.key, component));
            }
        }
    }

    fn load_clustering(&mut self, fetch: &Fetch, row: &Row<'_>) {
        let Some(key) = row.clustering else { return };
        if fetch.clustering_slots.is_empty() {
            return;
        }
        // A key that fails to decode is shown as nulls: images and keys were checked when they came in.
        if self.decoded.decode(&fetch.clustering, key).is_err() {
            return;
        }
        let image = row.image.filter(|_| fetch.has_originals);
        let originals = image.and_then(originals);
        for (position, slot) in &fetch.clustering_slots {
            let original = originals.and_then(|value| originals::find(value, *position));
            let Some(bytes) = original.or_else(|| self.decoded.component(*position).bytes()) else {
                continue;
            };
            let start = self.scratch.len();
            self.scratch.extend_from_slice(bytes);
            self.found[*slot].place = Place::Scratch(start..self.scratch.len());
        }
    }

    fn load_image(
        &mut self,
        wanted: &[(ColumnId, usize)],
        fetch: &Fetch,
        image: &[u8],
        now_seconds: i64,
        place: fn(Range<usize>) -> Place,
    ) {
        let mut wanted = wanted.iter().peekable();
        for (id, column) in View::new(image).columns() {
            while wanted.next_if(|(other, _)| *other < id).is_some() {}
            let Some((_, slot)) = wanted.next_if(|(other, _)| *other == id) else {
                if wanted.peek().is_none() {
                    return;
                }
                continue;
            };
            self.found[*slot] = match column {
                ImageColumn::Simple(cell) => match cell.value(now_seconds) {
                    None => Found::default(),
                    Some(value) => Found {
                        place: place(within(image, value)),
                        written: Some(cell.timestamp.0),
                        expiry: cell.expiry().map(|(_, expiry)| expiry),
                        elements: 0..0,
                    },
                },
                ImageColumn::Complex(complex) => {
                    self.load_complex(&fetch.slots[*slot], &complex, now_seconds)
                }
            };
        }
    }

    /// Forgets everything but a little memory.
    pub fn release(&mut self) {
        self.found.clear();
        self.scratch.clear();
        self.times.clear();
        self.found.shrink_to(KEPT_BUFFER_BYTES / size_of::<Found>());
        self.scratch.shrink_to(KEPT_BUFFER_BYTES);
        self.times.shrink_to(KEPT_BUFFER_BYTES / size_of::<Times>());
        self.decoded.release();
    }

    /// A column of one cell per element becomes one value.
    fn load_complex(&mut self, slot: &Slot, complex: &Complex<'_>, now_seconds: i64) -> Found {
        let start = self.scratch.len();
        if !image::collect(&slot.ty, complex, now_seconds, &mut self.scratch) {
            return Found::default();
        }
        let first = self.times.len();
        if slot.times {
            element_times(&slot.ty, complex, now_seconds, &mut self.times);
        }
        Found {
            place: Place::Scratch(start..self.scratch.len()),
            written: None,
            expiry: None,
            elements: first..self.times.len(),
        }
    }

    /// The times of a slot's elements in the order of its value; none for a field that is null.
    pub fn element_times(&self, slot: usize) -> &[Option<Times>] {
        let elements = self.found.get(slot).map(|found| found.elements.clone());
        elements
            .and_then(|range| self.times.get(range))
            .unwrap_or_default()
    }

    /// The bytes of a slot; `None` is null.
    pub fn get<'a>(&'a self, slot: usize, row: &Row<'a>) -> Option<&'a [u8]> {
        match &self.found.get(slot)?.place {
            Place::Nowhere => None,
            Place::Key(range) => row.key.get(range.clone()),
            Place::Image(range) => row.image?.get(range.clone()),
            Place::Static(range) => row.static_image?.get(range.clone()),
            Place::Scratch(range) => self.scratch.get(range.clone()),
        }
    }

    /// When a slot's one cell was written, and when it expires.
    pub fn times(&self, slot: usize) -> Option<Times> {
        Some(Times {
            written: self.written(slot)?,
            expiry: self.expiry(slot),
        })
    }

    /// When a slot's cell was written, in microseconds.
    pub fn written(&self, slot: usize) -> Option<i64> {
        self.found.get(slot)?.written
    }

    /// When a slot's cell expires, in seconds.
    pub fn expiry(&self, slot: usize) -> Option<i64> {
        self.found.get(slot)?.expiry
    }
}

/// When each element of a collection was written, or each field of a user-defined type.
fn element_times(ty: &Type, complex: &Complex<'_>, now_seconds: i64, out: &mut Vec<Option<Times>>) {
    let live = complex
        .elements()
        .filter(|(_, cell)| cell.is_live(now_seconds));
    let times = |cell: &Cell<'_>| Times {
        written: cell.timestamp.0,
        expiry: cell.expiry().map(|(_, expiry)| expiry),
    };
    let mut elements: Vec<(&[u8], Times)> = live.map(|(path, cell)| (path, times(&cell))).collect();
    match ty {
        Type::Set { element: key, .. } | Type::Map { key, .. } => {
            collection::sort(key, &mut elements, |(path, _)| path);
        }
        Type::Udt { definition, .. } => {
            let field = |index: usize| {
                let found = elements
                    .iter()
                    .find(|(path, _)| **path == (index as u16).to_be_bytes());
                found.map(|(_, times)| *times)
            };
            out.extend((0..definition.fields.len()).map(field));
            return;
        }
        _ => {}
    }
    out.extend(elements.into_iter().map(|(_, times)| Some(times)));
}

/// Where `part`, a slice of `whole`, lies in it.
fn within(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    debug_assert!(start + part.len() <= whole.len());
    start..start.wrapping_add(part.len())
}

/// The client's own bytes of key components, where decoding the key would not give them back.
fn originals(image: &[u8]) -> Option<&[u8]> {
    match View::new(image).find(ColumnId::ORIGINALS)? {
        ImageColumn::Simple(cell) => match cell.kind {
            Kind::Value(value) => Some(value),
            Kind::Expiring { value, .. } => value,
            Kind::Tombstone { .. } => None,
        },
        ImageColumn::Complex(_) => None,
    }
}
