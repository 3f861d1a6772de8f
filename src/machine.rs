//! How much memory the process may use, and which signals it was started to ignore, from what the kernel says in text
//! files.
//!
//! The smallest of the machine's memory and the limits of the process's control groups counts: in a container the
//! machine's memory says nothing.

/// The kernel's texts, each if it was there.
#[derive(Debug, Default)]
pub struct Texts {
    /// `/proc/meminfo`
    pub meminfo: Option<String>,
    /// `memory.max` of each control group from the process's own up to the root (version 2), or
    /// `memory.limit_in_bytes` (version 1)
    pub limits: Vec<String>,
}

/// What is assumed where the kernel says nothing.
const UNKNOWN_BYTES: u64 = 2 << 30;

/// Bytes that the process may use.
pub fn memory_bytes(texts: &Texts) -> u64 {
    let machine = texts.meminfo.as_deref().and_then(total);
    let limits = texts
        .limits
        .iter()
        .filter_map(|text| text.trim().parse::<u64>().ok());
    limits
        .chain(machine)
        .filter(|bytes| *bytes > 0)
        .min()
        .unwrap_or(UNKNOWN_BYTES)
}

/// The files that may hold a limit, for a process whose `/proc/self/cgroup` has this text.
pub fn limit_files(cgroup: &str) -> Vec<String> {
    let mut files = vec![
        "/sys/fs/cgroup/memory.max".to_string(),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".to_string(),
    ];
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            other if other.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut group = path.trim_end_matches('/');
        while !group.is_empty() {
            files.push(format!("{root}{group}/{name}"));
            group = group.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }
    files
}

/// Whether a process whose `/proc/self/status` has this text was told to survive its terminal, as by `nohup`; also where
/// the text does not say so.
pub fn ignores_hangup(status: &str) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 != 0)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_limit_counts() {
        let check = |meminfo: Option<&str>, limits: &[&str], expected: u64| {
            let texts = Texts {
                meminfo: meminfo.map(String::from),
                limits: limits.iter().map(|limit| limit.to_string()).collect(),
            };
            assert_eq!(memory_bytes(&texts), expected, "{texts:?}");
        };
        let meminfo = "MemFree:  5 kB\nMemTotal:       8388608 kB\nBuffers: 1 kB\n";
        check(Some(meminfo), &[], 8 << 30);
        check(Some(meminfo), &["max\n"], 8 << 30);
        check(Some(meminfo), &["max\n", "1073741824\n"], 1 << 30);
        check(Some(meminfo), &["9223372036854771712\n"], 8 << 30);
        check(None, &["536870912"], 512 << 20);
        check(Some("nothing"), &["max"], UNKNOWN_BYTES);
        check(None, &[], UNKNOWN_BYTES);
    }

    #[test]
    fn nohup_is_heard() {
        let check =
            |status: &str, expected| assert_eq!(ignores_hangup(status), expected, "{status}");
        check("Name:\thelenus\nSigIgn:\t0000000000001000\n", false);
        check("Name:\thelenus\nSigIgn:\t0000000000001001\n", true);
        check("Name:\thelenus\n", true);
        check("SigIgn:\tnonsense\n", true);
    }

    #[test]
    fn groups_are_asked_up_to_the_root() {
        let files = limit_files("0::/a/b\n5:cpu,memory:/c\n6:cpu:/d\nnonsense\n");
        assert_eq!(
            files[2..],
            [
                "/sys/fs/cgroup/a/b/memory.max",
                "/sys/fs/cgroup/a/memory.max",
                "/sys/fs/cgroup/memory/c/memory.limit_in_bytes"
            ]
        );
        assert_eq!(limit_files("0::/\n").len(), 2);
    }
}
