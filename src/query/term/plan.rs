//! Planning a term: types checked, markers named, constants folded.

use std::collections::BTreeMap;
use std::sync::Arc;

use cql::tree::{self, Literal, Term, TermKind};
use schema::Catalog;
use types::Type;
use types::literal;

use crate::error::Error;
use crate::function::{self, Function, Sought};
use crate::marker::{Markers, Receiver};
use crate::selector::AggregateKind;
use crate::term::Plan;
use crate::term::fit::{Argument, Fit, Shape, constant, known_fit};
use crate::term::refusal::{collection_word, no_list, null_inside, wrong_literal};

/// Plans the terms of one statement against one catalog.
pub struct Planner<'a> {
    /// Where user-defined types are found.
    pub catalog: &'a Catalog,
    /// The keyspace of the statement's table.
    pub keyspace: &'a str,
    /// The types of the table's partition key, for `token(..)`.
    pub partition_key: Vec<Type>,
    /// What is known of the statement's markers.
    pub markers: &'a mut Markers,
}

impl Planner<'_> {
    /// A plan for `term` whose values have the receiver's type.
    pub fn plan(&mut self, term: &Term, receiver: &Receiver) -> Result<Plan, Error> {
        self.plan_kind(term, receiver)
            .and_then(fold)
            .map_err(|error| error.at(term.span))
    }

    fn plan_kind(&mut self, term: &Term, receiver: &Receiver) -> Result<Plan, Error> {
        Ok(match &term.kind {
            TermKind::Null => Plan::NULL,
            TermKind::Marker(marker) => self.marker(marker, receiver),
            // `'now'` as a timestamp is the moment of the execution.
            TermKind::Literal(literal) if literal::is_now(&receiver.ty, &constant(literal)) => {
                Plan::Call {
                    function: function::current_timestamp(),
                    arguments: Vec::new(),
                }
            }
            TermKind::Literal(literal) => {
                Plan::Constant(Some(encode_literal(literal, receiver)?.into()))
            }
            TermKind::List(items) => self.list(items, receiver)?,
            TermKind::Set(items) => self.set(items, receiver)?,
            TermKind::Map(pairs) => self.map(pairs, receiver)?,
            TermKind::UserType(fields) => self.user_type(fields, receiver)?,
            TermKind::Tuple(parts) => self.tuple(parts, receiver)?,
            TermKind::Function(name, arguments) => self.call(name, arguments, receiver)?,
            TermKind::TypeHint(data_type, inner) => {
                self.hinted(data_type, inner, term, receiver)?
            }
            TermKind::Cast(inner, native) => self.cast(inner, *native, receiver)?,
            TermKind::Arithmetic(..) | TermKind::Negation(_) => {
                return Err(Error::unsupported("Arithmetic"));
            }
        })
    }

    /// A marker that stands for a value of the receiver.
    pub fn marker(&mut self, marker: &tree::Marker, receiver: &Receiver) -> Plan {
        self.markers.set(marker, receiver);
        let holds_order = |ty: &Type| matches!(ty, Type::Set { .. } | Type::Map { .. });
        let sorted = receiver.ty.any(&holds_order).then(|| receiver.ty.clone());
        Plan::Marker {
            index: marker.index,
            sorted,
        }
    }

    /// What is known of a term's type before a receiver is chosen.
    pub fn shape<'t>(&self, term: &'t Term) -> Result<Shape<'t>, Error> {
        let each = |terms: &'t [Term]| {
            terms
                .iter()
                .map(|term| self.shape(term))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match &term.kind {
            TermKind::Null | TermKind::Marker(_) => Shape::Anything,
            TermKind::Literal(literal) => Shape::Literal(literal),
            TermKind::List(items) => Shape::List(each(items)?),
            TermKind::Set(items) => Shape::Set(each(items)?),
            TermKind::Tuple(items) => Shape::Tuple(each(items)?),
            TermKind::Map(pairs) => Shape::Map(
                pairs
                    .iter()
                    .map(|(k, v)| Ok((self.shape(k)?, self.shape(v)?)))
                    .collect::<Result<_, Error>>()?,
            ),
            TermKind::UserType(_) => Shape::UserType,
            TermKind::Function(name, arguments) => Shape::Known(
                self.function(name, &self.arguments(arguments)?, None)?
                    .result
                    .clone(),
            ),
            TermKind::TypeHint(data_type, _) => Shape::Known(self.data_type(data_type)?),
            TermKind::Cast(_, native) => Shape::Known(self.native(*native)?),
            TermKind::Arithmetic(..) | TermKind::Negation(_) => {
                return Err(Error::unsupported("Arithmetic"));
            }
        })
    }

    /// A type as written, found in the catalog.
    pub fn data_type(&self, data_type: &tree::DataType) -> Result<Type, Error> {
        Ok(schema::types::resolve(
            data_type,
            self.keyspace,
            self.catalog,
        )?)
    }

    /// A native type.
    pub fn native(&self, native: tree::Native) -> Result<Type, Error> {
        self.data_type(&tree::DataType::Native(native))
    }

    fn list(&mut self, items: &[Term], receiver: &Receiver) -> Result<Plan, Error> {
        let element = match &receiver.ty {
            Type::List { element, .. } => element.clone(),
            Type::Vector { element, dimension } => {
                if items.len() != *dimension as usize {
                    return Err(Error::invalid(format!(
                        "Invalid vector literal for {} of type {}; expected {} elements, but given {}",
                        receiver.name,
                        receiver.ty,
                        dimension,
                        items.len()
                    )));
                }
                element.clone()
            }
            other => return Err(no_list(other)),
        };
        self.items(items, receiver, &receiver.part("value", (*element).clone()))
    }

    fn set(&mut self, items: &[Term], receiver: &Receiver) -> Result<Plan, Error> {
        match &receiver.ty {
            Type::Set { element, .. } => {
                let part = receiver.part("value", (**element).clone());
                self.items(items, receiver, &part)
            }
            Type::Map { .. } if items.is_empty() => Ok(Plan::Pairs {
                ty: receiver.ty.clone(),
                pairs: Vec::new(),
            }),
            other => Err(wrong_literal("set", receiver, other)),
        }
    }

    fn items(
        &mut self,
        items: &[Term],
        receiver: &Receiver,
        part: &Receiver,
    ) -> Result<Plan, Error> {
        for item in items {
            self.check_part(item, receiver, part)?;
        }
        let items = items
            .iter()
            .map(|item| self.plan_part(item, receiver, part))
            .collect::<Result<_, _>>()?;
        Ok(Plan::Items {
            ty: receiver.ty.clone(),
            items,
        })
    }

    /// Refuses an element of a literal that is not of the elements' type.
    fn check_part(&self, item: &Term, receiver: &Receiver, part: &Receiver) -> Result<(), Error> {
        let role = if part.name.starts_with("key(") {
            "key"
        } else {
            "value"
        };
        self.refuse_unfit(item, part, |ty| {
            let kind = collection_word(&receiver.ty);
            let name = &receiver.name;
            format!("Invalid {kind} literal for {name}: {role} {item} is not of type {ty}")
        })
    }

    /// An element of a literal; null is refused here, where its place is known.
    fn plan_part(
        &mut self,
        item: &Term,
        receiver: &Receiver,
        part: &Receiver,
    ) -> Result<Plan, Error> {
        if matches!(item.kind, TermKind::Null) {
            return Err(null_inside(&receiver.ty).at(item.span));
        }
        self.plan(item, part)
    }

    /// A component of a tuple or a field, which may be null.
    fn component(
        &mut self,
        item: &Term,
        part: &Receiver,
        sentence: impl Fn(&Type) -> String,
    ) -> Result<Plan, Error> {
        self.refuse_unfit(item, part, sentence)?;
        self.plan(item, part)
    }

    /// Refuses a part of a literal that is not of the type of its place.
    fn refuse_unfit(
        &self,
        item: &Term,
        part: &Receiver,
        sentence: impl Fn(&Type) -> String,
    ) -> Result<(), Error> {
        if self.shape(item)?.fit(&part.ty) != Fit::No {
            return Ok(());
        }
        let error = match (&item.kind, &part.ty) {
            (TermKind::List(_), Type::List { .. } | Type::Vector { .. }) => {
                Error::invalid(sentence(&part.ty))
            }
            (TermKind::List(_), other) => no_list(other),
            (_, ty) => Error::invalid(sentence(ty)),
        };
        Err(error.at(item.span))
    }

    fn map(&mut self, pairs: &[(Term, Term)], receiver: &Receiver) -> Result<Plan, Error> {
        let Type::Map { key, value, .. } = &receiver.ty else {
            return Err(wrong_literal("map", receiver, &receiver.ty));
        };
        let key_part = receiver.part("key", (**key).clone());
        let value_part = receiver.part("value", (**value).clone());
        for (key, value) in pairs {
            self.check_part(key, receiver, &key_part)?;
            self.check_part(value, receiver, &value_part)?;
        }
        let pairs = pairs
            .iter()
            .map(|(key, value)| {
                Ok((
                    self.plan_part(key, receiver, &key_part)?,
                    self.plan_part(value, receiver, &value_part)?,
                ))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Plan::Pairs {
            ty: receiver.ty.clone(),
            pairs,
        })
    }

    fn user_type(
        &mut self,
        fields: &[(tree::Identifier, Term)],
        receiver: &Receiver,
    ) -> Result<Plan, Error> {
        let Type::Udt { definition, .. } = &receiver.ty else {
            return Err(wrong_literal("user type", receiver, &receiver.ty));
        };
        // Of two values for one field the later one counts.
        let mut given: BTreeMap<&str, &Term> = BTreeMap::new();
        given.extend(fields.iter().map(|(name, term)| (name.text.as_str(), term)));
        let mut parts = Vec::with_capacity(definition.fields.len());
        for (name, ty) in &definition.fields {
            let Some(term) = given.remove(name.as_str()) else {
                parts.push(Plan::NULL);
                continue;
            };
            let part = Receiver::new(format!("{}.{name}", receiver.name), ty.clone());
            parts.push(self.component(term, &part, |ty| {
                let receiver = &receiver.name;
                format!(
                    "Invalid user type literal for {receiver}: field {name} is not of type {ty}"
                )
            })?);
        }
        if let Some(unknown) = given.keys().next() {
            return Err(Error::invalid(format!(
                "Unknown field '{unknown}' in value of user defined type {}",
                definition.name
            )));
        }
        let ty = receiver.ty.clone();
        Ok(Plan::Components { ty, parts })
    }

    fn tuple(&mut self, parts: &[Term], receiver: &Receiver) -> Result<Plan, Error> {
        match &receiver.ty {
            Type::Tuple(types) => {
                for (index, (part, ty)) in parts.iter().zip(types.iter()).enumerate() {
                    let name = &receiver.name;
                    let place = Receiver::new(format!("{name}[{index}]"), ty.clone());
                    self.refuse_unfit(part, &place, |ty| {
                        format!("Invalid tuple literal for {name}: component {index} is not of type {ty}")
                    })?;
                }
                if parts.len() > types.len() {
                    return Err(Error::invalid(format!(
                        "Invalid tuple literal for {}: too many elements. Type {} expects {} but got {}",
                        receiver.name,
                        receiver.ty,
                        types.len(),
                        parts.len()
                    )));
                }
                let parts = parts
                    .iter()
                    .zip(types.iter())
                    .enumerate()
                    .map(|(index, (part, ty))| {
                        let place = format!("{}[{index}]", receiver.name);
                        self.plan(part, &Receiver::new(place, ty.clone()))
                    })
                    .collect::<Result<_, _>>()?;
                let ty = receiver.ty.clone();
                Ok(Plan::Components { ty, parts })
            }
            _ if parts.len() == 1 => self.plan(&parts[0], receiver),
            other => Err(wrong_literal("tuple type", receiver, other)),
        }
    }

    fn call(
        &mut self,
        name: &tree::QualifiedName,
        arguments: &[Term],
        receiver: &Receiver,
    ) -> Result<Plan, Error> {
        let function = self.function(name, &self.arguments(arguments)?, Some(&receiver.ty))?;
        self.apply(function, &arguments.iter().collect::<Vec<_>>(), receiver)
    }

    fn arguments<'t>(&self, terms: &'t [Term]) -> Result<Vec<Argument<'t>>, Error> {
        let argument = |written: &'t Term| {
            let shape = self.shape(written)?;
            Ok(Argument { shape, written })
        };
        terms.iter().map(argument).collect()
    }

    /// The function that a call means; `token` takes what the partition key does.
    fn function(
        &self,
        name: &tree::QualifiedName,
        arguments: &[Argument<'_>],
        receiver: Option<&Type>,
    ) -> Result<Arc<Function>, Error> {
        if function::is_token(name) && !self.partition_key.is_empty() {
            return function::token(self.partition_key.clone(), arguments);
        }
        if AggregateKind::named(&name.name.text).is_some() && function::is_in_system(name) {
            return Err(Error::invalid(
                "Aggregation function are not supported in the where clause",
            ));
        }
        let sought = Sought {
            arguments,
            receiver,
        };
        let unknown = || {
            let keyspace = name.keyspace.as_ref().map(|name| format!("{}.", name.text));
            let keyspace = keyspace.unwrap_or_default();
            Error::invalid(format!(
                "Unknown function {keyspace}{} called",
                name.name.text
            ))
        };
        function::resolve(name, &sought)?.ok_or_else(unknown)
    }

    /// A call whose result the receiver takes.
    fn apply(
        &mut self,
        function: Arc<Function>,
        arguments: &[&Term],
        receiver: &Receiver,
    ) -> Result<Plan, Error> {
        if known_fit(&function.result, &receiver.ty) == Fit::No {
            return Err(Error::invalid(format!(
                "Type error: cannot assign result of function {} (type {}) to {} (type {})",
                function.name, function.result, receiver.name, receiver.ty
            )));
        }
        let arguments = arguments
            .iter()
            .zip(function.arguments.clone())
            .enumerate()
            .map(|(index, (argument, ty))| {
                self.plan(
                    argument,
                    &Receiver::new(format!("arg{index}({})", function.name), ty),
                )
            })
            .collect::<Result<_, _>>()?;
        Ok(Plan::Call {
            function,
            arguments,
        })
    }

    fn hinted(
        &mut self,
        data_type: &tree::DataType,
        inner: &Term,
        term: &Term,
        receiver: &Receiver,
    ) -> Result<Plan, Error> {
        let ty = self.data_type(data_type)?;
        if self.shape(inner)?.fit(&ty) == Fit::No {
            return Err(Error::invalid(format!(
                "Cannot cast value {inner} to type {ty}"
            )));
        }
        if known_fit(&ty, &receiver.ty) == Fit::No {
            return Err(Error::invalid(format!(
                "Cannot assign value {term} to {} of type {}",
                receiver.name, receiver.ty
            )));
        }
        self.plan(inner, receiver)
    }

    fn cast(
        &mut self,
        inner: &Term,
        native: tree::Native,
        receiver: &Receiver,
    ) -> Result<Plan, Error> {
        let target = self.native(native)?;
        let unknown = || Error::invalid(format!("Unknown function system.cast_as_{target} called"));
        let function = function::cast(&self.shape(inner)?, &target, Some(&receiver.ty))?;
        self.apply(function.ok_or_else(unknown)?, &[inner], receiver)
    }
}

/// A constant's bytes in the receiver's type, or Cassandra's sentence that names both.
pub(crate) fn encode_literal(literal: &Literal, receiver: &Receiver) -> Result<Vec<u8>, Error> {
    literal::encode(&receiver.ty, &constant(literal))
        .map_err(|error| Error::invalid(error.for_receiver(&receiver.name, &receiver.ty)))
}

/// What is constant in all its parts becomes one constant.
fn fold(plan: Plan) -> Result<Plan, Error> {
    let constant = match &plan {
        Plan::Constant(_) | Plan::Marker { .. } => false,
        Plan::Call {
            function,
            arguments,
        } => function.is_pure && arguments.iter().all(Plan::is_constant),
        Plan::Items { items, .. } => items.iter().all(Plan::is_constant),
        Plan::Pairs { pairs, .. } => pairs
            .iter()
            .all(|(k, v)| k.is_constant() && v.is_constant()),
        Plan::Components { parts, .. } => parts.iter().all(Plan::is_constant),
    };
    if !constant {
        return Ok(plan);
    }
    let bindings = function::timeless();
    let value = plan.evaluate(&bindings)?;
    Ok(Plan::Constant(value.bytes().map(Arc::from)))
}
