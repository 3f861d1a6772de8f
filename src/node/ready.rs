//! The line that says a node is ready.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a person, or the program that started the node, wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Where clients connect.
    pub native: SocketAddr,
    /// Where the admin tool connects, if the port was not named in the settings.
    pub chosen_admin: Option<SocketAddr>,
    /// The absolute path of the data.
    pub data_dir: PathBuf,
    /// How many tables of users were found; none if the data is new.
    pub tables: Option<usize>,
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "ready: CQL {}", self.native)?;
        if let Some(admin) = self.chosen_admin {
            write!(f, ", admin {admin}")?;
        }
        write!(f, ", data {} ", self.data_dir.display())?;
        match self.tables {
            None => f.write_str("(new)"),
            Some(1) => f.write_str("(1 table)"),
            Some(count) => write!(f, "({count} tables)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_ports_and_data() {
        let ready = Ready {
            native: "127.0.0.1:9042".parse().unwrap(),
            chosen_admin: None,
            data_dir: "/srv/helenus".into(),
            tables: None,
        };
        let check = |ready: &Ready, expected: &str| assert_eq!(ready.to_string(), expected);
        check(&ready, "ready: CQL 127.0.0.1:9042, data /srv/helenus (new)");
        let old = Ready {
            tables: Some(12),
            ..ready.clone()
        };
        check(
            &old,
            "ready: CQL 127.0.0.1:9042, data /srv/helenus (12 tables)",
        );
        check(
            &Ready {
                tables: Some(1),
                ..ready.clone()
            },
            "ready: CQL 127.0.0.1:9042, data /srv/helenus (1 table)",
        );
        let chosen = Ready {
            chosen_admin: Some("127.0.0.1:1234".parse().unwrap()),
            ..ready
        };
        check(
            &chosen,
            "ready: CQL 127.0.0.1:9042, admin 127.0.0.1:1234, data /srv/helenus (new)",
        );
    }
}
