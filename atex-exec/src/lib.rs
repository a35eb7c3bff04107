#![doc = include_str!("../README.md")]

pub mod control;
mod fmf;
mod follow;
mod guest;
pub mod result;
mod run;

pub use fmf::FmfExecutor;
pub use guest::Debug;
