//! Row images and keys: what binding builds, what reading merges and walks.

use std::hint::black_box;

use model::cell::Kind;
use model::image::{self, Builder, Column};
use model::key::clustering;
use model::key::{Component, Order};
use model::{ColumnId, Liveness, PartitionKeyRef, Timestamp};
use types::Type;

use crate::{Operation, Path};

/// The paths of this module.
pub fn paths() -> Vec<Path> {
    vec![
        Path {
            name: "image_build",
            title: "the image of a row of five cells",
            prepare: build,
        },
        Path {
            name: "image_merge",
            title: "two such images merged",
            prepare: merge,
        },
        Path {
            name: "image_walk",
            title: "the five cells of an image visited",
            prepare: walk,
        },
        Path {
            name: "key_encode",
            title: "a token, and a clustering key of a timestamp and a text",
            prepare: keys,
        },
    ]
}

fn fill(builder: &mut Builder, timestamp: i64) {
    builder.liveness(Liveness::plain(Timestamp(timestamp)));
    for column in 1..=5 {
        builder.cell(
            ColumnId(column),
            Timestamp(timestamp),
            Kind::Value(&[7; 20]),
        );
    }
}

fn made(timestamp: i64) -> Vec<u8> {
    let (mut builder, mut out) = (Builder::default(), Vec::new());
    fill(&mut builder, timestamp);
    builder.finish_into(&mut out);
    out
}

fn build() -> Operation {
    let (mut builder, mut out) = (Builder::default(), Vec::new());
    Box::new(move |number| {
        out.clear();
        fill(&mut builder, number as i64);
        builder.finish_into(&mut out);
        black_box(&out);
    })
}

fn merge() -> Operation {
    let (old, new) = (made(1), made(2));
    let mut out = Vec::new();
    Box::new(move |_| {
        out.clear();
        black_box(image::merge(&old, &new, &mut out));
    })
}

fn walk() -> Operation {
    let image = made(1);
    Box::new(move |_| {
        for (id, column) in image::View::new(&image).columns() {
            if let Column::Simple(cell) = column {
                black_box((id, cell));
            }
        }
    })
}

fn keys() -> Operation {
    let mut key = Vec::new();
    Box::new(move |number| {
        key.clear();
        let partition = number.to_be_bytes();
        black_box(PartitionKeyRef::new(&partition));
        let parts: [(&Type, Order, &[u8]); 2] = [
            (&Type::Timestamp, Order::Desc, &partition),
            (&Type::Text, Order::Asc, b"a text"),
        ];
        for (ty, order, value) in parts {
            clustering::push(ty, order, Component::Value(value), &mut key).expect("a valid value");
        }
        black_box(&key);
    })
}
