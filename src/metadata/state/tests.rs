//! Applying, encoding, placing.

use std::sync::LazyLock;

use base::bytes::Reader;
use model::{TableId, Timestamp};
use proptest::prelude::*;
use schema::ddl::{self, Choices};
use types::Token;
use uuid::Uuid;

use super::{Addresses, Effect, Epoch, NodeNumber, Refused, State};
use crate::{Boot, Registration, Transformation};

fn schema_change(state: &State, text: &str) -> Transformation {
    let mut id = || Uuid::from_u128(77);
    let choices = Choices {
        id: &mut id,
        now_micros: 5,
    };
    let statement = cql::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let change = ddl::resolve(&statement, Some("ks"), &state.catalog, choices);
    Transformation::Schema(change.unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn registration(number: u8, data_center: &str, rack: &str, tokens: &[i64]) -> Transformation {
    Transformation::RegisterNode(Registration {
        host_id: Uuid::from_u128(u128::from(number)),
        addresses: Addresses::on([127, 0, 0, number].into(), 7000, 9042),
        data_center: data_center.to_owned(),
        rack: rack.to_owned(),
        tokens: tokens.iter().map(|token| Token(*token)).collect(),
        boot: Boot { count: 1, nonce: 1 },
        version: "0".to_owned(),
    })
}

fn through_bytes(transformation: &Transformation) -> Transformation {
    let mut bytes = Vec::new();
    transformation.encode(&mut bytes);
    let mut reader = Reader::new(&bytes);
    let decoded = Transformation::decode(&mut reader).expect("what was encoded decodes");
    assert!(reader.is_empty());
    decoded
}

fn apply(state: &State, transformation: &Transformation) -> State {
    let decoded = through_bytes(transformation);
    assert_eq!(&decoded, transformation);
    let (next, _) = state.apply(&decoded).expect("the transformation is valid");
    assert_eq!(next.epoch, state.epoch.next());
    let mut bytes = Vec::new();
    next.encode(&mut bytes);
    let mut reader = Reader::new(&bytes);
    assert_eq!(State::decode(&mut reader).as_ref(), Ok(&next));
    assert!(reader.is_empty());
    next
}

/// Five nodes: three on two racks of dc1, two on one rack of dc2.
fn cluster() -> State {
    let initialize = Transformation::Initialize {
        cluster_id: Uuid::from_u128(9),
        cluster_name: "c".to_owned(),
    };
    let mut state = apply(&State::empty(), &initialize);
    for node in [
        registration(1, "dc1", "r1", &[0, 500]),
        registration(2, "dc1", "r1", &[100, 600]),
        registration(3, "dc1", "r2", &[200, 700]),
        registration(4, "dc2", "r1", &[300, 800]),
        registration(5, "dc2", "r1", &[400, 900]),
    ] {
        state = apply(&state, &node);
    }
    state
}

#[test]
fn nodes_get_numbers_in_order() {
    let state = cluster();
    assert_eq!(state.epoch, Epoch(6));
    assert_eq!(
        state
            .nodes
            .keys()
            .map(|number| number.0)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(
        state.topology().data_centers,
        [("dc1".to_owned(), 3), ("dc2".to_owned(), 2)].into()
    );
    assert!(state.ring().is_sorted());
}

#[test]
fn what_cannot_be_is_refused() {
    let state = cluster();
    let check = |transformation: Transformation, expected: &str| {
        let refused = state.apply(&transformation).expect_err(expected);
        assert_eq!(refused.to_string(), expected);
    };
    let initialize = Transformation::Initialize {
        cluster_id: Uuid::from_u128(1),
        cluster_name: "x".to_owned(),
    };
    check(initialize, "the cluster 'c' exists already");
    check(
        registration(1, "dc1", "r1", &[1]),
        "host id 00000000-0000-0000-0000-000000000001 is registered already, as node 1 at 127.0.0.1:7000",
    );
    check(
        registration(6, "dc1", "r1", &[1, 500]),
        "token 500 is taken",
    );
    check(
        registration(6, "dc1", "r1", &[1, 1]),
        "a node needs tokens that differ from each other",
    );
    check(
        registration(6, "dc1", "r1", &[]),
        "a node needs tokens that differ from each other",
    );
    let unknown = TableId(Uuid::from_u128(5));
    check(
        Transformation::Truncate {
            table: unknown,
            at: Timestamp(1),
        },
        "table 00000000-0000-0000-0000-000000000005 does not exist",
    );
}

#[test]
fn a_copy_of_a_node_is_refused() {
    let state = cluster();
    let update = |count, nonce| Transformation::UpdateNode {
        number: NodeNumber(1),
        addresses: Addresses::on([127, 0, 0, 9].into(), 7000, 9042),
        boot: Boot { count, nonce },
        version: "1".to_owned(),
    };
    let state = apply(&state, &update(2, 5));
    assert_eq!(
        state.nodes[&NodeNumber(1)].addresses.native.to_string(),
        "127.0.0.9:9042"
    );
    let (_, outcome) = state
        .apply(&update(2, 5))
        .expect("the same again is nothing new");
    assert_eq!(outcome.effect, None);
    for (count, nonce) in [(1, 9), (2, 6)] {
        assert!(
            matches!(state.apply(&update(count, nonce)), Err(Refused::Cluster(_))),
            "{count} {nonce}"
        );
    }
}

#[test]
fn truncations_stay_with_their_table() {
    let mut state = cluster();
    for text in [
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE t (k int PRIMARY KEY)",
    ] {
        state = apply(&state, &schema_change(&state, text));
    }
    let table = TableId(Uuid::from_u128(77));
    let truncate = |at| Transformation::Truncate {
        table,
        at: Timestamp(at),
    };
    let (_, outcome) = state.apply(&truncate(10)).expect("the table is there");
    assert_eq!(outcome.effect, Some(Effect::Truncated(table)));
    let state = apply(&apply(&state, &truncate(10)), &truncate(7));
    assert_eq!(
        state.truncated_at(table),
        Some(Timestamp(10)),
        "an earlier time does not bring rows back"
    );
    let dropped = apply(&state, &schema_change(&state, "DROP TABLE t"));
    assert_eq!(dropped.truncated_at(table), None);
}

#[test]
fn ranges_are_told_by_their_end() {
    let state = cluster();
    let text = "CREATE KEYSPACE one WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";
    let state = apply(&state, &schema_change(&state, text));
    let ranges = state.range_ownership("one");
    assert_eq!(ranges.len(), 10);
    assert_eq!(ranges["500"], ["127.0.0.1:7000"]);
    assert_eq!(ranges["900"], ["127.0.0.5:7000"]);
}

#[test]
fn placements_follow_the_strategy() {
    let mut state = cluster();
    for text in [
        "CREATE KEYSPACE simple WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
        "CREATE KEYSPACE many WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 9}",
        "CREATE KEYSPACE two WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2, 'dc2': 1}",
        "CREATE KEYSPACE three WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}",
    ] {
        state = apply(&state, &schema_change(&state, text));
    }
    let check = |keyspace: &str, token: i64, expected: &[u32]| {
        let placement = state.placement(keyspace, Token(token));
        let read: Vec<u32> = placement.read.iter().map(|node| node.0).collect();
        assert_eq!(read, expected, "{keyspace} {token}");
        assert_eq!(placement.read, placement.write);
    };
    // A token belongs to the node with the next token, itself included.
    check("simple", 0, &[1, 2, 3]);
    check("simple", 1, &[2, 3, 4]);
    check("simple", 900, &[5, 1, 2]);
    check("simple", 901, &[1, 2, 3]);
    check("simple", i64::MIN, &[1, 2, 3]);
    check("many", 350, &[5, 1, 2, 3, 4]);
    // Node 2 shares its rack with node 1, so node 3 comes before it.
    check("two", 0, &[1, 3, 4]);
    check("two", 150, &[3, 4, 1]);
    check("three", 0, &[1, 2, 3]);
    check("system", 0, &[]);
    check("none", 0, &[]);
}

static CLUSTER: LazyLock<State> = LazyLock::new(cluster);

proptest! {
    #[test]
    fn damaged_states_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let state = &*CLUSTER;
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        for (index, byte) in edits {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 2));
        let _ = State::decode(&mut Reader::new(&bytes));
        let _ = Transformation::decode(&mut Reader::new(&bytes));
    }

    #[test]
    fn equal_states_have_equal_hashes(name in "[a-z]{1,8}") {
        let text = format!("CREATE KEYSPACE \"{name}\" WITH replication = {{'class': 'SimpleStrategy'}}");
        let state = &*CLUSTER;
        let more = apply(state, &schema_change(state, &text));
        let again = apply(&State::clone(state), &schema_change(state, &text));
        prop_assert_eq!(more.hash(), again.hash());
        prop_assert_ne!(more.hash(), state.hash());
    }
}
