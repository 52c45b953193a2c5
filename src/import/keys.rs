//! Keys seen so far, to find a key that comes twice. 17 bytes a key, whatever its length.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// A set of keys. Keys of up to 15 bytes (all identifiers of these files, in practice) are held exactly; longer ones as a
/// 120-bit hash under random keys.
pub(super) struct Keys {
    set: HashSet<u128>,
    hashers: [RandomState; 2],
}

impl Keys {
    pub fn new() -> Self {
        Keys { set: HashSet::new(), hashers: [RandomState::new(), RandomState::new()] }
    }

    /// False when the key was there before.
    pub fn add(&mut self, key: &str) -> bool {
        let packed = self.pack(key);
        self.set.insert(packed)
    }

    /// The key in 128 bits.
    pub fn pack(&self, key: &str) -> u128 {
        let bytes = key.as_bytes();
        let mut packed = [0_u8; 16];
        if bytes.len() < 16 {
            packed[..bytes.len()].copy_from_slice(bytes);
            packed[15] = bytes.len() as u8;
        } else {
            packed[..8].copy_from_slice(&self.hashers[0].hash_one(bytes).to_le_bytes());
            packed[8..].copy_from_slice(&self.hashers[1].hash_one(bytes).to_le_bytes());
            packed[15] = 0xff;
        }
        u128::from_le_bytes(packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once() {
        let mut keys = Keys::new();
        let names: Vec<String> = (0..2000)
            .map(|i| if i % 2 == 0 { format!("{i}") } else { format!("a-much-longer-identifier-{i}") })
            .collect();
        assert!(names.iter().all(|n| keys.add(n)));
        assert!(names.iter().all(|n| !keys.add(n)));
        // Padding is not part of a key.
        assert!(keys.add("x") && keys.add("x\0"));
    }
}
