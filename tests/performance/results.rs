//! What has been measured, section by section, as it is kept in a file.
//!
//! The file holds the lines of the benches as they were printed, one to a row, so that a new
//! measurement is a readable change.

use crate::section::Section;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One section: where and when, and the lines of its benches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SectionResult {
    /// The machine, the date, the load.
    pub(crate) about: Value,
    /// What the benches printed.
    pub(crate) lines: Vec<Value>,
}

/// All sections that were ever measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results(BTreeMap<String, SectionResult>);

/// The file of results in the folder of documents.
pub(crate) fn path(docs: &Path) -> PathBuf {
    docs.join("performance").join("results.json")
}

impl Results {
    /// What is kept in the folder of documents; nothing when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, with what is wrong in it and what to do.
    pub(crate) fn load(docs: &Path) -> Result<Self, String> {
        let file = path(docs);
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&text).map_err(|error| {
                let file = file.display();
                format!(
                    "{file}: {error}; take it from the last commit, or remove it and measure anew"
                )
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", file.display())),
        }
    }

    /// Reads the file's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let sections: BTreeMap<String, SectionResult> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let known = Section::ALL.map(Section::name);
        match sections.keys().find(|name| !known.contains(name)) {
            Some(name) => Err(format!("there is no section `{name}`")),
            None => Ok(Self(sections)),
        }
    }

    /// The result of a section, if it was ever measured.
    pub(crate) fn get(&self, section: Section) -> Option<&SectionResult> {
        self.0.get(&section.name())
    }

    /// Puts a new result in the place of an old one.
    pub(crate) fn set(&mut self, section: Section, result: SectionResult) {
        self.0.insert(section.name(), result);
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn store(&self, docs: &Path) -> Result<(), String> {
        let file = path(docs);
        let folder = file.parent().unwrap_or(docs);
        let written =
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, self.text()));
        written.map_err(|error| format!("{}: {error}", file.display()))
    }

    /// A row for each line of a bench.
    fn text(&self) -> String {
        let section = |(name, result): (&String, &SectionResult)| {
            let rows: Vec<String> = result.lines.iter().map(Value::to_string).collect();
            let rows = rows.join(",\n");
            format!("\"{name}\": {{\n\"about\": {},\n\"lines\": [\n{rows}\n]\n}}", result.about)
        };
        let sections: Vec<String> = self.0.iter().map(section).collect();
        format!("{{\n{}\n}}\n", sections.join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stored_section_survives_that_another_is_measured() {
        let result =
            |n: u64| SectionResult { about: json!({ "date": n }), lines: vec![json!(n); 2] };
        let mut results = Results::default();
        results.set(Section::Latency, result(1));
        results.set(Section::Growth, result(2));
        let mut read = Results::parse(&results.text()).unwrap();
        read.set(Section::Growth, result(3));
        let read = Results::parse(&read.text()).unwrap();
        assert_eq!(read.get(Section::Latency).unwrap().lines, [json!(1), json!(1)]);
        assert_eq!(read.get(Section::Growth).unwrap().about, json!({ "date": 3 }));
        assert!(read.get(Section::Count).is_none());
    }

    #[test]
    fn what_is_wrong_in_the_file_is_said() {
        let error = |text: &str| Results::parse(text).unwrap_err();
        assert!(error("{").contains("line 1"), "{}", error("{"));
        let unknown = r#"{"speed": {"about": {}, "lines": []}}"#;
        assert_eq!(error(unknown), "there is no section `speed`");
        let bare = r#"{"count": {"about": {}}}"#;
        assert!(error(bare).contains("missing field `lines`"), "{}", error(bare));
    }
}
