//! What a connection remembers between requests.

use std::net::IpAddr;
use std::sync::Arc;

use protocol::Version;

use crate::modify::Scratch;
use crate::select::Buffers;

/// The state of one connection.
pub struct Session {
    /// The protocol version.
    pub(crate) version: Version,
    /// The keyspace of unqualified names.
    pub(crate) keyspace: Option<Arc<str>>,
    /// The client's address, if it has one.
    pub(crate) client: Option<IpAddr>,
    /// Whether the client was told what is wrong with preparing statements in the keyspace in use.
    pub(crate) is_warned_of_use: bool,
    /// Buffers for writes.
    pub(crate) scratch: Scratch,
    /// Buffers for reads, while none of them has taken them along.
    pub(crate) buffers: Option<Box<Buffers>>,
}

impl Session {
    /// A new connection's session.
    pub(crate) fn new(version: Version) -> Self {
        Session {
            version,
            keyspace: None,
            client: None,
            is_warned_of_use: false,
            scratch: Scratch::default(),
            buffers: None,
        }
    }

    /// The same session, of a client at this address, which traces show.
    pub fn from_client(self, address: IpAddr) -> Session {
        Session {
            client: Some(address),
            ..self
        }
    }

    /// The keyspace in use.
    pub fn keyspace(&self) -> Option<&str> {
        self.keyspace.as_deref()
    }

    /// A session that sees names as this one does.
    pub(crate) fn twin(&self) -> Session {
        Session {
            keyspace: self.keyspace.clone(),
            client: self.client,
            ..Session::new(self.version)
        }
    }
}
