//! Choosing among the functions of one name that take one argument.
//!
//! A function counts if the receiver, where there is one, takes its result. Of those the first whose type is exactly
//! the argument's is meant; else the only one that takes the argument.

use types::Type;

use crate::error::Error;
use crate::function::none_matches;
use crate::term::fit::{Fit, Shape, known_fit};

/// The functions of one name, by the types of argument and result.
pub struct Overloads<'a> {
    /// The name as written.
    pub name: &'a str,
    /// Argument and result of each.
    pub signatures: Vec<(Type, Type)>,
}

impl Overloads<'_> {
    /// The signature that a call with this argument means; without an argument none does.
    pub fn choose(
        &self,
        argument: Option<&Shape<'_>>,
        receiver: Option<&Type>,
    ) -> Result<&(Type, Type), Error> {
        let received =
            |result: &Type| receiver.is_none_or(|receiver| known_fit(result, receiver) != Fit::No);
        let fit = |(from, result): &(Type, Type)| match argument {
            Some(shape) if received(result) => shape.fit(from),
            _ => Fit::No,
        };
        let exact = self.signatures.iter().find(|one| fit(one) == Fit::Exact);
        if let Some(one) = exact {
            return Ok(one);
        }
        let weak = self.signatures.iter().filter(|one| fit(one) == Fit::Weak);
        match weak.collect::<Vec<_>>().as_slice() {
            [] => Err(none_matches(self.name, &self.listed(&self.signatures))),
            [one] => Ok(one),
            several => Err(Error::invalid(format!(
                "Ambiguous call to function {} (can be matched by following signatures: {}): use type casts to disambiguate",
                self.name,
                self.listed(several.iter().copied())
            ))),
        }
    }

    fn listed<'s>(&self, signatures: impl IntoIterator<Item = &'s (Type, Type)>) -> String {
        let name = self.name.strip_prefix("system.").unwrap_or(self.name);
        let each = signatures
            .into_iter()
            .map(|(from, result)| format!("system.{name} : ({from}) -> {result}"));
        each.collect::<Vec<_>>().join(", ")
    }
}
