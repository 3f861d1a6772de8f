//! Terms: from what was written to a plan that gives bytes for each execution.
//!
//! 1. [`Planner::plan`] checks a term against its receiver's type, tells each marker what it stands
//!    for, and folds everything constant to bytes.
//! 2. [`Plan::evaluate`] gives the value for one execution's [`Bindings`]; constants and markers
//!    are borrowed, only computed values are allocated.

mod evaluate;
pub mod fit;
mod plan;
mod refusal;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use types::Type;

pub use plan::Planner;
pub(crate) use refusal::null_inside;

use crate::bind::Bindings;
use crate::error::Error;
use crate::function::Function;

/// How a value is obtained for each execution.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Known when the statement was planned; `None` is null.
    Constant(Option<Arc<[u8]>>),
    /// Bound by the client; a type to bring into canonical order when it holds sets or maps.
    Marker {
        /// The marker's index.
        index: u32,
        /// The type, if values of it must be sorted.
        sorted: Option<Type>,
    },
    /// A function of other terms.
    Call {
        /// The function.
        function: Arc<Function>,
        /// Its arguments.
        arguments: Vec<Plan>,
    },
    /// A list, set or vector.
    Items {
        /// The type of the whole.
        ty: Type,
        /// The elements.
        items: Vec<Plan>,
    },
    /// A map.
    Pairs {
        /// The type of the whole.
        ty: Type,
        /// Keys and values.
        pairs: Vec<(Plan, Plan)>,
    },
    /// A tuple or user-defined type: components by position, missing ones null.
    Components {
        /// The type of the whole.
        ty: Type,
        /// The components.
        parts: Vec<Plan>,
    },
}

impl Plan {
    /// The value of null.
    pub const NULL: Plan = Plan::Constant(None);

    /// Whether the value is known without bindings.
    pub fn is_constant(&self) -> bool {
        matches!(self, Plan::Constant(_))
    }

    /// Whether a bound value is part of it.
    pub fn has_marker(&self) -> bool {
        match self {
            Plan::Constant(_) => false,
            Plan::Marker { .. } => true,
            Plan::Call { arguments, .. } => arguments.iter().any(Plan::has_marker),
            Plan::Items { items, .. } => items.iter().any(Plan::has_marker),
            Plan::Pairs { pairs, .. } => pairs
                .iter()
                .any(|(key, value)| key.has_marker() || value.has_marker()),
            Plan::Components { parts, .. } => parts.iter().any(Plan::has_marker),
        }
    }

    /// The same with its bound values in place of markers.
    pub fn bound(&self, bindings: &Bindings<'_>) -> Result<Plan, Error> {
        if !self.has_marker() {
            return Ok(self.clone());
        }
        Ok(Plan::Constant(
            self.evaluate(bindings)?.bytes().map(Arc::from),
        ))
    }
}
