//! The queries as topologies: the files of `config/nexmark`, which are part of the program, so that it runs them from
//! anywhere.

/// A query as a topology.
#[derive(Clone, Copy, Debug)]
pub struct Topology {
    /// The query.
    pub name: &'static str,
    /// The text of its file.
    pub text: &'static str,
}

macro_rules! topologies {
    ($($name:literal),* $(,)?) => {
        &[$(Topology {
            name: $name,
            text: include_str!(concat!("../../../config/nexmark/", $name, ".yaml")),
        }),*]
    };
}

/// All of them.
pub const TOPOLOGIES: &[Topology] = topologies![
    "q0",
    "q1",
    "q2",
    "q3",
    "q4",
    "q5",
    "q6",
    "q7",
    "q8",
    "q9",
    "q10",
    "q11",
    "q12",
    "q13",
    "q14",
    "q15",
    "q16",
    "q17",
    "q18",
    "q19",
    "q20",
    "q21",
    "q22",
    "xq5w",
    "xq20",
    "xtumble",
    "xhop",
    "xcumulate",
    "xuvhop",
    "xsession",
    "xintervaljoin",
    "xleftjoin",
    "xover",
    "cep0",
    "cep1",
    "cep2",
    "cep3",
];

impl Topology {
    /// The topology of a query.
    pub(crate) fn of(query: &str) -> Option<&'static Self> {
        TOPOLOGIES.iter().find(|topology| topology.name == query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::{QUERIES, Query};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;
    use tidegate_topology::diagnostic::Paint;
    use tidegate_topology::tree::Variables;
    use tidegate_topology::{Loaded, Source, load};

    fn loaded(topology: &Topology) -> Loaded {
        let registry = crate::yaml::registry(&crate::output::Output::new(None, false));
        load(Source::new(topology.name, topology.text), &Variables::default(), registry.kinds())
    }

    #[test]
    fn every_query_is_a_topology() {
        let told: Vec<_> = TOPOLOGIES.iter().map(|topology| topology.name).collect();
        let names: BTreeSet<_> = told.iter().copied().collect();
        assert_eq!(names, QUERIES.iter().map(|query| query.name).collect());
        assert_eq!(names.len(), told.len(), "none is told of twice");
    }

    #[test]
    fn every_file_of_the_folder_is_a_topology_of_the_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/nexmark");
        let files =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
        let stems = files.filter(|file| file.extension().is_some_and(|end| end == "yaml"));
        let stems =
            stems.map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned());
        let names: BTreeSet<String> = TOPOLOGIES.iter().map(|one| one.name.to_owned()).collect();
        let tests = |stem: &String| !stem.ends_with(".test");
        assert_eq!(stems.filter(tests).collect::<BTreeSet<_>>(), names);
    }

    /// The names in the header of a query's result.
    fn header(query: &Query) -> Vec<&str> {
        let columns = query.header.split(',').map(|column| column.split(':').next().unwrap_or(""));
        // What SQL calls an expression without a name is no name in a topology.
        columns.map(|name| if name == "EXPR$1" { "mean" } else { name }).collect()
    }

    #[test]
    fn topologies_have_nothing_wrong_and_the_columns_of_their_query() {
        for topology in TOPOLOGIES {
            let name = topology.name;
            let loaded = loaded(topology);
            assert_eq!(loaded.render(Paint::Plain), "", "{name}");
            let job = loaded.document.as_ref().and_then(|document| document.job.as_ref());
            assert_eq!(job.map(|job| &*job.name.value), Some(name));
            let plan = loaded.plan.expect("nothing is wrong");
            let sink = plan.nodes.iter().find(|node| node.name == crate::output::SINK);
            let from = &sink.unwrap_or_else(|| panic!("{name} has no `rows`")).inputs[0];
            let columns = plan.nodes[from.node].outputs[from.output].schema.columns();
            let columns: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
            assert_eq!(columns, header(Query::named(name).expect("a query")), "{name}");
        }
    }
}
