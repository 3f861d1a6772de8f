//! The binary form of a state, as snapshots hold it.
//!
//! | Field | Form |
//! |---|---|
//! | version | 1 byte, [`VERSION`] |
//! | epoch | varint |
//! | cluster id | 16 bytes |
//! | cluster name | text |
//! | next node number | varint |
//! | nodes | count, then each by number: number, host id, three addresses, datacenter, rack, tokens, boot, version |
//! | truncations | count, then each by table id: table id (16), signed varint |
//! | catalog | `schema::Catalog::encode` |
//!
//! Text and lists are preceded by their length as a minimal varint. An address is 4 or 6, the octets, the port in two
//! bytes, big-endian. A token is 8 bytes, big-endian.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base::bytes::{Error, Reader, put_signed_varint, put_varint, put_varint_bytes};
use model::{TableId, Timestamp};
use schema::{Catalog, DecodeError};
use types::Token;
use uuid::Uuid;

use super::{Addresses, Epoch, Node, NodeNumber, State};
use crate::Boot;

/// The version written.
pub const VERSION: u8 = 1;

impl State {
    /// Appends the binary form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_varint(out, self.epoch.0);
        out.extend_from_slice(self.cluster_id.as_bytes());
        put_text(out, &self.cluster_name);
        put_varint(out, u64::from(self.next_node));
        put_varint(out, self.nodes.len() as u64);
        for node in self.nodes.values() {
            put_node(out, node);
        }
        put_varint(out, self.truncations.len() as u64);
        for (table, at) in &self.truncations {
            out.extend_from_slice(table.0.as_bytes());
            put_signed_varint(out, at.0);
        }
        self.catalog.encode(out);
    }

    /// Reads what [`State::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<State, DecodeError> {
        let start = reader.clone();
        if reader.u8()? != VERSION {
            return Err(start.error("unknown version of a snapshot").into());
        }
        let epoch = Epoch(reader.varint()?);
        let cluster_id = Uuid::from_bytes(reader.fixed()?);
        let cluster_name = text(reader)?.into();
        let next_node = small(reader)?;
        let nodes = (0..reader.varint_count()?)
            .map(|_| node(reader))
            .collect::<Result<Vec<_>, _>>()?;
        let mut truncations = std::collections::BTreeMap::new();
        for _ in 0..reader.varint_count()? {
            let table = TableId(Uuid::from_bytes(reader.fixed()?));
            truncations.insert(table, Timestamp(reader.signed_varint()?));
        }
        let catalog = Arc::new(Catalog::decode(reader)?);
        let nodes = nodes
            .into_iter()
            .map(|node| (node.number, Arc::new(node)))
            .collect();
        let state = State {
            epoch,
            cluster_id,
            cluster_name,
            catalog,
            nodes,
            truncations,
            next_node,
            ring: Arc::new([]),
        };
        Ok(state.seal())
    }
}

fn put_node(out: &mut Vec<u8>, node: &Node) {
    put_varint(out, u64::from(node.number.0));
    out.extend_from_slice(node.host_id.as_bytes());
    put_addresses(out, &node.addresses);
    put_text(out, &node.data_center);
    put_text(out, &node.rack);
    put_tokens(out, &node.tokens);
    put_boot(out, node.boot);
    put_text(out, &node.version);
}

fn node(reader: &mut Reader<'_>) -> Result<Node, Error> {
    Ok(Node {
        number: NodeNumber(small(reader)?),
        host_id: Uuid::from_bytes(reader.fixed()?),
        addresses: addresses(reader)?,
        data_center: text(reader)?,
        rack: text(reader)?,
        tokens: tokens(reader)?,
        boot: boot(reader)?,
        version: text(reader)?,
    })
}

pub(crate) fn put_addresses(out: &mut Vec<u8>, addresses: &Addresses) {
    for address in [addresses.listen, addresses.broadcast, addresses.native] {
        put_address(out, address);
    }
}

pub(crate) fn addresses(reader: &mut Reader<'_>) -> Result<Addresses, Error> {
    Ok(Addresses {
        listen: address(reader)?,
        broadcast: address(reader)?,
        native: address(reader)?,
    })
}

fn put_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&address.port().to_be_bytes());
}

fn address(reader: &mut Reader<'_>) -> Result<SocketAddr, Error> {
    let start = reader.clone();
    let ip = match reader.u8()? {
        4 => IpAddr::from(reader.fixed::<4>()?),
        6 => IpAddr::from(reader.fixed::<16>()?),
        _ => return Err(start.error("unknown kind of address")),
    };
    Ok(SocketAddr::new(ip, reader.u16_be()?))
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint_bytes(out, text.as_bytes());
}

pub(crate) fn text(reader: &mut Reader<'_>) -> Result<String, Error> {
    let start = reader.clone();
    let bytes = reader.varint_bytes()?;
    let text = std::str::from_utf8(bytes).map_err(|_| start.error("text that is not UTF-8"))?;
    Ok(text.to_owned())
}

pub(crate) fn put_tokens(out: &mut Vec<u8>, tokens: &[Token]) {
    put_varint(out, tokens.len() as u64);
    for token in tokens {
        out.extend_from_slice(&token.0.to_be_bytes());
    }
}

pub(crate) fn tokens(reader: &mut Reader<'_>) -> Result<Vec<Token>, Error> {
    (0..reader.varint_count()?)
        .map(|_| reader.i64_be().map(Token))
        .collect()
}

pub(crate) fn put_boot(out: &mut Vec<u8>, boot: Boot) {
    put_varint(out, boot.count);
    out.extend_from_slice(&boot.nonce.to_be_bytes());
}

pub(crate) fn boot(reader: &mut Reader<'_>) -> Result<Boot, Error> {
    Ok(Boot {
        count: reader.varint()?,
        nonce: reader.u64_be()?,
    })
}

pub(crate) fn small(reader: &mut Reader<'_>) -> Result<u32, Error> {
    let start = reader.clone();
    u32::try_from(reader.varint()?).map_err(|_| start.error("number beyond 32 bits"))
}
