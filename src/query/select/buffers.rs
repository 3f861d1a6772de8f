//! What an execution of a SELECT reads with, from one execution to the next.

use base::limits::KEPT_BUFFER_BYTES;
use coordinator::Read;

use crate::bind::Bindings;
use crate::error::Error;
use crate::restriction::filter;
use crate::row::Values;
use crate::select::Plan;
use crate::select::paging::Page;

/// What an execution reads with. The memory stays from one execution of a session to the next: a read of a few rows
/// that are in memory allocates nothing. One that is parked takes it along.
#[derive(Default)]
pub struct Buffers {
    /// The rows.
    pub read: Read,
    /// The values of the present row.
    pub values: Values,
    /// A key that is being encoded.
    key: Vec<u8>,
}

impl Buffers {
    /// Makes the command of an execution.
    pub fn fill_in(
        &mut self,
        plan: &Plan,
        bindings: &Bindings<'_>,
        page: &Page,
    ) -> Result<(), Error> {
        let (table, restrictions) = (&plan.table, &plan.restrictions);
        let command = self.read.command_mut();
        restrictions.place(table, bindings, command, &mut self.key)?;
        command.table = table.id;
        command.columns.clone_from(&plan.columns);
        command.statics = restrictions.clustering.is_empty();
        command.reversed = plan.reversed;
        command.filter = filter::evaluate(&restrictions.filter, table, bindings)?;
        command.limits = page.limits();
        command.now_seconds = bindings.moment.now_seconds;
        command.distinct = plan.distinct;
        command.resume.clone_from(&page.resume);
        Ok(())
    }

    /// Lets go of everything but a little memory.
    pub fn close(&mut self) {
        self.read.close();
        self.values.release();
        self.key.clear();
        self.key.shrink_to(KEPT_BUFFER_BYTES);
    }
}
