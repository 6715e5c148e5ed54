//! `tutor trust`: which courses are the learner's own, and which parts of others may run.

use super::arguments::TrustArguments;
use super::context::Context;
use super::failure::ends;
use super::output::out_json;
use crate::exit::Exit;
use crate::say;
use serde_json::{Value, json};

/// `tutor trust`.
pub fn trust(context: &Context, arguments: &TrustArguments) -> anyhow::Result<Exit> {
    let store = context.store();
    if let Some(folder) = &arguments.revoke {
        let shown = folder.display().to_string();
        let text = match store.revoke(folder)? {
            true => say!("trust-revoked", folder = shown),
            false => return Err(ends(Exit::Usage, say!("trust-unknown", folder = shown))),
        };
        context.tell(&text)?;
        return Ok(Exit::Success);
    }
    if arguments.list || arguments.json {
        let consents = store.consents()?;
        if arguments.json {
            let agreed = consents.agreed.iter();
            let agreed = agreed.map(|(folder, parts)| {
                json!({ "folder": folder, "parts": parts.keys().collect::<Vec<_>>() })
            });
            let agreed: Vec<Value> = agreed.collect();
            out_json(&json!({ "format": 1, "own": consents.own, "agreed": agreed }))?;
            return Ok(Exit::Success);
        }
        for folder in &consents.own {
            let folder = folder.display().to_string();
            context.tell(&say!("trust-own", folder = folder))?;
        }
        for (folder, parts) in &consents.agreed {
            let lessons: Vec<&str> = parts
                .keys()
                .filter_map(|key| key.strip_prefix("lesson "))
                .collect();
            let folder = folder.display().to_string();
            let lessons = lessons.join(", ");
            context.tell(&say!("trust-agreed", folder = folder, lessons = lessons))?;
        }
        if consents.own.is_empty() && consents.agreed.is_empty() {
            context.tell(&say!("trust-none"))?;
        }
        return Ok(Exit::Success);
    }
    let course = context.course_in(arguments.folder.as_deref())?;
    let Some(folder) = course.foreign_folder() else {
        context.tell(&say!("trust-embedded"))?;
        return Ok(Exit::Success);
    };
    store.own(folder)?;
    let shown = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    context.tell(&say!("trust-now", folder = shown.display().to_string()))?;
    Ok(Exit::Success)
}
