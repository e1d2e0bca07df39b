//! The steps and the latencies of a search as SVG. The only file of the command that names plotters.
//!
//! White ground, no font is asked for by name, and the colours of Okabe and Ito, which people who see colours differently
//! can tell apart.

use super::report::Report;
use super::search::Outcome;
use crate::number::{grouped, in_time};
use plotters::coord::Shift;
use plotters::prelude::*;

const BLUE: RGBColor = RGBColor(0, 114, 178);
const ORANGE: RGBColor = RGBColor(230, 159, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const GRID: RGBColor = RGBColor(225, 225, 225);
const INK: RGBColor = RGBColor(60, 60, 60);

/// Pixels of each of the two panels.
const PANEL: (u32, u32) = (620, 400);

/// How rare latencies are, from every second one to one in ten thousand.
const RARITIES: [f64; 14] = [
    2.0, 3.0, 5.0, 7.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0,
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn said(error: impl std::fmt::Display) -> String {
    format!("the plot cannot be drawn: {error}")
}

fn font(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// Rates offered and achieved step by step; where a rate was held, its latencies beside them.
///
/// # Errors
/// When there was no step.
pub(super) fn plot(report: &Report) -> Result<String, String> {
    if report.rows.is_empty() {
        return Err(said("there was no step"));
    }
    let latencies = latencies(report);
    let mut svg = String::new();
    {
        let panels = if latencies.is_empty() { 1 } else { 2 };
        let root =
            SVGBackend::with_string(&mut svg, (PANEL.0 * panels, PANEL.1)).into_drawing_area();
        root.fill(&WHITE).map_err(said)?;
        let areas = root.split_evenly((1, panels as usize));
        steps(&areas[0], report)?;
        if let Some(area) = areas.get(1) {
            curve(area, report, &latencies)?;
        }
        root.present().map_err(said)?;
    }
    Ok(svg)
}

/// Rarity and milliseconds; no rarer than there are latencies.
fn latencies(report: &Report) -> Vec<(f64, f64)> {
    let Some(row) = report.hold() else { return Vec::new() };
    let all = &row.step.latencies;
    let shown = RARITIES.iter().filter(|rarity| **rarity <= all.count() as f64);
    let at = |rarity: &f64| Some((*rarity, all.at(100.0 - 100.0 / rarity)?.max(0.01)));
    shown.filter_map(at).collect()
}

fn steps(area: &Area<'_>, report: &Report) -> Result<(), String> {
    let (rows, last) = (&report.rows, report.rows.len() as f64);
    let highest = rows.iter().map(|row| row.step.seen.offered.max(row.step.seen.achieved));
    let highest = highest.fold(1.0, f64::max);
    let title = match report.rate() {
        Some(rate) => format!("{}: {} records/s", report.job, grouped(rate)),
        None => format!("{}: no sustainable rate", report.job),
    };
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(title, font(19))
        .x_label_area_size(48)
        .y_label_area_size(96)
        .build_cartesian_2d(0.5..last + 0.5, 0.0..highest * 1.15)
        .map_err(said)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .x_labels(rows.len().min(12))
        .y_labels(8)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| grouped(*y))
        .x_desc("step")
        .y_desc("records/s")
        .axis_desc_style(font(16))
        .label_style(font(15))
        .draw()
        .map_err(said)?;
    let points = |of: fn(&super::judge::Seen) -> f64| {
        rows.iter().enumerate().map(move |(at, row)| (at as f64 + 1.0, of(&row.step.seen)))
    };
    for (name, colour, of) in [
        ("offered", ORANGE, (|seen| seen.offered) as fn(&super::judge::Seen) -> f64),
        ("achieved", BLUE, |seen| seen.achieved),
    ] {
        let line = LineSeries::new(points(of), colour.stroke_width(2));
        chart
            .draw_series(line)
            .map_err(said)?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
    }
    let kept = rows.iter().enumerate().filter(|(_, row)| row.outcome == Outcome::Kept);
    let kept = kept
        .map(|(at, row)| Circle::new((at as f64 + 1.0, row.step.seen.achieved), 5, GREEN.filled()));
    let kept = chart.draw_series(kept).map_err(said)?;
    kept.label("kept").legend(|(x, y)| Circle::new((x + 9, y), 5, GREEN.filled()));
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::LowerRight).margin(12);
    labels.background_style(WHITE.mix(0.85)).label_font(font(15)).draw().map_err(said)
}

fn curve(area: &Area<'_>, report: &Report, points: &[(f64, f64)]) -> Result<(), String> {
    let (low, high) = points
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), (_, ms)| (low.min(*ms), high.max(*ms)));
    let last = points.last().map_or(2.0, |(rarity, _)| *rarity).max(2.02);
    let seconds = in_time(report.hold_seconds);
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .margin_right(42)
        .caption(format!("latency while it was held for {seconds}"), font(19))
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(
            // A hair below the first point, or its tick would be lost to rounding.
            (1.9998..last).log_scale().base(10.0),
            (low / 1.5..high * 1.5).log_scale(),
        )
        .map_err(said)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .x_labels(6)
        .y_labels(8)
        .x_label_formatter(&|rarity| format!("{} %", percent(*rarity)))
        .y_label_formatter(&|ms| in_time(*ms / 1e3))
        .x_desc("so many are faster")
        .y_desc("latency")
        .axis_desc_style(font(16))
        .label_style(font(15))
        .draw()
        .map_err(said)?;
    let line = LineSeries::new(points.iter().copied(), BLUE.stroke_width(2));
    chart.draw_series(line).map_err(said)?;
    let dots = points.iter().map(|point| Circle::new(*point, 4, BLUE.filled()));
    chart.draw_series(dots).map_err(said)?;
    Ok(())
}

fn percent(rarity: f64) -> String {
    let text = format!("{:.3}", 100.0 - 100.0 / rarity);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
