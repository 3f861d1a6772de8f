//! What a request is promised.

use std::time::Duration;

use protocol::Consistency;
use protocol::error::WriteType;

use crate::coordinator::Coordinator;
use crate::error::Error;
use crate::options::Options;

/// At which level a request is carried out, and until when. What its client is told if it fails or is late follows from
/// it, so it is made once, when it is known what the request does, and goes with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// How many replicas must have answered.
    pub consistency: Consistency,
    /// What is written; none for what only reads.
    pub write_type: Option<WriteType>,
    /// When it is too late, on the environment's monotonic clock.
    pub deadline: Duration,
}

impl Promise {
    /// A read of named partitions that began then.
    pub fn read(options: &Options, consistency: Consistency, begun: Duration) -> Promise {
        Promise {
            consistency,
            write_type: None,
            deadline: begun + options.read_timeout,
        }
    }

    /// A read over a range of partitions that began then.
    pub fn range(options: &Options, consistency: Consistency, begun: Duration) -> Promise {
        Promise {
            deadline: begun + options.range_timeout,
            ..Promise::read(options, consistency, begun)
        }
    }

    /// A write of this type that began then.
    pub fn write(
        options: &Options,
        consistency: Consistency,
        write_type: WriteType,
        begun: Duration,
    ) -> Promise {
        Promise {
            consistency,
            write_type: Some(write_type),
            deadline: begun + options.write_timeout,
        }
    }

    /// A change of the schema or a truncation that began then: all nodes take part, whatever the level.
    pub fn change(options: &Options, begun: Duration) -> Promise {
        Promise {
            deadline: begun + options.truncate_timeout,
            ..Promise::write(options, Consistency::One, WriteType::Simple, begun)
        }
    }

    /// The error of a request that was not done by its deadline.
    pub fn late(&self) -> Error {
        Error::TimedOut("the deadline passed".into())
    }
}

impl Coordinator {
    /// What `work` gives, or that it is too late. What is late is dropped.
    pub async fn within<T>(
        &self,
        promise: &Promise,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, Error> {
        let left = promise.deadline.saturating_sub(self.env().mono());
        let done = self.env().timeout(left, work).await;
        done.ok_or_else(|| promise.late())
    }
}
