//! The wire form of lists, sets and maps: a count of 4 bytes, then per element (or key, then value) a length of 4
//! bytes and the bytes. A negative length is null, which no collection may hold.

use std::borrow::Cow;

use crate::{Error, Type, comparable, tuple, vector};

/// Walks the elements of a list or set, or keys and values of a map in turn.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: &'a [u8],
    left: usize,
    /// What errors call the whole.
    kind: &'static str,
}

impl<'a> Items<'a> {
    /// Opens a list or set.
    pub fn new(value: &'a [u8]) -> Result<Items<'a>, Error> {
        Items::open(value, 1, "list")
    }

    /// Opens a list or set that errors call by this name.
    pub fn named(value: &'a [u8], kind: &'static str) -> Result<Items<'a>, Error> {
        Items::open(value, 1, kind)
    }

    fn open(value: &'a [u8], each: usize, kind: &'static str) -> Result<Items<'a>, Error> {
        let (count, rest) = value.split_first_chunk().ok_or_else(|| short(kind))?;
        let count = usize::try_from(i32::from_be_bytes(*count))
            .map_err(|_| Error::value(format!("The data cannot be deserialized as a {kind}")))?;
        let left = count.checked_mul(each).ok_or_else(|| short(kind))?;
        // Each item has at least its length, so a count beyond that is a lie that no one should allocate for.
        if left > rest.len() / 4 {
            return Err(short(kind));
        }
        Ok(Items { rest, left, kind })
    }

    /// How many items are still to come.
    pub fn left(&self) -> usize {
        self.left
    }

    /// The bytes not walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<&'a [u8], Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let kind = self.kind;
        let whole = std::mem::take(&mut self.rest);
        let item = whole
            .split_first_chunk()
            .ok_or_else(|| short(kind))
            .and_then(|(len, rest)| {
                let len = usize::try_from(i32::from_be_bytes(*len))
                    .map_err(|_| Error::value("Null value read when not allowed"))?;
                rest.split_at_checked(len).ok_or_else(|| short(kind))
            });
        match item {
            Ok((item, rest)) => {
                self.rest = rest;
                Some(Ok(item))
            }
            Err(error) => {
                self.left = 0;
                Some(Err(error))
            }
        }
    }
}

/// Walks the entries of a map.
#[derive(Debug, Clone)]
pub struct Pairs<'a>(Items<'a>);

impl<'a> Pairs<'a> {
    /// Opens a map.
    pub fn new(value: &'a [u8]) -> Result<Pairs<'a>, Error> {
        Items::open(value, 2, "map").map(Pairs)
    }

    /// How many entries are still to come.
    pub fn left(&self) -> usize {
        self.0.left / 2
    }

    /// The bytes not walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0.rest()
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.next()?;
        Some(key.and_then(|key| match self.0.next() {
            Some(value) => Ok((key, value?)),
            None => Err(short("map")),
        }))
    }
}

fn short(kind: &str) -> Error {
    Error::value(format!("Not enough bytes to read a {kind}"))
}

/// Appends a collection's count.
pub fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = i32::try_from(count)
        .expect("a value is bounded by the frame limit, far below 2^31 elements");
    out.extend(count.to_be_bytes());
}

/// Appends one element, key or value.
pub fn put_item(out: &mut Vec<u8>, item: &[u8]) {
    tuple::put(out, Some(item));
}

/// A list or set of these elements, in this order.
pub fn encode_items<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = vec![0; 4];
    let mut count = 0;
    for item in items {
        put_item(&mut out, item);
        count += 1;
    }
    patch_count(&mut out, count);
    out
}

/// A map of these entries, in this order.
pub fn encode_pairs<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut out = vec![0; 4];
    let mut count = 0;
    for (key, value) in pairs {
        put_item(&mut out, key);
        put_item(&mut out, value);
        count += 1;
    }
    patch_count(&mut out, count);
    out
}

fn patch_count(out: &mut [u8], count: usize) {
    let count = i32::try_from(count)
        .expect("a value is bounded by the frame limit, far below 2^31 elements");
    out[..4].copy_from_slice(&count.to_be_bytes());
}

/// The value with every set and map inside it sorted and without duplicates (of equal keys the last wins), as
/// Cassandra makes of what a client sends. The value must be valid for the type. Borrowed when nothing changes.
pub fn normalize<'a>(ty: &Type, value: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
    let sorts = |ty: &Type| matches!(ty, Type::Set { .. } | Type::Map { .. });
    if value.is_empty() || !ty.any(&sorts) {
        return Ok(Cow::Borrowed(value));
    }
    let normal = match ty {
        Type::List { element, .. } => encode_cows(&normal_items(element, value)?),
        Type::Set { element, .. } => {
            let mut items = normal_items(element, value)?;
            sort_unique(element, &mut items, |item| item);
            encode_cows(&items)
        }
        Type::Map { key, value: of, .. } => {
            let mut pairs = Vec::new();
            for pair in Pairs::new(value)? {
                let (k, v) = pair?;
                pairs.push((normalize(key, k)?, normalize(of, v)?));
            }
            sort_unique(key, &mut pairs, |(key, _)| key);
            encode_pairs(pairs.iter().map(|(k, v)| (&**k, &**v)))
        }
        Type::Vector { element, dimension } => {
            let mut parts = Vec::new();
            for part in vector::elements(element, *dimension, value) {
                parts.push(normalize(element, part?)?);
            }
            vector::encode(element, parts.iter().map(|part| &**part))
        }
        _ => {
            let mut out = Vec::with_capacity(value.len());
            for (component, part) in tuple::components(value).zip(ty.parts()) {
                match component? {
                    None => tuple::put(&mut out, None),
                    Some(bytes) => tuple::put(&mut out, Some(&normalize(part, bytes)?)),
                }
            }
            out
        }
    };
    Ok(if normal == value {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(normal)
    })
}

fn normal_items<'a>(element: &Type, value: &'a [u8]) -> Result<Vec<Cow<'a, [u8]>>, Error> {
    Items::new(value)?
        .map(|item| normalize(element, item?))
        .collect()
}

fn encode_cows(items: &[Cow<'_, [u8]>]) -> Vec<u8> {
    encode_items(items.iter().map(|item| &**item))
}

/// Whether comparing two values of this type is dear, so that whoever sorts makes their comparable forms once.
pub fn sorts_by_form(ty: &Type) -> bool {
    ty.any(&|ty| matches!(ty, Type::Decimal))
}

/// Sorts by a part of each entry, in the type's order; equal ones keep theirs.
pub fn sort<T>(ty: &Type, entries: &mut [T], part: impl Fn(&T) -> &[u8]) {
    let mut has_forms = sorts_by_form(ty);
    if has_forms {
        entries.sort_by_cached_key(|entry| {
            let form = form(ty, part(entry));
            has_forms &= form.is_some();
            form
        });
    }
    if !has_forms {
        entries.sort_by(|a, b| ty.compare(part(a), part(b)));
    }
}

/// The comparable form of a value; a value of no bytes comes before all others.
fn form(ty: &Type, value: &[u8]) -> Option<Vec<u8>> {
    let mut form = Vec::new();
    let done = value.is_empty() || comparable::encode(ty, value, &mut form).is_ok();
    done.then_some(form)
}

/// Sorts by a part of each entry, then keeps the last of equal ones. The usual input is sorted already: one pass finds
/// that out.
fn sort_unique<T>(ty: &Type, entries: &mut Vec<T>, part: impl Fn(&T) -> &[u8]) {
    if sorts_by_form(ty) && sort_by_form(ty, entries, &part) {
        return;
    }
    let compare = |a: &T, b: &T| ty.compare(part(a), part(b));
    if entries.is_sorted_by(|a, b| compare(a, b).is_lt()) {
        return;
    }
    entries.sort_by(&compare);
    entries.reverse();
    entries.dedup_by(|a, b| compare(a, b).is_eq());
    entries.reverse();
}

/// The same for a type whose comparison is dear: the comparable form of each entry is made once. False, and nothing
/// done, if one has none.
fn sort_by_form<T>(ty: &Type, entries: &mut Vec<T>, part: &impl Fn(&T) -> &[u8]) -> bool {
    let form = |entry| form(ty, part(entry));
    let Some(forms) = entries.iter().map(form).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let mut both: Vec<(Vec<u8>, T)> = forms.into_iter().zip(entries.drain(..)).collect();
    both.sort_by(|a, b| a.0.cmp(&b.0));
    both.reverse();
    both.dedup_by(|a, b| a.0 == b.0);
    entries.extend(both.into_iter().rev().map(|(_, entry)| entry));
    true
}
