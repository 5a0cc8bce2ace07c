//! The Merkle tree over a bundle's records (RFC 9162, section 2.1, with SHA-256).
//!
//! The leaves are the records' ids in the manifest's order. A leaf's *data* is the 32 bytes of the id
//! (not its hexadecimal text), so its leaf hash is SHA-256(0x00 || id), a node's is
//! SHA-256(0x01 || left || right), and the root of no records is SHA-256 of nothing.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{InclusionProof as Path, RootHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{RecordId, Sha256Digest};

/// More records than any bundle can hold; tree arithmetic stays far from overflow below it.
const LARGEST_TREE: u64 = 1 << 40;

/// Proof that one record is among those that a Merkle root stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InclusionProof {
    /// The record's place in the manifest's order, from 0.
    pub index: u64,
    /// Number of records in the tree.
    pub tree_size: u64,
    /// Hashes of the siblings, from the leaf to the root.
    pub path: Vec<Sha256Digest>,
}

/// Why an inclusion proof does not hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MerkleError {
    /// The place is beyond the tree.
    #[error("record number {index} cannot be in a tree of {tree_size} records")]
    OutOfRange {
        /// The place that was claimed.
        index: u64,
        /// The size that was claimed.
        tree_size: u64,
    },
    /// The path has not the length that its place demands, or leads to another root.
    #[error("the proof does not lead from {id} to the root {root}")]
    WrongPath {
        /// The record.
        id: RecordId,
        /// The root.
        root: Sha256Digest,
    },
}

/// The root over `ids`, in their order.
pub fn root<'a>(ids: impl IntoIterator<Item = &'a RecordId>) -> Sha256Digest {
    // The roots of the whole subtrees on the left, each with its number of leaves: ever fewer, a power of two each.
    let mut whole: Vec<(u64, [u8; 32])> = Vec::new();
    for id in ids {
        let mut subtree = (1, leaf(id));
        while let Some((_, left)) = whole.pop_if(|(leaves, _)| *leaves == subtree.0) {
            subtree = (subtree.0 * 2, node(&left, &subtree.1));
        }
        whole.push(subtree);
    }
    let joined = whole.into_iter().map(|(_, root)| root).rev().reduce(|right, left| node(&left, &right));
    Sha256Digest::from_bytes(joined.unwrap_or_else(|| Sha256::digest([]).into()))
}

fn leaf(id: &RecordId) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(id.0.as_bytes()).finalize().into()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Proof that the record at `index` belongs to the tree over `ids`; `None` beyond its end.
pub fn prove(ids: &[RecordId], index: usize) -> Option<InclusionProof> {
    prove_each(ids, &[index]).pop()
}

/// The proofs of the records at `indexes`; those beyond the end have none.
pub fn prove_each(ids: &[RecordId], indexes: &[usize]) -> Vec<InclusionProof> {
    let tree = tree(ids);
    let prove = |index: &usize| {
        let proof = tree.prove_inclusion(*index);
        let path = proof.as_bytes().chunks_exact(32).filter_map(|hash| hash.try_into().ok());
        InclusionProof {
            index: *index as u64,
            tree_size: ids.len() as u64,
            path: path.map(Sha256Digest::from_bytes).collect(),
        }
    };
    indexes.iter().filter(|index| **index < ids.len()).map(prove).collect()
}

/// Checks that `proof` leads from the record `id` to `root`.
///
/// # Errors
/// When it does not.
pub fn verify_inclusion(
    root: &Sha256Digest,
    id: &RecordId,
    proof: &InclusionProof,
) -> Result<(), MerkleError> {
    let (index, tree_size) = (proof.index, proof.tree_size);
    if index >= tree_size || tree_size > LARGEST_TREE {
        return Err(MerkleError::OutOfRange { index, tree_size });
    }
    let path: Vec<u8> = proof.path.iter().flat_map(|hash| *hash.as_bytes()).collect();
    let wrong = || MerkleError::WrongPath { id: *id, root: *root };
    let path = Path::<Sha256>::try_from_bytes(path).map_err(|_| wrong())?;
    RootHash::<Sha256>::new((*root.as_bytes()).into(), tree_size)
        .verify_inclusion(id.0.as_bytes(), index, &path)
        .map_err(|_| wrong())
}

fn tree<'a>(ids: impl IntoIterator<Item = &'a RecordId>) -> MemoryBackedTree<Sha256, [u8; 32]> {
    let mut tree = MemoryBackedTree::new();
    for id in ids {
        tree.push(*id.0.as_bytes());
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;
    use proptest::prelude::*;

    fn ids(count: usize) -> Vec<RecordId> {
        (0..count).map(|number| RecordId(sha256(&number.to_be_bytes()))).collect()
    }

    /// RFC 9162, section 2.1.1, word for word.
    fn by_the_rfc(ids: &[RecordId]) -> Sha256Digest {
        match ids {
            [] => sha256(b""),
            [only] => sha256(&[&[0][..], only.0.as_bytes()].concat()),
            more => {
                let split = more.len().next_power_of_two() / 2;
                let (left, right) = (by_the_rfc(&more[..split]), by_the_rfc(&more[split..]));
                sha256(&[&[1][..], left.as_bytes(), right.as_bytes()].concat())
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_rfc() {
        for count in 0..70 {
            assert_eq!(root(&ids(count)), by_the_rfc(&ids(count)), "{count} leaves");
        }
    }

    #[test]
    fn absurd_proofs_are_refused_without_a_panic() {
        let id = ids(1)[0];
        let anchor = root(&[id]);
        for (index, tree_size) in
            [(0, 0), (1, 1), (u64::MAX, u64::MAX), (u64::MAX - 1, u64::MAX), (0, u64::MAX)]
        {
            let proof = InclusionProof { index, tree_size, path: vec![anchor; 3] };
            assert!(verify_inclusion(&anchor, &id, &proof).is_err());
        }
        assert!(prove(&[], 0).is_none());
        assert!(prove(&[id], 1).is_none());
    }

    proptest! {
        #[test]
        fn every_record_is_proven_and_no_other(count in 1_usize..200, place in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
            let ids = ids(count);
            let anchor = root(&ids);
            let index = place.index(count);
            let proof = prove(&ids, index).unwrap();
            prop_assert_eq!(verify_inclusion(&anchor, &ids[index], &proof), Ok(()));

            let stranger = RecordId(sha256(b"stranger"));
            prop_assert!(verify_inclusion(&anchor, &stranger, &proof).is_err());
            let elsewhere = other.index(count);
            if elsewhere != index {
                prop_assert!(verify_inclusion(&anchor, &ids[elsewhere], &proof).is_err());
            }
            let mut longer = proof.clone();
            longer.path.push(anchor);
            prop_assert!(verify_inclusion(&anchor, &ids[index], &longer).is_err());
            if !proof.path.is_empty() {
                let mut altered = proof.clone();
                altered.path[other.index(proof.path.len())] = anchor;
                prop_assert!(verify_inclusion(&anchor, &ids[index], &altered).is_err());
            }
        }

        #[test]
        fn the_root_depends_on_order_and_number(count in 2_usize..100, place in any::<prop::sample::Index>()) {
            let mut ids = ids(count);
            let anchor = root(&ids);
            let index = place.index(count - 1);
            ids.swap(index, index + 1);
            prop_assert_ne!(root(&ids), anchor);
            ids.swap(index, index + 1);
            ids.remove(index);
            prop_assert_ne!(root(&ids), anchor);
        }
    }
}
