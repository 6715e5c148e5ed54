//! Lessons in Markdown that run for real.
//!
//! Data runs one way: Markdown → [`lesson::Lesson`] → [`plan::Plan`] → [`event::Event`]s →
//! [`transcript::Transcript`] → [`normalize::StableText`] → [`report::Report`] → renderers.
//! The modules below stand in reading order; a module uses only those above it.

pub mod exit;

pub mod visible;

pub mod catalogue;

pub mod regular_file;

pub mod diagnostic;

pub mod lesson;

pub mod packages;

pub mod course;

pub mod plan;

pub mod transcript;

pub mod event;

pub mod normalize;

pub mod snapshot;

pub mod report;

pub mod record;

pub mod folders;

pub mod versioned;

pub mod workspace;

pub mod surroundings;

pub mod backend;

pub mod run;

pub mod toolchain;

pub mod store;

pub mod consent;

pub mod storage;

pub mod highlight;

pub mod render;

pub mod notebook;

pub mod rehearsal;

pub mod study;

pub mod doctor;

pub mod cli;
