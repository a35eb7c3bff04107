//! [`Demand`]: how many remotes there is work for.

use crate::queue::{ClassIndex, KindIndex, Queue};

/// Sets remotes against waiting tests, one for one: who can still be put to work, and how many more are worth having.
///
/// This is a maximum matching between kinds of remotes and classes of tests, grown along augmenting paths, so a remote that is set
/// against a test stays so when more remotes are added, though perhaps for another test.
#[derive(Debug)]
pub(crate) struct Demand<'a> {
    queue: &'a Queue,
    /// For each class, how many of its tests have no remote yet.
    open: Vec<usize>,
    /// For each class and each kind, how many remotes of the kind are set against tests of the class.
    taken: Vec<Vec<usize>>,
}

impl<'a> Demand<'a> {
    /// What waits, with nothing set against it.
    pub(crate) fn of(queue: &'a Queue) -> Self {
        Self {
            queue,
            open: queue.classes.iter().map(|class| class.wanting()).collect(),
            taken: vec![vec![0; queue.kinds.len()]; queue.classes.len()],
        }
    }

    /// A demand for so many remotes of each class, and nothing else.
    pub(crate) fn exactly(queue: &'a Queue, wanted: impl IntoIterator<Item = ClassIndex>) -> Self {
        let mut demand = Self::of(queue);
        demand.open.fill(0);
        wanted.into_iter().for_each(|class| demand.open[class] += 1);
        demand
    }

    /// How many tests have no remote yet.
    pub(crate) fn left(&self) -> usize {
        self.open.iter().sum()
    }

    /// Sets up to `remotes` more remotes of this kind against tests; says how many there was work for.
    pub(crate) fn take(&mut self, kind: KindIndex, remotes: usize) -> usize {
        let mut placed = 0;
        while placed < remotes {
            let mut visited = vec![false; self.open.len()];
            match self.place(kind, remotes - placed, &mut visited) {
                0 => break,
                count => placed += count,
            }
        }
        placed
    }

    fn place(&mut self, kind: KindIndex, remotes: usize, visited: &mut [bool]) -> usize {
        let queue = self.queue;
        for class in &queue.kinds[kind].classes {
            if self.open[*class] > 0 {
                let count = remotes.min(self.open[*class]);
                self.open[*class] -= count;
                self.taken[*class][kind] += count;
                return count;
            }
        }
        for class in &queue.kinds[kind].classes {
            if std::mem::replace(&mut visited[*class], true) {
                continue;
            }
            for other in 0..queue.kinds.len() {
                let movable = remotes.min(self.taken[*class][other]);
                if other == kind || movable == 0 {
                    continue;
                }
                // If remotes of the other kind find work elsewhere, ours can have theirs.
                let count = self.place(other, movable, visited);
                if count > 0 {
                    self.taken[*class][other] -= count;
                    self.taken[*class][kind] += count;
                    return count;
                }
            }
        }
        0
    }
}
