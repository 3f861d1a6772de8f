//! A client: random statements on what is its own, each answer compared with the model.
//!
//! A client has partitions of the shared tables and a table to itself, so that what others do concerns it only through
//! the node. Of a statement that failed nobody can say whether it was carried out: from then on there are several models
//! that may be right, until a read tells them apart.
//!
//! What is checked:
//! - every answered change is there, as a whole, and nothing that was deleted; what failed is there as a whole or not;
//! - what was read after a later change was answered, or in a later life, is there for good;
//! - timestamps of the node grow from one statement to the next, over all lives;
//! - a table whose statement was answered is there with its columns, and gone if dropped;
//! - without a fault of the disk no statement fails.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::env::{Env, Rng, Stream};
use parking_lot::Mutex;
use protocol::client::{Error, Options, Outcome, Page};
use protocol::{Consistency, request::Parameters};

use super::blame;
use super::change::{Change, EARLY_ROW, EXTRA};
use super::model::{self, Line, Model, Presence, SHORT, Table, Value, WIDE, When};
use super::plan::Plan;

/// Partitions of a client in each shared table.
const PARTITIONS: i32 = 3;
/// Rows of a partition that are written to.
const ROWS: i32 = 6;
/// The row by which a client learns whether the node takes writes again.
const PROBE_ROW: i32 = 40;
/// What `gc_grace_seconds` is for all tables.
const GRACE_SECONDS: i64 = 60;
/// How many of its last statements are told when something is wrong.
const HISTORY_LENGTH: usize = 60;
/// No statement takes longer, however slow the disk.
const PATIENCE: Duration = Duration::from_secs(300);
/// A statement that was not answered was carried out within so much of when it was sent, by a clock that may jump.
const UNHEARD_SECONDS: i64 = 600;
/// How far ahead of the clocks early writes are: less than `maximum_timestamp_fail_threshold`, more than clocks jump.
const AHEAD_MICROS: i64 = 150_000_000_000;

/// The latest that the wall clock ever showed, in seconds. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Latest(Arc<AtomicI64>);

impl Latest {
    pub fn note(&self, seconds: i64) -> i64 {
        self.0.fetch_max(seconds, Ordering::Relaxed).max(seconds)
    }
}

/// What a client knows, over all lives.
#[derive(Clone, Debug)]
pub struct Known {
    number: i32,
    /// What may be there; usually one.
    models: Vec<Model>,
    /// Makes every value another.
    count: i32,
    /// The largest timestamp that was read.
    timestamp_micros: i64,
    deletions: Vec<Deletion>,
    /// Statements that were answered.
    pub answered: u64,
    /// What it asked for last, and what came of it.
    history: VecDeque<String>,
}

/// A row or partition that was deleted.
#[derive(Clone, Debug)]
struct Deletion {
    table: String,
    p: i32,
    c: Option<i32>,
    /// Not later than its time.
    seconds: i64,
}

impl Known {
    pub fn new(number: i32) -> Known {
        let mut model = Model::default();
        let table = |columns: &[&'static str]| Table {
            columns: columns.iter().copied().collect(),
            ..Table::default()
        };
        model.tables.insert(
            WIDE.into(),
            table(&["p", "c", "s", "v", "n", "tags", "items", "names"]),
        );
        model.tables.insert(SHORT.into(), table(&["p", "c", "v"]));
        Known {
            number,
            models: vec![model],
            count: 0,
            timestamp_micros: 0,
            deletions: Vec::new(),
            answered: 0,
            history: VecDeque::new(),
        }
    }

    /// Which client's it is.
    pub fn number(&self) -> i32 {
        self.number
    }

    fn own(&self) -> String {
        format!("own_{}", self.number)
    }

    /// What it asked for last, a line each.
    pub fn history(&self) -> String {
        self.history
            .iter()
            .map(|line| format!("\n    client {} {line}", self.number))
            .collect()
    }

    /// A later deletion takes the place of the earlier ones in its partition, and may go as early as its own time says:
    /// that lies before theirs if the clock went back.
    fn age_deletions(&mut self, changes: &[Change], seconds: i64) {
        for change in changes {
            let (Change::DeleteRow { table, p, .. }
            | Change::DeleteRange { table, p, .. }
            | Change::DeletePartition { table, p }) = change
            else {
                continue;
            };
            let is_there = |old: &&mut Deletion| old.table == *table && old.p == *p;
            for old in self.deletions.iter_mut().filter(is_there) {
                old.seconds = old.seconds.min(seconds);
            }
        }
    }

    fn note(&mut self, line: String) {
        if self.history.len() == HISTORY_LENGTH {
            self.history.pop_front();
        }
        self.history.push_back(line);
    }

    /// The changes may be carried out, all of them, or none.
    fn doubt(&mut self, changes: &[Change]) {
        for model in self.models.clone() {
            match changes {
                [change] => self.models.extend(change.outcomes(&model)),
                changes => {
                    let mut whole = model;
                    changes.iter().for_each(|change| change.apply(&mut whole));
                    self.models.push(whole);
                }
            }
        }
    }

    fn apply(&mut self, changes: &[Change]) {
        for model in &mut self.models {
            changes.iter().for_each(|change| change.apply(model));
        }
    }
}

/// What became of a statement.
enum Answer {
    Done(Page),
    /// It was refused, and changed nothing.
    Refused,
    /// It failed, and may have changed something.
    Failed,
    /// There is no such table.
    NoTable,
}

/// What a table shows of a partition.
struct Seen {
    table: String,
    p: i32,
    when: When,
    /// None if the table is not there.
    found: Option<Found>,
}

struct Found {
    columns: BTreeSet<String>,
    lines: Vec<Line>,
}

pub struct Client {
    pub env: Env,
    pub address: SocketAddr,
    pub plan: Plan,
    pub latest: Latest,
    pub rng: Rng,
    pub known: Known,
    /// Where it is kept for the next life.
    pub shared: Arc<Mutex<Known>>,
    pub connection: Option<protocol::client::Client<Stream>>,
}

impl Client {
    /// Finds out what is there, goes through the steps of its plan, and looks at everything again.
    pub async fn live(mut self) {
        if !self.settle("at the start").await {
            return;
        }
        for _ in 0..self.plan.steps {
            if !self.step().await {
                break;
            }
        }
        // If it is still not known what is there, the next life will show.
        if let Some(seen) = self.look().await {
            self.judge(&seen, "at the end").await;
        }
    }

    /// One random step. False if this client has nothing more to do in this life.
    async fn step(&mut self) -> bool {
        match self.rng.below(100) {
            0..55 => {
                let change = self.draw();
                self.change(vec![change]).await
            }
            55..63 => {
                let changes = self.draw_batch();
                changes.is_empty() || self.change(changes).await
            }
            63..71 => self.late().await,
            71..78 => self.schema().await,
            78..90 => self.slice().await,
            90..95 => self.scan().await,
            95 | 96 => {
                let seen = self.look().await;
                if let Some(seen) = seen {
                    self.judge(&seen, "between").await;
                }
                true
            }
            _ => {
                let millis = self.rng.below(40_000);
                self.env.sleep(Duration::from_millis(millis)).await;
                true
            }
        }
    }

    fn model(&self) -> &Model {
        &self.known.models[0]
    }

    fn has_own(&self) -> bool {
        self.model().tables.contains_key(&self.known.own())
    }

    fn number(&mut self) -> i32 {
        self.known.count += 1;
        self.known.count
    }

    /// A text that was never written before; some are long.
    fn text(&mut self) -> Value {
        let number = self.number();
        let bytes = match self.rng.below(20) {
            _ if self.plan.is_heavy => 10_000 + self.rng.below(60_000),
            0..12 => 0,
            12..19 => self.rng.below(3_000),
            _ => 10_000 + self.rng.below(60_000),
        };
        Value::Text(format!("{number} {}", "x".repeat(bytes as usize)).into())
    }

    fn p(&mut self) -> i32 {
        100 * self.known.number + self.rng.below(PARTITIONS as u64) as i32
    }

    fn c(&mut self) -> i32 {
        self.rng.below(ROWS as u64) as i32
    }

    /// A table of plain rows.
    fn table(&mut self) -> String {
        match self.has_own() && self.rng.chance(0.4) {
            true => self.known.own(),
            false => WIDE.to_owned(),
        }
    }

    /// A random change of rows.
    fn draw(&mut self) -> Change {
        let (p, c) = (self.p(), self.c());
        match self.rng.below(30) {
            0..12 => self.put(p, c),
            12 | 13 => Change::Static {
                p,
                value: self.rng.chance(0.7).then(|| self.text()),
            },
            14 | 15 => Change::Tag {
                p,
                c,
                element: self.rng.below(8) as i32,
                add: self.rng.chance(0.7),
            },
            16 => Change::Append {
                p,
                c,
                element: self.number(),
            },
            17 | 18 => {
                let value = self
                    .rng
                    .chance(0.7)
                    .then(|| format!("name {}", self.number()));
                Change::Name {
                    p,
                    c,
                    key: self.rng.below(4) as i32,
                    value,
                }
            }
            19..22 => Change::DeleteRow {
                table: self.table(),
                p,
                c,
            },
            22 => {
                let to = c + 1 + self.rng.below(3) as i32;
                Change::DeleteRange {
                    table: self.table(),
                    p,
                    from: c,
                    to,
                }
            }
            23 => Change::DeletePartition {
                table: WIDE.into(),
                p,
            },
            24..26 if self.has_own() => {
                let at_micros = self.env.wall_micros() + AHEAD_MICROS;
                let row = EARLY_ROW + self.number();
                Change::Early {
                    table: self.known.own(),
                    p,
                    c: row,
                    value: self.text(),
                    at_micros,
                }
            }
            26..28 => {
                let ttl = [2, 30, 300][self.rng.below(3) as usize];
                let mut change = Change::Expiring {
                    p,
                    c,
                    value: self.text(),
                    ttl,
                    expiry_seconds: (0, 0),
                };
                // Should nobody hear when it was.
                let now = self.env.wall_seconds();
                change.happened(now - UNHEARD_SECONDS, now + UNHEARD_SECONDS);
                change
            }
            _ => self.put(p, c),
        }
    }

    /// Changes of different rows.
    fn draw_batch(&mut self) -> Vec<Change> {
        let mut rows = BTreeSet::new();
        let mut changes = Vec::new();
        for _ in 0..2 + self.rng.below(4) {
            let change = self.draw();
            if change.row_of_batch().is_some_and(|row| rows.insert(row)) {
                changes.push(change);
            }
        }
        changes
    }

    /// INSERT or UPDATE of some columns.
    fn put(&mut self, p: i32, c: i32) -> Change {
        let table = self.table();
        let mut cells = vec![("v", self.rng.chance(0.9).then(|| self.text()))];
        if table != WIDE {
            if self.model().tables[&table].columns.contains(EXTRA) && self.rng.chance(0.5) {
                cells.push((EXTRA, Some(self.text())));
            }
        } else {
            match self.rng.below(8) {
                0 | 1 => cells.push(("n", Some(Value::Int(self.number())))),
                2 => cells.push(("n", None)),
                3 => cells.push(("tags", Some(Value::Set([self.number() % 8, 9].into())))),
                4 => cells.push(("items", Some(Value::List(vec![self.number(), 0])))),
                5 => cells.push((
                    "names",
                    Some(Value::Map([(1, format!("{}", self.number()))].into())),
                )),
                _ => {}
            }
        }
        Change::Put {
            table,
            p,
            c,
            insert: self.rng.chance(0.6),
            cells,
        }
    }

    /// A change of the client's own table as a whole.
    async fn schema(&mut self) -> bool {
        let table = self.known.own();
        let change = match self.model().tables.get(&table) {
            None => Change::Create { table },
            Some(own) => {
                let has_extra = own.columns.contains(EXTRA);
                match self.rng.below(6) {
                    0 => Change::Drop { table },
                    1 | 2 if has_extra => Change::DropColumn { table },
                    1 | 2 => Change::AddColumn { table },
                    _ => Change::Truncate { table },
                }
            }
        };
        self.change(vec![change]).await
    }

    /// Asks for changes, as a BATCH if there are several. False if the client cannot go on in this life.
    async fn change(&mut self, changes: Vec<Change>) -> bool {
        let before = self.env.wall_seconds();
        match self.attempt(&changes).await {
            Answer::Done(_) => {
                self.note_deletions(&changes, before.min(self.env.wall_seconds()));
                self.rng.chance(0.8) || self.check_timestamp(&changes).await
            }
            Answer::Refused => true,
            Answer::Failed => changes.iter().all(Change::is_write) && self.recover().await,
            Answer::NoTable => blame(&self.env, &format!("{changes:?}: the table is gone")).await,
        }
    }

    /// Asks for changes, and notes what may be there: before they are sent, and when they were answered.
    async fn attempt(&mut self, changes: &[Change]) -> Answer {
        if let [Change::Drop { table } | Change::Truncate { table }] = changes {
            // Whatever becomes of it, the tombstones may be gone.
            let deletions = &mut self.known.deletions;
            deletions.retain(|deletion| deletion.table != *table);
        }
        let certain = self.known.models.clone();
        self.known.age_deletions(changes, self.env.wall_seconds());
        self.known.doubt(changes);
        let text = statement(changes, self.rng.chance(0.5));
        let micros = self.env.wall_micros();
        self.known.note(format!("at {micros}: {}", cut(&text)));
        self.share();
        let before = self.env.wall_seconds();
        let answer = self.run(&text, None).await;
        let after = self.env.wall_seconds();
        self.latest.note(before.max(after));
        if !matches!(answer, Answer::Done(_)) {
            self.known.note(format!("that: {answer:?}"));
        }
        match answer {
            Answer::Done(_) => {
                let mut changes = changes.to_vec();
                changes
                    .iter_mut()
                    .for_each(|change| change.happened(before, after));
                match &changes[..] {
                    // An attempt that the disk has failed is finished by its time, and what is ahead of that stays.
                    [change @ Change::Truncate { .. }] if self.plan.may_fail() => {
                        let outcomes = certain.iter().map(|model| change.outcomes(model));
                        self.known.models = outcomes.flatten().collect();
                    }
                    _ => {
                        self.known.models = certain;
                        self.known.apply(&changes);
                    }
                }
                self.known.answered += 1;
            }
            Answer::Refused | Answer::NoTable => self.known.models = certain,
            Answer::Failed => {}
        }
        self.share();
        answer
    }

    /// Lets the next life know what this one knows, should it end here.
    fn share(&self) {
        self.shared.lock().clone_from(&self.known);
    }

    fn note_deletions(&mut self, changes: &[Change], seconds: i64) {
        for change in changes {
            let deletion = match change {
                Change::DeleteRow { table, p, c } => Deletion {
                    table: table.clone(),
                    p: *p,
                    c: Some(*c),
                    seconds,
                },
                Change::DeletePartition { table, p } => Deletion {
                    table: table.clone(),
                    p: *p,
                    c: None,
                    seconds,
                },
                _ => continue,
            };
            self.known.deletions.push(deletion);
        }
    }

    /// A write that comes behind the deletion of what it writes: it must not show.
    async fn late(&mut self) -> bool {
        let latest = self.latest.note(self.env.wall_seconds());
        self.known
            .deletions
            .retain(|deletion| latest - deletion.seconds < GRACE_SECONDS - 20);
        let count = self.known.deletions.len() as u64;
        if count == 0 {
            return true;
        }
        let deletion = self.known.deletions[self.rng.below(count) as usize].clone();
        let (table, p) = (deletion.table, deletion.p);
        let c = deletion.c.unwrap_or_else(|| self.c());
        let value = self.text();
        let change = Change::Late {
            table: table.clone(),
            p,
            c,
            value: value.clone(),
        };
        if !self.change(vec![change]).await {
            return false;
        }
        // A clock that has jumped meanwhile may have let the tombstone go before.
        let latest = self.latest.note(self.env.wall_seconds());
        if latest - deletion.seconds >= GRACE_SECONDS - 5 {
            let shown = Change::Put {
                table,
                p,
                c,
                insert: true,
                cells: vec![("v", Some(value))],
            };
            self.known.doubt(&[shown]);
            self.share();
            return self.settle("after a late write").await;
        }
        true
    }

    /// Timestamps of the node grow.
    async fn check_timestamp(&mut self, changes: &[Change]) -> bool {
        let [
            Change::Put {
                table, p, c, cells, ..
            },
        ] = changes
        else {
            return true;
        };
        if !cells
            .iter()
            .any(|(name, value)| *name == "v" && value.is_some())
        {
            return true;
        }
        let text = format!("SELECT writetime(v) FROM ks.{table} WHERE p = {p} AND c = {c}");
        let Answer::Done(page) = self.run(&text, None).await else {
            return true;
        };
        let cell = page.rows.first().and_then(|row| row[0].as_deref());
        let Some(micros) = cell.and_then(|bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)))
        else {
            blame(
                &self.env,
                &format!("{text}: no timestamp of what was just written"),
            )
            .await
        };
        let last = std::mem::replace(&mut self.known.timestamp_micros, micros);
        self.share();
        if micros <= last {
            blame(
                &self.env,
                &format!("the timestamp {micros} came after {last}"),
            )
            .await
        }
        true
    }

    /// Finds out what became of a statement that failed: what is read after a later one was answered is there for good.
    async fn recover(&mut self) -> bool {
        for _ in 0..3 {
            let millis = 100 + self.rng.below(3_000);
            self.env.sleep(Duration::from_millis(millis)).await;
            match self.look().await {
                Some(seen) => drop(self.judge(&seen, "after a failure").await),
                None => continue,
            }
            let probe = Change::Put {
                table: WIDE.into(),
                p: 100 * self.known.number,
                c: PROBE_ROW,
                insert: false,
                cells: vec![("n", Some(Value::Int(self.number())))],
            };
            match self.attempt(&[probe]).await {
                Answer::Done(_) => return self.settle("after a failure").await,
                Answer::Refused => {}
                Answer::Failed | Answer::NoTable => return false,
            }
        }
        false
    }

    /// Looks at everything and keeps the model that fits. False if not everything could be read.
    async fn settle(&mut self, moment: &str) -> bool {
        let Some(seen) = self.look().await else {
            return false;
        };
        // Of several that show the same the last says more: that a row may be there which has just expired.
        let index = self.judge(&seen, moment).await.into_iter().max();
        let model = self.known.models.swap_remove(index.expect("one fits"));
        self.known.models = vec![model];
        self.share();
        true
    }

    /// The models that what was seen fits to: one at least.
    async fn judge(&mut self, seen: &[Seen], moment: &str) -> Vec<usize> {
        let (mut fitting, mut reasons) = (Vec::new(), Vec::new());
        for (index, model) in self.known.models.iter().enumerate() {
            match seen.iter().try_for_each(|seen| seen.fits(model)) {
                Ok(()) => fitting.push(index),
                Err(reason) => reasons.push(reason),
            }
        }
        if fitting.is_empty() {
            let reasons = reasons.join("; or ");
            let (number, micros) = (self.known.number, self.env.wall_micros());
            blame(
                &self.env,
                &format!("client {number}, {moment} ({micros}): {reasons}"),
            )
            .await
        }
        fitting
    }

    /// Reads everything that is this client's; none if something could not be read.
    async fn look(&mut self) -> Option<Vec<Seen>> {
        let mut seen = Vec::new();
        for table in [WIDE.to_owned(), SHORT.to_owned(), self.known.own()] {
            for p in 0..PARTITIONS {
                let p = 100 * self.known.number + p;
                let page_rows = self.rng.chance(0.3).then_some(2);
                let text = format!("SELECT * FROM ks.{table} WHERE p = {p}");
                let (found, when) = self.read(&text, page_rows).await?;
                seen.push(Seen {
                    table: table.clone(),
                    p,
                    when,
                    found,
                });
            }
        }
        Some(seen)
    }

    /// Reads a slice of a partition, either way, and compares.
    async fn slice(&mut self) -> bool {
        if self.known.models.len() > 1 {
            return true;
        }
        let (table, p, from) = (self.table(), self.p(), self.c());
        let to = from + 1 + self.rng.below(4) as i32;
        let limit = 1 + self.rng.below(5) as usize;
        let reversed = self.rng.chance(0.5);
        let is_descending = self.model().tables[&table].descending != reversed;
        let order = if is_descending { "DESC" } else { "ASC" };
        let text = format!(
            "SELECT * FROM ks.{table} WHERE p = {p} AND c >= {from} AND c < {to} ORDER BY c {order} LIMIT {limit}"
        );
        let Some((Some(found), when)) = self.read(&text, None).await else {
            return true;
        };
        let mut expected = self.model().tables[&table].lines(p, when);
        let is_within = |line: &Line| {
            line.get("c")
                .is_some_and(|c| (from..to).contains(&c.parse().expect("a number")))
        };
        expected.retain(|(line, _)| is_within(line));
        if reversed {
            expected.reverse();
        }
        expected.truncate(limit);
        if let Err(reason) = model::compare(&found.lines, &expected) {
            blame(&self.env, &format!("{text}: {reason}")).await
        }
        true
    }

    /// Reads a whole table page by page and compares what is this client's.
    async fn scan(&mut self) -> bool {
        let table = self.table();
        let rows = 1 + self.rng.below(20) as u32;
        let Some((Some(found), when)) = self
            .read(&format!("SELECT * FROM ks.{table}"), Some(rows))
            .await
        else {
            return true;
        };
        if self.known.models.len() > 1 {
            return true;
        }
        for p in 0..PARTITIONS {
            let p = 100 * self.known.number + p;
            let of_partition = found.lines.iter().filter(|line| line["p"] == p.to_string());
            let lines: Vec<_> = of_partition.cloned().collect();
            let expected = self.model().tables[&table].lines(p, when);
            if let Err(reason) = model::compare(&lines, &expected) {
                blame(
                    &self.env,
                    &format!("a scan of {table}, partition {p}: {reason}"),
                )
                .await
            }
        }
        true
    }

    /// Reads rows; none if they could not be read.
    async fn read(&mut self, text: &str, page_rows: Option<u32>) -> Option<(Option<Found>, When)> {
        let before = self.env.wall_seconds();
        let answer = self.run(text, page_rows).await;
        let after = self.env.wall_seconds();
        let when = When {
            from_seconds: before.min(after),
            latest_seconds: self.latest.note(before.max(after)),
        };
        match answer {
            Answer::Done(page) => Some((Some(Found::of(&page)), when)),
            Answer::NoTable => Some((None, when)),
            Answer::Refused | Answer::Failed => None,
        }
    }

    /// Sends a statement and waits for its answer, all pages of it.
    async fn run(&mut self, text: &str, page_rows: Option<u32>) -> Answer {
        let Some(mut connection) = self.connect().await else {
            match self.plan.may_fail() {
                true => return Answer::Failed,
                false => blame(&self.env, "the node does not listen").await,
            }
        };
        let parameters = Parameters {
            page_size: page_rows,
            ..Parameters::new(Consistency::One)
        };
        let asking = async {
            match page_rows {
                Some(_) => connection
                    .query_all(text, parameters)
                    .await
                    .map(Outcome::Rows),
                None => connection
                    .query(text, parameters)
                    .await
                    .map(|reply| reply.outcome),
            }
        };
        let Some(answer) = self.env.timeout(PATIENCE, asking).await else {
            blame(
                &self.env,
                &format!("{}: no answer in {PATIENCE:?}", cut(text)),
            )
            .await
        };
        match answer {
            Ok(outcome) => {
                self.connection = Some(connection);
                match outcome {
                    Outcome::Rows(page) => Answer::Done(page),
                    _ => Answer::Done(Page::default()),
                }
            }
            Err(Error::Server { error, message }) => {
                self.connection = Some(connection);
                match error {
                    protocol::error::Error::Overloaded(_) => Answer::Refused,
                    _ if message.contains("does not exist") => Answer::NoTable,
                    _ if self.plan.may_fail() => Answer::Failed,
                    _ => blame(&self.env, &format!("{}: {message}", cut(text))).await,
                }
            }
            Err(_) if self.plan.may_fail() => Answer::Failed,
            Err(error) => blame(&self.env, &format!("{}: {error}", cut(text))).await,
        }
    }

    /// The connection, or a new one.
    async fn connect(&mut self) -> Option<protocol::client::Client<Stream>> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        let stream = self.env.connect(self.address).await.ok()?;
        protocol::client::Client::open(stream, Options::default())
            .await
            .ok()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Done(_) => "done",
            Answer::Refused => "refused",
            Answer::Failed => "failed",
            Answer::NoTable => "no table",
        })
    }
}

impl Seen {
    /// Whether it is what the model says.
    fn fits(&self, model: &Model) -> Result<(), String> {
        let (table, p) = (&self.table, self.p);
        let (found, expected) = match (&self.found, model.tables.get(table)) {
            (None, None) => return Ok(()),
            (None, Some(_)) => return Err(format!("the table {table} is gone")),
            (Some(_), None) => return Err(format!("the table {table} is there again")),
            (Some(found), Some(expected)) => (found, expected),
        };
        if !found
            .columns
            .iter()
            .map(String::as_str)
            .eq(expected.columns.iter().copied())
        {
            return Err(format!(
                "{table} has columns {:?}, not {:?}",
                found.columns, expected.columns
            ));
        }
        let lines: Vec<(Line, Presence)> = expected.lines(p, self.when);
        model::compare(&found.lines, &lines)
            .map_err(|reason| format!("{table}, partition {p}: {reason}"))
    }
}

impl Found {
    fn of(page: &Page) -> Found {
        let columns = page
            .metadata
            .as_ref()
            .map_or(&[][..], |metadata| metadata.columns());
        let line = |row: &Vec<Option<bytes::Bytes>>| {
            let cells = columns.iter().zip(row);
            let shown = cells.filter_map(|(column, cell)| {
                Some((column.name.clone(), column.ty.format(cell.as_deref()?)))
            });
            shown.collect::<Line>()
        };
        Found {
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            lines: page.rows.iter().map(line).collect(),
        }
    }
}

/// The statement of these changes.
fn statement(changes: &[Change], is_logged: bool) -> String {
    if let [change] = changes {
        return change.text();
    }
    let texts: String = changes
        .iter()
        .map(|change| format!("{}; ", change.text()))
        .collect();
    let kind = if is_logged { "" } else { "UNLOGGED " };
    format!("BEGIN {kind}BATCH {texts}APPLY BATCH")
}

/// A statement without the bulk of its values: longer texts are all of one letter.
fn cut(text: &str) -> String {
    let mut short = text.to_owned();
    while short.contains("xxxx") {
        short = short.replace("xxxx", "x");
    }
    short
}
