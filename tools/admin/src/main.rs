//! The admin tool of Helenus.
fn main() {}
