//! Something that may happen often and is told once a minute, with how often it happened.

use std::time::Duration;

/// The shortest time between two lines.
const PAUSE: Duration = Duration::from_secs(60);

/// How often it happened since it was told.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    told: Option<Duration>,
    count: u64,
}

impl Seldom {
    /// It happened now. If it is time to tell: how often, since the last time.
    pub(crate) fn happened(&mut self, now: Duration) -> Option<u64> {
        self.count += 1;
        if self.told.is_some_and(|told| now < told + PAUSE) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_at_first_and_once_a_minute() {
        let mut seldom = Seldom::default();
        let mut check = |seconds, expected| {
            assert_eq!(
                seldom.happened(Duration::from_secs(seconds)),
                expected,
                "{seconds}"
            );
        };
        check(5, Some(1));
        check(6, None);
        check(64, None);
        check(65, Some(3));
        check(66, None);
        check(1_000, Some(2));
    }
}
