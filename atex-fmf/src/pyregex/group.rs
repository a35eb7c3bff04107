//! Groups of a pattern: captures, look-around, conditionals, scoped flags.

use super::translate::{Flags, Group, Last, Translator, Width, read_flags};

/// Groups nested deeper than this are refused.
const MAX_NESTING: usize = 100;

impl Translator<'_> {
    pub(super) fn group(&mut self, flags: Flags) -> Result<(Width, Last), String> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err("groups are nested too deeply".to_owned());
        }
        let result = if self.eat("?") { self.extension(flags) } else { self.capture(None, flags) };
        self.depth -= 1;
        result
    }

    fn close(&mut self) -> Result<(), String> {
        if self.eat(")") {
            self.out.push(')');
            return Ok(());
        }
        Err("missing ), unterminated subpattern".to_owned())
    }

    fn capture(&mut self, name: Option<String>, flags: Flags) -> Result<(Width, Last), String> {
        let index = self.groups.len();
        if let Some(name) = &name
            && self.groups.iter().any(|group| group.name.as_ref() == Some(name))
        {
            return Err(format!("redefinition of group name '{name}'"));
        }
        match &name {
            Some(name) => self.out.push_str(&format!("(?P<{name}>")),
            None => self.out.push('('),
        }
        self.groups.push(Group { name, width: None });
        let width = self.alternatives(flags)?;
        self.close()?;
        self.groups[index].width = Some(width);
        Ok((width, Last::Item))
    }

    fn extension(&mut self, flags: Flags) -> Result<(Width, Last), String> {
        if self.eat("P<") {
            let name = self.group_name('>')?;
            return self.capture(Some(name), flags);
        }
        if self.eat("P=") {
            let name = self.group_name(')')?;
            return self.named_reference(&name);
        }
        if self.eat("(") {
            return self.conditional(flags);
        }
        for (opening, look_around, behind) in [
            (":", false, false),
            (">", false, false),
            ("=", true, false),
            ("!", true, false),
            ("<=", true, true),
            ("<!", true, true),
        ] {
            if self.eat(opening) {
                self.out.push_str("(?");
                self.out.push_str(opening);
                let width = self.alternatives(flags)?;
                self.close()?;
                if behind && width.max != Some(width.min) {
                    return Err("look-behind requires fixed-width pattern".to_owned());
                }
                return Ok((if look_around { Width::ZERO } else { width }, Last::Item));
            }
        }
        self.scoped_flags(flags)
    }

    fn scoped_flags(&mut self, flags: Flags) -> Result<(Width, Last), String> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphabetic() && c != '-')
            .ok_or("missing -, : or )")?;
        let (names, rest) = self.rest.split_at(end);
        let Some(rest) = rest.strip_prefix(':') else {
            return Err(match rest.strip_prefix(')') {
                Some(_) if !names.is_empty() => {
                    "global flags not at the start of the expression".to_owned()
                }
                _ => format!("unknown extension ?{names}"),
            });
        };
        let mut inner = flags;
        let (on, off) = names.split_once('-').unwrap_or((names, ""));
        let on = read_flags(on, &mut inner, true)?;
        let off = read_flags(off, &mut inner, false)?;
        self.rest = rest;
        let minus = if off.is_empty() { "" } else { "-" };
        self.out.push_str(&format!("(?{on}{minus}{off}:"));
        let width = self.alternatives(inner)?;
        self.close()?;
        Ok((width, Last::Item))
    }

    fn group_name(&mut self, end: char) -> Result<String, String> {
        let position =
            self.rest.find(end).ok_or_else(|| format!("missing {end}, unterminated name"))?;
        let name = self.rest[..position].to_owned();
        self.rest = &self.rest[position + 1..];
        let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !starts || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(format!("bad character in group name '{name}'"));
        }
        Ok(name)
    }

    fn named_reference(&mut self, name: &str) -> Result<(Width, Last), String> {
        let number = self.number_of(name)?;
        self.back_reference(number)
    }

    fn number_of(&self, name: &str) -> Result<usize, String> {
        let named = |group: &Group| group.name.as_deref() == Some(name);
        let position = self.groups.iter().position(named);
        position.map(|index| index + 1).ok_or_else(|| format!("unknown group name '{name}'"))
    }

    fn conditional(&mut self, flags: Flags) -> Result<(Width, Last), String> {
        let end = self.rest.find(')').ok_or("missing ), unterminated name")?;
        let reference = &self.rest[..end];
        let number = match reference.parse::<usize>() {
            Ok(number) => number,
            Err(_) => self.number_of(reference)?,
        };
        if number == 0 || number > self.groups.len() {
            return Err(format!("invalid group reference {number}"));
        }
        self.rest = &self.rest[end + 1..];
        self.out.push_str(&format!("(?({number})"));
        let yes = self.sequence(flags)?;
        let no = if self.eat("|") {
            self.out.push('|');
            self.sequence(flags)?
        } else {
            Width::ZERO
        };
        if self.peek() == Some('|') {
            return Err("conditional backref with more than two branches".to_owned());
        }
        self.close()?;
        Ok((yes.or(no), Last::Item))
    }
}
