//! Selectors that are literals: constants as they are, and lists, sets, maps and tuples of selectors.

use cql::tree::{Selector, SelectorKind, Term, TermKind};
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;
use crate::selector::Expression;
use crate::selector::plan::{Maker, Typed};

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
            (SelectorKind::Map(pairs), Type::Map { key, value, .. }) => {
                let pairs = pairs.iter().map(|(k, v)| {
                    let key = self.selector(k, Some(key))?.expression;
                    Ok((key, self.selector(v, Some(value))?.expression))
                });
                Expression::Pairs {
                    ty: ty.clone(),
                    pairs: pairs.collect::<Result<_, Error>>()?,
                }
            }
            (SelectorKind::Tuple(parts), Type::Tuple(types)) if parts.len() <= types.len() => {
                Expression::Components(self.each(parts.iter().zip(types.iter()))?)
            }
            (SelectorKind::Map(pairs), Type::Udt { definition, .. }) => {
                let mut fields = Vec::with_capacity(definition.fields.len());
                for (name, ty) in &definition.fields {
                    let given = pairs.iter().find(|(field, _)| is_named(field, name));
                    fields.push(match given {
                        Some((_, value)) => self.selector(value, Some(ty))?.expression,
                        None => Expression::Term(crate::term::Plan::NULL),
                    });
                }
                Expression::Components(fields)
            }
            _ => {
                return Err(Error::invalid(format!(
                    "Invalid literal {selector}: it is not of type {ty}"
                )));
            }
        })
    }

    fn each<'s>(
        &mut self,
        parts: impl Iterator<Item = (&'s Selector, &'s Type)>,
    ) -> Result<Vec<Expression>, Error> {
        let mut each = Vec::new();
        for (part, ty) in parts {
            let typed = self.selector(part, Some(ty))?;
            if typed.ty.freeze() != ty.freeze() {
                return Err(Error::invalid(format!(
                    "{part} is of type {} and stands where {ty} is expected; use a cast",
                    typed.ty
                )));
            }
            each.push(typed.expression);
        }
        Ok(each)
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

fn is_named(selector: &Selector, name: &str) -> bool {
    matches!(&selector.kind, SelectorKind::Column(given) if given.text == name)
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
