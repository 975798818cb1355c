//! Draws a laid out chart on a canvas.

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::browser;
use crate::plot::lines::Pixel;
use crate::plot::slots::SLOTS;
use crate::widgets::chart::drawing::{Drawing, DrawnSeries};

/// Colours and font as the stylesheet has them now.
pub struct Palette {
    muted: String,
    border: String,
    series: Vec<String>,
    font: String,
}

impl Palette {
    /// Reads what the canvas inherits.
    pub fn of(canvas: &HtmlCanvasElement) -> Option<Self> {
        let style = browser::window()
            .get_computed_style(canvas)
            .ok()
            .flatten()?;
        let read = |name: &str| style.get_property_value(name).unwrap_or_default();
        let family = read("font-family");
        Some(Self {
            muted: read("--muted"),
            border: read("--border"),
            series: (1..=SLOTS)
                .map(|slot| read(&format!("--series-{slot}")))
                .collect(),
            font: format!("11px {family}"),
        })
    }
}

/// A canvas that is ready to be drawn on, in CSS pixels.
pub struct Surface {
    context: CanvasRenderingContext2d,
    size: (f64, f64),
}

impl Surface {
    /// Fits the canvas to its size on the screen and clears it. `None` while it has no size.
    pub fn prepare(canvas: &HtmlCanvasElement) -> Option<Self> {
        let size = (
            f64::from(canvas.client_width()),
            f64::from(canvas.client_height()),
        );
        if size.0 < 1.0 || size.1 < 1.0 {
            return None;
        }
        let ratio = browser::window().device_pixel_ratio().max(1.0);
        let (width, height) = (device_pixels(size.0, ratio), device_pixels(size.1, ratio));
        if (canvas.width(), canvas.height()) != (width, height) {
            canvas.set_width(width);
            canvas.set_height(height);
        }
        let context = canvas.get_context("2d").ok().flatten()?;
        let context: CanvasRenderingContext2d = context.dyn_into().ok()?;
        let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, size.0, size.1);
        Some(Self { context, size })
    }

    /// Width and height, in CSS pixels.
    pub fn size(&self) -> (f64, f64) {
        self.size
    }

    /// How wide a label is in the font of the axes, in CSS pixels.
    pub fn text_width(&self, text: &str, palette: &Palette) -> f64 {
        self.context.set_font(&palette.font);
        self.context
            .measure_text(text)
            .map_or(0.0, |metrics| metrics.width())
    }

    /// Draws everything; `crosshair` is a horizontal position.
    pub fn draw(&self, drawing: &Drawing, palette: &Palette, crosshair: Option<f64>) {
        self.context.set_font(&palette.font);
        self.draw_axes(drawing, palette);
        for series in &drawing.series {
            self.draw_series(series, palette);
        }
        if let Some(x) = crosshair {
            self.stroke_line(
                (x, drawing.frame.top),
                (x, drawing.frame.top + drawing.frame.height),
                &palette.muted,
            );
        }
    }

    fn draw_axes(&self, drawing: &Drawing, palette: &Palette) {
        let frame = &drawing.frame;
        self.context.set_line_width(1.0);
        self.context.set_fill_style_str(&palette.muted);
        self.context.set_text_align("right");
        self.context.set_text_baseline("middle");
        for tick in &drawing.axis.ticks {
            let y = frame.y(tick.value);
            self.stroke_line(
                (frame.left, y),
                (frame.left + frame.width, y),
                &palette.border,
            );
            let _ = self.context.fill_text(&tick.text, frame.left - 8.0, y);
        }
        self.context.set_text_align("center");
        self.context.set_text_baseline("alphabetic");
        for tick in &drawing.times {
            let half = self
                .context
                .measure_text(&tick.text)
                .map_or(0.0, |m| m.width() / 2.0);
            let x = frame.x(tick.at_ms);
            // A label that would be cut off says less than none.
            if x - half >= 0.0 && x + half <= self.size.0 {
                let _ = self.context.fill_text(&tick.text, x, self.size.1 - 5.0);
            }
        }
    }

    fn draw_series(&self, series: &DrawnSeries, palette: &Palette) {
        let Some(color) = palette.series.get(series.slot.color) else {
            return;
        };
        self.context.set_stroke_style_str(color);
        self.context.set_fill_style_str(color);
        self.context.set_line_width(1.5);
        self.context.set_line_join("round");
        self.set_dashes(series.slot.is_dashed);
        for line in &series.lines {
            match line.as_slice() {
                [] => {}
                [point] => self.dot(*point),
                points => self.polyline(points),
            }
        }
        self.set_dashes(false);
    }

    fn set_dashes(&self, is_dashed: bool) {
        let dashes = js_sys::Array::new();
        if is_dashed {
            dashes.push(&JsValue::from(4));
            dashes.push(&JsValue::from(3));
        }
        let _ = self.context.set_line_dash(&dashes);
    }

    fn polyline(&self, points: &[Pixel]) {
        self.context.begin_path();
        for (index, point) in points.iter().enumerate() {
            if index == 0 {
                self.context.move_to(point.x, point.y);
            } else {
                self.context.line_to(point.x, point.y);
            }
        }
        self.context.stroke();
    }

    fn dot(&self, point: Pixel) {
        self.context.begin_path();
        let _ = self
            .context
            .arc(point.x, point.y, 2.0, 0.0, std::f64::consts::TAU);
        self.context.fill();
    }

    /// A line one pixel wide, on the pixels and not between them.
    fn stroke_line(&self, from: (f64, f64), to: (f64, f64), color: &str) {
        let crisp = |position: f64| position.round() + 0.5;
        self.context.set_stroke_style_str(color);
        self.context.set_line_width(1.0);
        self.context.begin_path();
        self.context.move_to(crisp(from.0), crisp(from.1));
        self.context.line_to(crisp(to.0), crisp(to.1));
        self.context.stroke();
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size on a screen"
)]
fn device_pixels(css_px: f64, ratio: f64) -> u32 {
    (css_px * ratio).round() as u32
}
