//! Words of C.

use std::rc::Rc;

use logos::Logos;

/// What a word is.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(skip r"[ \t\r\f]+")]
#[logos(skip r"\\\r?\n")]
#[logos(skip(r"//[^\n]*", allow_greedy = true))]
#[logos(skip r"/\*[^*]*\*+([^/*][^*]*\*+)*/")]
pub(crate) enum Kind {
    /// The end of a line; none of it is left after the preprocessor.
    #[token("\n")]
    Line,
    /// A name.
    #[regex("[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    /// A number, with what clings to it.
    #[regex("[0-9][A-Za-z0-9_.]*")]
    Number,
    /// A string.
    #[regex(r#""([^"\\\n]|\\.)*""#)]
    Text,
    /// A character.
    #[regex(r"'([^'\\\n]|\\.)+'")]
    Char,
    /// Anything else.
    #[regex(r"##|<<|>>|<=|>=|==|!=|&&|\|\||->|\.\.\.|[-+*/%&|^~!<>=?:;,.(){}\[\]#]")]
    Mark,
}

/// Where a word stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Place {
    /// Index of the file in the unit.
    pub(crate) file: usize,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// A word of the file, or of the macro that was used there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: Rc<str>,
    /// Where it stands; of a macro, where it was used.
    pub(crate) place: Place,
    /// Whether the word before it touches it.
    pub(crate) glued: bool,
    /// The outermost macro that it comes from.
    pub(crate) from: Option<Rc<str>>,
    /// The comment before it.
    pub(crate) comment: Option<Rc<str>>,
    /// Macros that are no longer macros here.
    pub(crate) hidden: Vec<Rc<str>>,
}

impl Token {
    /// Whether it is this mark.
    pub(crate) fn is(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && &*self.text == mark
    }

    /// The name that it is.
    pub(crate) fn name(&self) -> Option<&str> {
        (self.kind == Kind::Name).then_some(&*self.text)
    }
}

/// The words of a text, ends of lines among them. What is no word of C is left out.
pub(crate) fn tokens(text: &str, file: usize) -> Vec<Token> {
    let mut all = Vec::new();
    let (mut line, mut seen, mut end) = (1, 0, usize::MAX);
    let mut comment = None;
    let mut lexer = Kind::lexer(text);
    while let Some(kind) = lexer.next() {
        let span = lexer.span();
        let gap = &text[end.min(span.start)..span.start];
        comment = comment_in(gap).or(comment);
        line += text[seen..span.start].matches('\n').count();
        seen = span.start;
        if let Ok(kind) = kind {
            let place = Place { file, line };
            let glued = end == span.start;
            let comment = if kind == Kind::Line { None } else { comment.take() };
            all.push(Token { kind, text: lexer.slice().into(), place, glued, from: None, comment, hidden: Vec::new() });
        }
        end = span.end;
    }
    all
}

/// The last comment between two words.
fn comment_in(gap: &str) -> Option<Rc<str>> {
    let (_, rest) = gap.rsplit_once("/*")?;
    let text = rest.split_once("*/").map_or(rest, |(text, _)| text).trim();
    (!text.is_empty()).then(|| text.into())
}

/// The words of a text in one line, as they would be written.
pub(crate) fn written(tokens: &[Token]) -> String {
    let mut text = String::new();
    for (index, token) in tokens.iter().enumerate() {
        let tight = index == 0
            || token.is(")")
            || token.is(",")
            || (token.is("(") && tokens[index - 1].kind == Kind::Name)
            || tokens[index - 1].is("(");
        if !tight {
            text.push(' ');
        }
        text += &token.text;
    }
    text
}
