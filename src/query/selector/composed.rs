//! Selectors that are literals: constants as they are, and lists, sets, maps and tuples of selectors.

use std::collections::BTreeMap;

use cql::tree::{Selector, SelectorKind, Term, TermKind};
use types::{Type, udt};

use crate::error::Error;
use crate::marker::Receiver;
use crate::selector::Expression;
use crate::selector::plan::{Maker, Typed};
use crate::term;
use crate::term::fit::{Fit, known_fit};

impl Maker<'_, '_> {
    /// A literal in a selection. Its type is what the place wants, else what its parts say.
    pub fn composed(&mut self, selector: &Selector, wanted: Option<&Type>) -> Result<Typed, Error> {
        // Parentheses around one selector are a tuple only where a tuple is wanted.
        if let SelectorKind::Tuple(parts) = &selector.kind
            && let [only] = &parts[..]
            && !matches!(wanted, Some(Type::Tuple(_)))
        {
            return self.selector(only, wanted);
        }
        if !reads_row(selector) {
            return self.constant(selector, wanted);
        }
        let known = match wanted {
            Some(ty) => Some(ty.clone()),
            None => self.shape(selector)?.preferred(),
        };
        let Some(ty) = known else {
            return Err(cannot_infer(selector));
        };
        let expression = self.of_parts(selector, &ty)?;
        Ok(Typed { expression, ty })
    }

    fn of_parts(&mut self, selector: &Selector, ty: &Type) -> Result<Expression, Error> {
        Ok(match (&selector.kind, ty) {
            (SelectorKind::List(items), Type::List { element, .. })
            | (SelectorKind::Set(items), Type::Set { element, .. }) => Expression::Items {
                ty: ty.clone(),
                items: self.each(items.iter().map(|item| (item, &**element)))?,
            },
            (SelectorKind::List(items), Type::Vector { element, dimension })
                if items.len() == *dimension as usize =>
            {
                Expression::Items {
                    ty: ty.clone(),
                    items: self.each(items.iter().map(|item| (item, &**element)))?,
                }
            }
            (SelectorKind::Map(pairs), Type::Map { key, value, .. }) => {
                let pairs = pairs
                    .iter()
                    .map(|(k, v)| Ok((self.member(k, key)?, self.member(v, value)?)));
                Expression::Pairs {
                    ty: ty.clone(),
                    pairs: pairs.collect::<Result<_, Error>>()?,
                }
            }
            (SelectorKind::Tuple(parts), Type::Tuple(types)) if parts.len() <= types.len() => {
                Expression::Components(self.each(parts.iter().zip(types.iter()))?)
            }
            (SelectorKind::Map(pairs), Type::Udt { definition, .. }) => {
                Expression::Components(self.fields(pairs, definition)?)
            }
            _ => {
                return Err(Error::invalid(format!(
                    "Invalid literal {selector}: it is not of type {ty}"
                )));
            }
        })
    }

    fn fields(
        &mut self,
        pairs: &[(Selector, Selector)],
        definition: &udt::Definition,
    ) -> Result<Vec<Expression>, Error> {
        let mut given: BTreeMap<&str, &Selector> = BTreeMap::new();
        for (name, value) in pairs {
            let SelectorKind::Column(name) = &name.kind else {
                return Err(Error::invalid(format!(
                    "{name} is no field of the user defined type {}",
                    definition.name
                )));
            };
            given.insert(&name.text, value);
        }
        let mut fields = Vec::with_capacity(definition.fields.len());
        for (name, ty) in &definition.fields {
            fields.push(match given.remove(name.as_str()) {
                Some(value) => self.member(value, ty)?,
                None => Expression::Term(term::Plan::NULL),
            });
        }
        match given.keys().next() {
            None => Ok(fields),
            Some(unknown) => Err(Error::invalid(format!(
                "Unknown field '{unknown}' in value of user defined type {}",
                definition.name
            ))),
        }
    }

    fn each<'s>(
        &mut self,
        mut parts: impl Iterator<Item = (&'s Selector, &'s Type)>,
    ) -> Result<Vec<Expression>, Error> {
        let mut each = Vec::new();
        parts.try_for_each(|(part, ty)| {
            each.push(self.member(part, ty)?);
            Ok::<_, Error>(())
        })?;
        Ok(each)
    }

    /// A part of a literal whose bytes are of this type.
    fn member(&mut self, part: &Selector, ty: &Type) -> Result<Expression, Error> {
        let typed = self.selector(part, Some(ty))?;
        if known_fit(&typed.ty, ty) == Fit::No {
            return Err(Error::invalid(format!(
                "{part} is of type {} and stands where {ty} is expected; use a cast",
                typed.ty
            )));
        }
        Ok(typed.expression)
    }

    /// Refuses a type hint that would read bytes as something else.
    pub fn refuse_unfit(
        &self,
        hinted: &Selector,
        inner: &Selector,
        ty: &Type,
    ) -> Result<(), Error> {
        // The keys of such a literal are the names of fields.
        if let (SelectorKind::Map(_), Type::Udt { .. }) = (&inner.kind, ty) {
            return Ok(());
        }
        if self.shape(inner)?.fit(ty) == Fit::No {
            return Err(Error::invalid(format!(
                "Cannot assign value {hinted} to {hinted} of type {ty}"
            )));
        }
        Ok(())
    }

    /// A selector that is a term: a literal alone says too little of its type.
    fn constant(&mut self, selector: &Selector, wanted: Option<&Type>) -> Result<Typed, Error> {
        let Some(ty) = wanted else {
            return Err(cannot_infer(selector));
        };
        let receiver = Receiver::new("[selection]", ty.clone());
        let plan = self.planner.plan(&as_term(selector)?, &receiver)?;
        Ok(Typed {
            expression: Expression::Term(plan),
            ty: ty.clone(),
        })
    }
}

fn cannot_infer(selector: &Selector) -> Error {
    Error::invalid(format!(
        "Cannot infer type for term {selector} in selection clause (try using a cast to force a type)"
    ))
}

/// Whether a literal holds anything that depends on the row.
fn reads_row(selector: &Selector) -> bool {
    match &selector.kind {
        SelectorKind::Literal(_) | SelectorKind::Null | SelectorKind::Marker(_) => false,
        SelectorKind::Tuple(parts) | SelectorKind::List(parts) | SelectorKind::Set(parts) => {
            parts.iter().any(reads_row)
        }
        SelectorKind::Map(pairs) => pairs.iter().any(|(k, v)| reads_row(k) || reads_row(v)),
        SelectorKind::TypeHint(_, inner) => reads_row(inner),
        SelectorKind::Function(_, arguments) => arguments.iter().any(reads_row),
        _ => true,
    }
}

/// The term that a selector without columns stands for.
fn as_term(selector: &Selector) -> Result<Term, Error> {
    let each = |items: &[Selector]| items.iter().map(as_term).collect::<Result<Vec<_>, _>>();
    let kind = match &selector.kind {
        SelectorKind::Literal(literal) => TermKind::Literal(literal.clone()),
        SelectorKind::Null => TermKind::Null,
        SelectorKind::Marker(marker) => TermKind::Marker(marker.clone()),
        SelectorKind::Tuple(items) => TermKind::Tuple(each(items)?),
        SelectorKind::List(items) => TermKind::List(each(items)?),
        SelectorKind::Set(items) => TermKind::Set(each(items)?),
        SelectorKind::Map(pairs) => TermKind::Map(
            pairs
                .iter()
                .map(|(k, v)| Ok((as_term(k)?, as_term(v)?)))
                .collect::<Result<_, Error>>()?,
        ),
        SelectorKind::TypeHint(data_type, inner) => {
            TermKind::TypeHint(data_type.clone(), Box::new(as_term(inner)?))
        }
        SelectorKind::Function(name, arguments) => {
            TermKind::Function(name.clone(), each(arguments)?)
        }
        _ => {
            return Err(Error::unsupported(format!(
                "{selector} inside a literal of the selection"
            )));
        }
    };
    Ok(Term {
        kind,
        span: selector.span,
    })
}
