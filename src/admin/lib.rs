//! Operations over HTTP and health. Acts only through the Control it is given.
