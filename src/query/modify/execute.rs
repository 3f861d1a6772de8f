//! One execution of a modification: its mutations, encoded into the turn's frame.

use coordinator::Turn;
use model::cell::Kind;
use model::image::Builder;
use model::key::{PartitionKey, PartitionKeyRef, originals};
use model::mutation::Encoder;
use model::{ColumnId, Deletion, Liveness, Timestamp};
use schema::table::Column;
use types::Type;
use types::value::number;

use crate::bind::{Bindings, Bound};
use crate::bounds;
use crate::error::Error;
use crate::modify::lists::{Lists, RowLists};
use crate::modify::{Effect, Operation, Plan, Written};
use crate::restriction::clustering::{Prefix, Step, push};
use crate::restriction::key;
use crate::restriction::values::{Values, value};

/// The longest time to live: 20 years, as Cassandra has it.
pub const TIME_TO_LIVE_SECONDS_MAX: i32 = 20 * 365 * 24 * 60 * 60;

/// The time that the cells of one execution carry.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// When they were written.
    pub timestamp: Timestamp,
    /// How long they live, 0 for ever.
    pub ttl_seconds: u32,
    /// The request's now.
    pub now_seconds: i64,
    /// The coordinator's time, later than all before it, by which list elements are ordered.
    pub order_micros: i64,
}

impl Stamp {
    /// A value with this stamp.
    pub fn kind<'a>(&self, bytes: &'a [u8]) -> Kind<'a> {
        Kind::with_ttl(bytes, self.ttl_seconds, self.expiry_seconds())
    }

    /// A deletion with this stamp.
    pub fn deletion(&self) -> Deletion {
        Deletion {
            timestamp: self.timestamp,
            local_seconds: self.now_seconds,
        }
    }

    fn expiry_seconds(&self) -> i64 {
        self.now_seconds.saturating_add(i64::from(self.ttl_seconds))
    }

    fn liveness(&self) -> Liveness {
        let expiry_seconds = if self.ttl_seconds == 0 {
            0
        } else {
            self.expiry_seconds()
        };
        Liveness {
            timestamp: self.timestamp,
            ttl_seconds: self.ttl_seconds,
            expiry_seconds,
        }
    }
}

/// What an execution takes beside its bindings.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The request's timestamp, or the batch's; none for the coordinator's clock.
    pub timestamp: Option<i64>,
    /// What was read before, for lists by index.
    pub lists: Option<&'a Lists>,
    /// Whether it is one of several, whose mutations are counted together.
    pub is_counted: bool,
}

/// Buffers that stay allocated from one execution to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    key: Vec<u8>,
    clustering: Vec<u8>,
    originals: Vec<u8>,
    builder: Builder,
    /// What a BATCH has written.
    pub written: Written,
}

impl Plan {
    /// Encodes the mutations of one execution: all of them, or after an error none.
    pub fn execute(
        &self,
        bindings: &Bindings<'_>,
        context: &Context<'_>,
        turn: &mut Turn,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        if self.is_one_partition() {
            return self.encode(bindings, context, turn, scratch);
        }
        turn.begin_batch()?;
        match self.encode(bindings, context, turn, scratch) {
            Ok(()) => Ok(turn.end_batch()?),
            Err(error) => {
                turn.abandon_batch();
                Err(error)
            }
        }
    }

    /// Encodes the mutations into the batch that the caller has begun, or the one mutation there is.
    pub fn encode(
        &self,
        bindings: &Bindings<'_>,
        context: &Context<'_>,
        turn: &mut Turn,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let stamp = self.stamp(bindings, context, turn)?;
        let execution = Execution {
            plan: self,
            bindings,
            context,
            stamp,
        };
        if self.is_one_partition() {
            return execution.one_partition(turn, scratch);
        }
        let keys = self.partitions(bindings)?;
        if !self.clustering.is_empty() {
            let rows = self.clustering.prefixes(&self.table.clustering, bindings)?;
            bounds::check_places(keys.len(), rows.len())?;
        }
        keys.iter()
            .try_for_each(|key| execution.partition(key.as_ref(), turn, scratch))
    }

    /// Whether every column of the partition key has one value.
    fn is_one_partition(&self) -> bool {
        self.keys.iter().all(Values::is_one)
    }

    /// The partitions that an execution touches.
    pub fn partitions(&self, bindings: &Bindings<'_>) -> Result<Vec<PartitionKey>, Error> {
        key::points(&self.keys, &self.table, bindings)
    }

    /// The encoded clustering keys that an execution touches, if it names rows.
    pub fn rows(&self, bindings: &Bindings<'_>) -> Result<Vec<Prefix>, Error> {
        self.clustering.prefixes(&self.table.clustering, bindings)
    }

    /// The time of an execution: USING TIMESTAMP, else the request's, else the coordinator's clock.
    pub fn stamp(
        &self,
        bindings: &Bindings<'_>,
        context: &Context<'_>,
        turn: &mut Turn,
    ) -> Result<Stamp, Error> {
        let written = match &self.timestamp {
            None => None,
            Some(plan) => integer64(plan.evaluate(bindings)?, "timestamp")?,
        };
        let micros = match written.or(context.timestamp) {
            Some(i64::MIN) => return Err(out_of_bound()),
            Some(micros) => turn.check_timestamp(micros)?,
            None => turn.timestamp()?,
        };
        let order_micros = match self.adds_to_lists() {
            true => turn.timestamp()?,
            false => micros,
        };
        let ttl_seconds = self.ttl_seconds(bindings)?;
        Ok(Stamp {
            timestamp: Timestamp(micros),
            ttl_seconds,
            now_seconds: bindings.moment.now_seconds,
            order_micros,
        })
    }

    fn ttl_seconds(&self, bindings: &Bindings<'_>) -> Result<u32, Error> {
        let default = self.table.options.default_time_to_live_seconds;
        let Some(plan) = &self.time_to_live else {
            return Ok(default);
        };
        let value = plan.evaluate(bindings)?;
        if value.is_unset() {
            return Ok(default);
        }
        let seconds = match value.bytes().unwrap_or_default() {
            [] => 0,
            bytes => number::int32(bytes).ok_or_else(|| Error::invalid("Invalid value for TTL"))?,
        };
        match u32::try_from(seconds) {
            Err(_) => Err(Error::invalid(format!(
                "A TTL must be greater or equal to 0, but was {seconds}"
            ))),
            Ok(_) if seconds > TIME_TO_LIVE_SECONDS_MAX => Err(Error::invalid(format!(
                "ttl is too large. requested ({seconds}) maximum ({TIME_TO_LIVE_SECONDS_MAX})"
            ))),
            Ok(seconds) => Ok(seconds),
        }
    }
}

/// The smallest time stands for no time.
pub fn out_of_bound() -> Error {
    Error::invalid(format!(
        "Out of bound timestamp, must be in [{}, {}]",
        i64::MIN + 1,
        i64::MAX
    ))
}

fn integer64(value: Bound<'_>, what: &str) -> Result<Option<i64>, Error> {
    match value {
        Bound::Unset => Ok(None),
        Bound::Null => Err(Error::invalid(format!("Invalid null value of {what}"))),
        value => number::int64(value.bytes().unwrap_or_default())
            .map(Some)
            .ok_or_else(|| Error::invalid(format!("Invalid {what} value"))),
    }
}

struct Execution<'a, 'b> {
    plan: &'a Plan,
    bindings: &'a Bindings<'b>,
    context: &'a Context<'a>,
    stamp: Stamp,
}

impl Execution<'_, '_> {
    /// The common case, in which the key needs no list of keys.
    fn one_partition(&self, turn: &mut Turn, scratch: &mut Scratch) -> Result<(), Error> {
        let mut bytes = std::mem::take(&mut scratch.key);
        let done = key::one(&self.plan.keys, &self.plan.table, self.bindings, &mut bytes)
            .and_then(|()| self.partition(PartitionKeyRef::new(&bytes), turn, scratch));
        scratch.key = bytes;
        done
    }

    /// The mutation of one partition.
    fn partition(
        &self,
        key: PartitionKeyRef<'_>,
        turn: &mut Turn,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let table = &self.plan.table;
        let encoder = turn.mutate(table.id, key);
        let mut encoder = encoder.map_err(|error| Error::of(error, table))?;
        match self.elements(key.bytes, &mut encoder, scratch) {
            Ok(()) => {
                let bytes = encoder
                    .finish()
                    .map_err(|error| Error::of(error.into(), table))?;
                if self.context.is_counted {
                    scratch.written.add(&self.plan.table.keyspace, key, bytes);
                }
                turn.meter().charge(0, 0, bytes as u64);
                Ok(())
            }
            Err(error) => {
                scratch.builder.clear();
                encoder.abandon();
                Err(error)
            }
        }
    }

    fn elements(
        &self,
        key: &[u8],
        encoder: &mut Encoder<'_>,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        match &self.plan.effect {
            Effect::DeletePartition => encoder.partition_deletion(self.stamp.deletion()),
            Effect::DeleteRanges => {
                for slice in self
                    .plan
                    .clustering
                    .slices(&self.plan.table.clustering, self.bindings)?
                {
                    encoder.range_tombstone(&slice.start, &slice.end, self.stamp.deletion());
                }
            }
            Effect::DeleteRows => self.rows(encoder, scratch, |_, builder| {
                builder.deletion(self.stamp.deletion());
                Ok(())
            })?,
            Effect::Cells {
                marks_row,
                statics,
                regulars,
            } => {
                if !statics.is_empty() {
                    self.apply(statics, self.lists(key, None), &mut scratch.builder)?;
                    if !scratch.builder.is_empty() {
                        encoder.static_row_from(&mut scratch.builder);
                    }
                }
                if *marks_row || !regulars.is_empty() {
                    self.rows(encoder, scratch, |clustering, builder| {
                        if *marks_row {
                            builder.liveness(self.stamp.liveness());
                        }
                        self.apply(regulars, self.lists(key, Some(clustering)), builder)
                    })?;
                }
            }
        }
        Ok(())
    }

    /// What was read of a row, or of the static part of a partition.
    fn lists(&self, key: &[u8], clustering: Option<&[u8]>) -> RowLists<'_> {
        let lists = self.context.lists;
        lists.map_or(RowLists::default(), |lists| {
            lists.of(self.plan.table.id, key, clustering)
        })
    }

    fn apply(
        &self,
        operations: &[Operation],
        mut lists: RowLists<'_>,
        builder: &mut Builder,
    ) -> Result<(), Error> {
        for (index, operation) in operations.iter().enumerate() {
            // Operations are in the order of their columns.
            let next = operations.get(index + 1);
            let is_watched = self.context.lists.is_some()
                && matches!(operation.column.ty, Type::List { .. })
                && next.is_some_and(|next| next.column.id == operation.column.id);
            operation.apply(&self.stamp, self.bindings, &mut lists, is_watched, builder)?;
        }
        Ok(())
    }

    /// One image for each row that the clustering columns name.
    fn rows(
        &self,
        encoder: &mut Encoder<'_>,
        scratch: &mut Scratch,
        fill: impl Fn(&[u8], &mut Builder) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if !self.one_row(scratch)? {
            for row in self.plan.rows(self.bindings)? {
                self.row(
                    encoder,
                    &row.bytes,
                    &row.originals,
                    &mut scratch.builder,
                    &fill,
                )?;
            }
            return Ok(());
        }
        let Scratch {
            clustering,
            originals,
            builder,
            ..
        } = scratch;
        self.row(encoder, clustering, originals, builder, &fill)
    }

    /// The image of one row, with the key's own bytes where decoding would not give them back.
    fn row(
        &self,
        encoder: &mut Encoder<'_>,
        clustering: &[u8],
        originals: &[u8],
        builder: &mut Builder,
        fill: &impl Fn(&[u8], &mut Builder) -> Result<(), Error>,
    ) -> Result<(), Error> {
        fill(clustering, builder)?;
        if builder.is_empty() {
            return Ok(());
        }
        if !originals.is_empty() {
            let kind = self.stamp.kind(originals);
            builder.cell(ColumnId::ORIGINALS, self.stamp.timestamp, kind);
        }
        encoder.row_from(clustering, builder);
        Ok(())
    }

    /// Encodes the clustering key into the scratch buffer if every column has one value.
    fn one_row(&self, scratch: &mut Scratch) -> Result<bool, Error> {
        let columns: &[Column] = &self.plan.table.clustering;
        scratch.clustering.clear();
        scratch.originals.clear();
        if self.plan.clustering.steps.len() != columns.len() {
            return Ok(false);
        }
        for (index, (column, step)) in columns.iter().zip(&self.plan.clustering.steps).enumerate() {
            let Step::Column(Values::One(plan)) = step else {
                return Ok(false);
            };
            let bytes = value(plan, self.bindings, &column.name)?;
            push(column, &bytes, &mut scratch.clustering)?;
            if !types::comparable::roundtrips_exactly(&column.ty, &bytes) {
                originals::put(index, &bytes, &mut scratch.originals);
            }
        }
        Ok(true)
    }
}
