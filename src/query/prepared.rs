//! Prepared statements: a bounded cache over the table `system.prepared_statements`.
//!
//! A statement's id is a digest of its keyspace and text, so every node gives the same; where all
//! tables are named with their keyspace, the one in use is left out, so connections agree too. The cache
//! holds plans; the table holds texts and survives a restart. A start loads nothing: an id that is
//! not in the cache is looked for in the table, and only then unknown. When the cache forgets the
//! statement that was used least, its row goes too. A long text weighs as much as many short ones.
//!
//! A plan is bound to one catalog. [`Prepared::current`] makes it again when a table of it changed.
//! `differs` is set for good once the result's columns were not those that the first PREPARED told:
//! version 4 clients may hold either, so from then on each answer to them carries its metadata.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ahash::RandomState;
use arc_swap::ArcSwap;
use base::limits::STATEMENT_BYTES_MAX;
use parking_lot::Mutex;
use protocol::result::metadata_id;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};
use schema::Catalog;

use crate::error::{Error, hex};
use crate::statement::{self, Planned};

/// How many statements of usual length are kept; as many rows stay in the table.
pub const STATEMENTS_MAX: usize = 10_000;

/// A text weighs one for each begun 1 KiB: the cache holds 10 MiB of text at most, and as a value
/// takes up to a hundred bytes in a plan and two in a text, plans of 500 MiB at the very worst.
const BYTES_PER_WEIGHT: usize = 1 << 10;

/// Parts of the cache, a lock each.
const SHARDS: usize = 4;

// A shard takes in only what leaves it some room, and the longest statement must be taken in: who is
// told an id may execute it.
const _: () = assert!(2 * (1 + STATEMENT_BYTES_MAX / BYTES_PER_WEIGHT) < STATEMENTS_MAX / SHARDS);

/// A statement's identity.
pub type Id = [u8; 16];

/// One prepared statement.
#[derive(Debug)]
pub struct Prepared {
    /// Its id.
    pub id: Id,
    /// Its text.
    pub text: String,
    /// The keyspace of its unqualified names.
    pub keyspace: Option<String>,
    /// The digest of the result metadata that its first PREPARED told.
    pub first_metadata_id: Id,
    differs: AtomicBool,
    /// Whether its row still has to say that the columns differ.
    owes_note: AtomicBool,
    planned: ArcSwap<Planned>,
}

impl Prepared {
    /// A statement that nobody prepared before.
    pub fn new(text: &str, keyspace: Option<&str>, planned: Planned) -> Self {
        let first = planned.metadata_id;
        Prepared::known(text, keyspace, planned, first, false)
    }

    /// A statement that was prepared before: what its first PREPARED told, and whether its columns
    /// differed since.
    pub fn known(
        text: &str,
        keyspace: Option<&str>,
        planned: Planned,
        first: Id,
        differs: bool,
    ) -> Self {
        Prepared {
            id: id(text, keyspace),
            text: text.into(),
            keyspace: keyspace.map(Into::into),
            first_metadata_id: first,
            differs: AtomicBool::new(differs || first != planned.metadata_id),
            owes_note: AtomicBool::new(false),
            planned: ArcSwap::from_pointee(planned),
        }
    }

    /// Remembers that its row could not be written.
    pub fn owe_note(&self) {
        self.owes_note.store(true, Ordering::Relaxed);
    }

    /// Whether its row is to be written again; asked once for each time that it could not be.
    pub fn takes_note(&self) -> bool {
        self.owes_note.load(Ordering::Relaxed) && self.owes_note.swap(false, Ordering::Relaxed)
    }

    /// The plan for a catalog, made again if a table of it changed. The second value says whether
    /// the result's columns are for the first time not those of the first PREPARED.
    pub fn current(
        &self,
        catalog: &Arc<Catalog>,
        data_center: &str,
    ) -> Result<(Arc<Planned>, bool), Error> {
        let planned = self.planned.load();
        if planned.is_valid_for(catalog) {
            return Ok((planned.clone(), false));
        }
        if let Some(same) = planned.carried_over(catalog) {
            let same = Arc::new(same);
            self.planned.store(same.clone());
            return Ok((same, false));
        }
        let statement = cql::parse(&self.text)?;
        let fresh = statement::plan(statement, self.keyspace.as_deref(), data_center, catalog)
            .map_err(|error| error.quoting(&self.text))?;
        debug_assert_eq!(fresh.metadata_id, metadata_id(&fresh.metadata));
        let newly = fresh.metadata_id != self.first_metadata_id
            && !self.differs.swap(true, Ordering::Relaxed);
        let fresh = Arc::new(fresh);
        self.planned.store(fresh.clone());
        Ok((fresh, newly))
    }

    /// Whether the statement means the same whatever keyspace is in use.
    pub fn is_qualified(&self) -> bool {
        self.planned.load().is_qualified
    }

    /// Whether clients of version 4 may hold other metadata than the present.
    pub fn differs(&self) -> bool {
        self.differs.load(Ordering::Relaxed)
    }
}

/// What a client is told, once for each connection, that prepares a statement which depends on the
/// keyspace in use.
pub fn warning_of_use(id: &Id, keyspace: Option<&str>) -> String {
    let keyspace = keyspace.unwrap_or("null");
    let id = hex(id);
    format!(
        "`USE <keyspace>` with prepared statements is considered to be an anti-pattern due to ambiguity in non-qualified table names. Please consider removing instances of `Session#setKeyspace(<keyspace>)`, `Session#execute(\"USE <keyspace>\")` and `cluster.newSession(<keyspace>)` from your code, and always use fully qualified table names (e.g. <keyspace>.<table>). Keyspace used: {keyspace}, statement keyspace: {keyspace}, statement id: {id}"
    )
}

/// The id of a text in a keyspace.
pub fn id(text: &str, keyspace: Option<&str>) -> Id {
    protocol::prepared_id(keyspace, text)
}

type Statements = Cache<Id, Arc<Prepared>, ByLength, RandomState, Evicted>;

/// Weighs statements.
#[derive(Clone)]
struct ByLength;

impl Weighter<Id, Arc<Prepared>> for ByLength {
    fn weight(&self, _: &Id, prepared: &Arc<Prepared>) -> u64 {
        1 + (prepared.text.len() / BYTES_PER_WEIGHT) as u64
    }
}

/// The cache.
pub struct Cached {
    statements: Statements,
    evicted: Evicted,
}

/// Collects what the cache forgets.
#[derive(Clone, Default)]
struct Evicted {
    ids: Arc<Mutex<Vec<Id>>>,
}

impl Lifecycle<Id, Arc<Prepared>> for Evicted {
    type RequestState = ();

    fn on_evict(&self, (): &mut Self::RequestState, key: Id, _: Arc<Prepared>) {
        self.ids.lock().push(key);
    }
}

impl Cached {
    /// An empty cache with these hash keys.
    pub fn new(hash_keys: [u64; 4]) -> Self {
        let [a, b, c, d] = hash_keys;
        let evicted = Evicted::default();
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(STATEMENTS_MAX)
            .weight_capacity(STATEMENTS_MAX as u64)
            .build()
            .expect("both capacities are set");
        let statements = Cache::with_options(
            options,
            ByLength,
            RandomState::with_seeds(a, b, c, d),
            evicted.clone(),
        );
        Cached {
            statements,
            evicted,
        }
    }

    /// The statement of an id.
    pub fn get(&self, id: &Id) -> Option<Arc<Prepared>> {
        self.statements.get(id)
    }

    /// Takes in a statement; the ids of those that had to go.
    pub fn insert(&self, prepared: Arc<Prepared>) -> Vec<Id> {
        self.statements.insert(prepared.id, prepared);
        let mut gone = std::mem::take(&mut *self.evicted.ids.lock());
        // A statement that several looked up at once is replaced by itself, which the cache reports as well.
        gone.retain(|id| self.statements.peek(id).is_none());
        gone
    }
}

#[cfg(test)]
mod tests {
    use schema::ddl::Choices;
    use schema::{Topology, ddl};
    use uuid::Uuid;

    use super::*;

    /// The catalog after these statements.
    fn after(mut catalog: Catalog, statements: &[&str]) -> Catalog {
        let topology = Topology {
            data_centers: [("datacenter1".to_string(), 1)].into(),
        };
        for text in statements {
            let statement = cql::parse(text).expect("it parses");
            let mut id = || Uuid::from_u128(catalog.tables().count() as u128 + 1);
            let choices = Choices {
                id: &mut id,
                now_micros: 1,
            };
            let change = ddl::resolve(&statement, Some("ks"), &catalog, choices);
            let applied = catalog.apply(&change.expect("it resolves"), &topology);
            catalog = applied.expect("it applies").0;
        }
        catalog
    }

    const KEYSPACE: &str = "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";

    /// Whether the plan of `text` is kept when a catalog changes so.
    fn is_kept(text: &str, change: &str) -> bool {
        let before = [
            KEYSPACE,
            "CREATE TYPE u (a int)",
            "CREATE TABLE t (k int PRIMARY KEY, v int)",
            "CREATE TABLE of_types (k int PRIMARY KEY, v frozen<u>)",
            "CREATE TABLE other (k int PRIMARY KEY, v int)",
        ];
        let old = Arc::new(after(Catalog::new(), &before));
        let statement = cql::parse(text).expect("it parses");
        let planned = statement::plan(statement, Some("ks"), "datacenter1", &old);
        let prepared = Prepared::new(text, Some("ks"), planned.expect("it can be planned"));
        let new = Arc::new(after((*old).clone(), &[change]));
        let of = |catalog: &Arc<Catalog>| {
            let (planned, _) = prepared.current(catalog, "datacenter1").expect("a plan");
            assert!(planned.is_valid_for(catalog));
            match &planned.action {
                statement::Action::Select(plan, _) => Arc::as_ptr(plan) as usize,
                statement::Action::Modify(plan, _) => Arc::as_ptr(plan) as usize,
                statement::Action::Batch(batch, _) => Arc::as_ptr(batch) as usize,
                statement::Action::Other(_) => 0,
            }
        };
        let first = prepared.planned.load_full();
        let same = of(&old) == of(&new);
        drop(first);
        same
    }

    #[test]
    fn a_statement_of_any_length_is_kept() {
        let cached = Cached::new([1, 2, 3, 4]);
        let catalog = after(
            Catalog::new(),
            &[KEYSPACE, "CREATE TABLE t (k int PRIMARY KEY)"],
        );
        let mut evicted = 0;
        for index in 0..100 {
            let blanks = " ".repeat(STATEMENT_BYTES_MAX - 40);
            let text = format!("SELECT {blanks} k FROM t LIMIT {}", index + 1);
            assert!(text.len() <= STATEMENT_BYTES_MAX);
            let statement = cql::parse(&text).expect("it parses");
            let planned = statement::plan(statement, Some("ks"), "datacenter1", &catalog);
            let planned = planned.expect("it can be planned");
            let prepared = Arc::new(Prepared::new(&text, Some("ks"), planned));
            evicted += cached.insert(prepared.clone()).len();
            assert!(cached.get(&prepared.id).is_some(), "statement {index}");
        }
        assert!(evicted >= 90, "{evicted}");
    }

    #[test]
    fn a_plan_is_made_again_only_if_what_it_is_on_changed() {
        let check = |text: &str, change: &str, expected: bool| {
            assert_eq!(is_kept(text, change), expected, "{text} after {change}");
        };
        let select = "SELECT * FROM t";
        check(select, "CREATE TABLE t2 (k int PRIMARY KEY)", true);
        check(select, "ALTER TABLE other ADD w int", true);
        check(select, "DROP TABLE other", true);
        check(select, "ALTER TABLE t ADD w int", false);
        check(select, "ALTER TABLE t WITH default_time_to_live = 5", false);
        check(select, "CREATE TYPE u2 (a int)", false);
        check(
            select,
            "ALTER KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
            false,
        );
        check("SELECT * FROM of_types", "ALTER TYPE u ADD b int", false);
        check("UPDATE t SET v = 1 WHERE k = 1", "DROP TABLE other", true);
        let batch =
            "BEGIN BATCH INSERT INTO t (k) VALUES (1) INSERT INTO other (k) VALUES (1) APPLY BATCH";
        check(batch, "ALTER TABLE of_types ADD w int", true);
        check(batch, "ALTER TABLE other ADD w int", false);
        check("USE ks", "ALTER TABLE other ADD w int", true);
    }
}
