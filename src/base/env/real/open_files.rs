//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number to the highest that the process may choose itself, and gives it; none for no limit.
///
/// The lower limit that a shell sets, 1,024 usually, is for programs that wait with `select`, which cannot name more.
pub fn raise_open_files_max() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if maximum.is_none() || current == maximum {
        return current;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_once_and_stays() {
        let raised = raise_open_files_max();
        assert_eq!(raise_open_files_max(), raised);
        assert_eq!(getrlimit(Resource::Nofile).current, raised);
    }
}
