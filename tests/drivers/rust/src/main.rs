//! The Rust driver (protocol v4) against a node: plain, lz4 and snappy; one line per check.
//!
//! It asks `peers` rather than `peers_v2`, prepares its schema queries with `in ?`, and never pages unless told to.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use num_bigint::BigInt;
use scylla::client::Compression;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::response::{PagingState, PagingStateResponse};
use scylla::statement::Statement;
use scylla::statement::batch::{Batch, BatchType};
use scylla::value::{
    CqlDate, CqlDecimal, CqlDuration, CqlTime, CqlTimestamp, CqlTimeuuid, CqlVarint, MaybeUnset,
};
use scylla::{DeserializeValue, SerializeValue};
use uuid::Uuid;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const ROWS: i32 = 2500;

#[derive(Debug, Clone, PartialEq, SerializeValue, DeserializeValue)]
struct Address {
    street: String,
    number: Option<i32>,
}

#[tokio::main]
async fn main() {
    let mut failed = 0;
    let mut passed = 0;
    for (name, compression) in [
        ("plain", None),
        ("lz4", Some(Compression::Lz4)),
        ("snappy", Some(Compression::Snappy)),
    ] {
        let session = match open(name, compression).await {
            Ok(session) => session,
            Err(error) => {
                println!("FAIL  rust: {name}: session\n      {error}");
                failed += 1;
                continue;
            }
        };
        let outcomes: [(&str, Outcome); 6] = [
            ("cluster and schema", metadata(&session, name).await),
            ("every type", types(&session).await),
            ("pages", pages(&session).await),
            ("batches", batches(&session).await),
            ("null and unset", gaps(&session).await),
            ("errors", errors(&session).await),
        ];
        for (title, outcome) in outcomes {
            match outcome {
                Ok(()) => {
                    println!("ok    rust: {name}: {title}");
                    passed += 1;
                }
                Err(error) => {
                    println!("FAIL  rust: {name}: {title}\n      {error}");
                    failed += 1;
                }
            }
        }
    }
    println!("rust: {passed} passed, {failed} failed");
    std::process::exit(i32::from(failed > 0));
}

fn equal<T: PartialEq + std::fmt::Debug>(got: T, expected: T) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(format!("got {got:?}, expected {expected:?}").into())
}

async fn open(
    name: &str,
    compression: Option<Compression>,
) -> Result<Session, Box<dyn std::error::Error>> {
    let address = format!(
        "{}:{}",
        std::env::var("NODE_HOST")?,
        std::env::var("NODE_PORT")?
    );
    let session = SessionBuilder::new()
        .known_node(address)
        .compression(compression)
        .build()
        .await?;
    session
        .query_unpaged(
            format!("CREATE KEYSPACE rust_{name} WITH replication = {{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}}"),
            (),
        )
        .await?;
    session.use_keyspace(format!("rust_{name}"), false).await?;
    Ok(session)
}

async fn metadata(session: &Session, name: &str) -> Outcome {
    session
        .query_unpaged("CREATE TYPE address (street text, number int)", ())
        .await?;
    session
        .query_unpaged("CREATE TABLE seen (a int, b text, c frozen<address>, d text static, PRIMARY KEY ((a, b), c))", ())
        .await?;
    session.await_schema_agreement().await?;
    session.refresh_metadata().await?;
    let state = session.get_cluster_state();
    equal(state.get_nodes_info().len(), 1)?;
    equal(
        state.get_nodes_info()[0].datacenter.as_deref(),
        Some("datacenter1"),
    )?;
    let keyspace = state
        .get_keyspace(format!("rust_{name}"))
        .ok_or("the keyspace is not in the metadata")?;
    let table = keyspace
        .tables
        .get("seen")
        .ok_or("the table is not in the metadata")?;
    equal(
        table.partition_key.clone(),
        vec!["a".to_owned(), "b".to_owned()],
    )?;
    equal(table.clustering_key.clone(), vec!["c".to_owned()])?;
    equal(keyspace.user_defined_types.contains_key("address"), true)
}

async fn types(session: &Session) -> Outcome {
    session
        .query_unpaged(
            "CREATE TABLE everything (id int PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, \
             i float, j inet, k smallint, l text, m time, n timestamp, o timeuuid, p tinyint, q uuid, r varint, s list<int>, t set<text>, \
             u map<text, int>, v tuple<int, text>, w frozen<address>, x vector<float, 3>)",
            (),
        )
        .await?;
    macro_rules! returns {
        ($column:literal, $type:ty, $values:expr) => {
            let insert = session
                .prepare(concat!(
                    "INSERT INTO everything (id, ",
                    $column,
                    ") VALUES (?, ?)"
                ))
                .await?;
            let select = session
                .prepare(concat!("SELECT ", $column, " FROM everything WHERE id = ?"))
                .await?;
            for value in $values {
                let value: $type = value;
                session.execute_unpaged(&insert, (1, value.clone())).await?;
                let rows = session
                    .execute_unpaged(&select, (1,))
                    .await?
                    .into_rows_result()?;
                let (got,) = rows.single_row::<(Option<$type>,)>()?;
                equal(got, Some(value)).map_err(|error| format!("column {}: {error}", $column))?;
            }
        };
    }
    returns!("a", String, ["".to_owned(), "ascii".to_owned()]);
    returns!("b", i64, [i64::MIN, i64::MAX]);
    returns!("c", Vec<u8>, [vec![], vec![0, 255]]);
    returns!("d", bool, [true, false]);
    returns!("e", CqlDate, [CqlDate(0), CqlDate(u32::MAX)]);
    returns!(
        "f",
        CqlDecimal,
        [CqlDecimal::from_signed_be_bytes_and_exponent(
            vec![0x80, 1],
            -3
        )]
    );
    returns!("g", f64, [-0.0, f64::INFINITY]);
    returns!(
        "h",
        CqlDuration,
        [CqlDuration {
            months: -1,
            days: -2,
            nanoseconds: i64::MIN + 1
        }]
    );
    returns!("i", f32, [f32::MIN_POSITIVE]);
    returns!("j", IpAddr, ["::1".parse()?, "127.0.0.1".parse()?]);
    returns!("k", i16, [i16::MIN]);
    returns!("l", String, ["日本 \u{1f409}".to_owned()]);
    returns!("m", CqlTime, [CqlTime(86_399_999_999_999)]);
    returns!(
        "n",
        CqlTimestamp,
        [CqlTimestamp(i64::MIN), CqlTimestamp(-1)]
    );
    returns!(
        "o",
        CqlTimeuuid,
        ["c232ab00-9414-11ec-b3c8-9f6bdeced846".parse()?]
    );
    returns!("p", i8, [i8::MIN]);
    returns!("q", Uuid, [Uuid::nil(), Uuid::max()]);
    returns!(
        "r",
        CqlVarint,
        [CqlVarint::from_signed_bytes_be(
            BigInt::from(-129).to_signed_bytes_be()
        )]
    );
    returns!("s", Vec<i32>, [vec![3, 1, 3]]);
    returns!(
        "t",
        HashSet<String>,
        [HashSet::from(["a".to_owned(), String::new()])]
    );
    returns!("u", HashMap<String, i32>, [HashMap::from([("k".to_owned(), 1), (String::new(), 2)])]);
    returns!("v", (Option<i32>, Option<String>), [(Some(1), None)]);
    returns!(
        "w",
        Address,
        [Address {
            street: "Elm".to_owned(),
            number: None
        }]
    );
    returns!("x", Vec<f32>, [vec![0.5, -1.0, f32::INFINITY]]);
    Ok(())
}

async fn pages(session: &Session) -> Outcome {
    session
        .query_unpaged(
            "CREATE TABLE pages (p int, c int, v text, PRIMARY KEY (p, c))",
            (),
        )
        .await?;
    let insert = session
        .prepare("INSERT INTO pages (p, c, v) VALUES (?, ?, ?)")
        .await?;
    equal(insert.is_token_aware(), true)?;
    try_join_all((0..ROWS).map(|n| session.execute_unpaged(&insert, (n % 10, n, format!("v{n}")))))
        .await?;
    let statement = Statement::new("SELECT p, c, v FROM pages").with_page_size(77);
    let mut rows: Vec<(i32, i32, String)> = session
        .query_iter(statement, ())
        .await?
        .rows_stream()?
        .try_collect()
        .await?;
    rows.sort_unstable_by_key(|row| row.1);
    equal(
        rows,
        (0..ROWS).map(|n| (n % 10, n, format!("v{n}"))).collect(),
    )?;
    let unpaged = session
        .query_unpaged("SELECT c FROM pages", ())
        .await?
        .into_rows_result()?;
    equal(unpaged.rows_num(), ROWS as usize)?;

    let mut select = session
        .prepare("SELECT c FROM pages WHERE p = ? ORDER BY c DESC")
        .await?;
    select.set_page_size(49);
    let mut state = PagingState::start();
    let mut got: Vec<i32> = Vec::new();
    loop {
        let (page, next) = session.execute_single_page(&select, (4,), state).await?;
        for row in page.into_rows_result()?.rows::<(i32,)>()? {
            got.push(row?.0);
        }
        match next {
            PagingStateResponse::HasMorePages { state: next } => state = next,
            PagingStateResponse::NoMorePages => break,
        }
    }
    equal(got, (0..ROWS).filter(|n| n % 10 == 4).rev().collect())
}

async fn batches(session: &Session) -> Outcome {
    session
        .query_unpaged(
            "CREATE TABLE batched (a int, b int, v int, PRIMARY KEY (a, b))",
            (),
        )
        .await?;
    let insert = session
        .prepare("INSERT INTO batched (a, b, v) VALUES (?, ?, ?)")
        .await?;
    for kind in [BatchType::Logged, BatchType::Unlogged] {
        let mut batch = Batch::new(kind);
        let mut values = Vec::new();
        for n in 0..100 {
            batch.append_statement(insert.clone());
            values.push((n % 3, n, n));
        }
        session.batch(&batch, values).await?;
        let rows = session
            .query_unpaged("SELECT count(*) FROM batched", ())
            .await?
            .into_rows_result()?;
        equal(rows.single_row::<(i64,)>()?, (100,))?;
        session.query_unpaged("TRUNCATE batched", ()).await?;
    }
    Ok(())
}

async fn gaps(session: &Session) -> Outcome {
    session
        .query_unpaged("CREATE TABLE gaps (id int PRIMARY KEY, a text, b text)", ())
        .await?;
    let insert = session
        .prepare("INSERT INTO gaps (id, a, b) VALUES (:id, :a, :b)")
        .await?;
    session.execute_unpaged(&insert, (1, "a", "b")).await?;
    session
        .execute_unpaged(&insert, (1, MaybeUnset::<&str>::Unset, None::<&str>))
        .await?;
    let rows = session
        .query_unpaged("SELECT a, b FROM gaps WHERE id = 1", ())
        .await?
        .into_rows_result()?;
    equal(
        rows.single_row::<(Option<String>, Option<String>)>()?,
        (Some("a".to_owned()), None),
    )
}

async fn errors(session: &Session) -> Outcome {
    for (text, part) in [
        ("SELECT nothing FROM gaps", "Undefined column name nothing"),
        ("SELEC * FROM gaps", "line 1:0"),
        ("CREATE TABLE gaps (id int PRIMARY KEY)", "already existing"),
        ("SELECT * FROM system.scylla_local", "scylla_local"),
    ] {
        match session.query_unpaged(text, ()).await {
            Ok(_) => return Err(format!("{text}: no error").into()),
            Err(error) if error.to_string().contains(part) => {}
            Err(error) => return Err(format!("{text}: got {error}, expected {part:?}").into()),
        }
    }
    Ok(())
}
