//! RabbitMQ's memory alarm: above the watermark it stops to read from connections that publish, and confirms nothing.

use devstack::Stack;

use crate::fleet::sentence;

/// See <https://www.rabbitmq.com/docs/memory>: 0 sets off the alarm at once.
const NOTHING: &str = "0";
/// As the stack configures it.
const USUAL: [&str; 2] = ["absolute", "1GB"];

pub(super) async fn inject(stack: &Stack) -> anyhow::Result<()> {
    stack.rabbitmqctl(&["set_vm_memory_high_watermark", NOTHING]).await.map(drop).map_err(sentence)
}

pub(super) async fn heal(stack: &Stack) -> anyhow::Result<()> {
    stack.rabbitmqctl(&["set_vm_memory_high_watermark", USUAL[0], USUAL[1]]).await.map(drop).map_err(sentence)
}
