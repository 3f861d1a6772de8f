//! Row images, mutations, keys and types from bytes that may be anything.
//!
//! Held: no panic; checked images of one table merge commutatively, associatively and idempotently, and what merging gives is valid again;
//! a checked mutation reads to its end.

#![no_main]

use std::collections::BTreeMap;

use base::bytes::Reader;
use libfuzzer_sys::fuzz_target;
use model::image::{self, Column};
use model::mutation::{self, Element};

fuzz_target!(|data: &[u8]| {
    walk_image(data);
    if mutation::check(data).is_ok() {
        walk_mutation(data);
    }
    let Some((&first_bytes, rest)) = data.split_first() else {
        return;
    };
    let (first, rest) = rest.split_at(usize::from(first_bytes).min(rest.len()));
    let Some((&second_bytes, rest)) = rest.split_first() else {
        return;
    };
    let (second, third) = rest.split_at(usize::from(second_bytes).min(rest.len()));
    let images = [first, second, third];
    if images.iter().all(|each| image::check(each).is_ok()) && of_one_table(&images) {
        laws(first, second, third);
    }
    if let Ok(ty) = types::Type::decode(&mut Reader::new(data)) {
        assert!(!ty.to_string().is_empty());
        let _ = ty.validate(third);
    }
});

fn walk_image(bytes: &[u8]) {
    let view = image::View::new(bytes);
    let _ = (
        view.liveness(),
        view.deletion(),
        view.is_empty(),
        view.is_live(0),
        view.min_timestamp(),
        view.max_timestamp(),
    );
    for (id, column) in view.columns() {
        if let Column::Complex(complex) = column {
            let _ = (
                complex.deletion(),
                complex.count(),
                complex.elements().count(),
                complex.live(0).count(),
            );
        }
        let _ = view.find(id);
    }
}

fn walk_mutation(bytes: &[u8]) {
    let view = mutation::View::new(bytes);
    let _ = (view.table(), view.key());
    for element in view.elements() {
        match element {
            Element::Static(image) | Element::Row { image, .. } => {
                image::check(image).expect("images of a checked mutation are checked")
            }
            Element::PartitionDeletion(_) | Element::RangeTombstone(_) => {}
        }
    }
}

/// Whether each column is simple in all of the images, or complex in all of them, as it is in a table.
fn of_one_table(images: &[&[u8]]) -> bool {
    let mut kinds = BTreeMap::new();
    let mut columns = images
        .iter()
        .flat_map(|bytes| image::View::new(bytes).columns());
    columns.all(|(id, column)| {
        let is_complex = matches!(column, Column::Complex(_));
        *kinds.entry(id).or_insert(is_complex) == is_complex
    })
}

fn laws(a: &[u8], b: &[u8], c: &[u8]) {
    let ab = join(a, b);
    assert_eq!(ab, join(b, a), "commutative");
    assert_eq!(join(&ab, c), join(a, &join(b, c)), "associative");
    assert_eq!(join(&ab, b), ab, "idempotent");
    assert_eq!(join(a, a), a, "one encoding");
}

fn join(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    image::merge(a, b, &mut out);
    image::check(&out).expect("merging gives images");
    out
}
