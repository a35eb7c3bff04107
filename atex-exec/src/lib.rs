#![doc = include_str!("../README.md")]

mod attachment;
mod attempt;
mod checkpoint;
pub mod control;
mod fmf;
mod follow;
mod guard;
mod guest;
mod intake;
mod limits;
mod plan_script;
pub mod result;
mod run;
mod secret;
mod session;
mod session_logs;

pub use fmf::FmfExecutor;
pub use guest::Debug;
pub use limits::Limits;
