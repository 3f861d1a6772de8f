//! The `compression` option: how the blocks of a table's files are packed.
//!
//! All of Cassandra's compressor names are accepted and shown again. [`Compression::codec`] says what is really
//! used: `DeflateCompressor` is packed with zstd, which does better at its speed.

use std::collections::BTreeMap;

use base::compress::Codec;
use types::value::number::double_text;

use crate::{Error, class};

const PACKAGE: &str = "org.apache.cassandra.io.compress.";

/// The sub-option for blocks that are kept as they are where packing gains too little.
const RATIO: &str = "min_compress_ratio";

/// The block length if none is given.
pub const CHUNK_LENGTH_KIB_DEFAULT: u32 = 16;

/// The largest block length, whose bytes Cassandra counts in 31 bits.
const CHUNK_LENGTH_KIB_MAX: i32 = i32::MAX / 1024;

/// The largest block length that is carried out: a block is read into memory as a whole.
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// The `compression` option.
#[derive(Debug, Clone, PartialEq)]
pub struct Compression {
    /// The compressor; none if compression is off.
    pub compressor: Option<Compressor>,
    /// `chunk_length_in_kb`, a power of two.
    pub chunk_length_kib: u32,
    /// The other sub-options (`min_compress_ratio`, `compression_level`), checked and shown.
    pub others: BTreeMap<String, String>,
}

/// Cassandra's compressors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compressor {
    /// `LZ4Compressor`
    Lz4,
    /// `SnappyCompressor`
    Snappy,
    /// `DeflateCompressor`
    Deflate,
    /// `ZstdCompressor`
    Zstd,
    /// `NoopCompressor`
    Noop,
}

impl Compressor {
    /// The class, with its package.
    pub fn class(self) -> String {
        let name = match self {
            Compressor::Lz4 => "LZ4Compressor",
            Compressor::Snappy => "SnappyCompressor",
            Compressor::Deflate => "DeflateCompressor",
            Compressor::Zstd => "ZstdCompressor",
            Compressor::Noop => "NoopCompressor",
        };
        format!("{PACKAGE}{name}")
    }

    fn parse(class: &str) -> Result<Compressor, Error> {
        match class::short(class, PACKAGE) {
            "LZ4Compressor" => Ok(Compressor::Lz4),
            "SnappyCompressor" => Ok(Compressor::Snappy),
            "DeflateCompressor" => Ok(Compressor::Deflate),
            "ZstdCompressor" => Ok(Compressor::Zstd),
            "NoopCompressor" => Ok(Compressor::Noop),
            name => Err(Error::config(format!(
                "Could not create Compression for type {}",
                class::qualified(name, PACKAGE)
            ))),
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Compressor::Lz4 => &["lz4_compressor_type", "lz4_high_compressor_level"],
            Compressor::Zstd => &["compression_level"],
            _ => &[],
        }
    }
}

impl Default for Compression {
    fn default() -> Compression {
        Compression {
            compressor: Some(Compressor::Lz4),
            chunk_length_kib: CHUNK_LENGTH_KIB_DEFAULT,
            others: BTreeMap::new(),
        }
    }
}

impl Compression {
    /// How a block is packed.
    pub fn codec(&self) -> Codec {
        match self.compressor {
            None | Some(Compressor::Noop) => Codec::None,
            Some(Compressor::Lz4) => Codec::Lz4,
            Some(Compressor::Snappy) => Codec::Snappy,
            Some(Compressor::Zstd | Compressor::Deflate) => Codec::Zstd,
        }
    }

    /// How many bytes go into a block.
    pub fn block_bytes(&self) -> usize {
        usize::try_from(self.chunk_length_kib)
            .unwrap_or(BLOCK_BYTES_MAX)
            .saturating_mul(1024)
            .min(BLOCK_BYTES_MAX)
    }

    /// The option as it is written or stored: only what a block needs is looked at.
    pub(crate) fn parse(map: &BTreeMap<String, String>) -> Result<Compression, Error> {
        let mut rest = map.clone();
        let enabled = match rest.remove("enabled") {
            Some(text) => text.eq_ignore_ascii_case("true"),
            None => true,
        };
        if !enabled && !rest.is_empty() {
            return Err(Error::config(
                "If the 'enabled' option is set to false no other options must be specified",
            ));
        }
        let class = rest.remove("class");
        if enabled && !map.is_empty() && class.is_none() {
            return Err(Error::config(
                "Missing sub-option 'class' for the 'compression' option.",
            ));
        }
        let compressor = match class.as_deref() {
            None => None,
            Some("") => {
                return Err(Error::config(
                    "The 'class' option must not be empty. To disable compression use 'enabled' : false",
                ));
            }
            Some(class) => Some(Compressor::parse(class)?),
        };
        let chunk_length_kib = take_chunk_length(&mut rest)?;
        // A ratio of 0 keeps no block as it is, as if the option were left out.
        match rest.get(RATIO).map(|text| text.parse::<f64>()) {
            Some(Ok(0.0)) => drop(rest.remove(RATIO)),
            Some(Ok(ratio)) => drop(rest.insert(RATIO.to_owned(), double_text(ratio))),
            Some(Err(_)) | None => {}
        }
        Ok(Compression {
            compressor,
            chunk_length_kib,
            others: rest,
        })
    }

    /// Refuses sub-options that the compressor does not have, or not with these values.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_ratio(self.others.get(RATIO))?;
        check_others(self.compressor, &self.others)
    }

    pub(crate) fn properties(&self) -> BTreeMap<String, String> {
        let Some(compressor) = self.compressor else {
            return BTreeMap::from([("enabled".to_owned(), "false".to_owned())]);
        };
        let mut map = self.others.clone();
        map.insert("class".to_owned(), compressor.class());
        map.insert(
            "chunk_length_in_kb".to_owned(),
            self.chunk_length_kib.to_string(),
        );
        map
    }
}

fn take_chunk_length(rest: &mut BTreeMap<String, String>) -> Result<u32, Error> {
    let Some(text) = rest.remove("chunk_length_in_kb") else {
        return Ok(CHUNK_LENGTH_KIB_DEFAULT);
    };
    let length: i32 = text
        .parse()
        .map_err(|_| Error::config("Invalid value for chunk_length_in_kb"))?;
    if length > CHUNK_LENGTH_KIB_MAX {
        return Err(Error::config(format!(
            "Value of chunk_length_in_kb is too large ({length})"
        )));
    }
    match u32::try_from(length) {
        Ok(length) if length > 0 && length.is_power_of_two() => Ok(length),
        Ok(length) if length > 0 => Err(Error::config("chunk_length_in_kb must be a power of 2")),
        _ => Err(Error::config("Invalid negative or null chunk_length_in_kb")),
    }
}

fn check_ratio(ratio: Option<&String>) -> Result<(), Error> {
    let Some(text) = ratio else { return Ok(()) };
    match text.parse::<f64>() {
        Ok(ratio) if ratio == 0.0 || ratio >= 1.0 => Ok(()),
        Ok(ratio) if ratio < 0.0 => Err(Error::config("Invalid negative min_compress_ratio")),
        Ok(_) => Err(Error::config(
            "min_compress_ratio can either be 0 or greater than or equal to 1",
        )),
        Err(_) => Err(Error::config("Invalid value for min_compress_ratio")),
    }
}

fn check_others(
    compressor: Option<Compressor>,
    rest: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let known = compressor.map_or(&[][..], Compressor::options);
    for (name, value) in rest {
        if name == RATIO && compressor.is_some() {
            continue;
        }
        if !known.contains(&name.as_str()) {
            return Err(Error::config(format!("Unknown compression options {name}")));
        }
        check_other(name, value)?;
    }
    Ok(())
}

fn check_other(name: &str, value: &str) -> Result<(), Error> {
    let is_within = |least: i32, most: i32| {
        value
            .parse()
            .is_ok_and(|level| (least..=most).contains(&level))
    };
    let text = match name {
        // The words are those of the class that would refuse it there.
        "compression_level" if value.parse::<i32>().is_err() => format!(
            "ZstdCompressor.create() threw an error: java.lang.NumberFormatException For input string: \"{value}\""
        ),
        "compression_level" if !is_within(-131_072, 22) => format!(
            "ZstdCompressor.create() threw an error: java.lang.IllegalArgumentException \
             compression_level={value} is invalid"
        ),
        "lz4_compressor_type" if !matches!(value, "fast" | "high") => format!(
            "Invalid compressor type '{value}' specified for LZ4 parameter 'lz4_compressor_type'. \
             Valid options are [high, fast]."
        ),
        "lz4_high_compressor_level" if !is_within(1, 17) => format!(
            "Invalid value [{value}] for parameter 'lz4_high_compressor_level'. \
             Value must be between 1 and 17."
        ),
        _ => return Ok(()),
    };
    Err(Error::config(text))
}
