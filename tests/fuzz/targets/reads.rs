//! Read commands and paging states from bytes that may be anything.
//!
//! Held: no panic, no memory beyond the input's, and what is decoded can be encoded and decoded to the same. A paging state is
//! also tried with its checksum made right, since chance seldom finds that.

#![no_main]

use base::bytes::Reader;
use base::checksum::crc32;
use coordinator::paging;
use libfuzzer_sys::fuzz_target;
use model::filter::Filter;
use model::read::{Command, Position};

fuzz_target!(|data: &[u8]| {
    if let Ok(command) = Command::decode(data) {
        let mut again = Vec::new();
        command.encode(&mut again);
        let repeated = Command::decode(&again).expect("what was encoded decodes");
        assert_eq!(format!("{repeated:?}"), format!("{command:?}"));
    }
    let _ = Position::decode(&mut Reader::new(data));
    let _ = Filter::decode(&mut Reader::new(data));
    let _ = paging::State::decode(data);
    let mut sealed = data.to_vec();
    sealed.extend_from_slice(&crc32(data).to_be_bytes());
    if let Ok(state) = paging::State::decode(&sealed) {
        let again = paging::State::decode(&state.encode()).expect("what was encoded decodes");
        assert_eq!(again.encode(), state.encode());
    }
});
