//! RabbitMQ's own command, and three nodes as one cluster.

use std::time::Duration;

use devstack::{Condition, Lines, RabbitmqCluster, Server, Stack, StackOptions};

use crate::machine::{Directory, Namespace};

#[tokio::test]
async fn its_own_command_reaches_the_node() {
    let stack = Stack::up(StackOptions::only([Server::Rabbitmq]), &Lines).await.unwrap();
    stack.rabbitmqctl(&["set_vm_memory_high_watermark", "0"]).await.unwrap();
    let alarms = stack.rabbitmqctl(&["eval", "rabbit_alarm:get_alarms()."]).await.unwrap();
    assert!(alarms.contains("memory"), "{alarms}");
    let refused = stack.rabbitmqctl(&["no_such_command"]).await.unwrap_err().to_string();
    assert!(refused.contains("no_such_command"), "{refused}");
    stack.down().await.unwrap();
}

#[tokio::test]
async fn three_nodes_are_one_cluster_also_after_one_of_them_was_killed() {
    let directory = Directory::new();
    let options = StackOptions { ready_within: Duration::from_secs(240), ..StackOptions::default() };
    let cluster = RabbitmqCluster::up(3, &directory.0, options, &Lines).await.unwrap();
    let nodes = cluster.nodes();
    assert_eq!(running(&nodes[0]).await, 3);
    nodes[2].kill(Server::Rabbitmq).await.unwrap();
    assert_eq!(running(&nodes[0]).await, 2);
    nodes[2].start(Server::Rabbitmq).await.unwrap();
    assert_eq!(nodes[2].status(Server::Rabbitmq).condition, Condition::Running);
    assert_eq!(running(&nodes[1]).await, 3);
    let namespaces: Vec<_> = nodes.iter().map(|node| Namespace::of(node.pid(Server::Rabbitmq).unwrap())).collect();
    drop(cluster);
    namespaces.iter().for_each(|namespace| assert_eq!(namespace.members(), Vec::<u32>::new()));
}

/// How many nodes this one sees, itself included.
async fn running(node: &Stack) -> usize {
    let names = node.rabbitmqctl(&["eval", "rabbit_nodes:list_running()."]).await.unwrap();
    names.matches("chat-").count()
}
