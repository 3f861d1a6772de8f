//! Envelopes: a prepared write read from the socket's bytes, an answer of rows written to them.

use std::hint::black_box;

use base::limits::FRAME_BYTES_MAX;
use bytes::{Buf, BytesMut};
use protocol::frame::{Decoder, Encoder};
use protocol::request::{self, Bindings, Execute, Parameters, Request, Value};
use protocol::response::Head;
use protocol::result::{ColumnSpec, Metadata, MetadataChoice, RowsWriter};
use protocol::segment::Format;
use protocol::{Consistency, Version};
use types::Type;

use crate::{Operation, Path};

/// The paths of this module.
pub fn paths() -> Vec<Path> {
    vec![
        Path {
            name: "decode_v4",
            title: "an EXECUTE of two values from the bytes of a v4 connection",
            prepare: decode_v4,
        },
        Path {
            name: "decode_v5",
            title: "the same from a v5 segment",
            prepare: decode_v5,
        },
        Path {
            name: "encode_row",
            title: "a RESULT of one row of two columns, v4",
            prepare: || encode_rows(1),
        },
        Path {
            name: "encode_rows_100",
            title: "a RESULT of a hundred rows of two columns, v4",
            prepare: || encode_rows(100),
        },
    ]
}

fn envelope(version: Version) -> BytesMut {
    let values = Bindings::of([Value::Set(&[7; 16]), Value::Set(&[9; 100])]);
    let mut parameters = Parameters::new(Consistency::LocalOne);
    parameters.values = values.values();
    let result_metadata_id = (version == Version::V5).then_some(&[2_u8; 16][..]);
    let mut out = BytesMut::new();
    Request::Execute(Execute {
        id: &[1; 16],
        result_metadata_id,
        parameters,
    })
    .encode(version, 0, 1, &mut out);
    out
}

fn decode_v4() -> Operation {
    decode(Decoder::of_requests(FRAME_BYTES_MAX), envelope(Version::V4))
}

fn decode_v5() -> Operation {
    let mut decoder = Decoder::of_requests(FRAME_BYTES_MAX);
    decoder.use_segments(Format::Uncompressed);
    let mut encoder = Encoder::new();
    encoder.use_segments(Format::Uncompressed);
    encoder.buffer().extend_from_slice(&envelope(Version::V5));
    decode(decoder, encoder.output().clone())
}

fn decode(mut decoder: Decoder, sent: BytesMut) -> Operation {
    let mut input = BytesMut::new();
    Box::new(move |_| {
        input.extend_from_slice(&sent);
        let envelope = decoder
            .decode(&mut input)
            .expect("a valid envelope")
            .expect("a whole one");
        let request = request::decode(
            envelope.version,
            envelope.flags,
            envelope.opcode,
            &envelope.body,
        );
        black_box(request.expect("a valid request"));
    })
}

fn encode_rows(rows: usize) -> Operation {
    let column = |name: &str| ColumnSpec {
        keyspace: "ks".into(),
        table: "t".into(),
        name: name.into(),
        ty: Type::Blob,
    };
    let metadata = Metadata::new(vec![column("k"), column("v")]);
    let mut encoder = Encoder::new();
    Box::new(move |_| {
        let out = encoder.buffer();
        let mut writer = RowsWriter::begin(
            out,
            &Head::new(Version::V4, 1),
            &metadata,
            MetadataChoice::Skip,
            None,
        );
        for _ in 0..rows {
            writer.cell(out, Some(&[7; 16]));
            writer.cell(out, Some(&[9; 100]));
            writer.end_row();
        }
        writer.finish(out, None, &[]);
        let sent = encoder.output();
        let bytes = black_box(sent.len());
        sent.advance(bytes);
    })
}
