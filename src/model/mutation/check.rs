//! Judging bytes that claim to be a mutation.

use base::limits::{ENCODED_KEY_BYTES_MAX, KEY_BYTES_MAX, MUTATION_BYTES_MAX};
use types::Token;

use super::View;
use super::view::Element;
use crate::{Damage, image};

/// Whether `mutation` is well formed: limits, the key's token, order of the elements, each image.
///
/// What it cannot know is the table: whether clustering keys and column ids fit it is the caller's to check.
pub fn check(mutation: &[u8]) -> Result<(), Damage> {
    let damage = |offset, what| Err(Damage { offset, what });
    if mutation.len() > MUTATION_BYTES_MAX {
        return damage(0, "mutation beyond its limit");
    }
    let view = View::open(mutation)?;
    let key = view.key();
    if key.bytes.len() > KEY_BYTES_MAX {
        return damage(0, "partition key beyond its limit");
    }
    if key.token != Token::of(key.bytes) {
        return damage(0, "token that is not the key's");
    }
    let mut elements = view.elements();
    let mut rank = 0;
    loop {
        let at = elements.position();
        let Some(element) = elements.step()? else {
            return Ok(());
        };
        let own_rank = rank_of(&element);
        if own_rank < rank || own_rank == rank && own_rank < ROWS {
            return damage(at, "elements of a mutation out of order");
        }
        rank = own_rank;
        check_element(&element).map_err(|error| Damage {
            offset: at,
            what: error.what,
        })?;
    }
}

const ROWS: u8 = 3;

fn rank_of(element: &Element<'_>) -> u8 {
    match element {
        Element::PartitionDeletion(_) => 1,
        Element::Static(_) => 2,
        Element::Row { .. } | Element::RangeTombstone(_) => ROWS,
    }
}

fn check_element(element: &Element<'_>) -> Result<(), Damage> {
    let too_long = Err(Damage {
        offset: 0,
        what: "clustering key beyond its limit",
    });
    match element {
        Element::PartitionDeletion(_) => Ok(()),
        Element::Static(image) => image::check(image),
        Element::Row { clustering, .. } if clustering.len() > ENCODED_KEY_BYTES_MAX => too_long,
        Element::Row { image, .. } => image::check(image),
        Element::RangeTombstone(range)
            if range.start.len().max(range.end.len()) > ENCODED_KEY_BYTES_MAX =>
        {
            too_long
        }
        Element::RangeTombstone(range) if range.start >= range.end => Err(Damage {
            offset: 0,
            what: "range tombstone without keys",
        }),
        Element::RangeTombstone(_) => Ok(()),
    }
}
