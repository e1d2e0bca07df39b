//! A job of which nothing is known but numbers, all from flags.

use super::asked::OfNode;
use super::costs::Work;
use super::model::{Given, Held, Model, Node};
use super::topology::greatest_common_divisor;
use super::{Args, Window};
use crate::number::in_time;
use tidegate::Settings;

/// The last of some numbers, which are of no node.
fn one(all: &[OfNode]) -> Option<f64> {
    all.last().map(|one| one.value)
}

/// Why the flags are not enough.
fn complaint(args: &Args) -> Option<String> {
    let about_nodes = [&args.keys, &args.state_per_key, &args.retention, &args.share];
    if let Some(node) = about_nodes.into_iter().flatten().find_map(|one| one.node.as_ref()) {
        return Some(format!("there are no nodes to be named, such as `{node}`, without a FILE"));
    }
    let (keys, entry) = (one(&args.keys), one(&args.state_per_key));
    let is_keyed = !args.window.is_empty() || keys.is_some() || entry.is_some();
    let all = [
        (args.events_per_second.is_none(), "--events-per-second N: how many records come"),
        (args.bytes_per_event.is_none(), "--bytes-per-event SIZE: how large a record is"),
        (is_keyed && keys.is_none(), "--keys N: how many distinct keys there are"),
        (
            is_keyed && entry.is_none(),
            "--state-per-key SIZE: bytes of a key and what is kept for it",
        ),
    ];
    let missing: Vec<&str> = all.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
    if missing.is_empty() {
        return None;
    }
    Some(format!(
        "some numbers are missing:\n  {}\n  or a topology (tidegate size FILE), or a running job (--metrics URL)",
        missing.join("\n  ")
    ))
}

/// The job of the flags.
///
/// # Errors
/// Which numbers are missing.
pub(super) fn of_flags(args: &Args) -> Result<Model, String> {
    if let Some(why) = complaint(args) {
        return Err(format!("error: {why}\n"));
    }
    let (events, bytes) =
        (args.events_per_second.unwrap_or_default(), args.bytes_per_event.unwrap_or_default());
    let given = Given::new(events, "--events-per-second");
    let title = "a job of these numbers".to_owned();
    let mut model = args.model(title, given, &Settings::default(), "default");
    let rate = events * args.exchange_share;
    let updates = match args.updates_per_second {
        Some(updates) => Given::new(updates, "--updates-per-second"),
        None => Given::new(rate, "one per record"),
    };
    let node =
        |name: String, work, held| Node { name, rate, exchange_bytes: Some(bytes), work, held };
    if let (Some(keys), Some(entry)) = (one(&args.keys), one(&args.state_per_key)) {
        let held = |pieces| Held::Keys {
            keys: Given::new(keys, "--keys"),
            entry: Given::new(entry, "--state-per-key"),
            updates: updates.clone(),
            pieces,
        };
        for Window { size, slide } in &args.window {
            let millis = |seconds: f64| (seconds * 1e3) as i64;
            let slice = greatest_common_divisor(millis(*size), millis(*slide)) as f64 / 1e3;
            let overlap =
                if slide < size { format!("/{}", in_time(*slide)) } else { String::new() };
            let name = format!("window {}{overlap}", in_time(*size));
            // One more is being filled.
            model.nodes.push(node(name, Work::Window, held(Some((size / slice + 1.0, slice)))));
        }
        if args.window.is_empty() {
            model.nodes.push(node("state by key".to_owned(), Work::Aggregate, held(None)));
        }
    }
    if let Some(seconds) = one(&args.retention) {
        let time = Given::new(seconds, "--retention");
        let held = Held::Records { time, entry: bytes };
        model.nodes.push(node("records kept".to_owned(), Work::Join, held));
    }
    Ok(model)
}
