#![doc = include_str!("../README.md")]

mod attachment;
mod attempt;
mod checkpoint;
mod command;
pub mod control;
mod fmf;
mod follow;
mod guard;
mod guest;
mod hooks;
mod intake;
mod limits;
pub mod packages;
mod plan_script;
pub mod result;
mod run;
mod secret;
mod server;
mod session;
mod session_logs;
mod shortcut;

pub use command::CommandExecutor;
pub use fmf::FmfExecutor;
pub use guest::Debug;
pub use hooks::{Ended, Judgement};
pub use limits::Limits;
pub use secret::hide_in_stream;
