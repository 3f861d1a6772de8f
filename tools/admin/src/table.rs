//! The status of a cluster as `nodetool status` prints it, and of tables.

use serde_json::Value;

/// The lines of `helenus admin status`.
pub fn status(status: &Value) -> String {
    let mut out = String::new();
    let nodes = list(&status["nodes"]);
    let mut centers: Vec<&str> = nodes
        .iter()
        .map(|node| text(&node["data_center"]))
        .collect();
    centers.sort_unstable();
    centers.dedup();
    for center in centers {
        let title = format!("Datacenter: {center}");
        out.push_str(&format!("{title}\n{}\n", "=".repeat(title.len())));
        out.push_str("Status=Up/Down\n|/ State=Normal/Leaving/Joining/Moving\n");
        let header = [
            "--",
            "Address",
            "Load",
            "Tokens",
            "Owns (effective)",
            "Host ID",
            "Rack",
        ];
        let mut rows = vec![header.map(String::from).to_vec()];
        rows.extend(
            nodes
                .iter()
                .filter(|node| text(&node["data_center"]) == center)
                .map(node_row),
        );
        out.push_str(&columns(&rows));
        out.push('\n');
    }
    out.push_str(&own(status));
    let tables = list(&status["storage"]["tables"]);
    if !tables.is_empty() {
        let header = [
            "Table",
            "SSTables",
            "Space used",
            "Memtable",
            "Memtable rows",
        ];
        let mut rows = vec![header.map(String::from).to_vec()];
        rows.extend(tables.iter().map(table_row));
        out.push('\n');
        out.push_str(&columns(&rows));
    }
    out
}

fn node_row(node: &Value) -> Vec<String> {
    let up = if node["is_up"] == Value::Bool(true) {
        "UN"
    } else {
        "DN"
    };
    let load = node["load_bytes"].as_u64().map_or("?".into(), size);
    let owns = node["owns"].as_f64().unwrap_or(0.0) * 100.0;
    vec![
        up.into(),
        text(&node["address"]).into(),
        load,
        node["tokens"].to_string(),
        format!("{owns:.1}%"),
        text(&node["host_id"]).into(),
        text(&node["rack"]).into(),
    ]
}

/// What this node says of itself.
fn own(status: &Value) -> String {
    let storage = &status["storage"];
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    format!(
        "Mode: {}, up {}, {} client connections, version {}\nMemtables: {} of {}, commit log {}, {} compactions waiting\nData: {}\n",
        text(&status["mode"]),
        duration(number(&status["uptime_micros"])),
        number(&status["connections"]),
        text(&status["version"]),
        size(number(&storage["memtable_bytes"])),
        size(number(&storage["memtable_bytes_max"])),
        size(number(&storage["commitlog_bytes"])),
        number(&storage["pending_compactions"]),
        text(&storage["data_dir"]),
    )
}

fn table_row(table: &Value) -> Vec<String> {
    let number = |name: &str| table[name].as_u64().unwrap_or(0);
    vec![
        format!("{}.{}", text(&table["keyspace"]), text(&table["table"])),
        number("sstables").to_string(),
        size(number("disk_bytes")),
        size(number("memtable_bytes")),
        number("memtable_rows").to_string(),
    ]
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// Columns two spaces apart, each as wide as its widest cell.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..count)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// Bytes as nodetool shows them: `108.45 KiB`.
fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| bytes >= 1 << shift) {
        None => format!("{bytes} bytes"),
        Some((unit, shift)) => {
            let number = format!("{:.2}", bytes as f64 / (1u64 << shift) as f64);
            format!(
                "{} {unit}",
                number.trim_end_matches('0').trim_end_matches('.')
            )
        }
    }
}

fn duration(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_and_times_are_short() {
        let sizes = [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (111_053, "108.45 KiB"),
            (1 << 30, "1 GiB"),
            (5 << 40, "5 TiB"),
        ];
        for (bytes, expected) in sizes {
            assert_eq!(size(bytes), expected);
        }
        let times = [
            (0, "0 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (7_260, "2 h 1 min"),
            (90_000, "1 d 1 h"),
        ];
        for (seconds, expected) in times {
            assert_eq!(duration(seconds * 1_000_000), expected);
        }
    }

    #[test]
    fn the_status_has_nodetools_columns() {
        let answer = json!({
            "mode": "NORMAL", "version": "0.1.0", "uptime_micros": 61_000_000u64, "connections": 2,
            "nodes": [{
                "address": "127.0.0.1", "host_id": "5d0f1c1e-0000-4000-8000-000000000001", "data_center": "datacenter1",
                "rack": "rack1", "tokens": 16, "owns": 1.0, "load_bytes": 111_053, "is_up": true
            }],
            "storage": {
                "data_dir": "/srv/helenus", "memtable_bytes": 1024, "memtable_bytes_max": 1 << 30, "commitlog_bytes": 64 << 20,
                "pending_compactions": 0,
                "tables": [{"keyspace": "ks", "table": "t", "sstables": 1, "disk_bytes": 2048, "memtable_bytes": 0, "memtable_rows": 0}]
            }
        });
        let expected = "\
Datacenter: datacenter1
=======================
Status=Up/Down
|/ State=Normal/Leaving/Joining/Moving
--  Address    Load        Tokens  Owns (effective)  Host ID                               Rack
UN  127.0.0.1  108.45 KiB  16      100.0%            5d0f1c1e-0000-4000-8000-000000000001  rack1

Mode: NORMAL, up 1 min 1 s, 2 client connections, version 0.1.0
Memtables: 1 KiB of 1 GiB, commit log 64 MiB, 0 compactions waiting
Data: /srv/helenus

Table  SSTables  Space used  Memtable  Memtable rows
ks.t   1         2 KiB       0 bytes   0
";
        assert_eq!(status(&answer), expected);
    }

    #[test]
    fn a_strange_answer_is_no_panic() {
        for answer in [
            json!(null),
            json!({"nodes": [1, {}]}),
            json!({"nodes": [{"data_center": "d"}], "storage": {"tables": [{}]}}),
        ] {
            assert!(status(&answer).contains("Mode: "));
        }
    }
}
