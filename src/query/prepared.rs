//! Prepared statements: a bounded cache over the table `system.prepared_statements`.
//!
//! A statement's id is a digest of its keyspace and text, so every node gives the same; where all
//! tables are named with their keyspace, the one in use is left out, so connections agree too. The cache
//! holds plans; the table holds texts and survives a restart. A start loads nothing: an id that is
//! not in the cache is looked for in the table, and only then unknown. When the cache forgets the
//! statement that was used least, its row goes too.
//!
//! A plan is bound to one catalog. [`Prepared::current`] makes it again when a table of it changed.
//! `differs` is set for good once the result's columns were not those that the first PREPARED told:
//! version 4 clients may hold either, so from then on each answer to them carries its metadata.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ahash::RandomState;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use protocol::result::metadata_id;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, UnitWeighter};
use schema::Catalog;

use crate::error::Error;
use crate::statement::{self, Planned};

/// How many statements are kept; as many rows stay in the table.
pub const STATEMENTS_MAX: usize = 10_000;

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
            planned: ArcSwap::from_pointee(planned),
        }
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

/// The id of a text in a keyspace.
pub fn id(text: &str, keyspace: Option<&str>) -> Id {
    protocol::prepared_id(keyspace, text)
}

type Statements = Cache<Id, Arc<Prepared>, UnitWeighter, RandomState, Evicted>;

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
        let statements = Cache::with(
            STATEMENTS_MAX,
            STATEMENTS_MAX as u64,
            UnitWeighter,
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
        std::mem::take(&mut *self.evicted.ids.lock())
    }
}
