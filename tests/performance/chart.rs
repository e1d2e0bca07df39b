//! Charts as SVG: lines over a logarithmic x, and bars in groups. The only file of the report that names plotters.
//!
//! White ground, no system font is asked for by name, and the colours of Okabe and Ito, which people who
//! see colours differently can tell apart; every line has points, so that colour is not all there is.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

/// Blue, orange, green, vermillion, purple.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
];

const GRID: RGBColor = RGBColor(225, 225, 225);
const INK: RGBColor = RGBColor(60, 60, 60);

/// Pixels of a panel, and of a chart of bars.
const PANEL: (u32, u32) = (560, 380);
const BARS: (u32, u32) = (1160, 420);

/// Points up to which a line shows each of them.
const DOTS_UP_TO: usize = 30;

/// Named points.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// What the legend says.
    pub(crate) name: String,
    /// x and y; in a chart of bars x is the index of the group.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Lines over one x.
pub(crate) struct Panel {
    /// What it shows.
    pub(crate) title: String,
    /// What x is, with its unit.
    pub(crate) x: String,
    /// What y is, with its unit.
    pub(crate) y: String,
    /// By which factor x grows from one tick to the next.
    pub(crate) base: f64,
    /// Whether y is logarithmic too, instead of beginning at 0.
    pub(crate) log_y: bool,
    /// How an x is written.
    pub(crate) label: fn(f64) -> String,
    /// The lines.
    pub(crate) series: Vec<Series>,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn said(error: impl std::fmt::Display) -> String {
    format!("a chart cannot be drawn: {error}")
}

fn font(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// Panels side by side.
///
/// # Errors
/// When there is nothing to draw.
pub(crate) fn panels(panels: &[Panel]) -> Result<String, String> {
    let mut svg = String::new();
    {
        let wide = u32::try_from(panels.len()).unwrap_or(1);
        // One panel alone may be wider.
        let size = (if wide == 1 { PANEL.0 * 3 / 2 } else { PANEL.0 * wide }, PANEL.1);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE).map_err(said)?;
        for (area, panel) in root.split_evenly((1, panels.len())).iter().zip(panels) {
            draw(area, panel)?;
        }
        root.present().map_err(said)?;
    }
    Ok(svg)
}

fn draw(area: &Area<'_>, panel: &Panel) -> Result<(), String> {
    let points = || panel.series.iter().flat_map(|series| series.points.iter());
    let (low, high) = bounds(points().map(|point| point.1))?;
    if panel.log_y {
        let y = (low / 1.5..high * 1.5).log_scale();
        draw_over(area, panel, y)
    } else {
        draw_over(area, panel, 0.0..high * 1.15)
    }
}

/// The smallest and the largest of some numbers.
fn bounds(numbers: impl Iterator<Item = f64>) -> Result<(f64, f64), String> {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = numbers.fold(start, |(low, high), n| (low.min(n), high.max(n)));
    if low.is_finite() && high.is_finite() && high > 0.0 {
        Ok((low, high))
    } else {
        Err(said("there are no points"))
    }
}

fn draw_over<Y>(area: &Area<'_>, panel: &Panel, y: Y) -> Result<(), String>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let xs = panel.series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
    let (first, last) = bounds(xs)?;
    // A hair below the first point, or its tick would be lost to rounding.
    let x = (first * 0.9999..last.max(first * 1.01)).log_scale().base(panel.base);
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .margin_right(42)
        .caption(&panel.title, font(19))
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)
        .map_err(said)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .x_labels(8)
        .y_labels(8)
        .x_label_formatter(&|x| (panel.label)(*x))
        .y_label_formatter(&|y| plain(*y))
        .x_desc(&panel.x)
        .y_desc(&panel.y)
        .axis_desc_style(font(16))
        .label_style(font(15))
        .draw()
        .map_err(said)?;
    for (series, colour) in panel.series.iter().zip(COLOURS.iter().cycle()) {
        let line = LineSeries::new(series.points.iter().copied(), colour.stroke_width(2));
        let drawn = chart.draw_series(line).map_err(said)?;
        drawn
            .label(&series.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
        if series.points.len() <= DOTS_UP_TO {
            let dots = series.points.iter().map(|point| Circle::new(*point, 4, colour.filled()));
            chart.draw_series(dots).map_err(said)?;
        }
    }
    if panel.series.len() > 1 {
        legend(&mut chart, SeriesLabelPosition::UpperLeft)?;
    }
    Ok(())
}

/// Says which series is which, out of the way of most points.
fn legend<'a, Place: CoordTranslate>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Place>,
    at: SeriesLabelPosition,
) -> Result<(), String> {
    let mut labels = chart.configure_series_labels();
    labels.position(at).margin(12).background_style(WHITE.mix(0.85)).label_font(font(15));
    labels.draw().map_err(said)
}

/// A number of an axis, without needless zeros.
fn plain(number: f64) -> String {
    let text = if number.abs() >= 1.0 { format!("{number:.1}") } else { format!("{number:.3}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bars in groups; a series may have none in a group.
///
/// # Errors
/// When there is nothing to draw.
pub(crate) fn bars(
    title: &str,
    y: &str,
    groups: &[String],
    series: &[Series],
) -> Result<String, String> {
    let points = || series.iter().flat_map(|series| series.points.iter());
    let (_, high) = bounds(points().map(|point| point.1))?;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, BARS).into_drawing_area();
        root.fill(&WHITE).map_err(said)?;
        let name = |x: &f64| {
            let is_whole = (x - x.round()).abs() < 1e-6 && *x > -0.5;
            let group = if is_whole { groups.get(x.round() as usize) } else { None };
            group.cloned().unwrap_or_default()
        };
        let mut chart = ChartBuilder::on(&root)
            .margin(14)
            .caption(title, font(19))
            .x_label_area_size(36)
            .y_label_area_size(64)
            .build_cartesian_2d(-0.5..groups.len() as f64 - 0.5, 0.0..high * 1.2)
            .map_err(said)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .x_labels(2 * groups.len())
            .x_label_formatter(&name)
            .y_label_formatter(&|y| plain(*y))
            .y_desc(y)
            .axis_desc_style(font(16))
            .label_style(font(15))
            .draw()
            .map_err(said)?;
        let width = 0.8 / series.len() as f64;
        for (at, (series, colour)) in series.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let left = width * at as f64 - 0.4;
            let bar = |point: &(f64, f64)| {
                let from = point.0 + left;
                Rectangle::new([(from, 0.0), (from + width * 0.92, point.1)], colour.filled())
            };
            let drawn = chart.draw_series(series.points.iter().map(bar)).map_err(said)?;
            drawn.label(&series.name).legend(move |(x, y)| {
                Rectangle::new([(x, y - 6), (x + 12, y + 6)], colour.filled())
            });
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;
        root.present().map_err(said)?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: Vec<(f64, f64)>) -> Panel {
        Panel {
            title: "Growth".into(),
            x: "keys".into(),
            y: "M records/s".into(),
            base: 10.0,
            log_y: false,
            label: |x| format!("{x:.0} keys"),
            series: vec![Series { name: "engine".into(), points }],
        }
    }

    #[test]
    fn a_chart_names_its_axes_and_ticks() {
        let svg = panels(&[panel(vec![(100.0, 5.0), (10_000.0, 3.0)])]).unwrap();
        for text in ["Growth", "keys", "M records/s", "1000 keys"] {
            assert!(svg.contains(&format!("\n{text}\n")), "{text} in {svg}");
        }
    }

    #[test]
    fn every_group_of_bars_is_named() {
        let groups = ["q0", "q1", "q2"].map(str::to_owned);
        let engine = Series { name: "engine".into(), points: vec![(0.0, 5.0), (2.0, 3.0)] };
        let svg = bars("Nexmark", "M events/s", &groups, &[engine]).unwrap();
        for group in &groups {
            assert!(svg.contains(&format!("\n{group}\n")), "{group} in {svg}");
        }
    }

    #[test]
    fn a_chart_without_points_is_refused() {
        let error = panels(&[panel(Vec::new())]).unwrap_err();
        assert_eq!(error, "a chart cannot be drawn: there are no points");
    }
}
