//! From samples to pixels: lines with gaps, thinned to what a screen can show.

use crate::plot::samples::{GAP_STEPS, Samples};
use driftless_model::SortedSet;

/// Where the plot lies, and what it shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Left edge, in pixels.
    pub left: f64,
    /// Upper edge, in pixels.
    pub top: f64,
    /// Width, in pixels.
    pub width: f64,
    /// Height, in pixels.
    pub height: f64,
    /// The time at the left edge, in milliseconds since 1970.
    pub from_ms: f64,
    /// The time at the right edge.
    pub to_ms: f64,
    /// The value at the lower edge.
    pub low: f64,
    /// The value at the upper edge.
    pub high: f64,
}

impl Frame {
    /// Where a time is.
    pub fn x(&self, at_ms: f64) -> f64 {
        self.left + (at_ms - self.from_ms) / (self.to_ms - self.from_ms) * self.width
    }

    /// Where a value is.
    pub fn y(&self, value: f64) -> f64 {
        self.top + (self.high - value) / (self.high - self.low) * self.height
    }

    /// The time at a horizontal position.
    pub fn time_at(&self, x: f64) -> f64 {
        self.from_ms + (x - self.left) / self.width * (self.to_ms - self.from_ms)
    }

    /// Whether a point in the frame is under this position.
    pub fn contains(&self, x: f64, y: f64) -> bool {
        (self.left..=self.left + self.width).contains(&x)
            && (self.top..=self.top + self.height).contains(&y)
    }
}

/// A point on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pixel {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// The time in the middle of a bucket, in milliseconds: where its value is drawn.
#[allow(
    clippy::cast_precision_loss,
    reason = "times in milliseconds fit an f64"
)]
pub fn bucket_ms(bucket: u64, step_s: u32) -> f64 {
    (bucket as f64 + 0.5) * f64::from(step_s) * 1000.0
}

/// Unbroken lines through the samples. In a column of pixels that holds more than four points, the
/// first, the least, the greatest and the last are kept: a spike stays.
pub fn lines(samples: Samples<'_>, step_s: u32, frame: &Frame) -> Vec<Vec<Pixel>> {
    let mut lines: Vec<Vec<Pixel>> = Vec::new();
    let mut column = Column::default();
    let mut previous: Option<u64> = None;
    for (bucket, value) in samples.points() {
        let at_ms = bucket_ms(bucket, step_s);
        if at_ms < frame.from_ms || at_ms > frame.to_ms {
            continue;
        }
        let pixel = Pixel {
            x: frame.x(at_ms),
            y: frame.y(value),
        };
        let is_gap = previous.is_none_or(|previous| bucket - previous > GAP_STEPS);
        if is_gap || !column.holds(pixel) {
            column.flush(&mut lines);
        }
        if is_gap {
            lines.push(Vec::new());
        }
        column.add(pixel);
        previous = Some(bucket);
    }
    column.flush(&mut lines);
    lines
}

/// The points of one column of pixels.
#[derive(Default)]
struct Column {
    points: Vec<Pixel>,
}

impl Column {
    fn holds(&self, pixel: Pixel) -> bool {
        let same = |first: &Pixel| (first.x.floor() - pixel.x.floor()).abs() < 0.5;
        self.points.first().is_none_or(same)
    }

    fn add(&mut self, pixel: Pixel) {
        self.points.push(pixel);
    }

    fn flush(&mut self, lines: &mut [Vec<Pixel>]) {
        let Some(line) = lines.last_mut() else { return };
        if self.points.len() <= 4 {
            line.append(&mut self.points);
            return;
        }
        line.extend(self.extremes());
        self.points.clear();
    }

    /// First, least, greatest and last, in the order of time, each once.
    fn extremes(&self) -> Vec<Pixel> {
        let by_height = |a: &usize, b: &usize| self.points[*a].y.total_cmp(&self.points[*b].y);
        let all = || 0..self.points.len();
        let last = self.points.len() - 1;
        let kept = SortedSet::from([
            0,
            all().min_by(by_height).unwrap_or(0),
            all().max_by(by_height).unwrap_or(0),
            last,
        ]);
        kept.into_iter().map(|index| self.points[index]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: f64, to_s: f64) -> Frame {
        Frame {
            left: 0.0,
            top: 0.0,
            width,
            height: 100.0,
            from_ms: 0.0,
            to_ms: to_s * 1000.0,
            low: 0.0,
            high: 100.0,
        }
    }

    fn lengths(values: &[f64]) -> Vec<usize> {
        let samples = Samples {
            first_bucket: 0,
            values,
        };
        lines(samples, 1, &frame(1000.0, 100.0))
            .iter()
            .map(Vec::len)
            .collect()
    }

    #[test]
    fn a_short_hole_is_bridged_and_a_long_one_is_a_gap() {
        let nan = f64::NAN;
        assert_eq!(lengths(&[1.0, nan, nan, 2.0]), [2]);
        assert_eq!(lengths(&[1.0, nan, nan, nan, 2.0]), [1, 1]);
    }

    #[test]
    fn one_point_alone_is_a_line_of_one() {
        assert_eq!(lengths(&[5.0]), [1]);
        assert!(lengths(&[f64::NAN]).is_empty());
    }

    #[test]
    fn a_spike_survives_thinning() {
        let mut values = vec![10.0; 10_000];
        values[5_003] = 99.0;
        values[7_001] = 1.0;
        let samples = Samples {
            first_bucket: 0,
            values: &values,
        };
        let lines = lines(samples, 1, &frame(200.0, 10_000.0));
        let line = &lines[0];
        assert!(line.len() <= 4 * 201, "{}", line.len());
        assert!(
            line.iter().any(|pixel| (pixel.y - 1.0).abs() < 1e-9),
            "the spike up"
        );
        assert!(
            line.iter().any(|pixel| (pixel.y - 99.0).abs() < 1e-9),
            "the spike down"
        );
    }

    #[test]
    fn what_lies_outside_the_window_is_not_drawn() {
        let samples = Samples {
            first_bucket: 99,
            values: &[1.0, 2.0, 3.0],
        };
        let drawn = lines(samples, 1, &frame(1000.0, 100.0));
        assert_eq!(drawn.iter().map(Vec::len).sum::<usize>(), 1);
    }

    proptest::proptest! {
        #[test]
        fn lines_run_forward_and_stay_inside(
            values in proptest::collection::vec(
                proptest::prop_oneof![0.0_f64..100.0, proptest::strategy::Just(f64::NAN)], 0..500),
            width in 10.0_f64..300.0,
        ) {
            let frame = frame(width, 500.0);
            let samples = Samples { first_bucket: 0, values: &values };
            let drawn = lines(samples, 1, &frame);
            proptest::prop_assert!(drawn.iter().all(|line| !line.is_empty()));
            let all: Vec<_> = drawn.concat();
            proptest::prop_assert!(all.is_sorted_by(|a, b| a.x < b.x));
            proptest::prop_assert!(all.iter().all(|pixel| frame.contains(pixel.x, pixel.y)));
        }
    }
}
