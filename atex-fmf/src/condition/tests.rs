//! Tests of condition.
