//! Metadata logs, states and transformations from bytes that may be anything.
//!
//! Held: no panic; what is decoded is encoded to bytes that decode to the same; a transformation is applied or refused.

#![no_main]

use base::bytes::Reader;
use libfuzzer_sys::fuzz_target;
use metadata::log::{self, format};
use metadata::{State, Transformation};

fuzz_target!(|data: &[u8]| {
    if let Ok(contents) = format::read(data) {
        let _ = log::replay(&contents.records);
    }
    if let Ok(state) = State::decode(&mut Reader::new(data)) {
        let mut again = Vec::new();
        state.encode(&mut again);
        let repeated = State::decode(&mut Reader::new(&again)).expect("what was encoded decodes");
        assert_eq!(repeated.hash(), state.hash());
    }
    if let Ok(transformation) = Transformation::decode(&mut Reader::new(data)) {
        let mut again = Vec::new();
        transformation.encode(&mut again);
        let repeated =
            Transformation::decode(&mut Reader::new(&again)).expect("what was encoded decodes");
        assert_eq!(format!("{repeated:?}"), format!("{transformation:?}"));
        let _ = State::empty().apply(&transformation);
    }
});
