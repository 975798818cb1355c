//! One direction of a connection: frames on their way, each with the time at which it is there.

use std::collections::VecDeque;

use rand_core::RngCore;

use crate::network::{NetworkConditions, NetworkTraffic};

/// How often a frame may be lost in a row before the connection is broken. Linux tries 15 times,
/// for a quarter of an hour; nobody wants to look at that for so long.
const LOSSES_MAX: u32 = 6;
/// What sending again waits for beyond round trips, in milliseconds: the least that TCP waits.
const RETRANSMISSION_MS_MIN: u64 = 200;

/// Frames on their way, in order.
#[derive(Debug)]
pub(super) struct Lane<T> {
    frames: VecDeque<OnItsWay<T>>,
    bytes: usize,
    /// Until when the line is busy, in microseconds.
    busy_until_us: u64,
    /// When the last frame is there.
    last_due_ms: u64,
}

#[derive(Debug)]
struct OnItsWay<T> {
    due_ms: u64,
    bytes: usize,
    frame: T,
}

/// A frame was lost too often; that shows at a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at_ms: u64,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            busy_until_us: 0,
            last_due_ms: 0,
        }
    }
}

impl<T> Lane<T> {
    /// A frame sets out.
    pub(super) fn put(
        &mut self,
        frame: T,
        bytes: usize,
        now_ms: u64,
        conditions: &NetworkConditions,
        dice: &mut impl RngCore,
        traffic: &mut NetworkTraffic,
    ) -> Result<(), Broken> {
        let sent_ms = self.carry(bytes, now_ms, conditions);
        let losses = losses(conditions, dice);
        traffic.losses += u64::from(losses);
        let latency_ms = u64::from(conditions.latency_ms);
        let again_ms = RETRANSMISSION_MS_MIN + 4 * latency_ms;
        // 1 + 2 + 4 + …
        let lost_ms = again_ms * ((1 << losses) - 1);
        let late_ms = u64::from(dice.next_u32()) % (u64::from(conditions.jitter_ms) + 1);
        let due_ms = sent_ms + latency_ms + late_ms + lost_ms;
        if losses > LOSSES_MAX {
            let at_ms = due_ms.max(self.last_due_ms);
            return Err(Broken { at_ms });
        }
        self.put_at(frame, bytes, due_ms);
        Ok(())
    }

    /// Something is there at a time, or later: behind what set out before.
    pub(super) fn put_at(&mut self, frame: T, bytes: usize, due_ms: u64) {
        let due_ms = due_ms.max(self.last_due_ms);
        self.last_due_ms = due_ms;
        self.bytes += bytes;
        self.frames.push_back(OnItsWay {
            due_ms,
            bytes,
            frame,
        });
    }

    /// When the last byte of a frame is on the line.
    fn carry(&mut self, bytes: usize, now_ms: u64, conditions: &NetworkConditions) -> u64 {
        let Some(bytes_per_second) = conditions.bytes_per_second else {
            return now_ms;
        };
        let takes_us =
            (bytes as u64).saturating_mul(1_000_000) / u64::from(bytes_per_second.max(1));
        let begins_us = self.busy_until_us.max(now_ms * 1_000);
        self.busy_until_us = begins_us.saturating_add(takes_us);
        self.busy_until_us.div_ceil(1_000)
    }

    /// The next frame, if it is there.
    pub(super) fn take(&mut self, now_ms: u64) -> Option<T> {
        let next = self.frames.pop_front_if(|next| next.due_ms <= now_ms)?;
        self.bytes -= next.bytes;
        Some(next.frame)
    }

    /// Everything, whether it is there or not.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = T> {
        self.bytes = 0;
        self.frames.drain(..).map(|next| next.frame)
    }

    /// When the next frame is there.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.frames.front().map(|next| next.due_ms)
    }

    /// How many bytes are on their way.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// How often a frame is lost before it gets through.
fn losses(conditions: &NetworkConditions, dice: &mut impl RngCore) -> u32 {
    let loss_percent = u32::from(conditions.loss_percent);
    // Nothing is asked of chance where there is nothing to lose.
    let mut is_lost = || loss_percent > 0 && dice.next_u32() % 100 < loss_percent;
    let mut losses = 0;
    while losses <= LOSSES_MAX && is_lost() {
        losses += 1;
    }
    losses
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    const KILOBYTE: usize = 1_000;

    struct Line {
        lane: Lane<usize>,
        dice: Xoshiro256PlusPlus,
        traffic: NetworkTraffic,
    }

    impl Line {
        fn new() -> Self {
            Self {
                lane: Lane::default(),
                dice: Xoshiro256PlusPlus::seed_from_u64(1),
                traffic: NetworkTraffic::default(),
            }
        }

        /// Sends so many frames of a kilobyte at time 0.
        fn send(&mut self, count: usize, conditions: NetworkConditions) -> Result<(), Broken> {
            let (dice, traffic) = (&mut self.dice, &mut self.traffic);
            (0..count).try_for_each(|frame| {
                self.lane
                    .put(frame, KILOBYTE, 0, &conditions, dice, traffic)
            })
        }

        /// When each frame is there, in the order in which they come.
        fn arrivals(&mut self) -> Vec<(usize, u64)> {
            let mut arrivals = Vec::new();
            while let Some(due_ms) = self.lane.due_ms() {
                assert!(due_ms == 0 || self.lane.take(due_ms - 1).is_none());
                arrivals.extend(self.lane.take(due_ms).map(|frame| (frame, due_ms)));
            }
            assert_eq!(self.lane.bytes(), 0);
            arrivals
        }
    }

    #[test]
    fn without_conditions_a_frame_is_there_at_once() {
        let mut line = Line::new();
        line.send(2, NetworkConditions::none()).unwrap();
        assert_eq!(line.lane.bytes(), 2 * KILOBYTE);
        assert_eq!(line.arrivals(), [(0, 0), (1, 0)]);
    }

    #[test]
    fn latency_holds_up_each_frame_by_as_much() {
        let mut line = Line::new();
        let latency_ms = 80;
        line.send(
            2,
            NetworkConditions {
                latency_ms,
                ..NetworkConditions::none()
            },
        )
        .unwrap();
        assert_eq!(line.arrivals(), [(0, 80), (1, 80)]);
    }

    #[test]
    fn a_narrow_line_carries_one_frame_after_the_other() {
        let mut line = Line::new();
        let bytes_per_second = Some(100_000);
        line.send(
            3,
            NetworkConditions {
                bytes_per_second,
                ..NetworkConditions::none()
            },
        )
        .unwrap();
        assert_eq!(line.arrivals(), [(0, 10), (1, 20), (2, 30)]);
    }

    #[test]
    fn jitter_and_loss_change_times_and_neither_order_nor_number() {
        let mut line = Line::new();
        let conditions = NetworkConditions {
            latency_ms: 10,
            jitter_ms: 50,
            loss_percent: 10,
            ..NetworkConditions::none()
        };
        line.send(300, conditions).unwrap();
        let arrivals = line.arrivals();
        let order: Vec<usize> = arrivals.iter().map(|(frame, _)| *frame).collect();
        assert_eq!(order, (0..300).collect::<Vec<_>>());
        assert!(arrivals.is_sorted_by_key(|(_, due_ms)| *due_ms));
        // The first loss costs two round trips and 200 ms.
        assert!(arrivals.iter().all(|(_, due_ms)| *due_ms >= 10));
        assert!(arrivals.last().unwrap().1 >= 10 + 240);
        assert!(
            (10..60).contains(&line.traffic.losses),
            "{:?}",
            line.traffic
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_times() {
        let arrivals = || {
            let mut line = Line::new();
            line.send(100, NetworkConditions::poor()).unwrap();
            line.arrivals()
        };
        assert_eq!(arrivals(), arrivals());
    }

    #[test]
    fn a_frame_that_is_always_lost_breaks_the_connection_after_seven_tries() {
        let mut line = Line::new();
        let loss_percent = 200;
        let broken = line.send(
            1,
            NetworkConditions {
                loss_percent,
                ..NetworkConditions::none()
            },
        );
        assert_eq!(broken, Err(Broken { at_ms: 200 * 127 }));
        assert_eq!(line.traffic.losses, u64::from(LOSSES_MAX) + 1);
        assert!(line.arrivals().is_empty());
    }

    #[test]
    fn what_sets_out_later_on_a_better_network_is_not_there_sooner() {
        let mut line = Line::new();
        let latency_ms = 500;
        line.send(
            1,
            NetworkConditions {
                latency_ms,
                ..NetworkConditions::none()
            },
        )
        .unwrap();
        line.send(1, NetworkConditions::none()).unwrap();
        assert_eq!(line.arrivals(), [(0, 500), (0, 500)]);
    }
}
