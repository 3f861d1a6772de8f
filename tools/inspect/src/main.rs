//! The inspect tool of Helenus.
fn main() {}
