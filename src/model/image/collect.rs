//! From the cells of a collection or user-defined type to the value that a client sees.
//!
//! Elements lie in byte order of their paths. A list's paths are made so that this is the list's order, and fields go
//! by number; but a set or map is shown in its type's order, so its live elements are sorted unless they already are.

use std::cmp::Ordering;

use smallvec::SmallVec;
use types::{Type, collection, tuple};

use super::view::Complex;

/// Appends the live part of a column of type `ty` (its non-frozen form) in CQL's serialized form. False, and nothing
/// appended, if nothing is live: the column is null.
pub fn collect(ty: &Type, complex: &Complex<'_>, now_seconds: i64, out: &mut Vec<u8>) -> bool {
    match ty {
        Type::List { .. } => collect_list(complex, now_seconds, out),
        Type::Set { element, .. } => collect_sorted(element, false, complex, now_seconds, out),
        Type::Map { key, .. } => collect_sorted(key, true, complex, now_seconds, out),
        Type::Udt { definition, .. } => {
            collect_fields(definition.fields.len(), complex, now_seconds, out)
        }
        _ => false,
    }
}

/// The path of a list's element: a version 1 UUID with its time first, so that byte order is the order of time, and of
/// one time the order of the clock sequence and node. Appending takes UUIDs of now; prepending takes times that run
/// backwards from a moment in the past.
pub fn list_path(timeuuid: [u8; 16]) -> [u8; 16] {
    let mut path = timeuuid;
    path[0..2].copy_from_slice(&timeuuid[6..8]);
    path[2..4].copy_from_slice(&timeuuid[4..6]);
    path[4..8].copy_from_slice(&timeuuid[0..4]);
    path
}

fn collect_list(complex: &Complex<'_>, now_seconds: i64, out: &mut Vec<u8>) -> bool {
    let count = complex.live(now_seconds).count();
    if count > 0 {
        collection::put_count(out, count);
        complex
            .live(now_seconds)
            .for_each(|(_, value)| collection::put_item(out, value));
    }
    count > 0
}

fn collect_sorted(
    by: &Type,
    values: bool,
    complex: &Complex<'_>,
    now_seconds: i64,
    out: &mut Vec<u8>,
) -> bool {
    let mut count = 0;
    let mut previous: Option<&[u8]> = None;
    let mut sorted = !collection::sorts_by_form(by);
    let bytewise = matches!(
        by,
        Type::Text | Type::Ascii | Type::Blob | Type::Boolean | Type::Date
    );
    for (path, _) in complex.live(now_seconds) {
        count += 1;
        sorted = sorted
            && (bytewise
                || previous.is_none_or(|previous| by.compare(previous, path) != Ordering::Greater));
        previous = Some(path);
    }
    if count == 0 {
        return false;
    }
    collection::put_count(out, count);
    let put = |(path, value): (&[u8], &[u8])| {
        collection::put_item(out, path);
        if values {
            collection::put_item(out, value);
        }
    };
    if sorted {
        complex.live(now_seconds).for_each(put);
    } else {
        let mut elements: SmallVec<[(&[u8], &[u8]); 32]> = complex.live(now_seconds).collect();
        collection::sort(by, &mut elements, |(path, _)| path);
        elements.into_iter().for_each(put);
    }
    true
}

fn collect_fields(
    count: usize,
    complex: &Complex<'_>,
    now_seconds: i64,
    out: &mut Vec<u8>,
) -> bool {
    let start = out.len();
    let mut any = false;
    let mut live = complex.live(now_seconds).peekable();
    for number in 0..count {
        let path = (number as u16).to_be_bytes();
        while live.next_if(|(found, _)| *found < &path[..]).is_some() {}
        let value = live
            .next_if(|(found, _)| *found == path)
            .map(|(_, value)| value);
        any |= value.is_some();
        tuple::put(out, value);
    }
    if !any {
        out.truncate(start);
    }
    any
}
