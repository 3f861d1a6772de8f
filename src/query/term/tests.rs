//! What terms evaluate to, and what is refused, by receiver.

use cql::tree::{InsertSource, Statement, Term};
use schema::Catalog;
use types::value::hex;
use types::{Type, udt};

use crate::bind::{Bindings, Bound, Carrier, Chance, Moment};
use crate::error::Error;
use crate::function::timeless;
use crate::marker::{Markers, Receiver, Variable};
use crate::term::fit::{Fit, known_fit};
use crate::term::{Plan, Planner};

struct Fixed;

impl Chance for Fixed {
    fn sixteen(&self) -> [u8; 16] {
        [7; 16]
    }

    fn time_uuid(&self, _: i64) -> [u8; 16] {
        [1; 16]
    }
}

const MOMENT: Moment = Moment {
    wall_micros: 5_000_000,
    now_seconds: 5,
};

fn parse(text: &str) -> (Term, Markers) {
    let statement = format!("INSERT INTO ks.t (v) VALUES ({text})");
    let parsed = cql::parse(&statement).expect("a term");
    let markers = Markers::new(parsed.markers());
    let Statement::Insert(insert) = parsed else {
        panic!("an INSERT")
    };
    let InsertSource::Values { values, .. } = insert.source else {
        panic!("an INSERT of values")
    };
    (values.into_iter().next().expect("one value"), markers)
}

fn plan(ty: &Type, text: &str) -> Result<(Plan, Vec<Variable>), Error> {
    let (term, mut markers) = parse(text);
    let catalog = Catalog::new();
    let mut planner = Planner {
        catalog: &catalog,
        keyspace: "ks",
        partition_key: Vec::new(),
        markers: &mut markers,
    };
    let plan = planner.plan(&term, &Receiver::new("v", ty.clone()))?;
    Ok((plan, markers.variables()?))
}

fn int_list() -> Type {
    Type::list(Type::Int, false)
}

fn point() -> Type {
    let field = |name: &str| (name.to_string(), Type::TinyInt);
    let definition = udt::Definition {
        keyspace: "ks".into(),
        name: "point".into(),
        fields: vec![field("x"), field("y")],
    };
    Type::udt(definition, true)
}

#[test]
fn constants_fold_to_bytes() {
    let check = |ty: Type, text: &str, expected: &str| {
        let (plan, _) = plan(&ty, text).expect(text);
        assert!(plan.is_constant(), "{text} folds");
        let bindings = timeless();
        let value = plan.evaluate(&bindings).expect(text);
        assert_eq!(
            value.bytes().map(hex::to_text).as_deref(),
            Some(expected),
            "{text}"
        );
    };
    check(Type::TinyInt, "-1", "ff");
    check(Type::TinyInt, "(5)", "05");
    check(Type::BigInt, "(bigint)1", "0000000000000001");
    // A hint is checked; the value is read as what it is for.
    check(Type::VarInt, "(int)1", "01");
    check(Type::VarInt, "(timestamp)1", "01");
    check(Type::Date, "(int)1", "00000001");
    check(Type::Time, "(bigint)1", "0000000000000001");
    check(Type::Date, "blob_as_int(0x00000001)", "00000001");
    check(Type::Int, "cast(1.5 AS int)", "00000001");
    check(Type::Text, "cast(12 AS text)", "3132");
    check(Type::Blob, "int_as_blob(1)", "00000001");
    check(int_list(), "[]", "00000000");
    check(int_list(), "[2]", "000000010000000400000002");
    let set = Type::set(Type::TinyInt, true);
    check(set, "{2, 1, 2}", "0000000200000001010000000102");
    let map = Type::map(Type::TinyInt, Type::TinyInt, true);
    check(map, "{}", "00000000");
    let pair = Type::tuple([Type::TinyInt, Type::TinyInt]);
    check(pair.clone(), "(1, null)", "0000000101ffffffff");
    check(pair, "(1)", "0000000101");
    check(point(), "{y: 2}", "ffffffff0000000102");
    check(Type::vector(Type::Int, 2), "[1, 2]", "0000000100000002");
}

#[test]
fn refusals_name_the_receiver() {
    let check = |ty: Type, text: &str, expected: &str| {
        let error = plan(&ty, text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    };
    check(
        Type::Int,
        "'1'",
        "Invalid STRING constant (1) for \"v\" of type int",
    );
    check(
        Type::BigInt,
        "(int)1",
        "Cannot assign value (int)1 to v of type bigint",
    );
    check(
        Type::Int,
        "(text)'1'",
        "Cannot assign value (text)'1' to v of type int",
    );
    check(
        int_list(),
        "['a']",
        "Invalid list literal for v: value 'a' is not of type int",
    );
    check(
        int_list(),
        "[null]",
        "null is not supported inside collections",
    );
    check(
        Type::Int,
        "[1]",
        "Unexpected receiver type 'int'; only list and vector are expected",
    );
    check(
        Type::vector(Type::Int, 1),
        "[[1]]",
        "Unexpected receiver type 'int'; only list and vector are expected",
    );
    check(
        Type::map(Type::Int, Type::Text, false),
        "{null: 1}",
        "Invalid map literal for v: value 1 is not of type text",
    );
    check(
        Type::tuple([Type::Int]),
        "('a', 1)",
        "Invalid tuple literal for v: component 0 is not of type int",
    );
    check(
        Type::Blob,
        "(int)1",
        "Invalid INTEGER constant (1) for \"v\" of type blob",
    );
    check(
        Type::Text,
        "0xff",
        "Invalid HEX constant (0xff) for \"v\" of type text",
    );
    check(
        Type::Int,
        "to_date(1)",
        "Invalid call to function to_date, none of its type signatures match (known type signatures: system.to_date : (timeuuid) -> date, system.to_date : (timestamp) -> date)",
    );
    check(Type::Int, "\"NOW\"()", "Unknown function NOW called");
    check(
        Type::Int,
        "cast(1 AS counter)",
        "Unknown function system.cast_as_counter called",
    );
    check(
        point(),
        "{z: 1}",
        "Unknown field 'z' in value of user defined type point",
    );
    check(
        Type::Int,
        "now()",
        "Type error: cannot assign result of function system.now (type timeuuid) to v (type int)",
    );
    check(Type::Int, "f(1)", "Unknown function f called");
    check(
        Type::Timestamp,
        "cast('a' AS date)",
        "Invalid call to function system.cast_as_date, none of its type signatures match (known type signatures: system.cast_as_date : (timestamp) -> date, system.cast_as_date : (timeuuid) -> date)",
    );
}

#[test]
fn markers_learn_their_receivers() {
    let check = |ty: Type, text: &str, expected: &[(&str, Type)]| {
        let (_, variables) = plan(&ty, text).expect(text);
        let receivers: Vec<Receiver> = variables.into_iter().map(|v| v.receiver).collect();
        let expected: Vec<Receiver> = expected
            .iter()
            .map(|(name, ty)| Receiver::new(*name, ty.clone()))
            .collect();
        assert_eq!(receivers, expected, "{text}");
    };
    check(Type::Int, "?", &[("v", Type::Int)]);
    check(Type::Int, ":own", &[("own", Type::Int)]);
    check(
        int_list(),
        "[?, 1, ?]",
        &[("value(v)", Type::Int), ("value(v)", Type::Int)],
    );
    check(
        Type::map(Type::Text, Type::Int, false),
        "{?: ?}",
        &[("key(v)", Type::Text), ("value(v)", Type::Int)],
    );
    check(
        Type::tuple([Type::Text, Type::Int]),
        "(?, ?)",
        &[("v[0]", Type::Text), ("v[1]", Type::Int)],
    );
    check(point(), "{x: ?}", &[("v.x", Type::TinyInt)]);
    check(
        Type::Blob,
        "int_as_blob(?)",
        &[("arg0(system.int_as_blob)", Type::Int)],
    );
    check(Type::Int, "(int)?", &[("v", Type::Int)]);
}

#[test]
fn bound_values_are_checked_sorted_and_borrowed() {
    let ty = Type::set(Type::TinyInt, true);
    let (plan, variables) = plan(&ty, "?").expect("a marker");
    let bind = |bytes: &'static [u8]| {
        let values = [protocol::wire::Value::Set(bytes)];
        Bindings::new(
            Carrier::Execute,
            values.into_iter(),
            &variables,
            MOMENT,
            &Fixed,
        )
    };
    let sorted = bind(b"\0\0\0\x02\0\0\0\x01\x02\0\0\0\x01\x01").expect("a set");
    let value = plan.evaluate(&sorted).expect("a value");
    assert_eq!(
        value.bytes(),
        Some(&b"\0\0\0\x02\0\0\0\x01\x01\0\0\0\x01\x02"[..])
    );
    let kept = bind(b"\0\0\0\x01\0\0\0\x01\x02").expect("a set");
    assert!(matches!(plan.evaluate(&kept), Ok(Bound::Borrowed(_))));
    assert!(
        bind(b"\0\0\0\x02\0\0\0\x01\x02").is_err(),
        "an element is missing"
    );
    let none = Bindings::new(
        Carrier::Execute,
        std::iter::empty(),
        &variables,
        MOMENT,
        &Fixed,
    );
    assert!(none.is_err(), "a value is missing");
}

#[test]
fn now_is_the_moment_of_the_execution() {
    let (plan, _) = plan(&Type::Timestamp, "'now'").expect("a term");
    let bindings = Bindings::none(MOMENT, &Fixed);
    let value = plan.evaluate(&bindings).expect("a value");
    assert_eq!(value.bytes(), Some(&5_000_i64.to_be_bytes()[..]));
}

#[test]
fn known_types_fit_what_reads_their_bytes() {
    let check = |known: Type, ty: Type, expected: Fit| {
        assert_eq!(known_fit(&known, &ty), expected, "{known} as {ty}");
    };
    check(Type::Int, Type::Int, Fit::Exact);
    check(int_list(), Type::list(Type::Int, true), Fit::Exact);
    check(Type::Ascii, Type::Text, Fit::Weak);
    check(Type::Text, Type::Ascii, Fit::No);
    check(Type::TimeUuid, Type::Uuid, Fit::Weak);
    check(Type::Uuid, Type::TimeUuid, Fit::No);
    check(Type::Int, Type::VarInt, Fit::Weak);
    check(Type::Int, Type::Text, Fit::No);
    check(Type::Double, Type::Blob, Fit::Weak);
}
