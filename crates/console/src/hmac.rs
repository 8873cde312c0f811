//! HMAC-SHA-256 (RFC 2104, FIPS 198-1): says of a text, to who has the key, that another who has it wrote it.

use sha2::{Digest as _, Sha256};

/// SHA-256 works through its input in blocks of so many bytes.
const BLOCK: usize = 64;

/// The code of the text that these parts make, as 64 hexadecimal digits.
pub(crate) fn code(key: &[u8], parts: &[&str]) -> String {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut inner = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x36));
    parts.iter().for_each(|part| inner.update(part));
    let outer = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x5c)).chain_update(inner.finalize());
    outer.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_rfc_4231() {
        for (key, text, expected) in [
            (vec![0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(code(&key, &[text]), expected, "{text}");
            let (front, back) = text.split_at(3);
            assert_eq!(code(&key, &[front, back]), expected, "{text}");
        }
    }
}
