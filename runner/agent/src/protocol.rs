//! Stand-in.
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
/// x
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Request { Hello{version:u32}, Start{cwd: PathBuf, env: Vec<(String,String)>, isolate: bool}, Run{id:u32, script:String, mode: Mode}, Kill{id:u32, grace_ms:u64}, Stop{id:u32, grace_ms:u64}, Leftovers, Finish{grace_ms:u64} }
/// x
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mode { Step, Check, Background, Aside }
/// x
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Reply { Hello{version:u32, isolated: bool}, Started{pid:i32, new_shell:bool, isolated: Option<String>}, Ended{id:u32, status: Status, shell: Shell}, Leftovers{processes: Vec<Leftover>}, Finished{leftovers: Vec<Leftover>}, Failed{what: String} }
/// x
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Status { Exited(i32), Signaled(i32) }
/// x
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Shell { Kept, Lost }
/// x
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Stream { Stdout, Stderr }
/// x
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Leftover { pub pid: i32, pub command: String, pub run_id: Option<u32> }
