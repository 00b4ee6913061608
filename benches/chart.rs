//! The field as a chart: time, as a multiple of `raw`'s.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::time::Measured;

/// What is drawn, at most: the axis is logarithmic.
const RANGE: std::ops::Range<f64> = 0.1..200.0;

/// Draws it.
///
/// # Errors
/// It cannot be written.
pub fn draw(measured: &[Measured], file: &Path) -> Result<()> {
    let field: Vec<_> = measured.iter().filter(|one| one.workload.starts_with('W')).collect();
    let workloads = distinct(field.iter().map(|one| one.workload));
    let mappers = distinct(field.iter().map(|one| one.mapper));
    let area = SVGBackend::new(file, (1200, 560)).into_drawing_area();
    area.fill(&WHITE).map_err(drawing)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("time, as a multiple of hand-written code's", ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..workloads.len() as f64, RANGE.log_scale())
        .map_err(drawing)?;
    let name = |at: &f64| workloads.get(*at as usize).map_or(String::new(), |name| (*name).to_owned());
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh().x_labels(2 * workloads.len()).x_label_formatter(&name).x_label_offset(40);
    mesh.y_label_formatter(&|ratio| format!("{ratio}")).draw().map_err(drawing)?;
    let width = 0.9 / mappers.len() as f64;
    for (who, mapper) in mappers.iter().enumerate() {
        let color = Palette99::pick(who).to_rgba();
        let of = field.iter().filter(|one| one.mapper == *mapper).filter_map(|one| {
            let left = workloads.iter().position(|name| *name == one.workload)? as f64 + 0.05 + width * who as f64;
            let top = one.ratio.clamp(RANGE.start, RANGE.end);
            Some(Rectangle::new([(left, RANGE.start), (left + width * 0.9, top)], color.filled()))
        });
        let series = chart.draw_series(of).map_err(drawing)?;
        series.label(*mapper).legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], color.filled()));
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::UpperRight).border_style(BLACK).background_style(WHITE.mix(0.8));
    legend.draw().map_err(drawing)?;
    area.present().map_err(drawing)
}

/// Each once, in the order of their first appearance.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut list = Vec::new();
    for name in names {
        if !list.contains(&name) {
            list.push(name);
        }
    }
    list
}

fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}
