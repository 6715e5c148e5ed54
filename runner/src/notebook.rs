//! From events to a report: judges each record as it ends, and shows both. Whatever drives a
//! [`Sitting`](crate::run::Sitting) has a [`Reporter`] listen to it.

use crate::course::Course;
use crate::event::{Event, Listener};
use crate::lesson::Lesson;
use crate::normalize::StepFolders;
use crate::render::View;
use crate::report::{Item, Judge, Report};
use crate::snapshot::{self, OfCourse};
use crate::transcript::{KnownFacets, RecordId, Skip, Transcript};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

/// The reaction to a step that is not as expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Go on with the next step.
    #[default]
    GoOn,
    /// Skip the rest of the lesson.
    Stop,
}

/// Returns what judges the records of a lesson by the accepted outputs of its course.
pub fn judge<'a>(course: &'a Course, lesson: &'a Lesson, folders: &'a StepFolders) -> Judge<'a> {
    let files = OfCourse::new(course);
    let name = &lesson.front.name;
    Judge::new(
        lesson,
        folders,
        &course.masks,
        move |step, vary, environment| snapshot::find(&files, name, step, vary, environment),
    )
    .with_facets(&course.facets)
}

/// Makes a report of what it hears, and shows it.
pub struct Reporter<'r> {
    judge: &'r Judge<'r>,
    on_failure: OnFailure,
    view: &'r mut dyn View,
    items: Vec<Item>,
    /// Where the item of a step or check is.
    places: HashMap<RecordId, usize>,
    /// The first step that did not come to the end that its author expects.
    failed: Option<String>,
}

impl<'r> Reporter<'r> {
    /// One that has heard nothing.
    pub fn new(judge: &'r Judge<'r>, on_failure: OnFailure, view: &'r mut dyn View) -> Self {
        Reporter {
            judge,
            on_failure,
            view,
            items: Vec::new(),
            places: HashMap::new(),
            failed: None,
        }
    }

    /// Notes in an item which step failed before it, and whether it is the first one.
    fn note_failure(&mut self, item: &mut Item) {
        if let RecordId::Step(step) = &item.id {
            if self.failed.as_ref() == Some(step) {
                self.failed = None;
            }
            if self.failed.is_none() && item.verdict.is_unfinished() {
                self.failed = Some(step.clone());
                return;
            }
        }
        item.after_failed.clone_from(&self.failed);
    }

    /// Returns the report of all that it heard.
    pub fn report(self, transcript: &Transcript) -> Report {
        let report = self.judge.report_of(self.items, transcript);
        self.view.closed(&report);
        report
    }
}

impl Listener for Reporter<'_> {
    fn hear(&mut self, event: &Event<'_>, facets: &KnownFacets) -> ControlFlow<Skip> {
        self.view.event(event);
        let record = match event {
            Event::StepEnded { record, .. } | Event::CheckEnded { record, .. } => record,
            Event::StepStarted(step) => {
                self.judge.get_ready(step, facets);
                return ControlFlow::Continue(());
            }
            _ => return ControlFlow::Continue(()),
        };
        let mut item = self.judge.item(record, facets);
        self.note_failure(&mut item);
        self.view.judged(&item);
        let failed = item.verdict.is_failure();
        let name = item.id.clone();
        match self.places.entry(item.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.items.len());
                self.items.push(item);
            }
            // One that runs once more takes the place of what it was.
            Entry::Occupied(place) => self.items[*place.get()] = item,
        }
        match (self.on_failure, failed, name) {
            (OnFailure::Stop, true, RecordId::Step(name) | RecordId::Check(name)) => {
                ControlFlow::Break(Skip::StoppedEarly(name))
            }
            (OnFailure::Stop, false, _) | (OnFailure::GoOn, _, _) => ControlFlow::Continue(()),
        }
    }
}
