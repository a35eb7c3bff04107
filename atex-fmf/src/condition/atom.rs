//! The smallest parts of an expression: constants, names, and what stands in brackets.

use crate::error::{ErrorKind, Result};
use crate::value::Value;

use super::lexer::Token;
use super::parser::{KEYWORDS, Parser};
use super::{Expr, Kind, fail};

impl Parser {
    pub(super) fn atom(&mut self) -> Result<Expr> {
        match self.peek().clone() {
            Token::Constant(value) => {
                self.advance();
                Ok(Expr::Constant(value))
            }
            Token::Name(name) => {
                let constant = match name.as_str() {
                    "None" => Value::Null,
                    "True" => Value::Bool(true),
                    "False" => Value::Bool(false),
                    keyword if KEYWORDS.contains(&keyword) => return self.unexpected(),
                    _ => {
                        self.advance();
                        return Ok(Expr::Name(name));
                    }
                };
                self.advance();
                Ok(Expr::Constant(constant))
            }
            Token::Text(pieces) => {
                self.advance();
                self.text(pieces)
            }
            Token::Symbol("(") => self.bracketed(")"),
            Token::Symbol("[") => self.bracketed("]"),
            Token::Symbol("{") => self.braces(),
            _ => self.unexpected(),
        }
    }

    /// `(…)` or `[…]`: a group, a tuple, a list, or a comprehension.
    fn bracketed(&mut self, close: &'static str) -> Result<Expr> {
        self.advance();
        let mut items = Vec::new();
        let mut commas = 0;
        while !self.is_symbol(close) {
            items.push(self.item()?);
            let starred = matches!(items.last(), Some(Expr::Star(_)));
            if items.len() == 1 && self.is_word("for") && !starred {
                let loops = self.loops()?;
                self.expect(close)?;
                return Ok(Expr::Comprehension(Kind::List, Box::new(items.remove(0)), loops));
            }
            if !self.eat(",") {
                break;
            }
            commas += 1;
        }
        self.expect(close)?;
        Ok(match close {
            "]" => Expr::List(items),
            _ if items.len() == 1 && commas == 0 => match items.remove(0) {
                Expr::Star(_) => return fail(ErrorKind::Syntax, "'*' cannot be used here"),
                item => item,
            },
            _ => Expr::Tuple(items),
        })
    }

    fn braces(&mut self) -> Result<Expr> {
        self.advance();
        let (mut items, mut entries) = (Vec::new(), Vec::new());
        while !self.is_symbol("}") {
            if self.is_symbol("**") {
                return fail(ErrorKind::Unsupported, "maps in maps by '**' are not supported");
            }
            let item = self.item()?;
            if matches!(item, Expr::Star(_)) {
                items.push(item);
            } else if self.eat(":") {
                entries.push((item, self.choice()?));
                if self.is_word("for") {
                    return fail(ErrorKind::Unsupported, "dict comprehensions are not supported");
                }
            } else if items.is_empty() && self.is_word("for") {
                let loops = self.loops()?;
                self.expect("}")?;
                return Ok(Expr::Comprehension(Kind::Set, Box::new(item), loops));
            } else {
                items.push(item);
            }
            if !self.eat(",") {
                break;
            }
        }
        self.expect("}")?;
        match (items.is_empty(), entries.is_empty()) {
            (true, _) => Ok(Expr::Dict(entries)),
            (false, true) => Ok(Expr::Set(items)),
            (false, false) => self.unexpected(),
        }
    }
}
