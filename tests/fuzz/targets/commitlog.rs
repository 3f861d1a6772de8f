//! Commit log segments and manifests from bytes that may be anything.
//!
//! The input is also tried as the body of a frame and of a manifest's record whose checksums are right. Held: no panic, no
//! frame that reaches beyond its segment, and replay comes to an end.

#![no_main]

use base::bytes::Reader;
use base::checksum::Crc32;
use libfuzzer_sys::fuzz_target;
use model::mutation;
use storage::Position;
use storage::commitlog::format::{self as log, Found};
use storage::manifest::{self, format};

const SEGMENT: u64 = 1;
const GENERATION: u64 = 1;

fuzz_target!(|data: &[u8]| {
    let _ = log::decode_segment_header(data);
    let _ = log::highest_synced(SEGMENT, data, 0);
    replay(data);
    replay(&framed(data));
    let _ = manifest::decode("manifest", data);
    let _ = manifest::decode("manifest", &recorded(data));
});

fn replay(segment: &[u8]) {
    let mut offset = 0;
    while let Found::Frame(frame) = log::decode_frame(SEGMENT, segment, offset) {
        assert!(frame.next > offset && frame.next <= segment.len());
        offset = frame.next;
        for record in frame.records() {
            let Ok(record) = record else { break };
            if mutation::check(record).is_ok() {
                let view = mutation::View::new(record);
                let _ = (view.table(), view.elements().count());
            }
        }
    }
}

/// A segment's frame with this body.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; log::FRAME_HEADER_BYTES];
    frame.extend_from_slice(body);
    frame.extend_from_slice(&[0; log::FRAME_TRAILER_BYTES]);
    log::seal_body(SEGMENT, &mut frame);
    log::seal_header(SEGMENT, Position(0), &mut frame);
    frame
}

/// A manifest with one record of this body.
fn recorded(body: &[u8]) -> Vec<u8> {
    let mut file = format::header(GENERATION).to_vec();
    let len = format::RECORDS_AT + (format::RECORD_HEADER_BYTES + body.len()) as u64;
    for slot in format::SLOTS {
        file.resize(slot as usize, 0);
        file.extend_from_slice(&format::slot(GENERATION, len));
    }
    file.resize(format::RECORDS_AT as usize, 0);
    let length = (body.len() as u32).to_le_bytes();
    let checksum = Crc32::with_salt(GENERATION)
        .update(&length)
        .update(body)
        .finish();
    file.extend_from_slice(&length);
    file.extend_from_slice(&checksum.to_le_bytes());
    file.extend_from_slice(body);
    let mut record = Reader::new(&file[format::RECORDS_AT as usize..]);
    let _ = format::decode_record(GENERATION, &mut record);
    file
}
