//! Signals: sent to the test's own process, which has this one test so that nothing else listens.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;
use std::time::Duration;

use tokio::time::timeout;

#[tokio::test]
async fn either_signal_cancels_the_token() {
    for name in ["-TERM", "-INT"] {
        let token = service::shutdown::on_signals().unwrap();
        assert!(!token.is_cancelled());
        assert!(Command::new("kill").args([name, &std::process::id().to_string()]).status().unwrap().success());
        timeout(Duration::from_secs(10), token.cancelled()).await.expect(name);
    }
}
