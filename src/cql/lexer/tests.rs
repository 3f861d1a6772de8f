//! Tables of texts and the tokens they are cut into.

use super::*;

fn check(text: &str, expected: &str) {
    let lexed = tokenize(text);
    let found: Vec<String> = lexed
        .tokens
        .iter()
        .filter(|token| token.kind != Kind::End)
        .map(|token| match token.kind {
            Kind::Keyword(_) => format!("keyword {}", token.text(text)),
            Kind::Symbol(symbol) => symbol.as_str().to_string(),
            kind => format!("{kind:?} {}", token.text(text)),
        })
        .collect();
    assert_eq!(found.join(" | "), expected, "{text}");
}

#[test]
fn words() {
    check(
        "SELECT a_1, Key",
        "keyword SELECT | Identifier a_1 | , | keyword Key",
    );
    check(
        "true FALSE truer",
        "Boolean true | Boolean FALSE | Identifier truer",
    );
    check(
        r#""a ""b""" """#,
        r#"QuotedName "a ""b""" | EmptyQuotedName """#,
    );
}

#[test]
fn strings() {
    check("'a''b' ''", "Text 'a''b' | Text ''");
    check("$$it's$$ $$$$", "Text $$it's$$ | Text $$$$");
    check("'é\n'", "Text 'é\n'");
}

#[test]
fn numbers() {
    check(
        "1 -1 1.5 1. -1e5 1E+5 1e-5",
        "Integer 1 | Integer -1 | Float 1.5 | Float 1. | Float -1e5 | Float 1E+5 | Float 1e-5",
    );
    check("0x 0xCAfe 0XFF", "Hex 0x | Hex 0xCAfe | Hex 0XFF");
    check(
        "1..2 1...2",
        "Integer 1 | .. | Integer 2 | Float 1. | .. | Integer 2",
    );
    check(
        "1x 12G",
        "Integer 1 | Identifier x | Integer 12 | Identifier G",
    );
    check(
        "nan -NaN Infinity -infinity",
        "keyword nan | NegativeNan -NaN | keyword Infinity | NegativeInfinity -infinity",
    );
    check("-0x01 0x01", "Integer -0 | Identifier x01 | Hex 0x01");
    check(
        "-nano - 5 a-1",
        "- | Identifier nano | - | Integer 5 | Identifier a | Integer -1",
    );
}

#[test]
fn durations() {
    check(
        "1y2mo3w4d5h6m7s8ms9us10µs11ns",
        "Duration 1y2mo3w4d5h6m7s8ms9us10µs11ns",
    );
    check(
        "-12H30M 1WHERE",
        "Duration -12H30M | Duration 1W | Identifier HERE",
    );
    check(
        "P1Y2M3DT4H5M6S -PT5M P3W",
        "Duration P1Y2M3DT4H5M6S | Duration -PT5M | Duration P3W",
    );
    check("P0001-02-03T04:05:06", "Duration P0001-02-03T04:05:06");
    check(
        "P1 PT P1Yx p1y",
        "Identifier P1 | Identifier PT | Identifier P1Yx | Identifier p1y",
    );
}

#[test]
fn uuids() {
    check(
        "123e4567-e89b-12d3-a456-426614174000 AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee",
        "Uuid 123e4567-e89b-12d3-a456-426614174000 | Uuid AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee",
    );
    check("aaaaaaaa-b", "Identifier aaaaaaaa | - | Identifier b");
}

#[test]
fn symbols_and_comments() {
    check(
        "( ) [ ] { } , ; : . .. ? + - * / % += -= = != < <= > >=",
        "( | ) | [ | ] | { | } | , | ; | : | . | .. | ? | + | - | * | / | % | += | -= | = | != | < | <= | > | >=",
    );
    check(
        "a -- b\nc // d\r/* e\n */ f -- g",
        "Identifier a | Identifier c | Identifier f",
    );
}

#[test]
fn what_is_no_token() {
    let stop = |offset, missing| Some(Stop { offset, missing });
    for (text, expected) in [
        ("a #", stop(2, Missing::Token)),
        ("_a", stop(0, Missing::Token)),
        ("é", stop(0, Missing::Token)),
        ("!a", stop(1, Missing::Character('='))),
        ("$a", stop(1, Missing::Character('$'))),
        ("'a", stop(2, Missing::Character('\''))),
        ("'a''", stop(4, Missing::Character('\''))),
        ("\"a", stop(2, Missing::Character('"'))),
        ("$$a$", stop(4, Missing::Character('$'))),
        ("/* *", stop(4, Missing::Character('*'))),
        ("'a'", None),
    ] {
        let lexed = tokenize(text);
        assert_eq!(lexed.stop, expected, "{text}");
        assert_eq!(lexed.tokens.last().map(|token| token.kind), Some(Kind::End));
    }
}

#[test]
fn hidden_tokens_cover_the_whole_text() {
    let text = "SELECT  a/* b */FROM t -- c\n;";
    let tokens = tokenize_all(text).tokens;
    let joined: String = tokens.iter().map(|token| token.text(text)).collect();
    assert_eq!(joined, text);
}
