//! Who may talk to the admin port: programs on this machine, not web pages in somebody's browser.
//!
//! A page cannot read this port's answers (nothing here allows another origin), but it can send requests, and it can
//! give its own host name our address and so become our origin. Hence:
//! - `Host` must name a loopback address, whatever the port: a page's own name does not. There is one `Host`,
//!   and a target that is a whole URI names a loopback address too.
//! - A request with an `Origin`, or one that the browser marks as coming from another site, is refused.
//! - What changes something is a POST of `application/json`, which a page cannot send without asking first, and
//!   nobody here answers that question.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};

/// A refused request: the status and the reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal(pub StatusCode, pub &'static str);

/// Judges a request by its method, target and headers.
pub fn check(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let text =
        |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    // Two headers, or a target with a host of its own, would leave open which of them counts.
    let is_here = text(header::HOST).is_some_and(is_loopback)
        && headers.get_all(header::HOST).iter().count() == 1
        && uri
            .authority()
            .is_none_or(|host| is_loopback(host.as_str()));
    if !is_here {
        return Err(Refusal(
            StatusCode::FORBIDDEN,
            "the Host header must name a loopback address or localhost",
        ));
    }
    if headers.contains_key(header::ORIGIN)
        || headers
            .get("sec-fetch-site")
            .is_some_and(|site| site != "none")
    {
        return Err(Refusal(
            StatusCode::FORBIDDEN,
            "web pages may not use this port",
        ));
    }
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        Method::POST if text(header::CONTENT_TYPE).is_some_and(is_json) => Ok(()),
        Method::POST => Err(Refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "say Content-Type: application/json, with a JSON body",
        )),
        _ => Err(Refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and POST are offered",
        )),
    }
}

fn is_json(content_type: &str) -> bool {
    let name = content_type.split(';').next().unwrap_or("");
    name.trim().eq_ignore_ascii_case("application/json")
}

/// Whether a `Host` header, with or without a port, is this machine.
fn is_loopback(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        let loopback = address
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback());
        return loopback && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    let loopback = name
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_port(port) && (loopback || name.eq_ignore_ascii_case("localhost"))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_must_be_this_machine() {
        let good = [
            "localhost",
            "LocalHost:7199",
            "127.0.0.1",
            "127.0.0.1:7199",
            "127.9.9.9:1",
            "[::1]",
            "[::1]:7199",
        ];
        let bad = [
            "",
            "evil.example",
            "evil.example:7199",
            "10.0.0.1",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "0.0.0.0",
            "[::]",
            "::1",
            "127.0.0.1:x",
            "[::1]x",
            "[::1",
            "localhost:",
            "127.0.0.1@evil.example",
            "2130706433",
        ];
        for host in good {
            assert!(is_loopback(host), "{host}");
        }
        for host in bad {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn requests_of_pages_are_refused() {
        let check = |method: Method, headers: &[(&'static str, &str)], expected: u16| {
            let map = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            let found = super::check(&method, &Uri::from_static("/status"), &map)
                .map_or_else(|refusal| refusal.0.as_u16(), |()| 200);
            assert_eq!(found, expected, "{method} {headers:?}");
        };
        let host = ("host", "127.0.0.1:7199");
        let json = ("content-type", "application/json; charset=utf-8");
        check(Method::GET, &[host], 200);
        check(Method::GET, &[], 403);
        check(Method::GET, &[("host", "evil.example")], 403);
        check(
            Method::GET,
            &[host, ("origin", "http://127.0.0.1:7199")],
            403,
        );
        check(Method::GET, &[host, ("origin", "null")], 403);
        check(Method::GET, &[host, ("sec-fetch-site", "cross-site")], 403);
        check(Method::GET, &[host, ("sec-fetch-site", "none")], 200);
        check(Method::POST, &[host, json], 200);
        check(Method::POST, &[host], 415);
        check(Method::POST, &[host, ("content-type", "text/plain")], 415);
        check(
            Method::POST,
            &[host, ("content-type", "application/x-www-form-urlencoded")],
            415,
        );
        check(
            Method::POST,
            &[host, json, ("origin", "http://evil.example")],
            403,
        );
        check(Method::OPTIONS, &[host], 405);
        check(Method::DELETE, &[host, json], 405);
    }
}
