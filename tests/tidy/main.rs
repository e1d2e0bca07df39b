//! The house rules that no compiler checks, each a small test: how sources look, who may name what,
//! whether the documents say what is, whether alerts and dashboards ask for what there is, and what work costs.
//!
//! A ratchet list names what breaks a rule today, with its measure: it may get better, not worse, and
//! an entry that is no longer needed must go.

mod boundaries;
mod documents;
mod instructions;
mod observability;
mod promql;
mod sources;
mod tree;
