//! Conditions: which parts of a file are read.

use anyhow::{Context as _, Result, bail};

use super::token::{Kind, Token};
use super::unit::Unit;
use super::value;

/// Conditions in conditions.
const CONDITIONS: usize = 256;

impl Unit {
    /// Obeys a directive that opens or ends a part; `open` says of each open one whether it is read, and whether some was.
    pub(super) fn condition(&mut self, directive: &str, rest: &[Token], open: &mut Vec<(bool, bool)>) -> Result<()> {
        let outer = |open: &[(bool, bool)]| open.iter().all(|(reads, _)| *reads);
        match directive {
            "else" | "elif" => {
                let (_, taken) = open.pop().with_context(|| format!("#{directive} without #if"))?;
                let holds = !taken && outer(open) && (directive == "else" || self.holds(rest));
                open.push((holds, taken || holds));
            }
            "endif" => {
                open.pop().context("#endif without #if")?;
            }
            _ if open.len() == CONDITIONS => bail!("more than {CONDITIONS} conditions in each other"),
            _ => {
                let name = rest.first().map(|name| name.text.clone()).unwrap_or_default();
                let holds = outer(open)
                    && match directive {
                        "ifdef" => self.is_defined(&name),
                        "ifndef" => !self.is_defined(&name),
                        _ => self.holds(rest),
                    };
                open.push((holds, holds));
            }
        }
        Ok(())
    }

    /// Whether a name is defined; if not, it is remembered as asked for.
    fn is_defined(&mut self, name: &str) -> bool {
        let is = self.macros.contains_key(name);
        if !is && !name.ends_with("_H") && !name.ends_with("_H_") {
            self.unknown.insert(name.to_owned());
        }
        is
    }

    /// Whether a condition holds. Names that nobody defined are 0, and so is what has no value.
    fn holds(&mut self, condition: &[Token]) -> bool {
        let mut words = Vec::new();
        let mut rest = condition;
        while let [first, tail @ ..] = rest {
            rest = tail;
            if first.name() != Some("defined") {
                words.push(first.clone());
                continue;
            }
            let name = tail.iter().find(|token| token.kind == Kind::Name).map(|name| name.text.clone());
            let length = if tail.first().is_some_and(|token| token.is("(")) { 3 } else { 1 };
            rest = tail.get(length..).unwrap_or_default();
            let text = if name.is_some_and(|name| self.is_defined(&name)) { "1" } else { "0" };
            words.push(Token { kind: Kind::Number, text: text.into(), ..first.clone() });
        }
        let (value, unknown) = value::condition(self, &words);
        self.unknown.extend(unknown);
        value != 0
    }
}
