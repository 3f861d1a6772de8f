//! Settings that depend on each other.

use std::net::{IpAddr, SocketAddr};

use super::error::{Error, Origin};
use super::load::Written;
use super::settings::Settings;
use super::value::show_bytes;

/// Refuses settings that contradict each other, or that would open the node to others unasked.
pub fn check(settings: &Settings, written: &Written) -> Result<(), Error> {
    let place = |name: &'static str| {
        written
            .get(name)
            .map_or(Origin::Default(name), |given| given.origin.clone())
    };
    let wrong = |name: &'static str, message: String| {
        Err(Error::new(place(name), format!("{name}: {message}")))
    };

    if settings.rpc_address.is_unspecified() && !written.contains_key("broadcast_rpc_address") {
        return wrong(
            "rpc_address",
            format!(
                "clients cannot connect to {}; add the line 'broadcast_rpc_address: ADDRESS' with the address they use{}",
                settings.rpc_address,
                if settings.authenticator.is_none() {
                    ", and 'authenticator: AllowAllAuthenticator' if nobody is to log in"
                } else {
                    ""
                }
            ),
        );
    }
    if settings.broadcast_rpc_address.is_unspecified() {
        return wrong(
            "broadcast_rpc_address",
            "expected an address that clients can connect to, found a wildcard".into(),
        );
    }
    if settings.listen_address.is_unspecified() {
        return wrong(
            "listen_address",
            "expected the address that other nodes connect to, found a wildcard".into(),
        );
    }
    for (name, address) in [
        ("rpc_address", settings.rpc_address),
        ("listen_address", settings.listen_address),
    ] {
        if !address.is_loopback() && settings.authenticator.is_none() {
            return wrong(
                name,
                format!(
                    "{address} is open to other machines and nobody would have to log in; add the line 'authenticator: AllowAllAuthenticator' if that is meant"
                ),
            );
        }
    }
    if !settings.admin_address.is_loopback() {
        return wrong(
            "admin_address",
            format!(
                "the admin port asks for no password and stays on loopback; say 127.0.0.1, not {}",
                settings.admin_address
            ),
        );
    }
    if let Some(seed) = settings
        .seeds
        .iter()
        .find(|seed| !is_this_node(seed, settings))
    {
        return wrong(
            "seeds",
            format!(
                "joining '{seed}' is not supported yet; leave seeds out, or name this node alone: {}",
                settings.storage()
            ),
        );
    }
    check_ports(settings, wrong)?;
    check_memory(settings, wrong)?;
    check_thresholds(settings, wrong)
}

fn is_this_node(seed: &str, settings: &Settings) -> bool {
    let seed = seed.replace("localhost", "127.0.0.1");
    let address = seed.parse::<SocketAddr>().map(|seed| seed.ip());
    match address.or_else(|_| seed.parse::<IpAddr>()) {
        Ok(address) => address == settings.listen_address,
        Err(_) => false,
    }
}

fn check_ports(
    settings: &Settings,
    wrong: impl Fn(&'static str, String) -> Result<(), Error>,
) -> Result<(), Error> {
    let clients = settings.native_transport();
    let overlap = |left: SocketAddr, right: SocketAddr| {
        left.port() != 0
            && left.port() == right.port()
            && (left.ip() == right.ip()
                || left.ip().is_unspecified()
                || right.ip().is_unspecified())
    };
    if overlap(settings.admin(), clients) {
        return wrong(
            "admin_port",
            format!(
                "{} is native_transport_port already; say another, or 0",
                settings.admin_port
            ),
        );
    }
    if overlap(settings.storage(), clients) {
        return wrong(
            "storage_port",
            format!(
                "{} is native_transport_port already; say another",
                settings.storage_port
            ),
        );
    }
    Ok(())
}

fn check_memory(
    settings: &Settings,
    wrong: impl Fn(&'static str, String) -> Result<(), Error>,
) -> Result<(), Error> {
    let parts = settings
        .memtable_space
        .saturating_add(settings.block_cache_size)
        .saturating_add(settings.request_space);
    if parts > settings.memory_limit {
        return wrong(
            "memory_limit",
            format!(
                "memtable_space, block_cache_size and request_space together are {}, more than {}; raise it or lower a part",
                show_bytes(parts),
                show_bytes(settings.memory_limit)
            ),
        );
    }
    let least = 4 * settings.commitlog_segment_size;
    if settings.commitlog_total_space < least {
        return wrong(
            "commitlog_total_space",
            format!(
                "expected at least four segments, {}, found '{}'",
                show_bytes(least),
                show_bytes(settings.commitlog_total_space)
            ),
        );
    }
    Ok(())
}

fn check_thresholds(
    settings: &Settings,
    wrong: impl Fn(&'static str, String) -> Result<(), Error>,
) -> Result<(), Error> {
    let pairs = [
        (
            "tombstone_failure_threshold",
            "tombstone_warn_threshold",
            settings.tombstone_failure_threshold < settings.tombstone_warn_threshold,
        ),
        (
            "batch_size_fail_threshold",
            "batch_size_warn_threshold",
            settings.batch_size_fail_threshold < settings.batch_size_warn_threshold,
        ),
        (
            "maximum_timestamp_fail_threshold",
            "maximum_timestamp_warn_threshold",
            !settings.maximum_timestamp_fail_threshold.is_zero()
                && settings.maximum_timestamp_fail_threshold
                    < settings.maximum_timestamp_warn_threshold,
        ),
    ];
    match pairs.iter().find(|(_, _, lower)| *lower) {
        Some((fail, warn, _)) => wrong(
            fail,
            format!("it is lower than {warn}; raise it or lower that"),
        ),
        None => Ok(()),
    }
}
