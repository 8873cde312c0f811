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
    // Who opened a connection is for the nodes to decide: the other one sees its address.
    for (node, own) in nodes.iter().zip(cluster.addresses()) {
        let others = cluster.addresses().iter().filter(|address| *address != own);
        assert_eq!(peers(node).await, others.map(ToString::to_string).collect::<Vec<_>>());
    }
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

/// The addresses with which this node has connections to the others.
async fn peers(node: &Stack) -> Vec<String> {
    let address = "fun(N) -> {ok, I} = net_kernel:node_info(N), element(1, element(2, proplists:get_value(address, I))) end";
    let every = format!("string:join([inet:ntoa(({address})(N)) || N <- lists:sort(nodes())], \",\").");
    let addresses = node.rabbitmqctl(&["eval", &every]).await.unwrap();
    addresses.trim().trim_matches('"').split(',').map(str::to_owned).collect()
}
