//! From tokens to an expression.

use crate::error::{ErrorKind, Result};

use super::format::Piece;
use super::lexer::{Token, tokens};
use super::{Binary, Comparison, Expr, Kind, Loop, fail};

/// Expressions nested deeper than this are refused.
const MAX_DEPTH: usize = 64;

pub(super) const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

pub(super) fn parse(text: &str) -> Result<Expr> {
    parse_within(text, 0)
}

/// A text that is an expression by itself, at some depth of another.
fn parse_within(text: &str, depth: usize) -> Result<Expr> {
    let mut parser = Parser { tokens: tokens(text)?, position: 0, depth };
    let expression = parser.tuple_or_choice()?;
    match parser.peek() {
        Token::End => Ok(expression),
        _ => parser.unexpected(),
    }
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    position: usize,
    depth: usize,
}

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.position).unwrap_or(&Token::End)
    }

    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.position += 1;
        token
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    pub(super) fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.position += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.eat(symbol) { Ok(()) } else { self.unexpected() }
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(name) if name == word)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.position += usize::from(found);
        found
    }

    pub(super) fn unexpected<T>(&self) -> Result<T> {
        let found = match self.peek() {
            Token::Name(name) => name.clone(),
            Token::Constant(value) => format!("{value:?}"),
            Token::Symbol(symbol) => (*symbol).to_owned(),
            Token::Text(_) => "f-string".to_owned(),
            Token::End => return fail(ErrorKind::Syntax, "unexpected end"),
        };
        fail(ErrorKind::Syntax, format!("unexpected '{found}'"))
    }

    /// Runs a part of the grammar one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return fail(ErrorKind::Limit, format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn tuple_or_choice(&mut self) -> Result<Expr> {
        let first = self.choice()?;
        if !self.is_symbol(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.eat(",") {
            if matches!(self.peek(), Token::End) || self.is_symbol(")") || self.is_symbol("]") {
                break;
            }
            items.push(self.choice()?);
        }
        Ok(Expr::Tuple(items))
    }

    /// An item of a list, a tuple or a set; `*items` stands for several.
    pub(super) fn item(&mut self) -> Result<Expr> {
        if self.eat("*") { Ok(Expr::Star(Box::new(self.binary(0)?))) } else { self.choice() }
    }

    /// An f-string, whose fields are expressions.
    pub(super) fn text(&mut self, pieces: Vec<Piece<String>>) -> Result<Expr> {
        self.nested(|parser| {
            let depth = parser.depth;
            let piece = |piece: Piece<String>| match piece {
                Piece::Text(text) => Ok(Piece::Text(text)),
                Piece::Field { field, .. } if field.trim_end().ends_with('=') => {
                    fail(ErrorKind::Unsupported, "fields that show their text are not supported")
                }
                Piece::Field { field, conversion, spec } => {
                    let field = parse_within(&field, depth)?;
                    Ok(Piece::Field { field, conversion, spec })
                }
            };
            pieces.into_iter().map(piece).collect::<Result<_>>().map(Expr::Text)
        })
    }

    pub(super) fn choice(&mut self) -> Result<Expr> {
        self.nested(|parser| {
            if parser.is_word("lambda") {
                return fail(ErrorKind::Unsupported, "functions are not supported");
            }
            let then = parser.or()?;
            if !parser.eat_word("if") {
                return Ok(then);
            }
            let condition = parser.or()?;
            if !parser.eat_word("else") {
                return parser.unexpected();
            }
            let otherwise = parser.choice()?;
            Ok(Expr::Choice(Box::new([condition, then, otherwise])))
        })
    }

    fn or(&mut self) -> Result<Expr> {
        let mut parts = vec![self.and()?];
        while self.eat_word("or") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
    }

    fn and(&mut self) -> Result<Expr> {
        let mut parts = vec![self.not()?];
        while self.eat_word("and") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
    }

    fn not(&mut self) -> Result<Expr> {
        if self.eat_word("not") {
            return self.nested(|parser| Ok(Expr::Not(Box::new(parser.not()?))));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr> {
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.comparison_operator()? {
            rest.push((operator, self.binary(0)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn comparison_operator(&mut self) -> Result<Option<Comparison>> {
        let operator = match self.peek() {
            Token::Symbol("==") => Comparison::Equal,
            Token::Symbol("!=") => Comparison::NotEqual,
            Token::Symbol("<") => Comparison::Less,
            Token::Symbol("<=") => Comparison::LessOrEqual,
            Token::Symbol(">") => Comparison::Greater,
            Token::Symbol(">=") => Comparison::GreaterOrEqual,
            Token::Name(name) if name == "in" => Comparison::In,
            Token::Name(name) if name == "not" => {
                self.advance();
                if !self.is_word("in") {
                    return self.unexpected();
                }
                Comparison::NotIn
            }
            Token::Name(name) if name == "is" => {
                self.advance();
                return Ok(Some(if self.eat_word("not") {
                    Comparison::IsNot
                } else {
                    Comparison::Is
                }));
            }
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(operator))
    }

    /// Binary operators by increasing strength.
    fn binary(&mut self, level: usize) -> Result<Expr> {
        const LEVELS: [&[(&str, Binary)]; 5] = [
            &[("|", Binary::BitOr)],
            &[("^", Binary::BitXor)],
            &[("&", Binary::BitAnd)],
            &[("+", Binary::Add), ("-", Binary::Subtract)],
            &[
                ("*", Binary::Multiply),
                ("//", Binary::FloorDivide),
                ("/", Binary::Divide),
                ("%", Binary::Modulo),
            ],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        let mut length = 0;
        loop {
            if self.is_symbol("<<") || self.is_symbol(">>") || self.is_symbol("@") {
                return fail(ErrorKind::Unsupported, "this operator is not supported");
            }
            let Some((_, operator)) = operators.iter().find(|(symbol, _)| self.is_symbol(symbol))
            else {
                return Ok(left);
            };
            self.advance();
            // A long chain nests to the left: it must not become too deep either.
            length += 1;
            if length > MAX_DEPTH {
                return fail(ErrorKind::Limit, format!("more than {MAX_DEPTH} operators in a row"));
            }
            let right = self.binary(level + 1)?;
            left = Expr::Binary(Box::new(left), *operator, Box::new(right));
        }
    }

    fn unary(&mut self) -> Result<Expr> {
        self.nested(|parser| {
            if parser.eat("-") {
                return Ok(Expr::Negate(Box::new(parser.unary()?)));
            }
            if parser.eat("+") {
                return Ok(Expr::Plus(Box::new(parser.unary()?)));
            }
            if parser.is_symbol("~") {
                return fail(ErrorKind::Unsupported, "the operator '~' is not supported");
            }
            let base = parser.postfix()?;
            if parser.eat("**") {
                let exponent = parser.unary()?;
                return Ok(Expr::Binary(Box::new(base), Binary::Power, Box::new(exponent)));
            }
            Ok(base)
        })
    }

    fn postfix(&mut self) -> Result<Expr> {
        let mut base = self.atom()?;
        for _ in 0..MAX_DEPTH {
            if self.eat(".") {
                let Token::Name(name) = self.advance() else { return self.unexpected() };
                base = Expr::Attribute(Box::new(base), name);
            } else if self.eat("[") {
                base = self.subscript(base)?;
            } else if self.eat("(") {
                base = self.call(base)?;
            } else {
                return Ok(base);
            }
        }
        fail(ErrorKind::Limit, format!("more than {MAX_DEPTH} calls in a row"))
    }

    fn subscript(&mut self, base: Expr) -> Result<Expr> {
        let mut parts = [None, None, None];
        let mut colons = 0;
        while !self.is_symbol("]") {
            if self.eat(":") {
                colons += 1;
                if colons > 2 {
                    return self.unexpected();
                }
            } else if parts[colons].is_none() {
                parts[colons] = Some(self.tuple_or_choice()?);
            } else {
                return self.unexpected();
            }
        }
        self.expect("]")?;
        match parts {
            _ if colons > 0 => Ok(Expr::Slice(Box::new(base), Box::new(parts))),
            [Some(index), _, _] => Ok(Expr::Index(Box::new(base), Box::new(index))),
            _ => fail(ErrorKind::Syntax, "an index is missing"),
        }
    }

    fn call(&mut self, function: Expr) -> Result<Expr> {
        let (mut arguments, mut named) = (Vec::new(), Vec::new());
        while !self.eat(")") {
            if self.is_symbol("*") || self.is_symbol("**") {
                return fail(ErrorKind::Unsupported, "unpacking of arguments is not supported");
            }
            let argument = self.choice()?;
            if self.eat("=") {
                let Expr::Name(name) = argument else { return self.unexpected() };
                named.push((name, self.choice()?));
            } else if self.is_word("for") {
                let loops = self.loops()?;
                arguments.push(Expr::Comprehension(Kind::List, Box::new(argument), loops));
            } else {
                arguments.push(argument);
            }
            if !self.eat(",") && !self.is_symbol(")") {
                return self.unexpected();
            }
        }
        Ok(Expr::Call(Box::new(function), arguments, named))
    }

    pub(super) fn loops(&mut self) -> Result<Vec<Loop>> {
        let mut loops = Vec::new();
        while self.eat_word("for") {
            let bracket = self.eat("(");
            let mut names = Vec::new();
            let mut unpack = false;
            while let Token::Name(name) = self.peek().clone() {
                if KEYWORDS.contains(&name.as_str()) {
                    break;
                }
                self.advance();
                names.push(name);
                if !self.eat(",") {
                    break;
                }
                unpack = true;
            }
            if (bracket && !self.eat(")")) || names.is_empty() || !self.eat_word("in") {
                return self.unexpected();
            }
            let iterable = self.or()?;
            let mut conditions = Vec::new();
            while self.eat_word("if") {
                conditions.push(self.or()?);
            }
            loops.push(Loop { names, unpack, iterable, conditions });
        }
        Ok(loops)
    }
}
