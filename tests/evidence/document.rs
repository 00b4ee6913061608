//! A document as JSON, and the schema that it keeps.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let text = include_str!("../../schema/evidence-1.schema.json");
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::draft202012::new(&schema).expect("the schema is one")
});

/// A document that keeps the schema.
pub(crate) struct Document {
    pub(crate) value: Value,
}

impl Document {
    /// The document in `text`.
    pub(crate) fn of(text: &str) -> Self {
        let value = serde_json::from_str(text).expect("a document is JSON");
        let errors: Vec<String> =
            SCHEMA.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        Self { value }
    }
}
