//! [`Table`]: what agrees and what does not, as people read it.

use super::selection::Selection;

/// How many tests that differ are shown in full.
const IN_FULL: usize = 10;

/// The outcome of the comparison.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

/// One selection, run over one pool.
#[derive(Debug)]
pub(super) struct Row {
    /// The tests that were selected.
    pub(super) selection: Selection,
    /// The backend that they ran on.
    pub(super) over: &'static str,
    /// How many were discovered.
    pub(super) discovered: usize,
    /// How many were run and compared.
    pub(super) compared: usize,
    /// What differs, by the name of the test.
    pub(super) differing: Vec<(String, Vec<String>)>,
}

impl Table {
    /// Adds a row.
    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// How many comparisons of tests were made.
    pub(super) fn compared(&self) -> usize {
        self.rows.iter().map(|row| row.compared).sum()
    }

    /// How many things differ.
    pub(super) fn differing(&self) -> usize {
        self.rows.iter().map(|row| row.differing.len()).sum()
    }

    /// The table, in Markdown.
    pub(super) fn lines(&self) -> Vec<String> {
        let head = ["tree", "plan", "over", "discovered", "run", "agreeing", "differing"];
        let mut cells: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
        cells.extend(self.rows.iter().map(Row::cells));
        let width =
            |column: usize| cells.iter().map(|row| row[column].len()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
        };
        let mut lines: Vec<String> = cells.iter().map(line).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        lines.insert(1, format!("| {} |", rule.join(" | ")));
        lines
    }

    /// The first differences, in full.
    pub(super) fn differences(&self) -> Vec<String> {
        let all =
            self.rows.iter().flat_map(|row| row.differing.iter().map(move |found| (row, found)));
        let mut lines: Vec<String> = all
            .take(IN_FULL)
            .flat_map(|(row, (test, found))| {
                let plan = row.selection.plan.unwrap_or("no plan");
                let title =
                    format!("{test} (tree {}, {plan}, over {})", row.selection.title(), row.over);
                std::iter::once(title).chain(found.iter().map(|line| format!("    {line}")))
            })
            .collect();
        if let Some(more) = self.differing().checked_sub(IN_FULL).filter(|more| *more > 0) {
            lines.push(format!("and {more} more"));
        }
        lines
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let differing = self.differing.iter().filter(|(name, _)| name.starts_with('/')).count();
        let agreeing = self.compared.saturating_sub(differing);
        let numbers = [self.discovered, self.compared, agreeing, self.differing.len()];
        let plan = self.selection.plan.unwrap_or("");
        let texts = [self.selection.title(), plan.to_owned(), self.over.to_owned()];
        texts.into_iter().chain(numbers.map(|number| number.to_string())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::selection::{Executor, Where};
    use super::*;

    fn tests_of(tree: &'static str, plan: Option<&'static str>) -> Selection {
        Selection { tree, plan, executor: Executor::Fmf, place: Where::Anywhere }
    }

    #[test]
    fn shows_what_agrees_and_what_differs() {
        let mut table = Table::default();
        let differing = vec![("/b".to_owned(), vec!["results: x".to_owned()])];
        let selection = tests_of("cwd", Some("/plan"));
        table.push(Row { selection, over: "local", discovered: 3, compared: 2, differing });
        let selection = tests_of("metadata", None);
        table.push(Row {
            selection,
            over: "ssh",
            discovered: 1,
            compared: 1,
            differing: Vec::new(),
        });
        assert_eq!((table.compared(), table.differing()), (3, 1));
        let shown = [table.lines(), table.differences()].concat();
        insta::assert_snapshot!(shown.join("\n"), @r"
        | tree     | plan  | over  | discovered | run | agreeing | differing |
        | -------- | ----- | ----- | ---------- | --- | -------- | --------- |
        | cwd      | /plan | local | 3          | 2   | 1        | 1         |
        | metadata |       | ssh   | 1          | 1   | 1        | 0         |
        /b (tree cwd, /plan, over local)
            results: x
        ");
    }
}
