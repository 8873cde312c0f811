//! All four servers, and the database's other half.

use std::time::Instant;

use devstack::{Condition, DataDir, Database, Lines, Server, Stack, StackOptions};

use crate::machine::{Directory, Namespace};

#[tokio::test]
async fn all_four_come_up_and_go_down() {
    let directory = Directory::new();
    let options = || StackOptions { data: DataDir::Path(directory.0.clone()), ..StackOptions::default() };
    let began = Instant::now();
    let stack = Stack::up(options(), &Lines).await.unwrap();
    println!("first up: {:.1} s", began.elapsed().as_secs_f64());
    for server in Server::ALL {
        let status = stack.status(server);
        println!("{server:<14} {} MiB", status.memory_mib);
        assert_eq!(status.condition, Condition::Running);
    }
    let namespaces = Server::ALL.map(|server| Namespace::of(stack.pid(server).unwrap()));
    let began = Instant::now();
    stack.down().await.unwrap();
    println!("down: {:.1} s", began.elapsed().as_secs_f64());
    for namespace in namespaces {
        assert_eq!(namespace.members(), Vec::<u32>::new());
    }

    let began = Instant::now();
    let stack = Stack::up(options(), &Lines).await.unwrap();
    println!("up again on the same data: {:.1} s", began.elapsed().as_secs_f64());
    for server in Server::ALL {
        let began = Instant::now();
        stack.kill(server).await.unwrap();
        let killed = began.elapsed();
        stack.start(server).await.unwrap();
        println!("{server:<14} killed in {:.2} s, back after {:.1} s", killed.as_secs_f64(), began.elapsed().as_secs_f64());
        stack.pause(server).unwrap();
        assert_eq!(stack.status(server).condition, Condition::Paused);
        stack.resume(server).unwrap();
    }
    let began = Instant::now();
    drop(stack);
    println!("dropped in {:.2} s", began.elapsed().as_secs_f64());
}

#[tokio::test]
async fn mariadb_serves_in_mysqls_place() {
    let options = StackOptions { database: Database::Mariadb, ..StackOptions::only([Server::Mysql]) };
    let stack = Stack::up(options, &Lines).await.unwrap();
    assert!(stack.data_dir(Server::Mysql).ends_with("mariadb"));
    let greeting = greeting(&stack.urls().mysql);
    assert!(greeting.contains("MariaDB"), "{greeting}");
    stack.restart(Server::Mysql).await.unwrap();
    stack.down().await.unwrap();
}

/// The server's version is in its first packet.
fn greeting(url: &str) -> String {
    use std::io::Read;
    let address = url.strip_prefix("mysql://root@").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let mut packet = [0; 60];
    stream.read_exact(&mut packet).unwrap();
    String::from_utf8_lossy(&packet).into_owned()
}
