//! A line of a bench, read field by field.

use serde_json::Value;

/// A line, with the name of its section for whoever must repair it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    section: &'a str,
    line: &'a Value,
}

impl<'a> Row<'a> {
    /// A line of `section`.
    pub(crate) const fn new(section: &'a str, line: &'a Value) -> Self {
        Self { section, line }
    }

    /// The value of a field; `None` when it is absent or null.
    fn value(&self, field: &str) -> Option<&'a Value> {
        self.line.get(field).filter(|value| !value.is_null())
    }

    fn wants<T>(&self, what: &str, field: &str, found: Option<T>) -> Result<T, String> {
        found.ok_or_else(|| {
            let mut line = self.line.to_string();
            if let Some((end, _)) = line.char_indices().nth(200) {
                line.truncate(end);
                line.push_str(" ...");
            }
            format!("section {}: no {what} `{field}` in {line}; measure it again", self.section)
        })
    }

    /// A number that must be there.
    pub(crate) fn number(&self, field: &str) -> Result<f64, String> {
        self.wants("number", field, self.maybe(field))
    }

    /// A number that may be absent.
    pub(crate) fn maybe(&self, field: &str) -> Option<f64> {
        self.value(field)?.as_f64()
    }

    /// A text that must be there.
    pub(crate) fn text(&self, field: &str) -> Result<&'a str, String> {
        self.wants("text", field, self.value(field).and_then(Value::as_str))
    }

    /// What stands under a field, as a line of its own.
    pub(crate) fn inner(&self, field: &str) -> Result<Self, String> {
        let line = self.wants("object", field, self.value(field).filter(|v| v.is_object()))?;
        Ok(Self { line, ..*self })
    }

    /// The entries of a list, as lines of their own.
    pub(crate) fn list(&self, field: &str) -> Result<Vec<Self>, String> {
        let entries = self.wants("list", field, self.value(field).and_then(Value::as_array))?;
        Ok(entries.iter().map(|line| Self { line, ..*self }).collect())
    }

    /// A list of pairs of numbers.
    pub(crate) fn pairs(&self, field: &str) -> Result<Vec<(f64, f64)>, String> {
        let pair = |entry: Self| Some((entry.line.get(0)?.as_f64()?, entry.line.get(1)?.as_f64()?));
        let entries = self.list(field)?;
        let pairs: Option<Vec<_>> = entries.into_iter().map(pair).collect();
        self.wants("list of pairs", field, pairs)
    }
}

/// The lines of a section that a bench of this name printed.
pub(crate) fn of_bench<'a>(section: &'a str, lines: &'a [Value], bench: &str) -> Vec<Row<'a>> {
    let wanted = lines.iter().filter(|line| line["bench"] == bench);
    wanted.map(|line| Row::new(section, line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_that_is_missing_is_named_with_its_section_and_line() {
        let line = json!({ "rate": 5, "latency": { "p50_ms": null }, "curve": [[1, 2], [3]] });
        let row = Row::new("latency", &line);
        assert_eq!(row.number("rate"), Ok(5.0));
        let error = row.inner("latency").unwrap().number("p50_ms").unwrap_err();
        assert_eq!(
            error,
            r#"section latency: no number `p50_ms` in {"p50_ms":null}; measure it again"#
        );
        assert!(row.pairs("curve").unwrap_err().contains("no list of pairs `curve`"));
        assert!(row.text("rate").is_err() && row.list("rate").is_err());
    }
}
