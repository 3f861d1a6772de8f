//! One HTTP request to the admin port, over plain TCP.
//!
//! The port answers one request per connection and closes it, so a client is: write, read to the end, cut at the empty
//! line. Time limits apply to connecting; an operation takes as long as it takes.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Time to connect: the port is on this machine.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// More than the status of a node with tens of thousands of tables.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens: the person starts a node or names the right address.
    #[error(
        "no node answers at {address}: {source}; start one with 'helenus', or say where it is with --host and --port"
    )]
    Unreachable {
        /// The address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody listens, who is no admin port of a node.
    #[error("{address} does not answer as the admin port of a node; say the right one with --port")]
    Strange {
        /// The address.
        address: String,
    },
    /// The connection broke in the middle.
    #[error(
        "the connection to {address} broke: {source}; the operation may be going on, see 'helenus admin status'"
    )]
    Broken {
        /// The address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
}

/// An answer: its status and its JSON.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: serde_json::Value,
}

/// Asks for `path`; with a body it is a POST.
pub fn ask(
    host: &str,
    port: u16,
    path: &str,
    body: Option<&serde_json::Value>,
) -> Result<Answer, Error> {
    let address = match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    };
    let mut stream = connect(host, port).map_err(|source| Error::Unreachable {
        address: address.clone(),
        source,
    })?;
    let broken = |source| Error::Broken {
        address: address.clone(),
        source,
    };
    stream
        .write_all(request(&address, path, body).as_bytes())
        .map_err(broken)?;
    let mut bytes = Vec::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(broken)?;
    parse(&bytes).ok_or(Error::Strange { address })
}

/// Connects to the first of the name's addresses that answers.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIME_MAX) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn request(address: &str, path: &str, body: Option<&serde_json::Value>) -> String {
    let head =
        |method| format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    match body {
        None => format!("{}\r\n", head("GET")),
        Some(body) => {
            let body = body.to_string();
            let length = body.len();
            format!(
                "{}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
                head("POST")
            )
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer {
        status,
        body: serde_json::from_str(body).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_parsed() {
        let check = |text: &str, expected: Option<(u16, serde_json::Value)>| {
            let expected = expected.map(|(status, body)| Answer { status, body });
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        };
        check(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"a\":1}",
            Some((200, json!({"a": 1}))),
        );
        check(
            "HTTP/1.1 404 Not Found\r\nx: y\r\n\r\n{\"error\":\"e\"}",
            Some((404, json!({"error": "e"}))),
        );
        check("HTTP/1.1 200 OK\r\n\r\n<html>", None);
        check("SSH-2.0-OpenSSH\r\n", None);
        check("HTTP/1.1 2", None);
        check("", None);
    }

    #[test]
    fn requests_say_what_the_port_wants() {
        assert_eq!(
            request("[::1]:7199", "/status", None),
            "GET /status HTTP/1.1\r\nHost: [::1]:7199\r\nConnection: close\r\n\r\n"
        );
        let post = request("h:1", "/flush", Some(&json!({"keyspace": "k"})));
        assert!(post.starts_with("POST /flush HTTP/1.1\r\nHost: h:1\r\n"));
        assert!(post.ends_with(
            "Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"keyspace\":\"k\"}"
        ));
    }

    #[test]
    fn a_missing_node_is_named() {
        // Port 1 of loopback has no listener on any machine that runs tests.
        let error = ask("127.0.0.1", 1, "/status", None)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("no node answers at 127.0.0.1:1: "),
            "{error}"
        );
        assert!(
            error.ends_with("start one with 'helenus', or say where it is with --host and --port"),
            "{error}"
        );
    }
}
