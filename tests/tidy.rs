//! The structure of the project as tests: what may depend on what, and what may not be called.
//!
//! * A layer depends on layers of lower rank only, and on the third-party crates listed for it.
//! * Nothing below `src/` reaches for a clock, a file, the network, randomness or a task except the
//!   real environment in `base::env`. Clippy bans the same calls; this search holds where clippy
//!   is not installed.
//! * Every source file opens by saying what it is.
#![expect(
    clippy::disallowed_methods,
    reason = "this test reads the tree that it judges"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Layers by rank, and the third-party crates that each may use outside its tests.
const LAYERS: &[(&str, &str, u8, &[&str])] = &[
    (
        "base",
        "src/base",
        0,
        &[
            "ahash",
            "bytes",
            "crc32fast",
            "futures-util",
            "getrandom",
            "lz4_flex",
            "parking_lot",
            "rand_core",
            "rand_xoshiro",
            "rustix",
            "snap",
            "thiserror",
            "tokio",
            "tracing",
            "zstd",
        ],
    ),
    (
        "types",
        "src/types",
        1,
        &["jiff", "num-bigint", "smallvec", "thiserror", "uuid"],
    ),
    (
        "model",
        "src/model",
        2,
        &["bytes", "smallvec", "thiserror", "uuid"],
    ),
    ("cql", "src/cql", 2, &["nom", "thiserror"]),
    (
        "protocol",
        "src/protocol",
        2,
        &["bytes", "thiserror", "tokio", "uuid"],
    ),
    ("schema", "src/schema", 3, &["bytes", "thiserror", "uuid"]),
    (
        "sstable",
        "src/sstable",
        3,
        &[
            "ahash",
            "bytes",
            "futures-util",
            "parking_lot",
            "quick_cache",
            "smallvec",
            "thiserror",
            "tokio",
            "tracing",
            "uuid",
        ],
    ),
    (
        "metadata",
        "src/metadata",
        4,
        &[
            "arc-swap",
            "bytes",
            "futures-util",
            "parking_lot",
            "thiserror",
            "tokio",
            "tracing",
            "uuid",
        ],
    ),
    (
        "storage",
        "src/storage",
        4,
        &[
            "ahash",
            "arc-swap",
            "bytes",
            "futures-util",
            "parking_lot",
            "smallvec",
            "thiserror",
            "tokio",
            "tracing",
            "uuid",
        ],
    ),
    (
        "coordinator",
        "src/coordinator",
        6,
        &[
            "bytes",
            "futures-util",
            "parking_lot",
            "smallvec",
            "thiserror",
            "tokio",
            "tracing",
            "uuid",
        ],
    ),
    (
        "query",
        "src/query",
        7,
        &[
            "ahash",
            "arc-swap",
            "bytes",
            "futures-util",
            "jiff",
            "num-bigint",
            "parking_lot",
            "quick_cache",
            "smallvec",
            "thiserror",
            "tokio",
            "tracing",
            "uuid",
        ],
    ),
    (
        "server",
        "src/server",
        8,
        &[
            "bytes",
            "futures-util",
            "parking_lot",
            "thiserror",
            "tokio",
            "tracing",
            "uuid",
        ],
    ),
    (
        "admin",
        "src/admin",
        8,
        &[
            "axum",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
            "futures-util",
            "hyper-util",
            "hyper",
            "tower",
        ],
    ),
    (
        "helenus",
        ".",
        9,
        &[
            "arc-swap",
            "clap",
            "futures-util",
            "mimalloc",
            "parking_lot",
            "serde",
            "serde-saphyr",
            "thiserror",
            "tokio",
            "tracing",
            "tracing-subscriber",
            "uuid",
        ],
    ),
];

/// Words whose appearance in a layer means an effect that did not come through `Env`.
const BANNED: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "tokio::spawn",
    "tokio::task::",
    "spawn_blocking",
    "thread::spawn",
    "thread::Builder",
    "thread::sleep",
    "std::fs",
    "tokio::fs",
    "tokio::net",
    "std::net::Tcp",
    "std::net::Udp",
    "tokio::time",
    "std::env::",
    "rand::rng",
    "thread_rng",
    "OsRng",
    "getrandom",
    "RandomState::new",
    "thread_local!",
    "static mut",
    "Uuid::new_v4",
    "Uuid::now_v",
    "Zoned::now",
    "jiff::Timestamp::now",
    "Utc::now",
    "yield_now",
    "available_parallelism",
];

/// Where the real effects live: the environment itself, and the thin entry point of the process.
const AMBIENT: &[&str] = &["src/base/env/real", "src/main.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn manifest(folder: &str) -> toml::Table {
    let path = root().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn dependencies(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    manifest
        .get(section)
        .and_then(|v| v.as_table())
        .map(|t| t.keys().cloned().collect())
        .unwrap_or_default()
}

/// Rust files below a folder, in name order, leaving out build output.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            rust_files(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    let inside = path.strip_prefix(root()).expect("a file below the root");
    inside.to_string_lossy().into_owned()
}

/// Whether the file holds only tests, which may touch the real machine.
fn is_test_file(path: &str) -> bool {
    path.contains("/tests/")
        || path.contains("/benches/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}

/// The lines of a file in front of its inline test module, without comments. The declaration of a test module that is a
/// file of its own (`mod tests;`) may stand above the code, and ends nothing.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let opens = |at: &usize| {
        let module = text[*at..].lines().nth(1).unwrap_or_default();
        module.starts_with("mod ") && module.ends_with('{')
    };
    let mut attributes = text.match_indices("#[cfg(test)]\n").map(|(at, _)| at);
    let end = attributes.find(opens).unwrap_or(text.len());
    text[..end]
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or("")))
}

#[test]
fn layers_depend_on_lower_ranks_only() {
    let ranks: BTreeMap<&str, u8> = LAYERS.iter().map(|l| (l.0, l.2)).collect();
    let mut wrong = Vec::new();
    for (layer, folder, rank, third_party) in LAYERS {
        for name in dependencies(&manifest(folder), "dependencies") {
            match ranks.get(name.as_str()) {
                Some(other) if other < rank => {}
                Some(other) => {
                    wrong.push(format!("{layer} (rank {rank}) uses {name} (rank {other})"))
                }
                None if third_party.contains(&name.as_str()) => {}
                None => wrong.push(format!(
                    "{layer} uses {name}, which tests/tidy.rs does not list for it"
                )),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "dependencies out of order:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_crate_of_src_is_a_listed_layer() {
    let listed: BTreeSet<String> = LAYERS.iter().map(|l| l.1.to_string()).collect();
    let mut unlisted = Vec::new();
    for entry in fs::read_dir(root().join("src")).expect("src is readable") {
        let path = entry.expect("a readable entry").path();
        let is_crate = path.join("Cargo.toml").exists();
        if is_crate && !listed.contains(&relative(&path)) {
            unlisted.push(relative(&path));
        }
    }
    assert!(unlisted.is_empty(), "no rank for {unlisted:?}");
}

#[test]
fn tools_use_the_protocol_and_formats_only() {
    let allowed = [
        "base",
        "types",
        "model",
        "cql",
        "protocol",
        "schema",
        "sstable",
        "metadata",
        "storage",
        "coordinator",
    ];
    let layers: BTreeSet<&str> = LAYERS.iter().map(|l| l.0).collect();
    for entry in fs::read_dir(root().join("tools")).expect("tools is readable") {
        let path = entry.expect("a readable entry").path();
        if !path.is_dir() {
            continue;
        }
        for name in dependencies(&manifest(&relative(&path)), "dependencies") {
            assert!(
                !layers.contains(name.as_str()) || allowed.contains(&name.as_str()),
                "{} uses {name}: tools stand on the public protocol and format modules",
                relative(&path)
            );
        }
    }
}

#[test]
fn effects_come_from_the_environment_only() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut leaks = Vec::new();
    for file in files {
        let path = relative(&file);
        if AMBIENT.iter().any(|a| path.starts_with(a)) || is_test_file(&path) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a readable source file");
        for (number, line) in code_lines(&text) {
            for word in BANNED.iter().filter(|w| line.contains(**w)) {
                leaks.push(format!("{path}:{number}: {word}"));
            }
        }
    }
    assert!(
        leaks.is_empty(),
        "ambient effects, use Env instead:\n{}",
        leaks.join("\n")
    );
}

#[test]
fn code_is_searched_up_to_its_inline_tests() {
    let text = "#[cfg(test)]\nmod tests;\nlet a; // b\n#[cfg(test)]\nmod tests {\nlet c;\n}\n";
    let lines: Vec<_> = code_lines(text).map(|(_, line)| line).collect();
    assert_eq!(lines[1..3], ["mod tests;", "let a; "]);
    assert_eq!(lines.len(), 3);
}

#[test]
fn every_file_says_what_it_is() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "tools", "benches"] {
        rust_files(&root().join(folder), &mut files);
    }
    let silent: Vec<String> = files
        .iter()
        .filter(|file| !relative(file).contains("/load/"))
        .filter(|file| {
            let text = fs::read_to_string(file).expect("a readable source file");
            !text
                .trim_start_matches("#![no_main]")
                .trim_start()
                .starts_with("//!")
        })
        .map(|file| relative(file))
        .collect();
    assert!(silent.is_empty(), "files without a header: {silent:?}");
}

/// The names in calls `.what("name"` of the code, wherever the name's line begins.
fn names_in_calls(what: &str) -> BTreeSet<String> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let call = format!(".{what}(");
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| !is_test_file(&relative(file))) {
        let text = fs::read_to_string(file).expect("a readable source file");
        for (at, _) in text.match_indices(&call) {
            let rest = text[at + call.len()..].trim_start();
            if let Some((name, _)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// A planted bug that no test asks for, or a stated property that none expects, shows nothing.
#[test]
fn what_the_code_names_for_simulations_is_listed_there() {
    for (what, list) in [
        ("mutant", "tests/sim/mutants.rs"),
        ("sometimes", "tests/sim/seeds.rs"),
    ] {
        let text = fs::read_to_string(root().join(list)).expect("a readable source file");
        let names = names_in_calls(what);
        assert!(!names.is_empty(), "no name in calls of {what}");
        let unlisted: Vec<_> = names
            .iter()
            .filter(|name| !text.contains(&format!("\"{name}\"")))
            .collect();
        assert!(unlisted.is_empty(), "{list} does not list {unlisted:?}");
    }
}

/// Licences under which a dependency may come, as SPDX names.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unlicense",
    "0BSD",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
    "BSL-1.0",
    "CC0-1.0",
    "MIT-0",
];

/// Whether one of the alternatives of an SPDX expression has only permitted parts.
fn is_permitted(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" OR ").any(|choice| {
        choice.split(" AND ").all(|part| {
            let name = part.trim().trim_end_matches(" WITH LLVM-exception");
            LICENCES.contains(&name)
        })
    })
}

/// The platform of this machine: what other platforms need may not have been downloaded.
fn host() -> String {
    let output = std::process::Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_string()
}

#[test]
fn dependencies_have_permitted_licences() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", &host()])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_permitted))
        .map(|package| format!("{} {}", package["name"], package["license"]))
        .collect();
    assert!(
        refused.is_empty(),
        "licences that are not permitted: {refused:?}"
    );
}

#[test]
fn no_dependency_comes_from_outside_the_registry() {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock"))
        .expect("Cargo.lock is committed")
        .parse()
        .expect("Cargo.lock is TOML");
    for package in lock["package"].as_array().expect("packages") {
        let source = package.get("source").and_then(|s| s.as_str()).unwrap_or("");
        assert!(
            !source.starts_with("git"),
            "{} comes from git",
            package["name"].as_str().unwrap_or("a package")
        );
    }
}
