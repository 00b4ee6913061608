//! What breaks a rule, said with where it comes from.

use std::fmt;

use tablature::rule;

use crate::model::{Imported, Origin};
use crate::{notation, twin};

/// A broken rule, or a warning.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// Whether rustc would refuse the map for it.
    pub is_error: bool,
    /// What is wrong, how to fix it, and why.
    pub text: String,
    /// The objects, named as in the declaration, and where they come from.
    pub culprits: Vec<(String, Option<Origin>)>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.is_error { "error" } else { "warning" }, self.text)?;
        for (name, origin) in &self.culprits {
            if let Some(origin) = origin.as_ref().filter(|origin| !origin.place.is_empty()) {
                write!(f, "\n  {}: `{name}` is {}", origin.place, origin.text)?;
            }
        }
        Ok(())
    }
}

impl Imported {
    /// All that the rules find, errors first.
    ///
    /// # Errors
    /// The system has more regions than can be judged, or what no rule knows.
    pub fn findings(&self) -> Result<Vec<Finding>, String> {
        let found = twin::findings(&twin::map(&self.system)?)?;
        let errors = found.errors.iter().map(|finding| self.finding(finding, true));
        Ok(errors.chain(found.warnings.iter().map(|finding| self.finding(finding, false))).collect())
    }

    fn finding(&self, finding: &rule::Finding<'_>, is_error: bool) -> Finding {
        let culprits = finding.culprits[..finding.culprit_count].iter().map(|culprit| {
            let name = match culprit.owner {
                "" => culprit.name.to_owned(),
                owner if owner.ends_with(':') => format!("{owner}{}", culprit.name),
                owner => format!("{owner}.{}", culprit.name),
            };
            (name, self.origins.get(&(culprit.owner.to_owned(), culprit.name.to_owned())).cloned())
        });
        Finding { rule: finding.rule.id(), is_error, text: finding.to_string(), culprits: culprits.collect() }
    }

    /// The declaration.
    ///
    /// # Errors
    /// What the notation cannot express.
    pub fn declaration(&self) -> Result<String, String> {
        notation::declaration(&self.system, &self.system.id)
    }
}
