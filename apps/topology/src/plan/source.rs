//! Sources: which columns they have, and how records become rows.

use super::walk::{Planned, Planning};
use super::{FormatPlan, NodePlan};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{
    DeadLetters, FileSource, FolderSource, Format, Generator, Node, SourceKind, Stdin,
};
use crate::limits;
use std::path::PathBuf;
use std::sync::Arc;
use tidegate_rows::format::TextFormat;
use tidegate_rows::{DataType, Field, Row, Schema};

/// A built-in source.
#[derive(Clone, Debug)]
pub enum SourcePlan {
    /// Rows of files.
    File {
        /// The files.
        paths: Vec<PathBuf>,
        /// How rows are written.
        format: FormatPlan,
        /// What becomes of a record that is no row, or has no event time.
        malformed: DeadLetters,
        /// The least number of bytes that are read as a range of their own.
        range_min_bytes: Option<u64>,
    },
    /// Rows of a folder as they come.
    Folder {
        /// The folder.
        path: PathBuf,
        /// How rows are written.
        format: FormatPlan,
        /// What becomes of a record that is no row, or has no event time.
        malformed: DeadLetters,
        /// How often it is looked at, in milliseconds, above zero.
        look_every_ms: u64,
    },
    /// Rows of standard input.
    Stdin {
        /// How rows are written.
        format: FormatPlan,
        /// What becomes of a record that is no row, or has no event time.
        malformed: DeadLetters,
    },
    /// Records that are made up. Its typed records become rows of its columns: numbers int64, names and
    /// words string; of Nexmark a row has three structs, `person`, `auction` and `bid`, two of which are NULL; `event_type`
    /// says which is not (0, 1, 2), and `dateTime` when.
    Generator(Generator),
    /// These rows.
    Inline(Vec<Row>),
}

impl SourcePlan {
    /// The column that has the event time of rows whose maker gives it to them, and its unit in milliseconds; none where
    /// no column has it.
    #[must_use]
    pub const fn own_time(&self) -> Option<(usize, i64)> {
        match self {
            Self::Generator(Generator::Clicks(_)) => Some((4, 1_000)),
            Self::Generator(Generator::AppEvents(_)) => Some((3, 1_000)),
            Self::Generator(Generator::Nexmark(_)) => Some((4, 1)),
            Self::Generator(Generator::Sequence(_))
            | Self::File { .. }
            | Self::Folder { .. }
            | Self::Stdin { .. }
            | Self::Inline(_) => None,
        }
    }
}

impl Planning<'_> {
    pub(super) fn source(&mut self, node: &Node, kind: &SourceKind) -> Planned {
        let (schema, plan) = match kind {
            SourceKind::File(file) => self.file(file, node),
            SourceKind::Folder(folder) => self.folder(folder, node),
            SourceKind::Stdin(stdin) => self.stdin(stdin, node),
            SourceKind::Generator(generator) => {
                let own = generated(generator);
                let help = format!("leave it out, or say just these: `{{ {own} }}`");
                self.has_own(node, &own, "a generator", &help);
                (Some(own), Some(SourcePlan::Generator(generator.clone())))
            }
            SourceKind::Inline(inline) => {
                let schema = self.said(node, true);
                let rows = schema.as_ref().and_then(|schema| self.inline(inline, schema));
                (schema, rows.map(SourcePlan::Inline))
            }
        };
        let time = node.common.as_ref().and_then(|common| common.event_time.as_ref());
        let is_generator = matches!(kind, SourceKind::Generator(_));
        let time = match time {
            None => Some(None),
            Some(time) => self.event_time(time, schema.as_ref(), node, is_generator).map(Some),
        };
        let kind = plan.zip(time).map(|(plan, time)| NodePlan::Source(plan, time));
        Planned::new(kind, schema)
    }

    fn file(&mut self, file: &FileSource, node: &Node) -> (Option<Schema>, Option<SourcePlan>) {
        let schema = self.written(&file.format, node);
        if file.path.is_empty() {
            let wrong = Diagnostic::new(Code::MissingKey, node.kind_span, "no file is named");
            self.diagnostics.push(wrong.label("`path` is an empty list"));
        }
        let Some(rows) = &schema else { return (None, None) };
        let plan = self.format(&file.format, rows, node.kind_span).map(|format| SourcePlan::File {
            paths: file.path.iter().map(|path| PathBuf::from(&path.value)).collect(),
            format,
            malformed: file.malformed.clone(),
            range_min_bytes: file.range_min.map(|size| size.0),
        });
        (schema, plan)
    }

    fn folder(
        &mut self,
        folder: &FolderSource,
        node: &Node,
    ) -> (Option<Schema>, Option<SourcePlan>) {
        let schema = self.written(&folder.format, node);
        if folder.path.value.is_empty() {
            let wrong = Diagnostic::new(Code::MissingKey, folder.path.span, "no folder is named");
            let help = "for the folder in which the job is started write `.`";
            self.diagnostics.push(wrong.label("`path` is empty").help(help));
        }
        let every = folder.look_every.as_ref();
        if let Some(none) = every.filter(|every| every.value.millis() <= 0) {
            let message = "the time between two looks must be above zero";
            let wrong = Diagnostic::new(Code::OutOfRange, none.span, message);
            let help =
                "each look lists the folder; a second is often enough for most: `look_every: 1s`";
            self.diagnostics.push(wrong.label("this is no time at all").help(help));
        }
        let Some(rows) = &schema else { return (None, None) };
        let format = self.format(&folder.format, rows, node.kind_span);
        let plan = format.map(|format| SourcePlan::Folder {
            path: PathBuf::from(&folder.path.value),
            format,
            malformed: folder.malformed.clone(),
            look_every_ms: every
                .map_or(limits::LOOK_EVERY_MS, |every| every.value.millis().unsigned_abs()),
        });
        (schema, plan)
    }

    fn stdin(&mut self, stdin: &Stdin, node: &Node) -> (Option<Schema>, Option<SourcePlan>) {
        let schema = self.written(&stdin.format, node);
        if let Some(several) = node.common.as_ref().and_then(|common| common.parallelism.as_ref())
            && several.value > 1
        {
            let message = "standard input is read by one subtask";
            let wrong = Diagnostic::new(Code::Contradiction, several.span, message);
            let help = "remove it; what follows may have more subtasks";
            self.diagnostics.push(wrong.label("the others would have nothing to do").help(help));
        }
        let Some(rows) = &schema else { return (None, None) };
        let format = self.format(&stdin.format, rows, node.kind_span);
        let malformed = stdin.malformed.clone();
        (schema, format.map(|format| SourcePlan::Stdin { format, malformed }))
    }

    /// The columns of rows that stand in bytes.
    fn written(&mut self, format: &Format, node: &Node) -> Option<Schema> {
        if matches!(format, Format::Text) {
            let own = TextFormat::schema();
            let help = "leave it out: `text` has the one column `line`";
            self.has_own(node, &own, "the format `text`", help);
            Some(own)
        } else {
            self.said(node, true)
        }
    }

    /// The columns that a source says it has.
    pub(super) fn said(&mut self, node: &Node, needed: bool) -> Option<Schema> {
        let common = node.common.as_ref()?;
        let Some(said) = &common.schema else {
            if needed {
                let name = node.name.as_str();
                let message = format!("the source `{name}` does not say which columns it has");
                let wrong = Diagnostic::new(Code::MissingKey, node.name.span, message);
                let help = "name them with their types: `schema: { user: int64, price: float64? }`";
                self.diagnostics.push(wrong.label("this needs `schema`").help(help));
            }
            return None;
        };
        let columns = said.iter().map(|(name, column)| {
            let tidegate_rows::FieldType { data_type, nullable } = column.value.0.clone();
            (Field { name: name.value.as_str().into(), data_type, nullable }, name.span)
        });
        let columns: Vec<_> = columns.collect();
        if columns.is_empty() {
            let message = format!("the source `{}` has no columns", node.name.as_str());
            let wrong = Diagnostic::new(Code::MissingKey, node.name.span, message);
            self.diagnostics.push(wrong.label("`schema` is empty").help("name at least one"));
            return None;
        }
        self.schema(columns)
    }

    /// Tells of a schema where the columns are fixed, and are others.
    fn has_own(&mut self, node: &Node, own: &Schema, what: &str, help: &str) {
        let said = node.common.as_ref().and_then(|common| common.schema.as_ref());
        let Some((first, _)) = said.and_then(|said| said.iter().next()) else { return };
        if self.said(node, false).is_none_or(|said| said == *own) {
            return;
        }
        let message = format!("{what} has other columns than `schema` says");
        let wrong = Diagnostic::new(Code::Contradiction, first.span, message);
        self.diagnostics.push(wrong.label("its columns are fixed").help(help));
    }
}

fn fields(columns: &[(&str, DataType)]) -> Vec<Field> {
    columns.iter().map(|(name, data_type)| Field::required(*name, data_type.clone())).collect()
}

/// The columns of what is made up.
fn generated(generator: &Generator) -> Schema {
    use DataType::{Int64, String, Timestamp};
    let columns = match generator {
        Generator::Clicks(_) => fields(&[
            ("user_id", Int64),
            ("item_id", Int64),
            ("category_id", Int64),
            ("behavior", String),
            ("timestamp", Int64),
        ]),
        Generator::AppEvents(_) => fields(&[
            ("user", String),
            ("behavior", String),
            ("channel", String),
            ("timestamp", Int64),
        ]),
        Generator::Sequence(_) => fields(&[("key", Int64)]),
        Generator::Nexmark(_) => {
            let person = [
                ("id", Int64),
                ("name", String),
                ("emailAddress", String),
                ("creditCard", String),
                ("city", String),
                ("state", String),
                ("dateTime", Timestamp),
                ("extra", String),
            ];
            let auction = [
                ("id", Int64),
                ("itemName", String),
                ("description", String),
                ("initialBid", Int64),
                ("reserve", Int64),
                ("dateTime", Timestamp),
                ("expires", Timestamp),
                ("seller", Int64),
                ("category", Int64),
                ("extra", String),
            ];
            let bid = [
                ("auction", Int64),
                ("bidder", Int64),
                ("price", Int64),
                ("channel", String),
                ("url", String),
                ("dateTime", Timestamp),
                ("extra", String),
            ];
            let structure =
                |columns: &[(&str, DataType)]| DataType::Struct(Arc::from(fields(columns)));
            vec![
                Field::required("event_type", Int64),
                Field::nullable("person", structure(&person)),
                Field::nullable("auction", structure(&auction)),
                Field::nullable("bid", structure(&bid)),
                Field::required("dateTime", Timestamp),
            ]
        }
    };
    Schema::new(columns).expect("the names of generated columns differ, a test says so")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{AppEvents, Clicks, Nexmark, Sequence};

    #[test]
    fn each_generator_has_columns_of_different_names() {
        let all = [
            (Generator::Clicks(Clicks::default()), 5),
            (Generator::AppEvents(AppEvents::default()), 4),
            (Generator::Nexmark(Nexmark::default()), 5),
            (Generator::Sequence(Sequence { records: 1, keys: None }), 1),
        ];
        for (generator, columns) in all {
            let schema = generated(&generator);
            assert_eq!(schema.len(), columns);
            if let Some((column, unit)) = SourcePlan::Generator(generator).own_time() {
                let column = &schema.columns()[column];
                let expected = if unit == 1 { "dateTime" } else { "timestamp" };
                assert_eq!(column.name, expected);
            }
        }
    }
}
