//! Numbers put together in sets that have none in common.

/// Who is with whom, among the numbers below a limit.
#[derive(Debug)]
pub struct Sets(Vec<usize>);

impl Sets {
    /// Each number by itself.
    pub fn new(limit: usize) -> Sets {
        Sets((0..limit).collect())
    }

    /// The number that stands for the set of another.
    pub fn root(&mut self, mut n: usize) -> usize {
        while self.0[n] != n {
            self.0[n] = self.0[self.0[n]];
            n = self.0[n];
        }
        n
    }

    /// Puts the set of the first number to that of the second.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a] = b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_joined_have_one_root() {
        let mut sets = Sets::new(5);
        sets.join(0, 1);
        sets.join(3, 4);
        sets.join(4, 0);
        let roots: Vec<usize> = (0..5).map(|n| sets.root(n)).collect();
        assert_eq!(roots, [1, 1, 2, 1, 1]);
    }
}
