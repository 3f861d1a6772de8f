//! How many parts a statement may have, counted before any of them is planned.
//!
//! A statement's text is at most 1 MiB, which is room for half a million values. Planning takes time
//! and memory for each, on the thread that others wait for, so their number is bounded too: what a
//! client may bind is the measure of what it may write out. All statements of a BATCH count together.
//!
//! Schema changes are not counted here: a catalog has bounds of its own.

use base::limits::{BOUND_VALUES_MAX, COLUMNS_MAX, STATEMENT_BYTES_MAX};
use cql::tree::{
    Attribute, Attributes, Conditions, Delete, InValues, Insert, InsertSource, Modification,
    Operation, Part, Predicate, Relation, RelationSubject, Select, Selection, Selector,
    SelectorKind, Statement, Target, Term, TermKind, Update,
};

use crate::error::Error;

/// How many values, selectors, columns and conditions a statement may have in all, and how many
/// values an IN or a literal: as many as it may have bind markers.
const PARTS_MAX: usize = BOUND_VALUES_MAX;

/// How many columns a result may have: as many as a table.
const SELECTORS_MAX: usize = COLUMNS_MAX;

/// How many rows or ranges one statement may name over all partitions: each is a search of its own.
const PLACES_MAX: usize = 65_535;

type Counted = Result<(), Error>;

/// Refuses an IN with too many values, written out or bound.
pub fn check_in(values: usize) -> Counted {
    if values <= PARTS_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "IN has {values} values, the maximum is {PARTS_MAX}; split the query"
    )))
}

/// Refuses a statement that names too many rows or ranges in too many partitions.
pub fn check_places(partitions: usize, ranges: usize) -> Counted {
    if partitions.saturating_mul(ranges) <= PLACES_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The IN relations name {ranges} rows or ranges in each of {partitions} partitions, the maximum is {PLACES_MAX} in all; split the query"
    )))
}

/// Refuses a BATCH that has more statements as texts than can have a column and a value each.
pub fn check_texts(texts: usize) -> Counted {
    const TEXTS_MAX: usize = PARTS_MAX / 2;
    if texts <= TEXTS_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The batch has the texts of {texts} statements, the maximum is {TEXTS_MAX}; prepare its statements"
    )))
}

/// The parts of a request's statements so far.
#[derive(Default)]
pub struct Counter {
    text_bytes: usize,
    parts: usize,
}

impl Counter {
    /// Takes in a statement's text, to be refused before it is parsed.
    pub fn text(&mut self, text: &str) -> Counted {
        let before = self.text_bytes;
        self.text_bytes = before.saturating_add(text.len());
        if self.text_bytes <= STATEMENT_BYTES_MAX {
            return Ok(());
        }
        Err(Error::invalid(match before {
            0 => format!(
                "The statement is {} bytes long, the maximum is {STATEMENT_BYTES_MAX}; bind large values instead of writing them out",
                text.len()
            ),
            _ => format!(
                "The texts of the batch are longer than {STATEMENT_BYTES_MAX} bytes together; prepare its statements"
            ),
        }))
    }

    /// Takes in a statement, to be refused before it is planned.
    pub fn statement(&mut self, statement: &Statement) -> Counted {
        let markers = statement.markers().len();
        if markers > BOUND_VALUES_MAX {
            return Err(Error::invalid(format!(
                "Too many markers(?). {markers} markers exceed the allowed maximum of {BOUND_VALUES_MAX}"
            )));
        }
        match statement {
            Statement::Select(select) => self.select(select),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Batch(batch) => {
                self.attributes(&batch.attributes)?;
                let mut statements = batch.statements.iter();
                statements.try_for_each(|statement| match statement {
                    Modification::Insert(insert) => self.insert(insert),
                    Modification::Update(update) => self.update(update),
                    Modification::Delete(delete) => self.delete(delete),
                })
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, parts: usize) -> Counted {
        self.parts = self.parts.saturating_add(parts);
        if self.parts <= PARTS_MAX {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "The statement has more than {PARTS_MAX} values, columns and conditions; split it, or bind collections whole"
        )))
    }

    fn select(&mut self, select: &Select) -> Counted {
        if let Selection::Items(items) = &select.selection {
            if items.len() > SELECTORS_MAX {
                return Err(Error::invalid(format!(
                    "The SELECT has {} selectors, the maximum is {SELECTORS_MAX}",
                    items.len()
                )));
            }
            self.selectors(items.iter().map(|item| &item.selector))?;
        }
        self.relations(&select.relations)?;
        self.selectors(select.group_by.iter())?;
        for ordering in &select.order_by {
            self.add(1)?;
            ordering
                .nearest_to
                .iter()
                .try_for_each(|term| self.term(term))?;
        }
        Ok(())
    }

    fn insert(&mut self, insert: &Insert) -> Counted {
        self.attributes(&insert.attributes)?;
        match &insert.source {
            InsertSource::Values {
                columns, values, ..
            } => {
                self.add(columns.len())?;
                self.terms(values)
            }
            InsertSource::Json { value, .. } => self.term(value),
        }
    }

    fn update(&mut self, update: &Update) -> Counted {
        self.attributes(&update.attributes)?;
        for assignment in &update.assignments {
            self.target(&assignment.target)?;
            match &assignment.operation {
                Operation::Set(term)
                | Operation::Add(term)
                | Operation::Subtract(term)
                | Operation::Prepend(term) => self.term(term)?,
            }
        }
        self.relations(&update.relations)?;
        self.conditions(update.conditions.as_ref())
    }

    fn delete(&mut self, delete: &Delete) -> Counted {
        self.attributes(&delete.attributes)?;
        let mut targets = delete.targets.iter();
        targets.try_for_each(|target| self.target(target))?;
        self.relations(&delete.relations)?;
        self.conditions(delete.conditions.as_ref())
    }

    fn attributes(&mut self, attributes: &Attributes) -> Counted {
        let mut each = attributes.0.iter();
        each.try_for_each(|attribute| match attribute {
            Attribute::Timestamp(term) | Attribute::TimeToLive(term) => self.term(term),
        })
    }

    fn target(&mut self, target: &Target) -> Counted {
        match &target.part {
            Some(Part::Element(term)) => self.term(term),
            Some(Part::Field(_)) | None => self.add(1),
        }
    }

    fn relations(&mut self, relations: &[Relation]) -> Counted {
        for relation in relations {
            match &relation.subject {
                RelationSubject::Column(_) => self.add(1)?,
                RelationSubject::Element(_, key) => self.term(key)?,
                RelationSubject::Columns(names) | RelationSubject::Token(names) => {
                    self.add(names.len())?;
                }
            }
            self.predicate(&relation.predicate)
                .map_err(|error| error.at(relation.span))?;
        }
        Ok(())
    }

    fn conditions(&mut self, conditions: Option<&Conditions>) -> Counted {
        let Some(Conditions::Columns(conditions)) = conditions else {
            return Ok(());
        };
        let mut each = conditions.iter();
        each.try_for_each(|condition| {
            self.target(&condition.target)?;
            self.predicate(&condition.predicate)
        })
    }

    fn predicate(&mut self, predicate: &Predicate) -> Counted {
        match predicate {
            Predicate::Compare(_, term)
            | Predicate::Like(term)
            | Predicate::Contains(term)
            | Predicate::ContainsKey(term) => self.term(term),
            Predicate::Between(lower, upper) => {
                self.term(lower)?;
                self.term(upper)
            }
            Predicate::In(InValues::Terms(terms)) => {
                check_in(terms.len())?;
                self.terms(terms)
            }
            Predicate::In(InValues::Marker(_)) | Predicate::IsNotNull => self.add(1),
        }
    }

    fn terms(&mut self, terms: &[Term]) -> Counted {
        let mut each = terms.iter();
        each.try_for_each(|term| self.term(term))
    }

    fn term(&mut self, term: &Term) -> Counted {
        self.add(1)?;
        match &term.kind {
            TermKind::Literal(_) | TermKind::Null | TermKind::Marker(_) => Ok(()),
            TermKind::List(terms) | TermKind::Set(terms) => {
                check_literal(terms.len()).map_err(|error| error.at(term.span))?;
                self.terms(terms)
            }
            TermKind::Tuple(terms) | TermKind::Function(_, terms) => self.terms(terms),
            TermKind::Map(pairs) => {
                check_literal(pairs.len()).map_err(|error| error.at(term.span))?;
                let mut each = pairs.iter().flat_map(|(key, value)| [key, value]);
                each.try_for_each(|term| self.term(term))
            }
            TermKind::UserType(fields) => {
                let mut each = fields.iter();
                each.try_for_each(|(_, value)| self.term(value))
            }
            TermKind::TypeHint(_, inner) | TermKind::Cast(inner, _) | TermKind::Negation(inner) => {
                self.term(inner)
            }
            TermKind::Arithmetic(_, left, right) => {
                self.term(left)?;
                self.term(right)
            }
        }
    }

    fn selectors<'t>(&mut self, mut selectors: impl Iterator<Item = &'t Selector>) -> Counted {
        selectors.try_for_each(|selector| self.selector(selector))
    }

    fn selector(&mut self, selector: &Selector) -> Counted {
        self.add(1)?;
        match &selector.kind {
            SelectorKind::Column(_)
            | SelectorKind::Literal(_)
            | SelectorKind::Null
            | SelectorKind::Marker(_)
            | SelectorKind::CountRows => Ok(()),
            SelectorKind::WriteTime(inner)
            | SelectorKind::MaxWriteTime(inner)
            | SelectorKind::TimeToLive(inner)
            | SelectorKind::Cast(inner, _)
            | SelectorKind::TypeHint(_, inner)
            | SelectorKind::Field(inner, _)
            | SelectorKind::Negation(inner) => self.selector(inner),
            SelectorKind::Function(_, parts) | SelectorKind::Tuple(parts) => {
                self.selectors(parts.iter())
            }
            SelectorKind::List(parts) | SelectorKind::Set(parts) => {
                check_literal(parts.len()).map_err(|error| error.at(selector.span))?;
                self.selectors(parts.iter())
            }
            SelectorKind::Map(pairs) => {
                check_literal(pairs.len()).map_err(|error| error.at(selector.span))?;
                self.selectors(pairs.iter().flat_map(|(key, value)| [key, value]))
            }
            SelectorKind::Element(inner, key) => {
                self.selector(inner)?;
                self.term(key)
            }
            SelectorKind::Slice(inner, from, to) => {
                self.selector(inner)?;
                let mut ends = from.iter().chain(to);
                ends.try_for_each(|term| self.term(term))
            }
            SelectorKind::Arithmetic(_, left, right) => {
                self.selector(left)?;
                self.selector(right)
            }
        }
    }
}

/// Refuses a list, set or map literal with too many elements.
fn check_literal(elements: usize) -> Counted {
    if elements <= PARTS_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The literal has {elements} elements, the maximum is {PARTS_MAX}; bind the value instead"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The refusal's first line, or nothing.
    fn refusal(text: &str) -> String {
        let statement = cql::parse(text).expect("it parses");
        let checked = Counter::default().statement(&statement);
        let checked = checked.map_err(|error| error.to_string());
        let text = checked.err().unwrap_or_default();
        text.lines().next().unwrap_or_default().into()
    }

    fn repeated(part: &str, count: usize) -> String {
        vec![part; count].join(",")
    }

    #[test]
    fn what_is_usual_passes() {
        for text in [
            "SELECT a, count(*), f(b, [1, 2], {1: 2}) FROM t WHERE p IN (1, 2) AND token(p) > 3",
            "INSERT INTO t (a, b) VALUES (?, {x: 1}) USING TTL ?",
            "UPDATE t USING TTL 1 SET a = a + [1], m['k'] = (1, 2) WHERE p = 1 IF a = 1",
            "DELETE a, m['k'] FROM t WHERE (a, b) IN ((1, 2), (3, 4))",
            "BEGIN BATCH INSERT INTO t (a) VALUES (1) DELETE FROM t WHERE p = 1 APPLY BATCH",
            "CREATE TABLE t (p int PRIMARY KEY)",
        ] {
            assert_eq!(refusal(text), "", "{text}");
        }
        let most = repeated("1", PARTS_MAX - 2);
        assert_eq!(refusal(&format!("SELECT a FROM t WHERE p IN ({most})")), "");
    }

    #[test]
    fn too_many_parts_are_refused_by_name() {
        let many = repeated("1", 65_536);
        let markers = repeated("?", 65_536);
        let pairs = repeated("1:1", 65_536);
        let half = repeated("1", 40_000);
        let total = "The statement has more than 65535 values, columns and conditions; split it, or bind collections whole";
        let list = "The literal has 65536 elements, the maximum is 65535; bind the value instead";
        for (text, expected) in [
            (
                format!("SELECT {} FROM t", repeated("a", 32_768)),
                "The SELECT has 32768 selectors, the maximum is 32767",
            ),
            (
                format!("SELECT a FROM t WHERE p IN ({many})"),
                "IN has 65536 values, the maximum is 65535; split the query",
            ),
            (
                format!("SELECT a FROM t WHERE p IN ({markers})"),
                "Too many markers(?). 65536 markers exceed the allowed maximum of 65535",
            ),
            (format!("UPDATE t SET l = [{many}] WHERE p = 1"), list),
            (format!("UPDATE t SET l = {{{many}}} WHERE p = 1"), list),
            (format!("INSERT INTO t (l) VALUES ({{{pairs}}})"), list),
            (format!("SELECT f([{many}]) FROM t"), list),
            (format!("SELECT f({{{pairs}}}) FROM t"), list),
            (format!("SELECT f({many}) FROM t"), total),
            (
                format!("DELETE {} FROM t WHERE p = 1", repeated("a", 65_536)),
                total,
            ),
            (format!("INSERT INTO t (a) VALUES ({many})"), total),
            (
                format!("UPDATE t SET a = [{half}], b = [{half}] WHERE p = 1"),
                total,
            ),
            (
                format!("SELECT a FROM t WHERE p IN ({half}) AND c IN ({half})"),
                total,
            ),
            (
                format!(
                    "SELECT a FROM t WHERE {}",
                    repeated("p = 1", 40_000).replace(',', " AND ")
                ),
                total,
            ),
            (
                format!(
                    "BEGIN BATCH {} APPLY BATCH",
                    "INSERT INTO t(a)VALUES(1)".repeat(40_000)
                ),
                total,
            ),
        ] {
            assert_eq!(refusal(&text), expected, "{}", &text[..60]);
        }
    }

    #[test]
    fn statements_of_a_batch_count_together() {
        let text = format!("INSERT INTO t (l) VALUES ([{}])", repeated("1", 30_000));
        let statement = cql::parse(&text).expect("it parses");
        let mut counter = Counter::default();
        assert!(counter.statement(&statement).is_ok());
        assert!(counter.statement(&statement).is_ok());
        assert!(counter.statement(&statement).is_err());
        let half = " ".repeat(STATEMENT_BYTES_MAX / 2);
        assert!(counter.text(&half).is_ok());
        assert!(counter.text(&half).is_ok());
        let refused = counter.text(" ").map_err(|error| error.to_string());
        assert_eq!(
            refused,
            Err("The texts of the batch are longer than 1048576 bytes together; prepare its statements".into())
        );
    }

    #[test]
    fn texts_of_a_batch_are_counted_before_they_are_read() {
        assert!(check_texts(32_767).is_ok());
        let refused = check_texts(32_768).map_err(|error| error.to_string());
        assert_eq!(
            refused,
            Err("The batch has the texts of 32768 statements, the maximum is 32767; prepare its statements".into())
        );
    }

    #[test]
    fn places_multiply() {
        let refusal = |partitions, ranges| {
            let checked = check_places(partitions, ranges);
            checked.err().map(|error| error.to_string())
        };
        assert_eq!(refusal(1, 10_000), None);
        assert_eq!(refusal(255, 257), None);
        assert_eq!(
            refusal(256, 256).as_deref(),
            Some(
                "The IN relations name 256 rows or ranges in each of 256 partitions, the maximum is 65535 in all; split the query"
            )
        );
        assert!(refusal(usize::MAX, usize::MAX).is_some());
    }
}
