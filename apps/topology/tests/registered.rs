//! A kind that a program brings along: decoded, checked and pointed at like a built-in one.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::document::Kind;
use tidegate_topology::kinds::{Kinds, Traits};
use tidegate_topology::tree::Variables;
use tidegate_topology::{Loaded, Source, load};

/// Finds the winning bid of each auction.
#[derive(Debug, Deserialize, JsonSchema)]
struct WinningBids {
    /// Bids below are not looked at.
    least: u64,
    /// Whether ties are kept.
    #[serde(default)]
    ties: bool,
}

/// A service that knows users.
#[derive(Debug, Deserialize, JsonSchema)]
struct Users {
    /// Where it is.
    #[expect(dead_code, reason = "only whether it is decoded is asked")]
    url: String,
}

fn look(operators: &str) -> Loaded {
    let mut kinds = Kinds::default();
    let traits = Traits::inputs(2).event_time().side_output("unsold");
    kinds.operator::<WinningBids>("winning_bids", traits).expect("a new name");
    kinds.lookup::<Users>("users").expect("a new name");
    let text = format!(
        "job: {{ name: a }}\n\
         sources:\n  bids: {{ stdin: {{ format: json }}, event_time: {{ timestamp: ts, watermark: monotonous }} }}\n\
         operators:\n{operators}\
         sinks: {{ out: {{ inputs: [step], print: {{}} }} }}\n"
    );
    load(Source::new("a.yaml", text), &Variables::default(), &kinds)
}

fn told(operators: &str, expected: &[&str]) {
    let told = look(operators).render(Paint::Plain);
    for part in expected {
        assert!(told.contains(part), "`{part}` is not in\n{told}");
    }
    assert_eq!(told.is_empty(), expected.is_empty(), "{told}");
}

#[test]
fn a_registered_kind_is_decoded_to_its_own_type() {
    let loaded = look("  step: { inputs: [bids, bids], winning_bids: { least: 7 } }\n");
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.render(Paint::Plain));
    let document = loaded.document.expect("a document");
    let Some(Kind::Registered(name, _, config)) = &document.nodes[1].kind else {
        panic!("another kind")
    };
    let config = config.downcast_ref::<WinningBids>().expect("the type it was registered with");
    assert_eq!((name.as_str(), config.least, config.ties), ("winning_bids", 7, false));
}

#[test]
fn its_mistakes_are_pointed_at_and_its_traits_are_checked() {
    told(
        "  step: { inputs: [bids], winning_bids: { lest: 7, ties: perhaps } }\n",
        &["did you mean `least`?", "expected true or false, found text"],
    );
    told("  step: { inputs: [bids], winning_bids: { least: 7 } }\n", &["`step` takes two inputs"]);
    told(
        "  first: { inputs: [bids, bids], winning_bids: { least: 7 } }\n  step: { inputs: [first.gone], filter: a = 1 }\n",
        &["`first` has `unsold`"],
    );
    told(
        "  step: { inputs: [bids], wining_bids: { least: 7 } }\n",
        &["did you mean `winning_bids`?"],
    );
}

#[test]
fn a_lookup_is_decoded_to_its_own_type() {
    let step = |lookup: &str| {
        format!(
            "  step: {{ inputs: [bids], lookup_join: {{ key_by: user, lookup: {lookup}, timeout: 1s }} }}\n"
        )
    };
    told(&step("{ users: { url: 'http://users' } }"), &[]);
    told(&step("{ users: {} }"), &["the key `url` is missing"]);
    told(&step("{ user: {} }"), &["did you mean `users`?"]);
}
