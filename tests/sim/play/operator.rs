//! What happens around the clients while a node runs: an operator who flushes and compacts, a disk that is slow or full
//! for a while, a clock that jumps.

use std::net::SocketAddr;
use std::time::Duration;

use base::env::{Env, Rng};
use sim::Disk;
use sim::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::Latest;
use super::plan::{DiskPlan, Plan, ROOM_BYTES, SYNC_TIME};

/// What a full disk has left, at most.
const LEFT_BYTES_MAX: u64 = 100_000;

pub struct Operator {
    pub env: Env,
    pub admin: SocketAddr,
    pub disk: Disk,
    pub clock: Clock,
    pub latest: Latest,
    pub plan: Plan,
    pub rng: Rng,
}

impl Operator {
    /// Works until it is dropped.
    pub async fn work(mut self) {
        loop {
            let pause_micros = if self.rng.chance(0.1) {
                5_000_000
            } else {
                20_000
            };
            self.pause(pause_micros).await;
            self.latest.note(self.env.wall_seconds());
            match self.rng.below(10) {
                0..3 => self.post("/flush").await,
                3 => self.post("/compact").await,
                4 if self.plan.jumps => {
                    self.jump();
                    if self.rng.chance(0.5) {
                        // What was deleted may be older than gc_grace at once.
                        self.post("/compact").await;
                    }
                }
                5..8 => self.trouble().await,
                _ => {}
            }
        }
    }

    async fn pause(&mut self, micros_max: u64) {
        let micros = self.rng.below(micros_max);
        self.env.sleep(Duration::from_micros(micros)).await;
    }

    fn jump(&mut self) {
        let millis = match self.rng.below(3) {
            0 => self.rng.below(200_000) as i64,
            1 => -(self.rng.below(50_000) as i64),
            _ => self.rng.below(50) as i64 - 25,
        };
        self.latest.note(self.env.wall_seconds());
        self.clock.jump_micros(1_000 * millis);
        self.latest.note(self.env.wall_seconds());
    }

    /// The disk is in trouble for a while, if that is its plan.
    async fn trouble(&mut self) {
        match self.plan.disk {
            DiskPlan::Slow(sync_time) => {
                self.disk.set_sync_time(sync_time);
                self.pause(100_000 + 10 * sync_time.as_micros() as u64)
                    .await;
                self.disk.set_sync_time(SYNC_TIME);
            }
            DiskPlan::Full => {
                let left = self.rng.below(LEFT_BYTES_MAX) * self.rng.below(2);
                self.disk.set_capacity_bytes(self.disk.used_bytes() + left);
                self.post("/flush").await;
                self.pause(3_000_000).await;
                self.disk.set_capacity_bytes(ROOM_BYTES);
            }
            _ => {}
        }
    }

    async fn post(&self, path: &str) {
        let answer = request(&self.env, self.admin, path).await;
        if answer.starts_with("HTTP/1.1 200") || self.plan.may_fail() {
            return;
        }
        super::blame(&self.env, &format!("POST {path}: {answer:?}")).await
    }
}

/// The answer to a request without a body; empty if there is none.
async fn request(env: &Env, admin: SocketAddr, path: &str) -> String {
    let mut answer = Vec::new();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    if let Ok(mut stream) = env.connect(admin).await
        && stream.write_all(request.as_bytes()).await.is_ok()
    {
        // What came before an error tells as much.
        let _ = stream.read_to_end(&mut answer).await;
    }
    String::from_utf8_lossy(&answer).into_owned()
}
