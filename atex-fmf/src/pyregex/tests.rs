//! Tests of pyregex.
