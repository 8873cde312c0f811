//! A stack's servers end with the stack, however that ends, and not before.

use std::panic::{AssertUnwindSafe, catch_unwind};

use devstack::{DataDir, Quiet, Server, Stack, StackOptions};

use crate::machine::{Directory, Namespace, Redis, eventually};

const SOME: [Server; 2] = [Server::Redis, Server::Rabbitmq];

#[tokio::test]
async fn a_dropped_stack_leaves_no_process_and_no_data() {
    let stack = Stack::up(StackOptions::only(SOME), &Quiet).await.unwrap();
    let data = stack.root();
    let namespaces = SOME.map(|server| Namespace::of(stack.pid(server).unwrap()));
    // Erlang's port mapper is among them: a daemon that would outlive RabbitMQ.
    assert!(namespaces[1].members().len() > 3);
    drop(stack);
    for namespace in namespaces {
        assert_eq!(namespace.members(), Vec::<u32>::new());
    }
    assert!(!data.exists());
}

#[tokio::test]
async fn a_killed_rabbitmq_leaves_no_helper() {
    let stack = Stack::up(StackOptions::only([Server::Rabbitmq]), &Quiet).await.unwrap();
    let namespace = Namespace::of(stack.pid(Server::Rabbitmq).unwrap());
    stack.kill(Server::Rabbitmq).await.unwrap();
    assert_eq!(namespace.members(), Vec::<u32>::new());
    stack.start(Server::Rabbitmq).await.unwrap();
    stack.pause(Server::Rabbitmq).unwrap();
    stack.resume(Server::Rabbitmq).unwrap();
    stack.down().await.unwrap();
}

#[test]
fn a_panic_ends_the_servers() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stack = runtime.block_on(Stack::up(StackOptions::only([Server::Redis]), &Quiet)).unwrap();
    let namespace = Namespace::of(stack.pid(Server::Redis).unwrap());
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _owned = stack;
        std::panic::resume_unwind(Box::new("a test failed"));
    }));
    assert!(panicked.is_err());
    assert_eq!(namespace.members(), Vec::<u32>::new());
}

#[test]
fn a_start_that_is_given_up_leaves_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = Directory::new();
    let mut options = StackOptions::only([Server::Rabbitmq]);
    options.data = DataDir::Path(directory.0.clone());
    runtime.block_on(async {
        let up = Stack::up(options, &Quiet);
        tokio::select! {
            _ = up => panic!("RabbitMQ cannot be that quick"),
            () = async {
                // Its log begins when its process runs.
                let log = directory.0.join("logs/rabbitmq.log");
                while !std::fs::metadata(&log).is_ok_and(|file| file.len() > 0) {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            } => {}
        }
    });
    let path = directory.0.canonicalize().unwrap();
    let uses = |pid: &u32| {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(path.to_str().unwrap())
    };
    eventually("the end of all", || !Namespace::of(std::process::id()).members().iter().any(uses));
}

#[test]
fn a_stack_outlives_the_runtime_and_the_thread_that_made_it() {
    let stack = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Stack::up(StackOptions::only([Server::Redis]), &Quiet)).unwrap()
    })
    .join()
    .unwrap();
    let mut client = Redis::connect(&stack.urls().redis);
    assert_eq!(client.call("PING"), "+PONG");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(stack.restart(Server::Redis)).unwrap();
    runtime.block_on(stack.down()).unwrap();
}
