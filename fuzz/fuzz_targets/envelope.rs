//! Envelopes from the queue: whatever the bytes, nothing panics; what is read can be written and is read again as the same; and
//! why an item is bad never repeats what a client wrote.
#![no_main]

use events::{Decoded, decode, encode_fence, encode_items};
use libfuzzer_sys::fuzz_target;

/// What stands in the seeds where a client's text stands.
const SECRET: &str = "zebra";

fuzz_target!(|payload: &[u8]| {
    match decode(payload) {
        Err(error) => assert!(!error.to_string().contains(SECRET)),
        Ok(Decoded::Fence { epoch }) => {
            let again = decode(&encode_fence(epoch).expect("a fence has a JSON form"));
            assert!(matches!(again, Ok(Decoded::Fence { epoch: read }) if read == epoch));
        }
        Ok(Decoded::Items { epoch, items }) => {
            let reasons = items.iter().filter_map(|item| item.as_ref().err()).map(|bad| &bad.reason);
            reasons.for_each(|reason| assert!(!reason.contains(SECRET), "{reason}"));
            let good: Vec<_> = items.into_iter().filter_map(Result::ok).collect();
            let payload = encode_items(epoch, &good).expect("items have a JSON form");
            let Ok(Decoded::Items { epoch: read, items }) = decode(&payload) else { panic!("what was written is not read") };
            assert_eq!(read, epoch);
            assert_eq!(items.into_iter().collect::<Result<Vec<_>, _>>().as_ref(), Ok(&good));
        }
    }
});
