//! Aggregates: many rows make one.

use std::borrow::Cow;

use types::aggregate::Accumulator;

use crate::error::Error;
use crate::selector::evaluate::Scope;
use crate::selector::{Aggregate, AggregateKind};

/// What has been gathered of one group of rows.
#[derive(Clone, Debug)]
pub struct Group {
    states: Vec<State>,
}

#[derive(Clone, Debug)]
enum State {
    Count(u64),
    Extreme(Option<Vec<u8>>),
    Number(Accumulator),
}

impl Group {
    /// A group without rows.
    pub fn new(aggregates: &[Aggregate]) -> Result<Self, Error> {
        let states = aggregates
            .iter()
            .map(State::new)
            .collect::<Result<_, _>>()?;
        Ok(Group { states })
    }

    /// Takes in the row that the scope looks at.
    pub fn add(&mut self, aggregates: &[Aggregate], scope: &Scope<'_, '_>) -> Result<(), Error> {
        for (aggregate, state) in aggregates.iter().zip(&mut self.states) {
            let value = match &aggregate.argument {
                None => Some(Cow::Borrowed(&[][..])),
                Some(argument) => scope.value(argument)?,
            };
            if let Some(value) = value {
                state.add(aggregate, &value)?;
            }
        }
        Ok(())
    }

    /// The results, by aggregate.
    pub fn results(&self, aggregates: &[Aggregate]) -> Vec<Option<Vec<u8>>> {
        self.states
            .iter()
            .zip(aggregates)
            .map(|(state, aggregate)| state.result(aggregate.kind))
            .collect()
    }
}

impl State {
    fn new(aggregate: &Aggregate) -> Result<Self, Error> {
        Ok(match aggregate.kind {
            AggregateKind::Count => State::Count(0),
            AggregateKind::Min | AggregateKind::Max => State::Extreme(None),
            AggregateKind::Sum | AggregateKind::Avg => State::Number(
                Accumulator::new(&aggregate.ty)
                    .ok_or_else(|| Error::Server(format!("{} is not a number", aggregate.ty)))?,
            ),
        })
    }

    fn add(&mut self, aggregate: &Aggregate, value: &[u8]) -> Result<(), Error> {
        match self {
            State::Count(count) => *count += 1,
            State::Number(accumulator) => accumulator.add(value)?,
            State::Extreme(best) => {
                let better = best.as_deref().is_none_or(|best| {
                    let order = aggregate.ty.compare(value, best);
                    if aggregate.kind == AggregateKind::Min {
                        order.is_lt()
                    } else {
                        order.is_gt()
                    }
                });
                if better {
                    *best = Some(value.to_vec());
                }
            }
        }
        Ok(())
    }

    fn result(&self, kind: AggregateKind) -> Option<Vec<u8>> {
        match self {
            State::Count(count) => Some(count.to_be_bytes().to_vec()),
            State::Extreme(best) => best.clone(),
            State::Number(accumulator) if kind == AggregateKind::Avg => Some(accumulator.average()),
            State::Number(accumulator) => Some(accumulator.sum()),
        }
    }
}
