//! Messages on channels: whole, in order, bounded.

use evertill_transport::{Closed, Receiver, Sender};
use tempfile::TempDir;

use super::world::Hub;

const LIMITS: [usize; 4] = [1 << 10, 1 << 20, 1 << 20, 1 << 20];

async fn pair(hub: &mut Hub) -> ((Sender, Receiver), (Sender, Receiver), TempDir) {
    let dir = TempDir::new().unwrap();
    let (identity, _) = hub.enrol(dir.path(), 7).await;
    let (node, _, accepted) = hub.connect(&identity).await;
    let (node, accepted) = tokio::join!(node.open(LIMITS), accepted.accept(LIMITS));
    (node.unwrap(), accepted.unwrap(), dir)
}

#[tokio::test]
async fn messages_arrive_whole_and_in_order() {
    let mut hub = Hub::start();
    let ((up, mut down), (hub_up, mut hub_down), _dir) = pair(&mut hub).await;
    for i in 0..100_u8 {
        up.send(1, vec![i; usize::from(i) * 100]).unwrap();
    }
    for i in 0..100_u8 {
        let (channel, message) = hub_down.receive().await.unwrap();
        assert_eq!((channel, message.len()), (1, usize::from(i) * 100));
        assert!(message.iter().all(|byte| *byte == i));
    }
    hub_up.send(3, b"down".to_vec()).unwrap();
    assert_eq!(down.receive().await.unwrap(), (3, b"down".to_vec()));
    let sent: u64 = (0..100).map(|i| 4 + i * 100).sum();
    assert_eq!(up.bytes_written(), sent);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection_before_memory_is_taken() {
    let mut hub = Hub::start();
    let ((up, _down), (_hub_up, mut hub_down), _dir) = pair(&mut hub).await;
    up.send(0, vec![0; LIMITS[0] + 1]).unwrap();
    let refused = hub_down.receive().await;
    assert!(matches!(refused, Err(Closed::Malformed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_noticed_and_not_buffered_for() {
    let mut hub = Hub::start();
    let ((up, _down), (_hub_up, _hub_down), _dir) = pair(&mut hub).await;
    let mut refused = None;
    for _ in 0..100_000 {
        if let Err(error) = up.send(2, vec![0; 100_000]) {
            refused = Some(error);
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(refused, Some(Closed::NotReading(2)));
}

#[tokio::test]
async fn what_was_queued_is_sent_before_a_close_in_good_order() {
    let mut hub = Hub::start();
    let ((up, _down), (_hub_up, mut hub_down), _dir) = pair(&mut hub).await;
    for _ in 0..20 {
        up.send(1, vec![1; 10_000]).unwrap();
    }
    let reading = async {
        let mut whole = 0;
        while hub_down.receive().await.is_ok() {
            whole += 1;
        }
        whole
    };
    let ((), whole) = tokio::join!(up.close("done"), reading);
    assert_eq!(whole, 20);
}
