//! What people read when something is in the way: one clear sentence.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use devstack::control::{self, Control, Request};
use devstack::{DataDir, Error, Quiet, Server, Stack, StackOptions};

use crate::machine::Directory;

#[tokio::test]
async fn a_taken_port_is_named_with_its_server() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let mut options = StackOptions::only([Server::Redis]);
    options.ports.redis = Some(port);
    let error = Stack::up(options.clone(), &Quiet).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "port {port}, configured for redis, is taken by another program: \
             stop that or configure another port"
        )
    );

    drop(other);
    let stack = Stack::up(options, &Quiet).await.unwrap();
    assert_eq!(stack.urls().redis, format!("redis://127.0.0.1:{port}"));
    stack.down().await.unwrap();
}

#[tokio::test]
async fn a_data_directory_serves_one_stack_at_a_time() {
    let directory = Directory::new();
    let mut options = StackOptions::only([Server::Redis]);
    options.data = DataDir::Path(directory.0.clone());
    let stack = Stack::up(options.clone(), &Quiet).await.unwrap();
    let error = Stack::up(options.clone(), &Quiet).await.unwrap_err();
    assert!(matches!(&error, Error::DataDirInUse { .. }), "{error}");
    assert!(error.to_string().contains("devstack -- down --data"), "{error}");
    stack.down().await.unwrap();
    Stack::up(options, &Quiet).await.unwrap().down().await.unwrap();
}

#[tokio::test]
async fn a_stack_whose_owner_takes_no_requests_says_so() {
    let directory = Directory::new();
    let data = &directory.0;
    let stack =
        Arc::new(Stack::up(StackOptions { data: DataDir::Path(data.clone()), ..StackOptions::only([]) }, &Quiet).await.unwrap());
    let error = control::ask(data, Request::Status).await.unwrap_err();
    let owner = std::process::id();
    assert!(matches!(&error, Error::NoDoor { path, .. } if path == data), "{error}");
    assert!(error.to_string().contains(&format!("takes no requests now: process {owner}")), "{error}");

    let control = Control::open(&stack).unwrap();
    assert_eq!(control::ask(data, Request::Status).await.unwrap().owner, owner);
    // The door of an owner that was killed is still to be seen, and nobody answers there.
    drop(control);
    drop(std::os::unix::net::UnixListener::bind(data.join("control.sock")).unwrap());
    let error = control::ask(data, Request::Status).await.unwrap_err();
    assert!(matches!(error, Error::NoDoor { .. }), "{error}");

    stack.end_all().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_its_log() {
    let directory = Directory::new();
    let redis = directory.0.join("redis/appendonlydir");
    std::fs::create_dir_all(&redis).unwrap();
    std::fs::write(redis.join("appendonly.aof.manifest"), "nonsense\n").unwrap();
    let mut options = StackOptions::only([Server::Redis]);
    options.data = DataDir::Path(directory.0.clone());
    let error = Stack::up(options, &Quiet).await.unwrap_err();
    assert!(matches!(error, Error::Ended { server: Server::Redis, .. }), "{error}");
    assert!(error.to_string().contains("Invalid AOF manifest"), "{error}");
}

#[tokio::test]
async fn a_server_that_takes_too_long_shows_its_log() {
    let mut options = StackOptions::only([Server::Rabbitmq]);
    options.ready_within = Duration::from_millis(1);
    let error = Stack::up(options, &Quiet).await.unwrap_err();
    assert!(matches!(error, Error::NotReady { server: Server::Rabbitmq, .. }), "{error}");
}
