//! One execution of a SELECT: reads rows, writes cells, stops and goes on.
//!
//! Cells go straight into the answer's envelope. A read that cannot finish in its turn takes its
//! part of the envelope with it in a buffer of its own and goes on there, so the answers of others
//! are not held up. So it does before it makes the cells of a row of very many elements, which takes long. Nothing of the
//! request's bytes is kept: what depends on bound values was
//! evaluated when the execution began.

use std::sync::Arc;

use base::limits;
use base::meter::Meter;
use bytes::BytesMut;
use coordinator::paging::State;
use model::read::{Position, RowStep};
use model::stream::Wait;
use protocol::result::{MetadataChoice, RowsWriter};

use crate::answer::Address;
use crate::bind::{Bindings, Chance, Moment};
use crate::error::Error;
use crate::heavy::{self, HEAVY_BYTES, Heavy};
use crate::row::Row;
use crate::select::Plan;
use crate::select::buffers::Buffers;
use crate::select::gathered::{Cells, Gathered};
use crate::select::paging::Page;
use crate::selector::{Expression, Scope, Selection};
use crate::service::Shared;

/// More than a turn may read.
const TURN_READ_BYTES: u64 = 4 * limits::TURN_WORK_NANOS;

/// What a request says of an execution beside the bound values.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom the answer is for.
    pub address: Address,
    /// Rows per page; none for the whole answer at once.
    pub page_rows: Option<u32>,
    /// What the metadata of the answer is to be.
    pub metadata: Choice,
    /// The digest of the statement, for paging states.
    pub statement: [u8; 16],
    /// Dead rows from which on the read is refused; 0 for no limit.
    pub dead_rows_fail: u64,
    /// Dead rows from which on the client is warned; 0 for never.
    pub dead_rows_warn: u64,
}

/// How much metadata the answer carries; an owned form of [`MetadataChoice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// All.
    Full,
    /// None.
    Skip,
    /// All, with this new id.
    Changed([u8; 16]),
}

impl Choice {
    fn as_wire(&self) -> MetadataChoice<'_> {
        match self {
            Choice::Full => MetadataChoice::Full,
            Choice::Skip => MetadataChoice::Skip,
            Choice::Changed(id) => MetadataChoice::Changed(id),
        }
    }
}

/// What a step came to.
#[derive(Debug)]
pub enum Progress {
    /// The answer is complete in the buffer.
    Done,
    /// The turn's work is used up: go on in another.
    Yield,
    /// A block must be read first.
    Wait(Wait),
}

/// An execution in progress.
pub struct Execution {
    plan: Arc<Plan>,
    /// The selection with its markers bound, if it has any.
    selection: Option<Box<Selection>>,
    request: Request,
    moment: Moment,
    chance: Arc<dyn Chance>,
    heavy: Arc<Heavy>,
    /// The place in line for a row of very many elements, which is the present one.
    line: Option<heavy::Place>,
    page: Page,
    buffers: Box<Buffers>,
    sink: Sink,
    returned: u64,
    /// Bytes of the largest row so far.
    largest_row_bytes: usize,
    last: Option<Position>,
    more: bool,
    warnings: Vec<String>,
}

/// How often a row may be there while it is read: as it lies in its source, as it is merged, and as the next one begins.
const ROW_COPIES: usize = 3;

/// Where rows go.
enum Sink {
    /// Into the envelope.
    Rows(Option<RowsWriter>),
    /// Into memory, for an answer that needs all of them.
    Gathered(Gathered),
}

impl Execution {
    /// Begins an execution. Bound values are evaluated here and not needed afterwards.
    pub fn begin(
        plan: &Arc<Plan>,
        bindings: &Bindings<'_>,
        shared: &Shared,
        request: Request,
        paging_state: Option<&[u8]>,
        mut buffers: Box<Buffers>,
    ) -> Result<Self, Error> {
        let page = Page::of(plan, bindings, &request, paging_state)?;
        let table = &plan.table;
        buffers.fill_in(plan, bindings, &page)?;
        shared
            .coordinator
            .begin(&mut buffers.read, table)
            .map_err(|error| Error::of(error, table))?;
        let sink = match Gathered::for_plan(plan)? {
            Some(gathered) => Sink::Gathered(gathered),
            None => Sink::Rows(None),
        };
        Ok(Execution {
            selection: plan.selection.bound(bindings)?.map(Box::new),
            plan: plan.clone(),
            request,
            moment: bindings.moment,
            chance: shared.chance.clone(),
            heavy: shared.heavy.clone(),
            line: None,
            page,
            buffers,
            sink,
            returned: 0,
            largest_row_bytes: 0,
            last: None,
            more: false,
            warnings: warning(plan).into_iter().map(String::from).collect(),
        })
    }

    /// Goes on until the answer is complete in `out`, or something must come first. After an error
    /// nothing of this execution is left in the buffer.
    pub fn step(&mut self, meter: &mut Meter, out: &mut BytesMut) -> Result<Progress, Error> {
        self.begin_rows(out);
        match self.run(meter, out) {
            Ok(Progress::Done) => {
                self.finish(out)?;
                Ok(Progress::Done)
            }
            Ok(waiting) => Ok(waiting),
            Err(error) => {
                if let Sink::Rows(writer) = &mut self.sink
                    && let Some(writer) = writer.take()
                {
                    writer.cancel(out);
                }
                Err(error)
            }
        }
    }

    /// Takes what was written so far out of the common buffer, to go on in another turn.
    pub fn detach(&mut self, out: &mut BytesMut) -> BytesMut {
        match &mut self.sink {
            Sink::Rows(Some(writer)) => writer.detach(out),
            _ => BytesMut::new(),
        }
    }

    /// What the next execution may use.
    pub fn into_buffers(self) -> Box<Buffers> {
        let mut buffers = self.buffers;
        buffers.close();
        buffers
    }

    /// Whether the answer is one page of several.
    pub fn is_paged(&self) -> bool {
        self.request.page_rows.is_some() && matches!(self.sink, Sink::Rows(_))
    }

    /// Bytes that it holds beside its answer: rows that wait to be sorted, and the buffers that rows are read through,
    /// which have grown to the largest.
    pub fn held_bytes(&self) -> usize {
        let gathered = match &self.sink {
            Sink::Gathered(Gathered::Sorted { bytes, .. }) => *bytes,
            _ => 0,
        };
        gathered.saturating_add(self.largest_row_bytes.saturating_mul(ROW_COPIES))
    }

    fn begin_rows(&mut self, out: &mut BytesMut) {
        let paging_state_bytes = match self.request.page_rows {
            // The room that the next state will most likely take: what this one took.
            Some(_) => self
                .page
                .resume
                .as_ref()
                .map(|position| self.state(position.clone()).encode().len()),
            None => None,
        };
        if let Sink::Rows(writer @ None) = &mut self.sink {
            let head = self.request.address.head();
            *writer = Some(RowsWriter::begin(
                out,
                &head,
                &self.plan.metadata,
                self.request.metadata.as_wire(),
                paging_state_bytes,
            ));
        }
    }

    fn run(&mut self, meter: &mut Meter, out: &mut BytesMut) -> Result<Progress, Error> {
        loop {
            let step = match self.line {
                Some(_) => RowStep::Row,
                None => self.buffers.read.step(meter)?,
            };
            self.check_dead_rows()?;
            match step {
                RowStep::End => return Ok(Progress::Done),
                RowStep::Yield => return Ok(Progress::Yield),
                RowStep::Wait(wait) => return Ok(Progress::Wait(wait)),
                RowStep::Row => {}
            }
            if self.is_page_full(out) {
                self.more = true;
                return Ok(Progress::Done);
            }
            if self.gives_way(meter) {
                return Ok(Progress::Yield);
            }
            self.take_row(meter, out)?;
        }
    }

    /// Whether others come first, because the present row has very many elements.
    fn gives_way(&mut self, meter: &mut Meter) -> bool {
        let row = self.buffers.read.row();
        let images = [row.image, row.static_image];
        let bytes: usize = images.into_iter().flatten().map(<[u8]>::len).sum();
        if bytes < HEAVY_BYTES || !self.plan.has_many_cells {
            return false;
        }
        let line = self.line.get_or_insert_default();
        let gives_way = !self.heavy.may_begin(line);
        match gives_way {
            // What comes next takes a turn of its own.
            true => meter.charge(0, 0, TURN_READ_BYTES),
            false => self.line = None,
        }
        gives_way
    }

    /// Too many dead rows make a read slow for everyone: refused at one bound, warned of at another.
    fn check_dead_rows(&mut self) -> Result<(), Error> {
        let dead = self.buffers.read.dead_rows();
        let Request {
            dead_rows_fail: fail,
            ..
        } = self.request;
        if fail != 0 && dead > fail {
            return Err(coordinator::Error::TooManyDeadRows(format!(
                "Scanned over {dead} tombstones during a query of {} (the limit, tombstone_failure_threshold, is {fail}); the query was aborted",
                self.plan.table.qualified_name()
            ))
            .into());
        }
        Ok(())
    }

    /// What the client is told beside the rows.
    fn take_warnings(&mut self) -> Vec<String> {
        let (dead, warn) = (self.buffers.read.dead_rows(), self.request.dead_rows_warn);
        if warn != 0 && dead > warn {
            self.warnings.push(format!(
                "Read {} live rows and {dead} tombstone cells for a query of {} (see tombstone_warn_threshold)",
                self.returned,
                self.plan.table.qualified_name()
            ));
        }
        std::mem::take(&mut self.warnings)
    }

    /// Whether the row that was just read belongs to the next page.
    fn is_page_full(&self, out: &BytesMut) -> bool {
        let Sink::Rows(Some(writer)) = &self.sink else {
            return false;
        };
        if self.request.page_rows.is_none() {
            return false;
        }
        self.returned >= self.page.rows || writer.envelope_bytes(out) >= limits::PAGE_BYTES_MAX
    }

    fn take_row(&mut self, meter: &mut Meter, out: &mut BytesMut) -> Result<(), Error> {
        let selection = self.selection.as_deref().unwrap_or(&self.plan.selection);
        let Buffers { read, values, .. } = &mut *self.buffers;
        let live = read.row();
        let row = Row {
            key: live.key.bytes,
            clustering: live.clustering,
            image: live.image,
            static_image: live.static_image,
        };
        let row_bytes = row.image.map_or(0, <[u8]>::len) + row.static_image.map_or(0, <[u8]>::len);
        self.largest_row_bytes = self.largest_row_bytes.max(row_bytes);
        values.load(&selection.fetch, &row, self.moment.now_seconds);
        let bindings = Bindings::none(self.moment, &*self.chance);
        let scope = Scope {
            row: &row,
            values,
            bindings: &bindings,
            aggregates: &[],
        };
        match &mut self.sink {
            Sink::Rows(None) => return Err(Error::Server("rows before their metadata".into())),
            Sink::Rows(Some(writer)) => {
                let before = out.len();
                put_row(selection, &scope, writer, out)?;
                meter.answer((out.len() - before) as u64);
                refuse_too_large(writer.envelope_bytes(out))?;
            }
            Sink::Gathered(gathered) => gathered.add(selection, &scope)?,
        }
        self.returned += 1;
        if self.returned == self.page.rows
            || self.request.page_rows.is_some() && self.is_nearly_full(out)
        {
            self.last = Some(self.buffers.read.position());
        }
        Ok(())
    }

    /// Whether the next row may be the one that does not fit, so that this one's place is needed.
    fn is_nearly_full(&self, out: &BytesMut) -> bool {
        match &self.sink {
            Sink::Rows(Some(writer)) => writer.envelope_bytes(out) >= limits::PAGE_BYTES_MAX,
            _ => false,
        }
    }

    fn state(&self, position: Position) -> State {
        self.page.next(
            self.request.statement,
            self.plan.table.id,
            position,
            self.returned,
        )
    }

    fn finish(&mut self, out: &mut BytesMut) -> Result<(), Error> {
        let state = match (self.more, self.last.take()) {
            (true, Some(position)) => Some(self.state(position).encode()),
            (true, None) => {
                return Err(Error::Server(
                    "a page without the place of its last row".into(),
                ));
            }
            (false, _) => None,
        };
        let warnings = self.take_warnings();
        match &mut self.sink {
            Sink::Rows(writer) => {
                let writer = writer
                    .take()
                    .ok_or_else(|| Error::Server("rows were finished twice".into()))?;
                writer.finish(out, state.as_deref(), &warnings);
                Ok(())
            }
            Sink::Gathered(gathered) => {
                let selection = self.selection.as_deref().unwrap_or(&self.plan.selection);
                let bindings = Bindings::none(self.moment, &*self.chance);
                let rows =
                    gathered.rows(selection, &bindings, &self.plan, self.page.sorted_rows)?;
                self.put_gathered(&rows, out, &warnings)
            }
        }
    }

    fn put_gathered(
        &self,
        rows: &[Cells],
        out: &mut BytesMut,
        warnings: &[String],
    ) -> Result<(), Error> {
        let (metadata, choice) = (&self.plan.metadata, self.request.metadata.as_wire());
        let mut writer =
            RowsWriter::begin(out, &self.request.address.head(), metadata, choice, None);
        for row in rows {
            row.iter()
                .for_each(|cell| writer.cell(out, cell.as_deref()));
            writer.end_row();
        }
        if let Err(error) = refuse_too_large(writer.envelope_bytes(out)) {
            writer.cancel(out);
            return Err(error);
        }
        writer.finish(out, None, warnings);
        Ok(())
    }
}

/// What a client should know of a plan, in Cassandra's words.
fn warning(plan: &Plan) -> Option<&'static str> {
    if !plan.selection.is_aggregate() {
        return None;
    }
    let restrictions = &plan.restrictions;
    if !restrictions.has_partition_key() {
        Some("Aggregation query used without partition key")
    } else if restrictions.keys.is_several() {
        Some("Aggregation query used on multiple partition keys (IN restriction)")
    } else {
        None
    }
}

fn put_row(
    selection: &Selection,
    scope: &Scope<'_, '_>,
    writer: &mut RowsWriter,
    out: &mut BytesMut,
) -> Result<(), Error> {
    for column in &selection.columns {
        match &column.expression {
            Expression::Slot(slot) => writer.cell(out, scope.values.get(*slot, scope.row)),
            other => writer.cell(out, scope.value(other)?.as_deref()),
        }
    }
    writer.end_row();
    Ok(())
}

fn refuse_too_large(envelope_bytes: usize) -> Result<(), Error> {
    if envelope_bytes <= limits::ANSWER_BYTES_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The answer is larger than {} MiB, the most that one answer may hold; use paging or a LIMIT",
        limits::ANSWER_BYTES_MAX >> 20
    )))
}
