//! Collections in brackets.

use super::super::YamlError;
use super::super::mark::{Mark, Span};
use super::super::token::{Bracket, What};
use super::{Done, Form, Marks, Next, Parser, Place, Receiver, unexpected};

impl<'t, R: Receiver<'t>> Parser<'_, 't, R> {
    /// Whether the closing bracket comes next, or a comma that was eaten.
    fn flow_end(
        &mut self,
        is_first: bool,
        bracket: Bracket,
        start: Mark,
    ) -> Result<Option<Span>, YamlError> {
        let close = What::Close(bracket);
        if !is_first && !self.next_is(&close)? && self.eat(&What::Comma)?.is_none() {
            let token = self.scanner.peek()?;
            return Err(match token.what {
                What::End | What::DocumentStart | What::DocumentEnd | What::Directive(_) => {
                    not_closed(bracket, start)
                }
                _ => unexpected(&format!("',' or {}", close.name()), token),
            });
        }
        match self.scanner.peek()?.what {
            What::End | What::DocumentStart | What::DocumentEnd | What::Directive(_) => {
                Err(not_closed(bracket, start))
            }
            _ => self.eat(&close),
        }
    }

    pub(super) fn flow_item(&mut self, next: Next, start: Mark) -> Done {
        if let Some(end) = self.flow_end(next == Next::FirstFlowItem, Bracket::Square, start)? {
            return self.finish(end);
        }
        self.then(Next::FlowItem);
        let token = self.scanner.peek()?;
        if token.what != What::Key {
            return self.node(Place::Flow);
        }
        let span = token.span;
        self.begin(Next::PairKey, span.start)?;
        self.receiver.start_map(Form::Flow, Marks::none(span))
    }

    pub(super) fn pair(&mut self, next: Next, start: Mark) -> Done {
        match next {
            Next::PairKey => {
                self.then(Next::PairValue);
                let key = self.scanner.next()?.span;
                self.flow_value_or_empty(key.end)
            }
            Next::PairValue => {
                self.then(Next::PairEnd);
                match self.eat(&What::Value)? {
                    Some(colon) => self.flow_value_or_empty(colon.end),
                    None => self.empty(start),
                }
            }
            _ => {
                let at = self.scanner.peek()?.span.start;
                self.finish(Span::empty(at))
            }
        }
    }

    pub(super) fn flow_key(&mut self, next: Next, start: Mark) -> Done {
        if let Some(end) = self.flow_end(next == Next::FirstFlowKey, Bracket::Curly, start)? {
            return self.finish(end);
        }
        if let Some(key) = self.eat(&What::Key)? {
            self.then(Next::FlowValue);
            return self.flow_value_or_empty(key.end);
        }
        if self.next_is(&What::Value)? {
            self.then(Next::FlowValue);
            let at = self.scanner.peek()?.span.start;
            return self.empty(at);
        }
        self.then(Next::NoFlowValue);
        self.node(Place::Flow)
    }

    pub(super) fn flow_value(&mut self) -> Done {
        self.then(Next::FlowKey);
        match self.eat(&What::Value)? {
            Some(colon) => self.flow_value_or_empty(colon.end),
            None => {
                let at = self.scanner.peek()?.span.start;
                self.empty(at)
            }
        }
    }

    fn flow_value_or_empty(&mut self, after: Mark) -> Done {
        match self.scanner.peek()?.what {
            What::Value | What::Comma | What::Close(_) => self.empty(after),
            _ => self.node(Place::Flow),
        }
    }
}

fn not_closed(bracket: Bracket, start: Mark) -> YamlError {
    let message = format!("{} is not closed", What::Open(bracket).name());
    YamlError::new(message, &Span::empty(start))
}
