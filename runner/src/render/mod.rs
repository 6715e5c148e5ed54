//! Draws what a run says and what a report found. Drawing neither runs nor compares.

pub mod book;
pub mod command;
pub mod counts;
pub mod difference;
pub mod json;
pub mod junit;
pub mod live;
pub mod matrix;
pub mod paint;
pub mod prose;
pub mod summary;
pub mod terminal;
pub mod verdict;

use crate::event::Event;
use crate::report::{Item, Report};

/// Something that shows a run to somebody.
pub trait View {
    /// Something happened.
    fn event(&mut self, event: &Event<'_>);
    /// A step or check was judged, right after its event.
    fn judged(&mut self, item: &Item);
    /// The lesson is over.
    fn closed(&mut self, report: &Report);
}

/// Shows nothing: for scripts, and for lessons that run side by side.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoView;

impl View for NoView {
    fn event(&mut self, _event: &Event<'_>) {}
    fn judged(&mut self, _item: &Item) {}
    fn closed(&mut self, _report: &Report) {}
}
