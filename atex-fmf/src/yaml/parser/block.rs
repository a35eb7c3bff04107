//! Collections that are written in lines.

use super::super::mark::{Mark, Span};
use super::super::token::What;
use super::{Done, Next, Parser, Place, Receiver, unexpected};

impl<'t, R: Receiver<'t>> Parser<'_, 't, R> {
    pub(super) fn block_item(&mut self, start: Mark) -> Done {
        if let Some(dash) = self.eat(&What::Dash)? {
            return match self.scanner.peek()?.what {
                What::Dash | What::BlockEnd => self.empty(dash.end),
                _ => self.node(Place::Block),
            };
        }
        self.block_end("the list", start)
    }

    pub(super) fn indentless_item(&mut self) -> Done {
        if let Some(dash) = self.eat(&What::Dash)? {
            return match self.scanner.peek()?.what {
                What::Dash | What::Key | What::Value | What::BlockEnd => self.empty(dash.end),
                _ => self.node(Place::Block),
            };
        }
        let at = self.scanner.peek()?.span.start;
        self.finish(Span::empty(at))
    }

    pub(super) fn block_key(&mut self, start: Mark) -> Done {
        if let Some(key) = self.eat(&What::Key)? {
            self.then(Next::BlockValue);
            return self.block_value_or_empty(key.end);
        }
        if self.next_is(&What::Value)? {
            self.then(Next::BlockValue);
            let at = self.scanner.peek()?.span.start;
            return self.empty(at);
        }
        self.block_end("the map", start)
    }

    pub(super) fn block_value(&mut self) -> Done {
        self.then(Next::BlockKey);
        match self.eat(&What::Value)? {
            Some(colon) => self.block_value_or_empty(colon.end),
            None => {
                let at = self.scanner.peek()?.span.start;
                self.empty(at)
            }
        }
    }

    fn block_value_or_empty(&mut self, after: Mark) -> Done {
        match self.scanner.peek()?.what {
            What::Key | What::Value | What::BlockEnd => self.empty(after),
            _ => self.node(Place::BlockValue),
        }
    }

    fn block_end(&mut self, what: &str, start: Mark) -> Done {
        let token = self.scanner.next()?;
        if token.what != What::BlockEnd {
            let line = start.line;
            let is_deeper = matches!(token.what, What::BlockMap | What::BlockList);
            let hint = if is_deeper { "; no line above it is indented like it" } else { "" };
            let mut error =
                unexpected(&format!("the end of {what} that begins in line {line}"), &token);
            error.message += hint;
            return Err(error);
        }
        self.finish(token.span)
    }
}
