//! What Cassandra calls the columns of a result.

use cql::tree::{QualifiedName, Selector, SelectorKind, Term};

use crate::error::Error;
use crate::function;
use crate::selector::AggregateKind;
use crate::selector::plan::{Maker, is_row_count};

impl Maker<'_, '_> {
    /// What Cassandra calls a selector without an alias.
    pub fn name(&self, selector: &Selector) -> Result<String, Error> {
        Ok(match &selector.kind {
            SelectorKind::Column(name) => name.text.clone(),
            SelectorKind::CountRows => "count".into(),
            SelectorKind::WriteTime(inner) => format!("writetime({})", self.name(inner)?),
            SelectorKind::MaxWriteTime(inner) => format!("maxwritetime({})", self.name(inner)?),
            SelectorKind::TimeToLive(inner) => format!("ttl({})", self.name(inner)?),
            SelectorKind::Cast(inner, native) => format!("cast({} as {native})", self.name(inner)?),
            SelectorKind::Field(inner, field) => format!("{}.{}", self.name(inner)?, field.text),
            SelectorKind::Element(inner, key) => format!("{}[{key}]", self.name(inner)?),
            SelectorKind::Slice(inner, from, to) => {
                let end = |term: &Option<Box<Term>>| term.as_ref().map(ToString::to_string);
                let (from, to) = (end(from).unwrap_or_default(), end(to).unwrap_or_default());
                format!("{}[{from}..{to}]", self.name(inner)?)
            }
            SelectorKind::TypeHint(data_type, inner) => {
                format!("({data_type}){}", self.name(inner)?)
            }
            SelectorKind::Function(name, arguments) if counts_rows(name, arguments) => {
                "count".into()
            }
            SelectorKind::Function(name, arguments) => {
                let names = arguments
                    .iter()
                    .map(|argument| self.name(argument))
                    .collect::<Result<Vec<_>, _>>()?;
                format!(
                    "{}({})",
                    self.function_name(name, arguments)?,
                    names.join(", ")
                )
            }
            _ => selector.to_string(),
        })
    }

    fn function_name(&self, name: &QualifiedName, arguments: &[Selector]) -> Result<String, Error> {
        let word = name.name.text.as_str();
        if AggregateKind::named(word).is_some() || word == "token" {
            return Ok(format!("system.{word}"));
        }
        Ok(self.function(name, arguments)?.name.clone())
    }
}

/// Whether a call is `count` of a constant.
fn counts_rows(name: &QualifiedName, arguments: &[Selector]) -> bool {
    let [argument] = arguments else {
        return false;
    };
    let kind = AggregateKind::named(&name.name.text);
    function::is_in_system(name) && kind.is_some_and(|kind| is_row_count(kind, argument))
}
