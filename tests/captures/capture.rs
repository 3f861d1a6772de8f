//! A capture: what a driver sent, over all its connections, in one order.
//!
//! | Line | Meaning |
//! |---|---|
//! | `# text` | for people; may be indented |
//! | `open N` | the driver opened connection N, counted from 1 |
//! | `send N` | it sent one unit on connection N; its bytes follow in hexadecimal digits, on indented lines |
//! | `close N` | it closed connection N |
//!
//! A unit is an envelope, or on v5 after STARTUP a segment; both with every byte that was on the socket, checksums included.
//! An indented line without digits' pairs, a step on a connection that is not open, or anything else is refused by its line.

use std::collections::BTreeSet;

/// One thing that a driver did; the number is the connection's.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Open(usize),
    Send(usize, Vec<u8>),
    Close(usize),
}

/// Reads a capture.
pub fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut open = BTreeSet::new();
    for (index, line) in text.lines().enumerate() {
        let refused = |what: &str| format!("line {}: {what}: {line}", index + 1);
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        if line.starts_with(' ') {
            let Some(Step::Send(_, bytes)) = steps.last_mut() else {
                return Err(refused("bytes that nobody sent"));
            };
            bytes.extend(hexadecimal(line.trim()).ok_or_else(|| refused("not pairs of digits"))?);
            continue;
        }
        let (word, number) = line.split_once(' ').ok_or_else(|| refused("no step"))?;
        let number = number
            .parse()
            .map_err(|_| refused("no connection's number"))?;
        steps.push(match word {
            "open" if open.insert(number) => Step::Open(number),
            "send" if open.contains(&number) => Step::Send(number, Vec::new()),
            "close" if open.remove(&number) => Step::Close(number),
            _ => return Err(refused("no step that can be taken here")),
        });
    }
    Ok(steps)
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0])? << 4 | digit(*pair.get(1)?)?).ok())
        .collect()
}

#[test]
fn captures_are_read() {
    let text = "# a driver\n\nopen 1\nopen 2\nsend 2\n    # QUERY\n    00ff\n    1A\nclose 2\n";
    let expected = [
        Step::Open(1),
        Step::Open(2),
        Step::Send(2, vec![0, 255, 26]),
        Step::Close(2),
    ];
    assert_eq!(parse(text).unwrap(), expected);
    let check = |text: &str, expected: &str| assert_eq!(parse(text).unwrap_err(), expected);
    check(
        "open 1\nopen 1",
        "line 2: no step that can be taken here: open 1",
    );
    check("send 1", "line 1: no step that can be taken here: send 1");
    check("open one", "line 1: no connection's number: open one");
    check("open 1\n  00", "line 2: bytes that nobody sent:   00");
    check(
        "open 1\nsend 1\n  000",
        "line 3: not pairs of digits:   000",
    );
    check("open 1\nsend 1\n  0g", "line 3: not pairs of digits:   0g");
}
