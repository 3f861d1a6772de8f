//! Who is connected: the rows of `system_views.clients`.
//!
//! The list is a value of its own, made before `query` and the listener: the listener enters connections, `query` reads the
//! rows. A connection updates its entry without anybody's lock but its own; its number of requests is one store per turn.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use protocol::request::Startup;
use protocol::version::Version;
use schema::Table;
use schema::system;
use schema::virtual_table::{Keys, Rows, Source};

/// The bytes of STARTUP's options that are kept for display. Real drivers send a few hundred.
const OPTIONS_BYTES_MAX: usize = 16 * 1024;
/// The user of a connection that was not asked who it is, by Cassandra's name.
const ANONYMOUS: &str = "anonymous";

/// The connections of a node.
#[derive(Debug)]
pub struct Clients {
    definition: Arc<Table>,
    entries: Mutex<BTreeMap<(IpAddr, u16), Arc<Client>>>,
}

/// One connection, as its row shows it.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    requests: AtomicU64,
    details: Mutex<Details>,
}

/// What a connection has said about itself.
#[derive(Debug, Default, Clone)]
struct Details {
    version: Option<Version>,
    options: Vec<(String, String)>,
    keyspace: Option<String>,
    is_ready: bool,
}

/// A connection's place in the list; it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    clients: Arc<Clients>,
    client: Arc<Client>,
}

impl Clients {
    /// An empty list.
    pub fn new() -> Arc<Clients> {
        Arc::new(Clients {
            definition: system::table(system::VIEWS, "clients").expect("the table is built in"),
            entries: Mutex::default(),
        })
    }

    /// Enters a connection.
    pub(crate) fn register(self: &Arc<Clients>, address: SocketAddr) -> Registration {
        let client = Arc::new(Client {
            address,
            requests: AtomicU64::new(0),
            details: Mutex::default(),
        });
        self.entries.lock().insert(key(address), client.clone());
        Registration {
            clients: self.clone(),
            client,
        }
    }

    /// The connections from one address, by port.
    fn of_address(&self, address: IpAddr) -> Vec<Arc<Client>> {
        let entries = self.entries.lock();
        let range = entries.range((address, 0)..=(address, u16::MAX));
        range.map(|(_, client)| client.clone()).collect()
    }
}

fn key(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip(), address.port())
}

impl Source for Clients {
    fn definition(&self) -> &Arc<Table> {
        &self.definition
    }

    fn keys(&self, keys: &mut Keys) {
        let mut last = None;
        for (address, _) in self.entries.lock().keys() {
            if last.replace(*address) != Some(*address) {
                keys.add(&[&bytes_of(*address)]);
            }
        }
    }

    fn rows(&self, key: &[&[u8]], rows: &mut Rows) {
        let Some(address) = key.first().and_then(|bytes| address_of(bytes)) else {
            return;
        };
        for client in self.of_address(address) {
            client.show(rows);
        }
    }
}

impl Registration {
    /// The address that the connection came from.
    pub(crate) fn address(&self) -> SocketAddr {
        self.client.address
    }

    /// STARTUP was accepted.
    pub(crate) fn started(&self, version: Version, startup: &Startup<'_>) {
        let mut details = self.client.details.lock();
        details.version = Some(version);
        details.options = shown_options(startup);
        details.is_ready = true;
    }

    /// The connection's keyspace after a turn.
    pub(crate) fn uses_keyspace(&self, keyspace: &str) {
        self.client.details.lock().keyspace = Some(keyspace.to_owned());
    }

    /// How many requests the connection has sent.
    pub(crate) fn set_requests(&self, requests: u64) {
        self.client.requests.store(requests, Ordering::Relaxed);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut entries = self.clients.entries.lock();
        let key = key(self.client.address);
        // A new connection may have the same address already.
        if entries
            .get(&key)
            .is_some_and(|entry| Arc::ptr_eq(entry, &self.client))
        {
            entries.remove(&key);
        }
    }
}

/// The options of STARTUP that are kept: all, unless there are unreasonably many.
fn shown_options(startup: &Startup<'_>) -> Vec<(String, String)> {
    let mut rest_bytes = OPTIONS_BYTES_MAX;
    let fitting = startup.options().iter().take_while(|(key, value)| {
        let bytes = key.len() + value.len();
        let fits = bytes <= rest_bytes;
        rest_bytes = rest_bytes.saturating_sub(bytes);
        fits
    });
    fitting
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

impl Client {
    fn show(&self, rows: &mut Rows) {
        let details = self.details.lock().clone();
        let requests = self.requests.load(Ordering::Relaxed);
        let port = i32::from(self.address.port()).to_be_bytes();
        rows.add(&[&port], |row| {
            row.text("hostname", self.address.ip().to_string())
                .text("username", ANONYMOUS)
                .text("connection_stage", details.stage())
                .text_map(
                    "client_options",
                    details.options.iter().map(|(key, value)| (key, value)),
                )
                .bigint("request_count", i64::try_from(requests).unwrap_or(i64::MAX))
                .boolean("ssl_enabled", false);
            if let Some(version) = details.version {
                row.int("protocol_version", i32::from(version.number()));
            }
            if let Some(name) = details.option("DRIVER_NAME") {
                row.text("driver_name", name);
            }
            if let Some(version) = details.option("DRIVER_VERSION") {
                row.text("driver_version", version);
            }
            if let Some(keyspace) = &details.keyspace {
                row.text("keyspace_name", keyspace);
            }
        });
    }
}

impl Details {
    /// The stage by Cassandra's name.
    fn stage(&self) -> &'static str {
        if self.is_ready {
            "ready"
        } else {
            "established"
        }
    }

    fn option(&self, key: &str) -> Option<&str> {
        let found = self
            .options
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str())
    }
}

fn bytes_of(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(octets.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(clients: &Clients, address: &str) -> Vec<u16> {
        let found = clients.of_address(address.parse().expect("an address"));
        found.iter().map(|client| client.address.port()).collect()
    }

    #[test]
    fn connections_come_and_go() {
        let clients = Clients::new();
        let enter = |address: &str| clients.register(address.parse().expect("an address"));
        let one = enter("10.0.0.1:5000");
        let _two = enter("10.0.0.1:4000");
        let _other = enter("10.0.0.2:1");
        let _six = enter("[::1]:7");
        assert_eq!(ports(&clients, "10.0.0.1"), [4000, 5000]);
        assert_eq!(ports(&clients, "::1"), [7]);
        let again = enter("10.0.0.1:5000");
        drop(one);
        assert_eq!(
            ports(&clients, "10.0.0.1"),
            [4000, 5000],
            "the new one stays"
        );
        drop(again);
        assert_eq!(ports(&clients, "10.0.0.1"), [4000]);
    }

    #[test]
    fn rows_show_every_state_and_fit_the_definition() {
        let clients = Clients::new();
        let client = clients.register("127.0.0.1:4000".parse().expect("an address"));
        let shown = || {
            let mut rows = Rows::new(clients.definition.clone());
            // Columns that the definition lacks fail an assertion inside.
            clients.rows(&[&[127, 0, 0, 1]], &mut rows);
            !rows.is_empty()
        };
        assert!(shown());
        let options = vec![
            ("CQL_VERSION", "3.0.0"),
            ("DRIVER_NAME", "x"),
            ("SOMETHING_NEW", "y"),
        ];
        client.started(Version::V5, &Startup::new(options));
        client.uses_keyspace("ks");
        client.set_requests(12);
        assert!(shown());
        let details = client.client.details.lock().clone();
        assert_eq!(details.option("driver_name"), Some("x"));
        assert_eq!(details.options.len(), 3, "unknown keys are kept");
        drop(client);
        assert!(!shown());
        let mut rows = Rows::new(clients.definition.clone());
        clients.rows(&[&[]], &mut rows);
        assert!(rows.is_empty(), "an empty address is nobody's");
    }

    #[test]
    fn endless_options_are_not_kept() {
        let long = "x".repeat(OPTIONS_BYTES_MAX);
        let shown = shown_options(&Startup::new(vec![("A", "b"), ("LONG", &long), ("C", "d")]));
        assert_eq!(shown, [("A".to_owned(), "b".to_owned())]);
    }
}
