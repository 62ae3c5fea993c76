//! The Merkle tree over the journal's lines (RFC 6962, section 2.1, which RFC 9162 keeps): one root stands for all entries,
//! and a short path proves that an entry is one of them.
//!
//! The tree is never in memory: a pass over the lines holds one hash for each level.

use sha2::{Digest as _, Sha256};

/// A hash of a leaf or of a node.
pub type Hash = [u8; 32];

/// The hash of a journal line, without its line feed.
pub fn leaf(line: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(line).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// A complete subtree: its number of leaves is a power of two.
#[derive(Debug, Clone, Copy)]
struct Subtree {
    first: u64,
    leaves: u64,
    hash: Hash,
}

/// A tree that grows by one leaf at a time, and the paths of some leaves.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    /// From left to right, each larger than the next: at most one for each bit of the size.
    subtrees: Vec<Subtree>,
    /// The indexes of the leaves to prove, in ascending order, with their paths so far.
    targets: Vec<u64>,
    paths: Vec<Vec<Hash>>,
}

impl Tree {
    /// A tree that also collects the paths of the leaves with these indexes, which begin at 0.
    pub fn proving(mut targets: Vec<u64>) -> Self {
        targets.sort_unstable();
        targets.dedup();
        Self { paths: vec![Vec::new(); targets.len()], targets, ..Self::default() }
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a line at the end.
    pub fn push(&mut self, line: &[u8]) {
        let mut new = Subtree { first: self.size, leaves: 1, hash: leaf(line) };
        while let Some(left) = self.subtrees.pop_if(|left| left.leaves == new.leaves) {
            new = join(left, new, &self.targets, &mut self.paths);
        }
        self.subtrees.push(new);
        self.size = self.size.saturating_add(1);
    }

    /// The root of all leaves so far.
    pub fn root(&self) -> Hash {
        let mut subtrees = self.subtrees.iter().rev();
        let last = subtrees.next().map_or_else(|| Sha256::digest([]).into(), |last| last.hash);
        subtrees.fold(last, |right, left| node(&left.hash, &right))
    }

    /// The root, and the path of each leaf to prove, in the order of the leaves. A leaf that is not in the tree has none.
    pub fn finish(mut self) -> (Hash, Vec<Vec<Hash>>) {
        let root = self.root();
        if let Some(mut right) = self.subtrees.pop() {
            while let Some(left) = self.subtrees.pop() {
                right = join(left, right, &self.targets, &mut self.paths);
            }
        }
        let in_tree = self.targets.partition_point(|target| *target < self.size);
        self.paths.truncate(in_tree);
        (root, self.paths)
    }
}

/// Joins neighbors. The path of each leaf to prove grows by the hash of the other side.
fn join(left: Subtree, right: Subtree, targets: &[u64], paths: &mut [Vec<Hash>]) -> Subtree {
    let end = right.first.saturating_add(right.leaves);
    let begin = targets.partition_point(|target| *target < left.first);
    for (target, path) in targets.iter().zip(paths).skip(begin).take_while(|(target, _)| **target < end) {
        path.push(if *target < right.first { right.hash } else { left.hash });
    }
    Subtree { first: left.first, leaves: left.leaves.saturating_add(right.leaves), hash: node(&left.hash, &right.hash) }
}

/// The root of a tree with `size` leaves in which the leaf `index` has this hash and this path; `None` if no such tree has
/// such a path (RFC 9162, section 2.1.3.2).
pub fn root_of_path(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Option<Hash> {
    let (mut here, mut last) = (index, size.checked_sub(1).filter(|last| index <= *last)?);
    let mut hash = leaf;
    for other in path {
        if last == 0 {
            return None;
        }
        if here % 2 == 1 || here == last {
            hash = node(other, &hash);
            while here.is_multiple_of(2) && here != 0 {
                here /= 2;
                last /= 2;
            }
        } else {
            hash = node(&hash, other);
        }
        here /= 2;
        last /= 2;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition of RFC 6962, section 2.1.
    fn naive_root(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => leaf(one),
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                node(&naive_root(left), &naive_root(right))
            }
        }
    }

    /// The definition of RFC 6962, section 2.1.1.
    fn naive_path(index: usize, leaves: &[Vec<u8>]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let at = split(leaves.len());
        let (left, right) = leaves.split_at(at);
        let (mut path, other) = if index < at {
            (naive_path(index, left), naive_root(right))
        } else {
            (naive_path(index - at, right), naive_root(left))
        };
        path.push(other);
        path
    }

    /// The largest power of two below `count`.
    fn split(count: usize) -> usize {
        count.next_power_of_two() / 2
    }

    fn streamed(leaves: &[Vec<u8>], targets: &[u64]) -> (Hash, Vec<Vec<Hash>>) {
        let mut tree = Tree::proving(targets.to_vec());
        for leaf in leaves {
            tree.push(leaf);
        }
        tree.finish()
    }

    fn hash(text: &str) -> Hash {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// The leaves, roots and paths of the tests of Certificate Transparency (`merkle_tree_test.cc`).
    #[test]
    fn vectors_of_certificate_transparency() {
        let leaves =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let leaves = leaves.map(|leaf| hex::decode(leaf).unwrap());
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (size, root) in roots.iter().enumerate() {
            assert_eq!(streamed(&leaves[..size], &[]).0, hash(root), "{size} leaves");
        }
        let paths: [(u64, usize, &[&str]); 3] = [
            (
                0,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        ];
        for (index, size, path) in paths {
            let path: Vec<Hash> = path.iter().map(|hex| hash(hex)).collect();
            assert_eq!(streamed(&leaves[..size], &[index]).1, vec![path], "leaf {index} of {size}");
        }
    }

    fn leaves() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 1..70)
    }

    proptest! {
        #[test]
        fn streamed_tree_is_the_recursive_one(leaves in leaves(), picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let mut targets: Vec<usize> = picks.iter().map(|pick| pick.index(leaves.len())).collect();
            targets.sort_unstable();
            targets.dedup();
            let indexes: Vec<u64> = targets.iter().map(|target| u64::try_from(*target).unwrap()).collect();
            let (root, paths) = streamed(&leaves, &indexes);
            prop_assert_eq!(root, naive_root(&leaves));
            let expected: Vec<Vec<Hash>> = targets.iter().map(|target| naive_path(*target, &leaves)).collect();
            prop_assert_eq!(&paths, &expected);
            let size = u64::try_from(leaves.len()).unwrap();
            for ((target, index), path) in targets.iter().zip(&indexes).zip(&paths) {
                prop_assert_eq!(root_of_path(*index, size, leaf(&leaves[*target]), path), Some(root));
            }
        }

        #[test]
        fn path_proves_one_leaf_at_one_place_only(leaves in leaves(), pick in any::<prop::sample::Index>(), other in 0_u64..80) {
            // Equal leaves have the same proof at a place where they change nothing.
            let leaves: Vec<Vec<u8>> = leaves.into_iter().enumerate().map(|(at, leaf)| [format!("{at} ").into_bytes(), leaf].concat()).collect();
            let target = pick.index(leaves.len());
            let (index, size) = (u64::try_from(target).unwrap(), u64::try_from(leaves.len()).unwrap());
            let (root, paths) = streamed(&leaves, &[index]);
            let (path, here) = (&paths[0], leaf(&leaves[target]));
            if other != index {
                prop_assert_ne!(root_of_path(other, size, here, path), Some(root));
            }
            prop_assert_ne!(root_of_path(index, size, leaf(b"another line"), path), Some(root));
            let longer = [path.as_slice(), &[here]].concat();
            prop_assert_eq!(root_of_path(index, size, here, &longer), None);
            if let Some((_, shorter)) = path.split_last() {
                prop_assert_eq!(root_of_path(index, size, here, shorter), None);
            }
            for at in 0..path.len() {
                let mut changed = path.clone();
                changed[at][0] ^= 1;
                prop_assert_ne!(root_of_path(index, size, here, &changed), Some(root));
            }
        }
    }

    #[test]
    fn leaf_beyond_the_end_has_no_path() {
        let leaves = vec![b"a".to_vec(), b"b".to_vec()];
        let (root, paths) = streamed(&leaves, &[1, 2]);
        assert_eq!((root, paths.len()), (naive_root(&leaves), 1));
        assert_eq!(root_of_path(2, 2, leaf(b"b"), &paths[0]), None);
        assert_eq!(root_of_path(0, 0, leaf(b"b"), &[]), None);
    }

    #[test]
    #[ignore = "prints a time; run it alone with --nocapture"]
    fn million_entries_are_proven_in_seconds_with_constant_memory() {
        let begun = std::time::Instant::now();
        let targets: Vec<u64> = (0..20).map(|n| n * 49_999).collect();
        let mut tree = Tree::proving(targets.clone());
        for seq in 1..=1_000_000 {
            tree.push(
                format!("{seq} 2026-09-07T12:00:00.000Z 019a2b3c-4d5e-7f60-8123-456789abcdef due {{}}").as_bytes(),
            );
            assert!(tree.subtrees.len() <= 20, "one hash for each level");
        }
        let (root, paths) = tree.finish();
        for (target, path) in targets.iter().zip(&paths) {
            let line = format!("{} 2026-09-07T12:00:00.000Z 019a2b3c-4d5e-7f60-8123-456789abcdef due {{}}", target + 1);
            assert_eq!(root_of_path(*target, 1_000_000, leaf(line.as_bytes()), path), Some(root));
        }
        println!("1,000,000 entries, 20 proofs: {:?}", begun.elapsed());
    }
}
